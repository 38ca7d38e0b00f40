"""Q08: reads taken off their usual time of day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.statistics import row_median, runs

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MINUTES_PER_DAY = 1440


@detector(
    "Q08",
    family="reading_error",
    unit="h",
    source="DL/T 698.45 event 3105 时钟超差: 5 min; Oracle MDM off-grid timestamps",
)
def read_time_fault(
    panel: Panel, *, tolerance_minutes: float, min_reads: float, steady_share: float, least_reads: float
) -> Detections:
    """Reads taken off their usual time of day.

    The usual time is that of the position's median read; a position has one only if `steady_share` of its
    reads (at least `least_reads` of them) lie within `tolerance_minutes` of it.

    Fires when at least `min_reads` reads in a row lie further than that from the usual time, by about the
    same amount (within the tolerance, or all of them on one side of it).
    Cannot see: a clock that has been wrong from the first read on; single late polls, which are harmless.
    """
    rows, off = _minutes_off(panel, least_reads)
    usual = np.abs(off) <= tolerance_minutes
    with np.errstate(invalid="ignore"):
        steady = usual.sum(axis=1) >= steady_share * np.isfinite(off).sum(axis=1)
    rows, off = rows[steady], off[steady]
    at, first, end, reads, shift = _shifted_runs(off, tolerance_minutes)
    keep = np.flatnonzero(reads >= min_reads)
    row = rows[at]
    hours = np.abs(shift) / 60
    use = np.nan_to_num(np.maximum(panel.usual_kwh[row], 0.0)) if len(row) else np.empty(0)
    return detections(
        panel,
        row,
        first,
        np.minimum(end, panel.shape[1]),
        measured=hours,
        expected=0.0,
        limit=tolerance_minutes / 60,
        kwh_at_stake=2 * use * hours / 24,
        facts={"shift_minutes": shift, "off_reads": reads, "read_day": panel.dates(first)},
    ).take(keep)


def _minutes_off(panel: Panel, least_reads: float) -> tuple[Integers, Floats]:
    """Daily positions with any read off midnight, and `[K, B]` minutes of each read from the position's usual
    time.
    """
    present = panel.quality >= 0
    any_off = (panel.offset_days != 0).any(axis=1)
    rows = np.flatnonzero(any_off & panel.daily & (present.sum(axis=1) >= least_reads))
    minutes = np.where(present[rows], panel.offset_days[rows].astype(np.float64) * MINUTES_PER_DAY, np.nan)
    usual = row_median(minutes)
    around = (minutes - usual[:, None] + MINUTES_PER_DAY / 2) % MINUTES_PER_DAY - MINUTES_PER_DAY / 2
    return rows, np.round(around, 3)


def _shifted_runs(off: Floats, tolerance: float) -> tuple[Integers, Integers, Integers, Integers, Floats]:
    """Runs of reads off in the same direction: place, first border, end border, reads, mean minutes."""
    places: list[Integers] = []
    for sign in (1.0, -1.0):
        with np.errstate(invalid="ignore"):
            shifted = sign * off > tolerance
        # A missing read does not end a run; a read in time does.
        bridged = shifted | (np.isnan(off) & _last_was(shifted, off))
        at, first, end = runs(bridged)
        count = np.concatenate([np.zeros((len(off), 1)), np.cumsum(shifted, axis=1)], axis=1)
        total = np.concatenate([np.zeros((len(off), 1)), np.cumsum(np.where(shifted, off, 0.0), axis=1)], axis=1)
        reads = count[at, end] - count[at, first]
        mean = (total[at, end] - total[at, first]) / np.maximum(reads, 1)
        places.append(np.stack([at, first, end, reads, mean]))
    joined = np.concatenate(places, axis=1)
    joined = joined[:, np.lexsort((joined[1], joined[0]))]
    whole = joined[:4].astype(np.int64)
    return whole[0], whole[1], whole[2], whole[3], joined[4]


def _last_was(shifted: NDArray[np.bool_], off: Floats) -> NDArray[np.bool_]:
    """Whether the last read at or before each cell was a shifted one."""
    column = np.arange(off.shape[1])
    last = np.maximum.accumulate(np.where(np.isfinite(off), column, -1), axis=1)
    return np.asarray((last >= 0) & np.take_along_axis(shifted, np.maximum(last, 0), axis=1))
