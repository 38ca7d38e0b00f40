"""Q01: reads that should be there are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.statistics import previous_index, row_median, runs

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

NOT_EXPECTED = ("closed", "disconnected")


@detector(
    "Q01",
    family="reading_error",
    unit="d",
    source="Texas AMS data practices; hupe1980/metering V01: only a declared period shows a tail that never arrived",
)
def missing_reads(panel: Panel, *, missing_days: float, overdue_ratio: float, most_gaps: float) -> Detections:
    """Reads that should be there are not.

    A position is complete from its first read on while a meter is in place; closed and disconnected
    accounts owe none.

    Fires when, for a position read daily, at least `missing_days` reads in a row are absent, between two
    reads or up to now (one finding per gap; more than `most_gaps` gaps are one finding); or when, for one
    read rarely, the last read is older than `overdue_ratio` times its usual gap, or its latest one if that
    is longer (a new rhythm).
    Cannot see: reads missing before the first one of the book; a round left out that the next has made up.
    """
    row, first, end, count = _together(*_daily_gaps(panel, missing_days), most_gaps=int(most_gaps))
    late_row, late_first, late_days, usual_days = _overdue(panel, overdue_ratio)
    borders = panel.register_kwh.shape[1]
    rows = np.concatenate([row, late_row])
    start = np.concatenate([first - 1, late_first])
    stop = np.concatenate([np.minimum(end, borders - 1), np.full(len(late_row), borders - 1)])
    measured = np.concatenate([count, late_days])
    open_ended = stop >= borders - 1
    usual = np.nan_to_num(np.maximum(panel.usual_kwh[rows], 0.0)) if len(rows) else np.empty(0)
    return detections(
        panel,
        rows,
        start,
        stop,
        measured=measured,
        expected=np.concatenate([np.zeros(len(row)), usual_days]),
        limit=np.concatenate([np.full(len(row), float(missing_days)), overdue_ratio * usual_days]),
        kwh_at_stake=np.where(open_ended, usual * measured, 0.0),
        meter_id=panel.meter_on(rows, np.minimum(start, borders - 1)),
        facts={
            "gap_days": measured,
            "last_read_day": panel.dates(start),
            "pattern": np.where(open_ended, "still_missing", "arrived_again").astype(object),
        },
    )


def _daily_gaps(panel: Panel, missing_days: float) -> tuple[Integers, Integers, Integers]:
    """Runs of absent reads of daily positions: row, first absent border, border of the next read (or the last
    one).
    """
    present = panel.quality >= 0
    borders = present.shape[1]
    rows = np.flatnonzero(panel.daily & (present.sum(axis=1) <= borders - missing_days) & present.any(axis=1))
    here = present[rows]
    begun = previous_index(here) >= 0
    absent = begun & ~here & (panel.installation[rows] >= 0)
    at, first, end = runs(absent)
    status = panel.positions["status"].to_numpy().astype(object).astype(str)[rows[at]]
    since = panel.positions["status_since"].to_numpy().astype("datetime64[D]")[rows[at]]
    owed = ~np.isin(status, NOT_EXPECTED) | (panel.dates(first) < since)
    keep = (end - first >= missing_days) & owed
    return rows[at[keep]], first[keep], end[keep]


def _together(
    row: Integers, first: Integers, end: Integers, *, most_gaps: int
) -> tuple[Integers, Integers, Integers, Floats]:
    """Gaps with their length; those of a position that has too many become one, with the absent reads
    summed.
    """
    count = (end - first).astype(np.float64)
    if not len(row):
        return row, first, end, count
    begin = np.flatnonzero(np.append(True, row[1:] != row[:-1]))
    gaps = np.diff(np.append(begin, len(row)))
    many = np.repeat(gaps > most_gaps, gaps)
    one = begin[gaps > most_gaps]
    last = (begin + gaps - 1)[gaps > most_gaps]
    total = np.add.reduceat(count, begin)[gaps > most_gaps]
    rows = np.concatenate([row[~many], row[one]])
    order = np.lexsort((np.concatenate([first[~many], first[one]]), rows))
    return (
        rows[order], np.concatenate([first[~many], first[one]])[order],
        np.concatenate([end[~many], end[last]])[order], np.concatenate([count[~many], total])[order],
    )  # fmt: skip


def _overdue(panel: Panel, overdue_ratio: float) -> tuple[Integers, Integers, Floats, Floats]:
    """Rarely read positions whose next read is overdue: row, border of the last read, days since, usual
    gap.
    """
    borders = panel.quality.shape[1]
    rows = np.flatnonzero(~panel.daily & (panel.installation[:, -1] >= 0)) if borders else np.empty(0, np.int64)
    status = panel.positions["status"].to_numpy().astype(object).astype(str)[rows]
    rows = rows[~np.isin(status, NOT_EXPECTED)]
    present = panel.quality[rows] >= 0
    last = previous_index(present)[:, -1]
    days = panel.step_days[rows]
    latest = days[np.arange(len(rows)), np.maximum(last, 0)]
    usual = np.fmax(row_median(days), latest)
    since = (borders - 1 - last).astype(np.float64)
    with np.errstate(invalid="ignore"):
        late = (last >= 0) & (since > overdue_ratio * usual)
    return rows[late], last[late], since[late], usual[late]
