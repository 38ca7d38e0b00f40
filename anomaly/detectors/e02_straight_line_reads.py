"""E02: daily reads on a straight line that are marked as real."""

from __future__ import annotations

import numpy as np

from anomaly.curve_register import LAST_ACTUAL_QUALITY
from anomaly.made_up_reads import straight_runs
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector


@detector(
    "E02",
    family="reading_error",
    unit="d",
    source="linear substitution (AEMO method 17, California VEE) that is not marked as such",
)
def straight_line_reads(
    panel: Panel, *, min_days: float, tolerance_steps: float, max_chance: float
) -> Detections:
    """Daily reads on a straight line that are marked as real.

    Fires when at least `min_days` daily increments, not zero, put the registers within `tolerance_steps`
    register steps of a straight line, all reads claim to be actual, and by the position's own days of that
    size fewer than `max_chance` such runs are to be expected.
    Cannot see: lines at positions whose days are that even by nature (standing load, coarse register),
    missing reads (gaps are spread, not read), and estimates drawn from a profile instead of a line.
    """
    line = straight_runs(
        panel, min_days=int(min_days), tolerance_steps=tolerance_steps, max_chance=max_chance
    )
    made_up = np.cumsum(panel.quality[line.row] > LAST_ACTUAL_QUALITY, axis=1)
    at = np.arange(len(line.row))
    line = line.take(made_up[at, line.last] == made_up[at, line.first])
    days = line.last - line.first
    per_day = (
        panel.register_kwh[line.row, line.last] - panel.register_kwh[line.row, line.first]
    ) / np.maximum(days, 1)
    multiplier = panel.multiplier[line.row, line.first]
    usual = np.nan_to_num(panel.usual_kwh[line.row])
    return detections(
        panel,
        line.row,
        line.first,
        line.last,
        measured=days.astype(np.float64),
        expected=0.0,
        limit=min_days,
        strength=-np.log10(np.maximum(line.chance, 1e-300)),
        kwh_at_stake=np.abs(per_day * multiplier - usual) * days,
        facts={
            "line_days": days,
            "step_kwh_per_day": per_day,
            "usual_kwh_per_day": usual,
            "last_read_day": panel.dates(line.last),
        },
    )
