"""The meter itself counts wrongly: backwards, too much, not at all."""

import numpy as np

from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault

HOURS_PER_DAY = 24


@fault("register_rollback", cause="register_rollback", needs=("daily", "no_rates"))
def register_rollback(premise: Premise, draw: Draw) -> Effect:
    """The dial falls back by some kWh and counts on from there."""
    step = max(
        1,
        round(min(draw.between(3.0, 3000.0), 0.8 * premise.register_kwh(draw.index)) * premise.ticks_per_kwh),
    )
    fall = max(step, 2 * int(premise.ticks[draw.index] - premise.ticks[draw.index - 1]))
    premise.ticks[draw.index :] -= fall
    premise.ticks[:] %= premise.capacity_ticks
    fall_kwh = fall / premise.ticks_per_kwh
    return Effect(draw.index, draw.span, fall_kwh * premise.multiplier, f"the dial fell by {fall_kwh:.2f} kWh")


@fault(
    "over_registration",
    cause="over_registration",
    accepted=("over_capacity",),
    needs=("daily", "active", "plain"),
)
def over_registration(premise: Premise, draw: Draw) -> Effect:
    """The meter runs away: it counts many times what passes, and its curve tells the same story."""
    factor = draw.between(8.0, 60.0)
    before = int(premise.dial_wh[draw.index :].sum())
    premise.dial_wh[draw.index :] = np.rint(premise.dial_wh[draw.index :] * factor).astype(np.int64)
    scale_curve(premise, draw.index, factor)
    premise.read_dial()
    wrong_kwh = (int(premise.dial_wh[draw.index :].sum()) - before) / 1000
    return Effect(draw.index, draw.span, wrong_kwh * premise.multiplier, f"counts {factor:.1f} times too much")


@fault("over_capacity", cause="over_capacity", accepted=("over_registration",), needs=("daily", "plain"))
def over_capacity(premise: Premise, draw: Draw) -> Effect:
    """One day's energy is more than the meter's volts and amps can carry; before and after all is well."""
    row = premise.installations[0]
    limit_kwh = row["rated_volts"] * row["max_amps"] * row["phases"] * HOURS_PER_DAY / 1000
    wrong_kwh = limit_kwh * draw.between(1.3, 20.0)
    premise.dial_wh[draw.index] += round(wrong_kwh * 1000)
    premise.read_dial()
    return Effect(
        draw.index,
        draw.index + 1,
        wrong_kwh,
        f"{wrong_kwh:.0f} kWh in one day; the meter can carry {limit_kwh:.0f}",
    )


@fault("meter_stopped_with_curve", cause="meter_stopped", needs=("daily", "active", "curve"), tail_days=6)
def meter_stopped_with_curve(premise: Premise, draw: Draw) -> Effect:
    """The dial stands still while the half-hours show load."""
    return stop_dial(premise, draw)


@fault(
    "meter_stopped_without_curve",
    cause="meter_stopped",
    accepted=("occupied_zero",),
    needs=("daily", "active", "no_curve"),
    tail_days=20,
)
def meter_stopped_without_curve(premise: Premise, draw: Draw) -> Effect:
    """The dial stands still; nothing else is measured there."""
    return stop_dial(premise, draw)


@fault("meter_stopped_with_current", cause="meter_stopped", needs=("daily", "active", "no_curve"), tail_days=6)
def meter_stopped_with_current(premise: Premise, draw: Draw) -> Effect:
    """The dial stands still while hourly readings of the current show load."""
    first = draw.index - 14
    hours = 24 * (draw.span - first)
    mean_kw = np.repeat(premise.use_wh[first:] / 24_000, 24)
    power_kw = mean_kw * draw.rng.gamma(4.0, 0.25, hours)
    volts = draw.rng.normal(231.0, 2.0, hours)
    for hour in range(hours):
        premise.electrical.append(
            {
                "meter_id": premise.meter_id,
                "read_at": premise.moment(first, 60 * hour),
                "phase": "A",
                "voltage_v": round(float(volts[hour]), 1),
                "current_a": round(float(1000 * power_kw[hour] / volts[hour]), 2),
                "power_kw": round(float(power_kw[hour]), 3),
            }
        )
    return stop_dial(premise, draw)


def stop_dial(premise: Premise, draw: Draw) -> Effect:
    """Count nothing from the day on."""
    lost_kwh = float(premise.dial_wh[draw.index :].sum()) / 1000
    premise.dial_wh[draw.index :] = 0
    premise.read_dial()
    return Effect(draw.index, draw.span, lost_kwh * premise.multiplier, "the dial stands still")


def scale_curve(premise: Premise, first: int, factor: float) -> None:
    """Scale stored half-hours from a day on and let the dial agree with them where the day is complete."""
    if not premise.has_curve:
        return
    part = premise.curve_span(first, len(premise.dial_wh))
    premise.curve_wh[part] = np.rint(premise.curve_wh[part] * factor).astype(np.int32)
    change = premise.town.clock_change
    if change is not None and change >= premise.town.days[first]:
        premise.town.dials.fold_wh[premise.row] = np.rint(premise.town.dials.fold_wh[premise.row] * factor)
    counted = premise.curve_wh[part].sum(axis=1).astype(np.int64)
    first = len(premise.dial_wh) - len(counted)
    counted += premise.repeated_wh(first, len(premise.dial_wh))
    whole = premise.curve_present[part].all(axis=1)
    premise.dial_wh[first:] = np.where(whole, counted, premise.dial_wh[first:])
