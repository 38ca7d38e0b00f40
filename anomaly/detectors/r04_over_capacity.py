"""R04: more energy than the meter can carry."""

from __future__ import annotations

import numpy as np

from anomaly.capacity import median_rate_after, runs_over_capacity
from anomaly.expectation import multiplier_at
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector


@detector(
    "R04",
    family="reading_error",
    unit="kWh",
    source="DL/T 698.45 event 310C 电能量超差: ΔE > Ur × Imax × k × Δt; hupe1980/metering V12",
)
def over_capacity(
    panel: Panel,
    *,
    capacity_ratio: float,
    contract_ratio: float,
    max_days: float,
    after_days: int,
    after_share: float,
) -> Detections:
    """More energy than the meter can carry.

    Capacity is rated volts × maximum amps × phases × 24 h on the dial (√3 instead of 3 where the volts are
    between lines); without ratings `contract_ratio` times the contracted capacity.

    Fires when the steps of a run of at most `max_days` exceed `capacity_ratio` times that, the register
    stays up (a step with a backward one beside it is a matter of R01, R07 or R08) and the median of the
    `after_days` that follow is below `after_share` of the capacity (above it the meter runs away: R03).
    Cannot see: an excess below the rating (R03, jumps); meters without ratings and contract.
    """
    found = runs_over_capacity(panel, capacity_ratio=capacity_ratio, contract_ratio=contract_ratio)
    after = median_rate_after(panel, found, after_days)
    isolated = ~(after >= after_share * found.capacity_kwh_per_day)
    keep = np.flatnonzero((found.days <= max_days + 0.5) & isolated)
    multiplier = multiplier_at(panel, found.row, found.last)
    carried = found.capacity_kwh_per_day * np.maximum(found.days, 1.0)
    return detections(
        panel,
        found.row,
        found.before,
        found.last,
        measured=found.energy_kwh * multiplier,
        expected=0.0,
        limit=capacity_ratio * carried * multiplier,
        kwh_at_stake=found.excess_kwh * multiplier,
        facts={
            "energy_kwh": found.energy_kwh * multiplier,
            "capacity_kwh": carried * multiplier,
            "read_day": panel.dates(found.last),
            "read_kwh": panel.register_kwh[found.row, found.last],
        },
    ).take(keep)
