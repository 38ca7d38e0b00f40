"""R05: the register stands still although electricity flows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.curve_energy import energy_seen
from anomaly.expectation import multiplier_at
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.still import Still, still_runs

Floats = NDArray[np.float64]

MADE_UP_SHARE = 0.5
HOURS_PER_DAY = 24


@detector(
    "R05",
    family="reading_error",
    unit="d",
    source="DL/T 698.45 event 310E; State Grid 停走 screen: mean current above 0.1 A",
)
def stopped_under_load(
    panel: Panel, *, min_days: float, min_current_a: float, min_curve_kwh: float, least_ticks: float
) -> Detections:
    """The register stands still although electricity flows.

    Fires when real reads show the same register for at least `min_days` while the load curve of the same
    days holds at least `min_curve_kwh` a day (and `least_ticks` of the register's smallest step), or the
    mean current is above `min_current_a` every day.
    Silent where the next read makes up at least half of it: the reads were late, not the meter stopped
    (E04).
    Cannot see: a stop without curve and without current (R06); a register that counts too little.
    """
    if not panel.curves and panel.electrical is None:
        return nothing(panel)
    still = still_runs(panel, min_days=min_days)
    multiplier = multiplier_at(panel, still.row, still.last)
    by_curve = np.nan_to_num(_curve_load(panel, still))
    amps, by_current = _current_load(panel, still, min_current_a)
    tick = 10.0 ** -panel.positions["register_decimals"].to_numpy()[still.row].astype(float)
    least = np.maximum(min_curve_kwh / multiplier, least_ticks * tick) * still.days
    shown = by_curve >= least
    load = np.where(shown, by_curve, by_current)
    made_up = (still.next_border >= 0) & (still.next_kwh >= MADE_UP_SHARE * load) & (load > 0)
    keep = np.flatnonzero((shown | (by_current > 0)) & ~made_up)
    return detections(
        panel,
        still.row,
        still.first,
        still.last,
        measured=0.0,
        expected=still.days,
        limit=min_days,
        strength=np.log1p(load * multiplier) + still.days,
        kwh_at_stake=load * multiplier,
        facts={
            "still_kwh": panel.register_kwh[still.row, still.last],
            "still_days": still.days,
            "load_kwh": load * multiplier,
            "mean_current_a": amps,
        },
    ).take(keep)


def _curve_load(panel: Panel, still: Still) -> Floats:
    """Energy in the curve over each run, kWh on the dial; NaN unless half of its days are complete there."""
    seen_kwh, seen_days = energy_seen(panel, still.row, still.first, still.last)
    length = (still.last - still.first).astype(np.float64)
    enough = (seen_days > 0) & (2 * seen_days >= length)
    return np.where(enough, seen_kwh / np.maximum(seen_days, 1.0) * length, np.nan)


def _current_load(panel: Panel, still: Still, min_current_a: float) -> tuple[Floats, Floats]:
    """Mean current of each run (0 where not above the limit on every measured day), and kWh on the dial from
    it.
    """
    amps, energy = np.zeros(len(still)), np.zeros(len(still))
    if panel.electrical is None or not len(panel.electrical.rows) or not len(still):
        return amps, energy
    electrical = panel.electrical
    at = np.clip(np.searchsorted(electrical.rows, still.row), 0, len(electrical.rows) - 1)
    mine = np.flatnonzero(electrical.rows[at] == still.row)
    day = np.arange(panel.shape[1])
    inside = (day >= still.first[mine, None]) & (day < still.last[mine, None])
    current = np.where(inside, electrical.current_a[at[mine]], np.nan)
    volts = np.where(inside, electrical.voltage_v[at[mine]], np.nan)
    measured = np.isfinite(current).sum(axis=1)
    with np.errstate(invalid="ignore"):
        flows = (measured * 2 >= still.days[mine]) & ~(current <= min_current_a).any(axis=1)
    mean = np.where(flows, np.nansum(current, axis=1) / np.maximum(measured, 1), 0.0)
    mean_volts = np.nansum(volts, axis=1) / np.maximum(np.isfinite(volts).sum(axis=1), 1)
    amps[mine] = mean
    energy[mine] = mean * np.where(mean_volts > 0, mean_volts, 230.0) * HOURS_PER_DAY / 1000 * still.days[mine]
    return amps, energy
