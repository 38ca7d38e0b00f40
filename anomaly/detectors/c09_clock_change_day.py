"""C09: the curve of a clock-change day has an hour too few, too many or twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.clock_changes import LAST_CHANGE_HOUR, change_days
from anomaly.curve_findings import together
from anomaly.curve_register import Balance, balance
from anomaly.panel import Curve, Panel
from anomaly.registry import Detections, detections, detector

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@detector(
    "C09",
    family="reading_error",
    unit="h",
    source="hupe1980/metering V07: test the repeated hour itself, not the length of the day",
)
def clock_change_day(
    panel: Panel,
    *,
    noise_ratio: float,
    hour_ratio: float,
    window_days: float,
    tolerance_steps: float,
    tolerance_share: float,
) -> Detections:
    """The curve of a clock-change day has an hour too few, too many or twice.

    Looked at are only Sundays on which clocks change under one of the common rules.

    Fires when intervals of one hour came twice with different values and without `fold`; or when the
    complete day without a repeated hour holds less than the register (the repeated hour was thrown away) or
    more (the skipped hour was filled) by more than `noise_ratio` times what curve and register differ by on
    any other day within `window_days`, an amount like that of an hour of that night (within a factor
    `hour_ratio`).
    Silent on a repeated hour told apart by `fold`, and on the skipped hour left empty.
    Cannot see: a lost hour without daily registers, or one in which next to nothing was used.
    """
    found = []
    for curve in panel.curves:
        window = panel.days[curve.first_day : curve.first_day + curve.days]
        change = np.flatnonzero(change_days(window))
        if not len(change):
            continue
        sums = balance(panel, curve, tolerance_steps=tolerance_steps, tolerance_share=tolerance_share).daily()
        twice = _twice(curve, change)
        off_kwh = _hour_off(panel, curve, sums, change, noise_ratio, hour_ratio, int(window_days))
        row, at = np.nonzero(twice | (off_kwh != 0))
        found.append(_found(panel, curve, row, change[at], twice[row, at], off_kwh[row, at]))
    return together(panel, found)


def _twice(curve: Curve, change: Integers) -> Booleans:
    """`[K, X]` change days on which the contested intervals fill at most one hour, early in the day."""
    per_hour = max(60 // curve.minutes, 1)
    contested = curve.conflicts[:, change]
    absent = np.isnan(curve.kwh[:, change])
    early = absent[:, :, : LAST_CHANGE_HOUR * per_hour].sum(axis=2)
    return np.asarray((contested > 0) & (contested <= per_hour) & (early >= contested))


def _hour_off(
    panel: Panel,
    curve: Curve,
    sums: Balance,
    change: Integers,
    noise_ratio: float,
    hour_ratio: float,
    window_days: int,
) -> Floats:
    """`[K, X]` energy of an hour that the curve lacks (negative) or has too much; zero where it is in
    order.
    """
    night = curve.kwh[:, change, : LAST_CHANGE_HOUR * 60 // curve.minutes]
    hours = night.reshape(*night.shape[:2], LAST_CHANGE_HOUR, -1).sum(axis=3)
    least, most = hours.min(axis=2) / hour_ratio, hours.max(axis=2) * hour_ratio
    excess = sums.excess_kwh
    off = np.zeros((len(curve.rows), len(change)))
    for place, day in enumerate(change):
        lo, hi = max(int(day) - window_days, 0), int(day) + window_days + 1
        others = np.abs(np.delete(excess[:, lo:hi], day - lo, axis=1))
        noise = np.where(np.isfinite(others), others, 0.0).max(axis=1, initial=0.0)
        judged = np.isfinite(others).sum(axis=1) >= min(window_days, 7)
        step = (
            10.0 ** -panel.column("register_decimals")[curve.rows]
            * panel.multiplier[curve.rows, curve.first_day + day]
        )
        size = np.abs(excess[:, day])
        with np.errstate(invalid="ignore"):
            clear = size > noise_ratio * np.fmax(noise, step)
            hourly = (size <= most[:, place]) & (size >= least[:, place])
        unmarked = curve.repeated_kwh[:, day] == 0
        off[:, place] = np.where(judged & clear & hourly & unmarked, excess[:, day], 0.0)
    return off


def _found(
    panel: Panel, curve: Curve, row: Integers, day: Integers, twice: Booleans, off_kwh: Floats
) -> Detections:
    per_hour = max(60 // curve.minutes, 1)
    per_day = curve.kwh.shape[2]
    present = np.isfinite(curve.kwh[row, day]).sum(axis=1)
    hours = np.where(twice | (off_kwh < 0), 1.0, -1.0)
    return detections(
        panel,
        curve.rows[row],
        day + curve.first_day,
        day + curve.first_day + 1,
        measured=present / per_hour,
        expected=per_day / per_hour + hours,
        limit=0.0,
        strength=np.where(twice, 3.0, 2.0),
        kwh_at_stake=np.where(np.isfinite(off_kwh), np.abs(off_kwh), 0.0),
        facts={
            "change_day": panel.dates(day + curve.first_day),
            "found_intervals": present,
            "due_intervals": per_day + (hours * per_hour).astype(np.int64),
            "hour_kwh": np.abs(off_kwh),
        },
    )
