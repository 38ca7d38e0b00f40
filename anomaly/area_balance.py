"""Area balance: what the supply meter of an area counted, and what its customers' meters counted, day by day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class AreaBalance:
    """The A areas of the whole fleet that have a supply meter, sorted by id, over the D days of the panel.

    supply_kwh      `[A, D]` into the area; NaN where the supply meter was not read at both ends of the day
    delivered_kwh   `[A, D]` to its customers, net of what they fed back; NaN where too much of it is not measured
    neighbours      `[P, 2]` indices of areas between which a customer may be filed wrongly, both directions, sorted
    """

    area_ids: NDArray[np.object_]
    supply_kwh: NDArray[np.float64]
    delivered_kwh: NDArray[np.float64]
    neighbours: NDArray[np.int64]
