"""What everybody did on a day: medians per cohort from fixed-bin counts, which add up over slices.

A cohort is a customer class and a size of use; a cohort with too few accounts on a day borrows its class, and
a class with too few everybody. Counts are integers and bins are fixed, so any slicing gives equal medians.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.baseline import log_use, measured_kwh
from anomaly.panel import Panel
from anomaly.statistics import true_cells
from anomaly.vocabulary import CUSTOMER_CLASSES

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SIZE_LIMITS_KWH_PER_DAY = np.array([1.0, 3.0, 6.0, 12.0, 24.0, 60.0, 250.0])
"""Borders between sizes of use: median kWh per day, about doubling over the range of homes."""

BIN_LOG = 0.04
LARGEST_LOG = 3.0
"""Deviations from the own median are counted in bins of 4 %; beyond a factor of 20, in the last one."""

SIZES = len(SIZE_LIMITS_KWH_PER_DAY) + 1
CLASSES = len(CUSTOMER_CLASSES) + 1
BINS = 2 * round(LARGEST_LOG / BIN_LOG)


@dataclass(frozen=True, eq=False)
class CohortCounts:
    """`counts[class, size, D, BINS]`: how many accounts of a cohort deviated by so much on a day."""

    counts: NDArray[np.int32]

    def __add__(self, other: CohortCounts) -> CohortCounts:
        """Counts of both parts of a fleet together."""
        return CohortCounts(self.counts + other.counts)

    def medians(self, min_accounts: int) -> Floats:
        """Median deviation `[class, size, D]` in log units; 0 where fewer than `min_accounts` are known.

        A cohort with fewer accounts on a day takes its class, a class with fewer takes everybody.
        """
        by_class = self.counts.sum(axis=1, keepdims=True, dtype=np.int64)
        everybody = by_class.sum(axis=0, keepdims=True)
        median = np.zeros(everybody.shape[:-1])
        for counts in (everybody, by_class, self.counts.astype(np.int64)):
            enough = counts.sum(axis=-1) >= min_accounts
            median = np.where(enough, _histogram_median(counts), median)
        return median


def no_cohorts(days: int) -> CohortCounts:
    """Counts of nobody: where adding starts."""
    return CohortCounts(np.zeros((CLASSES, SIZES, days, BINS), np.int32))


def cohort_counts(panel: Panel, rows: Integers, *, log_offset_kwh: float) -> CohortCounts:
    """Counts over the daily-read customer positions among `rows`; spread and absent days do not count."""
    mine = rows[panel.daily[rows] & ~panel.flag("is_supply")[rows] & np.isfinite(panel.usual_kwh[rows])]
    days = panel.shape[1]
    deviation = log_use(measured_kwh(panel, 0)[mine], log_offset_kwh)
    deviation -= log_use(panel.usual_kwh[mine], log_offset_kwh)[:, None]
    row, day = true_cells(np.isfinite(deviation))
    bins = np.floor((deviation[row, day] + LARGEST_LOG) / BIN_LOG).astype(np.int64)
    customer_class, size = _cohorts(panel)
    cohort = (customer_class * SIZES + size)[mine]
    cell = (cohort[row] * days + day) * BINS + np.clip(bins, 0, BINS - 1)
    counts = np.bincount(cell, minlength=CLASSES * SIZES * days * BINS)
    return CohortCounts(counts.reshape(CLASSES, SIZES, days, BINS).astype(np.int32))


def cohort_log(panel: Panel, medians: Floats) -> Floats:
    """`[M, D]` for `Panel.cohort_log`: the median deviation of each position's cohort."""
    customer_class, size = _cohorts(panel)
    return np.asarray(medians[customer_class, size])


def _cohorts(panel: Panel) -> tuple[Integers, Integers]:
    """Customer class (the last index: unknown) and size of use of each position."""
    known = {name: index for index, name in enumerate(CUSTOMER_CLASSES)}
    names = panel.positions["customer_class"].cast(pl.String)
    classes = names.replace_strict(known, default=len(CUSTOMER_CLASSES), return_dtype=pl.Int64)
    size = np.searchsorted(SIZE_LIMITS_KWH_PER_DAY, np.nan_to_num(panel.usual_kwh), side="right")
    return classes.to_numpy(), size


def _histogram_median(counts: NDArray[np.int64]) -> Floats:
    """Median over the last axis, linear within the bin it falls in; 0 where nothing was counted."""
    total = counts.sum(axis=-1)
    upto = np.cumsum(counts, axis=-1)
    half = total / 2
    bin_ = np.minimum((upto < half[..., None]).sum(axis=-1), BINS - 1)
    inside = np.take_along_axis(counts, bin_[..., None], axis=-1)[..., 0]
    below = np.take_along_axis(upto, bin_[..., None], axis=-1)[..., 0] - inside
    part = np.divide(half - below, inside, out=np.full(half.shape, 0.5), where=inside > 0)
    return np.where(total > 0, (bin_ + part) * BIN_LOG - LARGEST_LOG, 0.0)
