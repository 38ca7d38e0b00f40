"""C10: intervals are missing from the curve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.clock_changes import change_days
from anomaly.curve_findings import together
from anomaly.day_spans import joined_runs, span_sum
from anomaly.panel import Curve, Panel
from anomaly.registry import Detections, detections, detector

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

HABITUAL_SHARE = 0.1
"""A time of day that is present on fewer of the position's days is not delivered at all, not missing."""


@detector(
    "C10",
    family="reading_error",
    unit="intervals",
    source="MDM practice: 98 % of the intervals; metering V01: against a declared period",
)
def missing_intervals(
    panel: Panel, *, min_coverage_share: float, min_missing_days: float, pause_days: float
) -> Detections:
    """Intervals are missing from the curve.

    Due are, from the position's first curve day to the end of the panel and while a meter hangs there, the
    times of day it usually delivers (so a curve of every fourth value is complete in itself). An hour that
    a clock change skips is not due.

    Fires when days below `min_coverage_share`, joined across `pause_days`, together lack at least
    `min_missing_days` days' worth of intervals.
    Cannot see: a curve that never began, and gaps too small and scattered to matter for a month.
    """
    found = [
        _of_curve(panel, one, min_coverage_share, min_missing_days, int(pause_days)) for one in panel.curves
    ]
    return together(panel, found)


def _of_curve(
    panel: Panel, curve: Curve, min_coverage_share: float, min_missing_days: float, pause_days: int
) -> Detections:
    due, missing = _due_and_missing(panel, curve)
    with np.errstate(divide="ignore", invalid="ignore"):
        gappy = (due > 0) & (missing > (1 - min_coverage_share) * due)
    row, first, end = joined_runs(gappy, pause_days)
    lacking = span_sum(missing.astype(np.float64), row, first, end)
    all_due = span_sum(due.astype(np.float64), row, first, end)
    per_day = due.max(axis=1, initial=0)[row]
    allowed = min_missing_days * per_day
    many = lacking >= allowed
    row, first, end = row[many], first[many], end[many]
    lacking, all_due, allowed = lacking[many], all_due[many], allowed[many]
    return detections(
        panel,
        curve.rows[row],
        first,
        end,
        measured=lacking,
        expected=0.0,
        limit=allowed,
        kwh_at_stake=0.0,
        facts={
            "missing_intervals": lacking.astype(np.int64),
            "due_intervals": all_due.astype(np.int64),
            "present_percent": 100 * (1 - lacking / all_due),
        },
    )


def _due_and_missing(panel: Panel, curve: Curve) -> tuple[Integers, Integers]:
    """`[K, D]` intervals due and missing per panel day."""
    count, per_day = len(curve.rows), curve.kwh.shape[2]
    present: Booleans = np.isfinite(curve.kwh)
    any_day: Booleans = np.asarray(present.any(axis=2))
    usual = present.sum(axis=1) > HABITUAL_SHARE * any_day.sum(axis=1, keepdims=True)
    arrived = np.zeros((count, panel.shape[1]), np.int64)
    window = slice(curve.first_day, curve.first_day + curve.days)
    arrived[:, window] = (present & usual[:, None, :]).sum(axis=2)
    first = curve.first_day + np.argmax(any_day, axis=1)
    hung = panel.installation[curve.rows, : panel.shape[1]] >= 0
    expected = hung & (np.arange(panel.shape[1]) >= first[:, None]) & any_day.any(axis=1, keepdims=True)
    due = np.where(expected, usual.sum(axis=1, keepdims=True), 0)
    missing = np.maximum(due - arrived, 0)
    skipped = change_days(panel.days) & (missing <= max(60 // curve.minutes, 1)) & (per_day > 0)
    return due, np.where(skipped, 0, missing)
