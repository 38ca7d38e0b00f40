"""C07: intervals of the import channel below zero."""

from __future__ import annotations

import numpy as np

from anomaly.curve_findings import together
from anomaly.day_spans import joined_runs, span_count, span_extreme, span_sum
from anomaly.panel import Curve, Panel
from anomaly.registry import Detections, detections, detector


@detector(
    "C07",
    family="reading_error",
    unit="kWh",
    source="Oracle MDM Negative Consumption; import (OBIS 1.8.0) counts one way only",
)
def negative_interval(panel: Panel, *, tolerance_kwh: float, pause_days: float) -> Detections:
    """Intervals of the import channel below zero.

    Fires when an interval at a position without generation on file lies below -`tolerance_kwh` times the
    multiplier. Days at most `pause_days` apart are one finding.
    Cannot see: negative intervals that were cut to zero before delivery, netting at positions with
    generation.
    """
    return together(
        panel, [_of_curve(panel, curve, tolerance_kwh, int(pause_days)) for curve in panel.curves]
    )


def _of_curve(panel: Panel, curve: Curve, tolerance_kwh: float, pause_days: int) -> Detections:
    window = slice(curve.first_day, curve.first_day + curve.days)
    limit = tolerance_kwh * np.nan_to_num(panel.multiplier[curve.rows, window], nan=1.0)
    with np.errstate(invalid="ignore"):
        below = np.asarray(curve.kwh < -limit[:, :, None])
    below &= ~panel.flag("generation")[curve.rows, None, None]
    days = np.asarray(below.any(axis=2))
    row, first, end = joined_runs(days, pause_days)
    negative = np.where(below, curve.kwh, 0.0).sum(axis=2)
    lowest = np.where(below, curve.kwh, np.inf).min(axis=2)
    total = span_sum(negative, row, first, end)
    return detections(
        panel,
        curve.rows[row],
        first + curve.first_day,
        end + curve.first_day,
        measured=total,
        expected=0.0,
        limit=limit[row, first],
        kwh_at_stake=-total,
        facts={
            "negative_intervals": span_sum(below.sum(axis=2).astype(np.float64), row, first, end).astype(
                np.int64
            ),
            "negative_days": span_count(days, row, first, end),
            "lowest_kwh": span_extreme(lowest, row, first, end, largest=False),
            "negative_kwh": total,
        },
    )
