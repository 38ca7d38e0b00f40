"""Q06: two meters on one point at once, or a removal before the installation."""

from __future__ import annotations

import numpy as np

from anomaly.contradictions import contradictions
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector


@detector(
    "Q06",
    family="reading_error",
    unit="d",
    source="contract §2: installations of one point do not overlap; Oracle MDM overlap; Itron device-location check",
)
def overlapping_installations(panel: Panel, *, tolerance_days: float) -> Detections:
    """Two meters on one point at once, or a removal before the installation.

    Fires when two rows of the installation file claim the same point for more than `tolerance_days` (a
    check meter beside its main meter does not count), or when a row's removal lies more than that before
    its installation.
    Cannot see: which of the two rows is right.
    """
    both, reversed_ = contradictions(panel, "overlap"), contradictions(panel, "removed_before_installed")
    days = np.concatenate([both.span_days(), reversed_.span_days()])
    meters = np.concatenate([both.meter_id, reversed_.meter_id])
    pattern = np.array(["two_meters"] * len(both.row) + ["removed_before_installed"] * len(reversed_.row), object)
    return detections(
        panel,
        np.concatenate([both.row, reversed_.row]),
        np.concatenate([both.first, reversed_.first]),
        np.concatenate([both.end, reversed_.end]),
        measured=days,
        expected=0.0,
        limit=tolerance_days,
        strength=np.log1p(days),
        kwh_at_stake=np.concatenate([both.energy_kwh, np.zeros(len(reversed_.row))]),
        meter_id=meters,
        channel=None,
        facts={
            "overlap_days": days,
            "first_meter_id": meters,
            "second_meter_id": np.concatenate([both.other_meter_id, reversed_.other_meter_id]),
            "pattern": pattern,
        },
    ).take(np.flatnonzero(days > tolerance_days))
