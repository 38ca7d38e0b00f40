"""Half-hours that are wrong while the register is right."""

import numpy as np

from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault

NEEDS = ("daily", "curve", "active")
SUM = "interval_sum_mismatch"


def changed_kwh(premise: Premise, before_wh: np.ndarray) -> float:
    """Energy moved in or out of the stored half-hours, kWh after the multiplier."""
    moved = np.abs(premise.curve_wh.astype(np.int64) - before_wh.astype(np.int64)).sum()
    return float(moved) / 1000 * premise.multiplier


@fault("interval_spike", cause=SUM, needs=NEEDS)
def interval_spike(premise: Premise, draw: Draw) -> Effect:
    """One half-hour far above anything the home or its meter could do."""
    before = premise.curve_wh.copy()
    day, slot = premise.curve_index(draw.index), draw.whole(0, 47)
    premise.curve_wh[day, slot] = round(float(before.max()) * draw.between(5.0, 200.0))
    return Effect(draw.index, draw.index + 1, changed_kwh(premise, before), "one impossible half-hour")


@fault("interval_outlier", cause=SUM, needs=NEEDS)
def interval_outlier(premise: Premise, draw: Draw) -> Effect:
    """A few night half-hours stand out from their neighbours by far, within what the meter can carry."""
    before = premise.curve_wh.copy()
    day, slots = (
        premise.curve_index(draw.index),
        draw.rng.choice(np.arange(2, 11), draw.whole(1, 3), replace=False),
    )
    level_wh = draw.between(3.0, 9.0) * 1000
    premise.curve_wh[day, slots] = np.rint(before[day, slots] + level_wh).astype(np.int32)
    return Effect(
        draw.index, draw.index + 1, changed_kwh(premise, before), f"{len(slots)} half-hours stand out"
    )


@fault("frozen_intervals", cause=SUM, accepted=("estimate_true_up",), needs=NEEDS, tail_days=5)
def frozen_intervals(premise: Premise, draw: Draw) -> Effect:
    """The same non-zero value over and over."""
    before = premise.curve_wh.copy()
    length, first = draw.whole(16, 140), premise.curve_index(draw.index) * 48 + draw.whole(0, 47)
    flat = premise.curve_wh.reshape(-1)
    flat[first : first + length] = max(int(flat[first]), 40)
    days = 1 + length // 48
    return Effect(
        draw.index,
        min(draw.index + days + 1, draw.span),
        changed_kwh(premise, before),
        f"{length} equal half-hours",
    )


@fault("copied_day", cause=SUM, accepted=("estimate_true_up",), needs=NEEDS, tail_days=6)
def copied_day(premise: Premise, draw: Draw) -> Effect:
    """One day's half-hours stand again for the following days."""
    before = premise.curve_wh.copy()
    days, first = draw.whole(1, 4), premise.curve_index(draw.index)
    premise.curve_wh[first : first + days] = premise.curve_wh[first - 1]
    return Effect(
        draw.index,
        draw.index + days,
        changed_kwh(premise, before),
        f"the day before, copied over {days} days",
    )


@fault("zero_intervals", cause=SUM, accepted=("missing_reads",), needs=NEEDS, tail_days=5)
def zero_intervals(premise: Premise, draw: Draw) -> Effect:
    """A run of zero half-hours while the register counts on."""
    before = premise.curve_wh.copy()
    length, first = draw.whole(48, 150), premise.curve_index(draw.index) * 48 + draw.whole(0, 20)
    premise.curve_wh.reshape(-1)[first : first + length] = 0
    last = min(draw.index + 1 + (length + 20) // 48, draw.span)
    return Effect(draw.index, last, changed_kwh(premise, before), f"{length} zero half-hours")


@fault("negative_interval", cause="reverse_energy", accepted=(SUM,), needs=NEEDS)
def negative_interval(premise: Premise, draw: Draw) -> Effect:
    """Some half-hours are negative."""
    before = premise.curve_wh.copy()
    day, slots = premise.curve_index(draw.index), draw.rng.choice(48, draw.whole(1, 6), replace=False)
    premise.curve_wh[day, slots] = -np.maximum(before[day, slots], 50)
    return Effect(
        draw.index, draw.index + 1, changed_kwh(premise, before), f"{len(slots)} negative half-hours"
    )


@fault("clock_shift", cause="clock_error", accepted=(SUM,), needs=NEEDS, tail_days=14)
def clock_shift(premise: Premise, draw: Draw) -> Effect:
    """From one day on the curve is hours late or early; the register is read by the collector's clock."""
    hours = int(draw.rng.choice([-12, -8, -6, -4, -3, 3, 4, 6, 8, 12]))
    first = premise.curve_index(draw.index)
    flat, present = premise.curve_wh[first:].reshape(-1), premise.curve_present[first:].reshape(-1)
    flat[:], present[:] = np.roll(flat, 2 * hours), np.roll(present, 2 * hours)
    return Effect(draw.index, draw.span, 0.0, f"the curve is shifted by {hours} h")


@fault(
    "clock_change_lost_hour",
    cause="clock_error",
    accepted=(SUM, "missing_reads"),
    needs=("daily", "clock_change"),
)
def clock_change_lost_hour(premise: Premise, draw: Draw) -> Effect:
    """The second passing of the repeated hour was thrown away as a duplicate."""
    dials = premise.town.dials
    dials.fold_present[premise.row] = False
    return clock_change_effect(premise, "the repeated hour is missing")


@fault(
    "clock_change_unmarked",
    cause="clock_error",
    accepted=("read_conflict", SUM),
    needs=("daily", "clock_change"),
)
def clock_change_unmarked(premise: Premise, draw: Draw) -> Effect:
    """Both passings of the repeated hour are stored under one time, not told apart."""
    dials, fold = premise.town.dials, premise.town.dials.fold_wh[premise.row]
    index = change_index(premise)
    for slot in range(2):
        row = {
            "meter_id": premise.meter_id,
            "interval_start": premise.moment(index, 60 + 30 * slot),
            "minutes": 30,
        }
        first_wh = int(premise.curve_wh[premise.curve_index(index), 2 + slot])
        rows = [
            {**row, "kwh": wh / 1000, "channel": "import", "quality": "valid", "fold": None}
            for wh in (first_wh, int(fold[slot]))
        ]
        premise.extra_intervals.extend(rows)
    dials.fold_present[premise.row] = False
    premise.curve_present[premise.curve_index(index), 2:4] = False
    return clock_change_effect(premise, "the repeated hour is stored twice under one time")


def change_index(premise: Premise) -> int:
    """Day index of the clock change."""
    change = premise.town.clock_change
    if change is None:
        raise ValueError("this town has no clock change")
    return int((change - premise.town.days[0]).astype(int))


def clock_change_effect(premise: Premise, note: str) -> Effect:
    """Effect on the day of the clock change."""
    index = change_index(premise)
    wrong_kwh = float(premise.town.dials.fold_wh[premise.row].sum()) / 1000
    return Effect(index, index + 1, wrong_kwh * premise.multiplier, note)
