"""Sundays on which clocks change somewhere: the calendar a curve's odd hours are compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Booleans = NDArray[np.bool_]

CHANGES = ((3, 2), (3, -1), (4, 1), (9, -1), (10, 1), (10, -1), (11, 1))
"""(month, which Sunday; -1 the last): Europe, North America, Australia and New Zealand; tz database, from
memory.
"""

LAST_CHANGE_HOUR = 4
"""Clocks change between midnight and this hour."""


def change_days(days: NDArray[np.datetime64]) -> Booleans:
    """`[D]` true where clocks change on that day in one of the common rules."""
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    first = months.astype("datetime64[D]")
    following = (months + np.timedelta64(1, "M")).astype("datetime64[D]")
    of_month, length = (days - first).astype(np.int64), (following - first).astype(np.int64)
    # 1970-01-01 was a Thursday.
    sunday = (days.astype("datetime64[D]").astype(np.int64) + 4) % 7 == 0
    change = np.zeros(len(days), bool)
    for which_month, which in CHANGES:
        nth = of_month // 7 + 1 == which if which > 0 else of_month >= length - 7
        change |= sunday & (month == which_month) & nth
    return change
