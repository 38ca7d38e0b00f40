"""C08: the curve runs hours early or late."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.curve_findings import together
from anomaly.curve_register import balance
from anomaly.curve_shift import Shifts, shifts_beside_register, shifts_of_shape
from anomaly.panel import Curve, Panel
from anomaly.registry import Detections, detections, detector

Integers = NDArray[np.int64]

EVENT_DAYS = 7
"""A clock event within a week of the start speaks for the finding."""

PAUSE_DAYS = 7
"""Days on which a shift leaves the sums alone by accident do not end it."""


@detector(
    "C08",
    family="reading_error",
    unit="h",
    source="DL/T 698.45 event 3105 时钟超差; lag of the cross-correlation of day shapes",
)
def clock_shift(
    panel: Panel,
    *,
    min_shift_minutes: float,
    min_shape_shift_minutes: float,
    min_days: float,
    min_day_share: float,
    min_gain: float,
    max_own_gain: float,
    tolerance_steps: float,
    tolerance_share: float,
) -> Detections:
    """The curve runs hours early or late.

    Fires when either the register or the curve itself shows it. Beside the register: on at least `min_days`
    days, and `min_day_share` of a stretch on which curve and daily register disagree, they agree once the
    curve is moved by one and the same time of at least `min_shift_minutes`. Beside itself: in two weeks
    running the mean day fits the four weeks before better by `min_gain` in correlation when moved by the same
    `min_shape_shift_minutes` or more, as do `min_days` of the seven days of each, and the position's weeks
    before never seemed shifted by `max_own_gain`.
    Cannot see: shifts of an hour without daily registers (people move with the clock change themselves),
    shifts of flat loads, and, without registers, shifts in the last two weeks or in the first eleven of a
    curve.
    """
    found = []
    for curve in panel.curves:
        sums = balance(panel, curve, tolerance_steps=tolerance_steps, tolerance_share=tolerance_share).daily()
        by_register = shifts_beside_register(
            curve,
            sums,
            min_intervals=max(int(np.ceil(min_shift_minutes / curve.minutes)), 1),
            min_days=int(min_days),
            min_day_share=min_day_share,
            pause_days=PAUSE_DAYS,
        )
        by_shape = shifts_of_shape(
            curve,
            skipped_days=_days_to_week(panel, curve),
            min_intervals=max(int(np.ceil(min_shape_shift_minutes / curve.minutes)), 1),
            min_days=int(min_days),
            min_gain=min_gain,
            max_own_gain=max_own_gain,
        )
        by_shape = by_shape.take(~np.isin(by_shape.row, by_register.row))
        for shifts, registers in ((by_register, 1), (by_shape, 0)):
            found.append(_found(panel, curve, shifts, registers, min_shift_minutes))
    return together(panel, found)


def _days_to_week(panel: Panel, curve: Curve) -> int:
    """Days from the curve's first to the next Thursday: weeks are the same whatever slice or day they are
    seen from.
    """
    return int(-panel.days[curve.first_day].astype("datetime64[D]").astype(np.int64)) % 7


def _found(
    panel: Panel, curve: Curve, shifts: Shifts, registers: int, min_shift_minutes: float
) -> Detections:
    minutes = shifts.intervals * curve.minutes
    first = shifts.first + curve.first_day
    events = _clock_events(panel, curve.rows[shifts.row], first)
    return detections(
        panel,
        curve.rows[shifts.row],
        first,
        shifts.end + curve.first_day,
        measured=minutes / 60,
        expected=0.0,
        limit=min_shift_minutes / 60,
        strength=shifts.days * (1.0 + registers) * shifts.gain + 5.0 * (events > 0),
        kwh_at_stake=0.0,
        facts={
            "shift_minutes": minutes,
            "shifted_days": shifts.days,
            "register_days": shifts.days * registers,
            "clock_events_count": events,
        },
    )


def _clock_events(panel: Panel, row: Integers, day: Integers) -> Integers:
    """How many clock events each position has near the day."""
    events = panel.events.filter(pl.col("kind") == "clock_error")
    event_row = events["row"].to_numpy()
    event_day = (events["at"].to_numpy().astype("datetime64[D]") - panel.days[0]).astype(np.int64)
    near = (event_row == row[:, None]) & (np.abs(event_day - day[:, None]) <= EVENT_DAYS)
    return np.asarray(near.sum(axis=1))
