"""Where the level of a series changes, seen around a given day: one split in two, least squares on logarithms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.statistics import quantised, row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Steps:
    """The best split of each window `[K]`: days after its middle, share of the variance it explains, change in log.

    Where there is no split, `share` is 0.
    """

    offset: Integers
    share: Floats
    change_log: Floats

    def among(self, place: Integers, count: int) -> Steps:
        """These as the rows `place` of `count`, the others without a split."""
        offset, share, change_log = np.zeros(count, np.int64), np.zeros(count), np.zeros(count)
        offset[place], share[place], change_log[place] = self.offset, self.share, self.change_log
        return Steps(offset, share, change_log)


def log_level(panel: Panel, rows: Integers, kwh: Floats, log_offset_kwh: float) -> Floats:
    """`[K, D]` log use of `rows` from their `kwh[K, D]`, minus what the cohort did on those days."""
    level = np.log(kwh + log_offset_kwh)
    return level if panel.cohort_log is None else level - np.nan_to_num(panel.cohort_log[rows])


def around(series: Floats, row: Integers, day: Integers, window_days: int) -> Floats:
    """`[K, 2 W]` the days [day - W, day + W) of rows of `series[M, D]`; NaN outside the reads."""
    at = day[:, None] + np.arange(-window_days, window_days)
    inside = (at >= 0) & (at < series.shape[1])
    return np.where(inside, series[row[:, None], np.clip(at, 0, series.shape[1] - 1)], np.nan)


def best_split(window: Floats, least_days: int) -> Steps:
    """Split each row of `window[K, 2 W]` in two so that the two means differ most, `least_days` known on each side.

    The change is that of the medians, so that one loud day is no step.
    """
    known = np.isfinite(window)
    centred = np.where(known, window - np.nan_to_num(row_median(window))[:, None], 0.0)
    count, total = known.sum(axis=1)[:, None], centred.sum(axis=1)[:, None]
    before, sum_before = np.cumsum(known, axis=1)[:, :-1], np.cumsum(centred, axis=1)[:, :-1]
    after = count - before
    able = (before >= least_days) & (after >= least_days)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = (total - sum_before) / after - sum_before / before
        explained = np.where(able, before * after / count * apart**2, 0.0)
        spread = (centred**2).sum(axis=1) - total[:, 0] ** 2 / count[:, 0]
        share = np.where(spread > 0, explained.max(axis=1, initial=0.0) / spread, 0.0)
    split = np.argmax(quantised(explained), axis=1) + 1
    share = np.where(able.any(axis=1), np.minimum(np.nan_to_num(share), 1.0), 0.0)
    late = np.arange(window.shape[1]) >= split[:, None]
    change = row_median(np.where(late, window, np.nan)) - row_median(np.where(late, np.nan, window))
    return Steps(split - window.shape[1] // 2, quantised(share), np.nan_to_num(quantised(change)))


def change_at_middle(window: Floats, least_days: int) -> Floats:
    """`[K]` change of the median from the first half of each window to the second; NaN where too few are known."""
    first, second = np.split(window, 2, axis=1)
    enough = (np.isfinite(first).sum(axis=1) >= least_days) & (np.isfinite(second).sum(axis=1) >= least_days)
    return np.where(enough, quantised(row_median(second) - row_median(first)), np.nan)


def mean_change(series: Floats, row: Integers, day: Integers, window_days: int) -> Floats:
    """`[K]` mean of the `window_days` days from `day` on minus that of those before, in rows of `series[M, D]`.

    Running sums make it cheap: a screen for `best_split`. 0 where a side has no known day.
    """
    known = np.isfinite(series)
    zero = np.zeros((len(series), 1))
    count = np.concatenate([zero, np.cumsum(known, axis=1)], axis=1)
    total = np.concatenate([zero, np.cumsum(np.where(known, series, 0.0), axis=1)], axis=1)
    low, middle, high = (np.clip(day + away, 0, series.shape[1]) for away in (-window_days, 0, window_days))
    before, after = count[row, middle] - count[row, low], count[row, high] - count[row, middle]
    sum_before, sum_after = total[row, middle] - total[row, low], total[row, high] - total[row, middle]
    both = (before > 0) & (after > 0)
    change = sum_after / np.maximum(after, 1) - sum_before / np.maximum(before, 1)
    return quantised(np.where(both, change, 0.0))
