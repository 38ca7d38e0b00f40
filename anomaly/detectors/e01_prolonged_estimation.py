"""E01: no real read for a long time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.statistics import next_index, previous_index, true_cells
from anomaly.vocabulary import QUALITIES


@detector(
    "E01",
    family="reading_error",
    unit="d",
    source="Oracle MDM Prolonged Estimation; SAP IS-U validations 02-04: estimates in a row",
)
def prolonged_estimation(panel: Panel, *, min_days: float, min_cycles: float) -> Detections:
    """Estimated reads in a row for too long.

    An estimated read has the quality `estimated` or `questionable`; an actual one ends the run.

    Fires when the days from the last actual read to the last estimated one reach `min_days` and, at positions
    read once a month or less, the estimated reads reach `min_cycles`.
    Cannot see: estimates that are marked as valid (E02, E03), and reads that are missing altogether (Q01).
    """
    worse = panel.quality >= QUALITIES.index("estimated")
    rows = np.flatnonzero(worse.any(axis=1))
    present, estimated = panel.quality[rows] >= 0, worse[rows]
    at, last = _last_of_runs(present, estimated)
    before = previous_index(present & ~estimated)[at, last]
    reads = _reads_between(estimated, at, before, last)
    row, first_read = rows[at], np.argmax(present, axis=1)[at]
    before = np.where(before >= 0, before, first_read)
    days = last - before
    long = (days >= min_days) & (panel.daily[row] | (reads >= min_cycles))
    row, last, start, reads, days = row[long], last[long], before[long], reads[long], days[long]
    return detections(
        panel,
        row,
        start,
        last,
        measured=days.astype(np.float64),
        expected=0.0,
        limit=min_days,
        kwh_at_stake=_unsure_kwh(panel, row, start, last),
        facts={
            "estimated_days": days,
            "estimated_reads": reads,
            "last_actual_day": panel.dates(start),
            "last_estimated_day": panel.dates(last),
        },
    )


def _last_of_runs(present: NDArray[np.bool_], estimated: NDArray[np.bool_]) -> tuple[NDArray[np.int64], ...]:
    """(row, border) of every estimated read that no further estimated read follows directly."""
    width = present.shape[1]
    following = next_index(present)[:, 1:]
    following = np.concatenate([following, np.full((len(present), 1), width)], axis=1)
    row, border = true_cells(estimated)
    after = following[row, border]
    ends = (after >= width) | ~estimated[row, np.minimum(after, width - 1)]
    return row[ends], border[ends]


def _reads_between(
    estimated: NDArray[np.bool_], row: NDArray[np.int64], before: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.int64]:
    counted = np.cumsum(estimated, axis=1)
    return np.asarray(
        counted[row, last] - np.where(before >= 0, counted[row, np.maximum(before, 0)], 0)
    ).astype(np.int64)


def _unsure_kwh(
    panel: Panel, row: NDArray[np.int64], start: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How far the estimated energy is from the position's usual use over the same days."""
    day = np.arange(panel.shape[1])
    inside = (day >= start[:, None]) & (day < last[:, None])
    billed = np.where(inside, np.nan_to_num(panel.kwh[row]), 0.0).sum(axis=1)
    return np.asarray(np.abs(billed - np.nan_to_num(panel.usual_kwh[row]) * (last - start)))
