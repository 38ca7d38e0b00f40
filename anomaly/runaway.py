"""Levels of daily use before and after a day, for the few positions where something looks far too high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.curve_energy import curve_places
from anomaly.panel import Panel
from anomaly.statistics import row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LOWEST_SHARE = 0.1
"""The tenth of all intervals with the least energy stands for what always runs."""


def dial_kwh_per_day(panel: Panel, rows: Any) -> Floats:
    """`[K, D]` energy per day as the dial shows it, so that a change of the multiplier in the file does not
    count.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(panel.kwh[rows] / panel.multiplier[rows])


def mean_kwh(kwh: Floats) -> Floats:
    """`[M]` mean of the days that are there: for screens, where a median would cost a sort; NaN without any."""
    present = np.isfinite(kwh)
    count = present.sum(axis=1)
    total = np.where(present, kwh, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def best_split(kwh: Floats, floor_kwh: Floats, *, least_before: int, least_after: int) -> Integers:
    """`[K]` the day at which two levels of the logarithm of use fit best; -1 where a side would be too
    short.
    """
    with np.errstate(invalid="ignore"):
        level = np.log(np.maximum(kwh, 0.0) + floor_kwh[:, None])
    if not level.size:
        return np.full(len(kwh), -1, np.int64)
    present = np.isfinite(level)
    filled = np.where(present, level, 0.0)
    count, total = np.cumsum(present, axis=1), np.cumsum(filled, axis=1)
    n_after, sum_after = count[:, -1:] - count, total[:, -1:] - total
    with np.errstate(invalid="ignore", divide="ignore"):
        gain = total**2 / count + sum_after**2 / n_after - (total[:, -1:] ** 2) / count[:, -1:]
    gain = np.where((count >= least_before) & (n_after >= least_after), gain, -np.inf)
    split = np.argmax(np.round(gain, 9), axis=1)
    usable = np.isfinite(gain[np.arange(len(kwh)), split])
    return np.where(usable, split + 1, -1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Levels:
    """Daily use before and after a split, kWh on the dial: medians, the highest day before, the first quarter
    after.
    """

    before_kwh: Floats
    after_kwh: Floats
    highest_before_kwh: Floats
    low_after_kwh: Floats
    days_before: Integers
    days_after: Integers


def levels(kwh: Floats, split: Integers, *, window_days: int) -> Levels:
    """Levels on both sides of `split[K]`: medians over `window_days`, the highest of all days before."""
    day = np.arange(kwh.shape[1])
    early = day < split[:, None]
    before = np.where(early & (day >= split[:, None] - window_days), kwh, np.nan)
    after = np.where(~early & (day < split[:, None] + window_days), kwh, np.nan)
    highest = np.where(early & np.isfinite(kwh), kwh, -np.inf).max(axis=1, initial=-np.inf)
    ordered = np.sort(after, axis=1)
    count = np.isfinite(after).sum(axis=1)
    low = ordered[np.arange(len(kwh)), np.maximum((count - 1) // 4, 0)]
    return Levels(row_median(before), row_median(after), highest, low, np.isfinite(before).sum(axis=1), count)


def base_ratio(panel: Panel, rows: Integers, split: Integers, *, window_days: int) -> Floats:
    """How many times higher the lowest intervals are after `split` than before; NaN without a curve on both
    sides.

    A meter that counts too much multiplies what always runs as well; a new appliance does not.
    """
    ratio = np.full(len(rows), np.nan)
    for curve, mine, at in curve_places(panel, rows):
        day = curve.first_day + np.arange(curve.days)
        apart = day - split[mine, None]
        early, late = (apart < 0) & (apart >= -window_days), (apart >= 0) & (apart < window_days)
        quiet = np.sort(curve.kwh[at], axis=2)
        slots = max(int(LOWEST_SHARE * quiet.shape[2]), 1)
        lowest = quiet[:, :, :slots].mean(axis=2)
        before = row_median(np.where(early, lowest, np.nan))
        after = row_median(np.where(late, lowest, np.nan))
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio[mine] = np.where(before > 0, after / before, np.nan)
    return ratio
