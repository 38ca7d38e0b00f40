"""Which days are held against which: the period of a change and a reference like it, of the same home."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

YEAR_DAYS = 364
"""A year back that keeps the weekday."""

EARLIER_WINDOWS = 3
BEFORE, LAST_YEAR = 0, 1
BASES = ("before", "last_year")


@dataclass(frozen=True, eq=False)
class Compared:
    """K comparisons as half-open panel days; `basis` indexes BASES, -1 where there is nothing to compare with."""

    first: Integers
    end: Integers
    reference_first: Integers
    reference_end: Integers
    basis: Integers


def compared(
    kwh: Floats, start: Integers, end: Integers, *, most_days: int, least_days: int, least_share: float
) -> Compared:
    """The last `most_days` of each change [start, end) against the same days a year before, else days before it.

    `kwh[K, D]` is NaN where nothing was measured. A window counts from `least_share` measured days. Without last year,
    of three windows of equal length straight before the change the one with the middle use is taken. A change of fewer
    than `least_days`, or without any such window, has no comparison.
    """
    count, days = kwh.shape
    end = np.minimum(end, days)
    start = np.maximum(start, 0)
    length = np.minimum(end - start, most_days)
    first = end - length
    known = np.pad(np.cumsum(np.isfinite(kwh), axis=1), ((0, 0), (1, 0)))
    total = np.pad(np.cumsum(np.nan_to_num(kwh), axis=1), ((0, 0), (1, 0)))
    row = np.arange(count)

    def measured(low: Integers) -> tuple[NDArray[np.bool_], Floats]:
        """Whether the window of `length` days from `low` counts, and its mean."""
        inside = np.clip(low, 0, days)
        upto = np.clip(low + length, 0, days)
        number = known[row, upto] - known[row, inside]
        good = (low >= 0) & (number >= least_share * length) & (number > 0)
        return good, (total[row, upto] - total[row, inside]) / np.maximum(number, 1)

    possible = (length >= least_days) & measured(first)[0]
    last_year, _ = measured(first - YEAR_DAYS)
    last_year &= end - YEAR_DAYS <= start
    windows = [start - (back + 1) * length for back in range(EARLIER_WINDOWS)]
    usable, level = (np.stack(part, axis=1) for part in zip(*(measured(low) for low in windows), strict=True))
    order = np.argsort(np.where(usable, quantised(level), np.inf), axis=1, kind="stable")
    middle = np.maximum(usable.sum(axis=1) - 1, 0) // 2
    chosen = np.stack(windows, axis=1)[row, order[row, middle]]
    basis = np.where(last_year, LAST_YEAR, np.where(usable.any(axis=1), BEFORE, -1))
    basis = np.where(possible, basis, -1)
    reference = np.where(basis == LAST_YEAR, first - YEAR_DAYS, chosen)
    return Compared(first, end, reference, reference + length, basis)
