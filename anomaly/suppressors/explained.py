"""Which innocent explanation each finding has, if any.

What the scan as a whole decides (`rollover`, `outside_window`, `budget` …) is in pipelines.casework.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections
from anomaly.suppressors import clock, compared, on_file
from anomaly.suppressors.registry import SUPPRESSORS

ORDER = (
    on_file.vacant, on_file.outage, on_file.disconnected, on_file.planned_work, on_file.new_customer,
    on_file.moved_house, on_file.irregular_use, clock.clock_change, compared.regional, compared.seasonal,
)  # fmt: skip
"""What is on file speaks before what is worked out: of several explanations the first is named."""


def explained(
    panel: Panel, code: str, found: Detections, limits: Mapping[str, Mapping[str, Any]]
) -> NDArray[np.object_]:
    """`[K]` the name of the first explanation of each detection of `code`, None where there is none."""
    names = np.full(len(found), None, dtype=object)
    able = [one for one in (SUPPRESSORS[function.__name__] for function in ORDER) if code in one.codes]
    open_ = np.flatnonzero(found.position >= 0)
    for one in able:
        if not len(open_):
            break
        innocent = one.function(panel, code, found.take(open_), **limits[one.name])
        names[open_[innocent]] = one.name
        open_ = open_[~innocent]
    return names
