"""E03: daily use copied from the week before."""

from __future__ import annotations

import numpy as np

from anomaly.day_spans import span_sum
from anomaly.made_up_reads import WEEK, copied_runs
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector


@detector(
    "E03",
    family="reading_error",
    unit="d",
    source="like-day substitution (AEMO methods 14, 20) unmarked; Caselle: exact same usage twice",
)
def copied_week(
    panel: Panel, *, min_days: float, tolerance_steps: float, min_distinct_values: float, max_chance: float
) -> Detections:
    """Daily use copied from the week before.

    Fires when at least `min_days` daily increments in a row are not zero and equal those of seven days
    before within `tolerance_steps` register steps, with at least `min_distinct_values` different sizes
    among them, and fewer than `max_chance` such runs are to be expected from how often the position's days
    equal by accident.
    Cannot see: copies that were scaled, and copies from other weeks than the last.
    """
    copied = copied_runs(
        panel,
        min_days=int(min_days),
        tolerance_steps=tolerance_steps,
        min_distinct_values=int(min_distinct_values),
        max_chance=max_chance,
    )
    days = copied.last - copied.first
    used = span_sum(panel.kwh, copied.row, copied.first, copied.last)
    return detections(
        panel,
        copied.row,
        copied.first,
        copied.last,
        measured=days.astype(np.float64),
        expected=0.0,
        limit=min_days,
        strength=-np.log10(np.maximum(copied.chance, 1e-300)),
        kwh_at_stake=np.abs(used - np.nan_to_num(panel.usual_kwh[copied.row]) * days),
        facts={
            "copied_days": days,
            "copied_kwh": used,
            "original_day": panel.dates(np.maximum(copied.first - WEEK, 0)),
            "last_copied_day": panel.dates(copied.last - 1),
        },
    )
