"""What the hours of a home's day look like over a span of days, from its curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Curve, Panel
from anomaly.statistics import row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HOURS = 24
HIGH_SHARE = 0.98
"""The load that is passed in one hour of fifty."""


@dataclass(frozen=True, eq=False)
class DayShape:
    """Of K homes over their spans: NaN where no day is fully measured.

    mean_kwh     `[K, 24]` mean energy of each hour
    smallest_kw  `[K]` median over days of the day's smallest hour: what never rests
    high_kw      `[K, 24]` what each hour reaches on its highest days (98 %)
    days         `[K]` fully measured days
    """

    mean_kwh: Floats
    smallest_kw: Floats
    high_kw: Floats
    days: Integers


def day_shape(panel: Panel, row: Integers, first: Integers, end: Integers) -> DayShape:
    """Shape of the panel days [first, end) of each position `row[K]`, from the finest curve it has."""
    count = len(row)
    hourly, single = np.full((count, HOURS), np.nan), np.full(count, np.nan)
    found = DayShape(hourly, single, hourly.copy(), np.zeros(count, np.int64))
    for curve in panel.curves:
        at = np.minimum(np.searchsorted(curve.rows, row), max(len(curve.rows) - 1, 0))
        mine = np.flatnonzero((curve.rows[at] == row) & (found.days == 0)) if len(curve.rows) else at[:0]
        if len(mine) and 60 % curve.minutes == 0:
            _fill(found, mine, curve, at[mine], first[mine], end[mine])
    return found


def _fill(
    found: DayShape, mine: Integers, curve: Curve, at: Integers, first: Integers, end: Integers
) -> None:
    place = np.arange(max(int((end - first).max()), 1))
    day = first[:, None] + place - curve.first_day
    inside = (day >= 0) & (day < curve.days) & (first[:, None] + place < end[:, None])
    kwh = curve.kwh[at[:, None], np.clip(day, 0, max(curve.days - 1, 0))]
    hourly = kwh.reshape(*kwh.shape[:2], HOURS, -1).sum(axis=3)
    whole = inside & np.isfinite(hourly).all(axis=2)
    hourly = np.where(whole[..., None], hourly, np.nan)
    known = whole.sum(axis=1)
    found.days[mine] = known
    some = known > 0
    total = np.nan_to_num(hourly).sum(axis=1)
    found.mean_kwh[mine] = np.where(some[:, None], total / np.maximum(known, 1)[:, None], np.nan)
    found.smallest_kw[mine] = row_median(np.where(whole, np.nan_to_num(hourly).min(axis=2), np.nan))
    found.high_kw[mine] = _high(hourly, known)


def _high(hourly: Floats, known: Integers) -> Floats:
    """`[K, 24]` the value of rank HIGH_SHARE among the known days."""
    ordered = np.sort(hourly, axis=1)
    rank = np.maximum(np.ceil(HIGH_SHARE * known).astype(np.int64) - 1, 0)
    picked = np.take_along_axis(ordered, rank[:, None, None], axis=1)[:, 0]
    return np.where((known > 0)[:, None], picked, np.nan)
