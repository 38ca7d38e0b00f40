"""Area balance: what the supply meter of an area counted, and what its customers' meters counted, day by day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AreaBalance:
    """The A areas of the whole fleet that have a supply meter, sorted by id, over the D days of the panel.

    supply_kwh      `[A, D]` into the area; NaN where the supply meter was not read at both ends of the day
    delivered_kwh   `[A, D]` to its customers, net of what they fed back; NaN where too much of it is not measured
    neighbours      `[P, 2]` indices of areas between which a customer may be filed wrongly, both directions, sorted
    """

    area_ids: NDArray[np.object_]
    supply_kwh: Floats
    delivered_kwh: Floats
    neighbours: Integers

    @cached_property
    def loss_kwh(self) -> Floats:
        """`[A, D]` what went in and was not delivered; NaN where either is not known."""
        return self.supply_kwh - self.delivered_kwh

    def index_of(self, area_id: NDArray[np.object_]) -> Integers:
        """`[M]` index of each area id, -1 where the area has no supply meter."""
        if not len(self.area_ids):
            return np.full(len(area_id), -1, np.int64)
        names = self.area_ids.astype(str)
        wanted = np.where(area_id == None, "", area_id).astype(str)  # noqa: E711  (elementwise)
        at = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
        return np.where(names[at] == wanted, at, -1)
