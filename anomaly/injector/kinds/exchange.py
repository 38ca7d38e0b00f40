"""A meter is exchanged and something about it is written down wrongly."""

import numpy as np

from anomaly.injector.kinds.dial import scale_curve
from anomaly.injector.layout import CT_MULTIPLIERS
from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault

NEEDS = ("daily", "no_rates", "no_export", "active")
TAIL_DAYS = 8


def hang_new_meter(premise: Premise, draw: Draw) -> tuple[dict[str, object], dict[str, object]]:
    """A proper exchange in working hours, with a new dial that starts near zero."""
    return premise.exchange(draw.index, draw.whole(9 * 60, 16 * 60), draw.whole(0, 3 * premise.ticks_per_kwh))


@fault("exchange_wrong_start", cause="exchange_record_error", needs=NEEDS, tail_days=TAIL_DAYS)
def exchange_wrong_start(premise: Premise, draw: Draw) -> Effect:
    """The new meter's start register in the file is not what its dial showed."""
    _, new = hang_new_meter(premise, draw)
    wrong_kwh = round(draw.between(40.0, 5000.0), 2)
    new["start_register"] = round(float(str(new["start_register"])) + wrong_kwh, 2)
    note = f"start register written {wrong_kwh:.2f} kWh too high"
    return Effect(draw.index, draw.index + 1, wrong_kwh * premise.multiplier, note)


@fault("exchange_wrong_end", cause="exchange_record_error", needs=NEEDS, tail_days=TAIL_DAYS)
def exchange_wrong_end(premise: Premise, draw: Draw) -> Effect:
    """The old meter's end register in the file is not what its dial showed."""
    old, _ = hang_new_meter(premise, draw)
    end_kwh = float(str(old["end_register"]))
    wrong_kwh = round(draw.between(40.0, 5000.0), 2)
    too_low = bool(draw.rng.random() < 0.5) and end_kwh > wrong_kwh
    old["end_register"] = round(end_kwh - wrong_kwh if too_low else end_kwh + wrong_kwh, 2)
    note = f"end register written {wrong_kwh:.2f} kWh too {'low' if too_low else 'high'}"
    return Effect(draw.index, draw.index + 1, wrong_kwh * premise.multiplier, note)


@fault(
    "exchange_missing_end",
    cause="exchange_record_error",
    accepted=("missing_reads",),
    needs=NEEDS,
    tail_days=TAIL_DAYS,
)
def exchange_missing_end(premise: Premise, draw: Draw) -> Effect:
    """No end register, and the old meter had been silent for days: what it counted meanwhile is lost."""
    old, _ = hang_new_meter(premise, draw)
    silent = draw.whole(3, 12)
    end_kwh = float(str(old["end_register"]))
    old["end_register"] = None
    premise.present[draw.index - silent + 1 : draw.index + 1] = False
    lost_kwh = end_kwh - premise.register_kwh(draw.index - silent)
    note = f"no end register; last read {silent} days before the exchange"
    return Effect(draw.index - silent, draw.index + 1, lost_kwh * premise.multiplier, note)


@fault(
    "exchange_old_multiplier",
    cause="exchange_record_error",
    accepted=("wrong_multiplier",),
    needs=("daily", "no_rates", "no_export", "active", "ct"),
    tail_days=15,
)
def exchange_old_multiplier(premise: Premise, draw: Draw) -> Effect:
    """Meter and current transformers were changed together; the file keeps the old multiplier."""
    was = premise.multiplier
    now = float(draw.rng.choice([m for m in CT_MULTIPLIERS if max(m / was, was / m) >= 1.5]))
    slow_dial(premise, draw.index, was / now)
    hang_new_meter(premise, draw)
    counted_kwh = float(premise.dial_wh[draw.index :].sum()) / 1000
    note = f"multiplier {was:.0f} in the file, {now:.0f} on the wall"
    return Effect(draw.index, draw.span, counted_kwh * abs(now - was), note)


def slow_dial(premise: Premise, first: int, factor: float) -> None:
    """From a day on, the meter sees `factor` of what it saw before: its transformers have another ratio."""
    premise.dial_wh[first:] = np.rint(premise.dial_wh[first:] * factor).astype(np.int64)
    scale_curve(premise, first, factor)
    premise.read_dial()
