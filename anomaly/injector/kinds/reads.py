"""Reads that are missing, twice there, contradicting, or taken at odd times."""

from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault


@fault("missing_reads", cause="missing_reads", tail_days=6)
def missing_reads(premise: Premise, draw: Draw) -> Effect:
    """No freeze for at least five days; the dial goes on, and communication may or may not come back."""
    first = draw.index
    last = min(first + draw.whole(5, 20), draw.span + 1)
    premise.present[first:last] = False
    premise.curve_present[premise.curve_span(first, last - 1)] = False
    return Effect(first, min(last, draw.span), 0.0, f"no freezes for {last - first} days")


@fault("read_conflict", cause="read_conflict")
def read_conflict(premise: Premise, draw: Draw) -> Effect:
    """Two valid registers for one instant, far enough apart to matter."""
    wrong_kwh = draw.between(1.0, 300.0)
    register = round(premise.register_kwh(draw.index) + wrong_kwh, 2)
    premise.add_read(premise.meter_id, draw.index, register)
    return Effect(
        draw.index, draw.index + 1, wrong_kwh * premise.multiplier, "a second register at the same instant"
    )


@fault("read_time_fault", cause="clock_error", accepted=("missing_reads",), tail_days=8)
def read_time_fault(premise: Premise, draw: Draw) -> Effect:
    """Freezes stamped off midnight for some days: the clock or the collector's timetable is off."""
    days = draw.whole(3, 7)
    minutes = draw.whole(17, 22 * 60)
    moved = slice(draw.index, draw.index + days)
    premise.town.dials.offset_minutes[premise.row, moved] = minutes
    premise.read_dial()
    wrong_kwh = (
        float(premise.dial_wh[draw.index - 1] + premise.dial_wh[draw.index + days - 1]) * minutes / 1_440_000
    )
    note = f"{days} freezes taken {minutes} minutes after midnight"
    return Effect(draw.index, draw.index + days, wrong_kwh * premise.multiplier, note)


@fault("meter_without_installation", cause="record_error")
def meter_without_installation(premise: Premise, draw: Draw) -> Effect:
    """A meter that is in no installation goes on reporting: its row in the file is missing."""
    days = min(draw.whole(3, 30), draw.span - draw.index)
    stray = premise.next_meter_id
    start_kwh, per_day_kwh = draw.between(200.0, 40_000.0), draw.between(0.5, 20.0)
    for number in range(days):
        premise.add_read(stray, draw.index + number, round(start_kwh + per_day_kwh * number, 2))
    note = "reads of a meter that is installed nowhere"
    return Effect(draw.index, draw.index + days, per_day_kwh * (days - 1), note, meter_id=stray)


@fault("interval_gap", cause="missing_reads", needs=("daily", "curve"))
def interval_gap(premise: Premise, draw: Draw) -> Effect:
    """Half-hours are missing for days on end while the freezes arrive."""
    days = min(draw.whole(3, 14), draw.span - draw.index)
    premise.curve_present[premise.curve_span(draw.index, draw.index + days)] = False
    return Effect(draw.index, draw.index + days, 0.0, f"{days} days without half-hours, freezes complete")
