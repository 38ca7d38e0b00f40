"""Q07: a register below zero."""

from __future__ import annotations

import numpy as np

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.set_aside import days, stories


@detector(
    "Q07",
    family="reading_error",
    unit="kWh",
    source="a register counts from zero upwards; contract §2: negative registers are accepted and become findings",
)
def negative_register(panel: Panel, *, lowest_kwh: float) -> Detections:
    """A register below zero.

    Fires when an import register of a meter stands below `lowest_kwh`; reads at most a week apart are one
    finding.
    Cannot see: a sign lost on a register that should be negative (there is none).
    """
    told = stories(panel, "negative")
    lowest = told["low_kwh"].to_numpy()
    keep = np.flatnonzero(lowest < lowest_kwh)
    return detections(
        panel,
        told["row"].to_numpy(),
        days(told["first_day"]),
        days(told["last_day"]) + np.timedelta64(1, "D"),
        measured=lowest,
        expected=0.0,
        limit=lowest_kwh,
        strength=np.log1p(np.abs(lowest)),
        kwh_at_stake=np.abs(lowest) * told["multiplier"].to_numpy(),
        meter_id=told["meter_id"].to_numpy().astype(object),
        channel=None,
        facts={
            "read_day": days(told["first_day"]),
            "read_kwh": lowest,
            "negative_reads": told["reads"].to_numpy(),
        },
    ).take(keep)
