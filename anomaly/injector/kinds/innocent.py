"""Look-alikes: everything here is right, and nobody must be accused of it."""

import numpy as np

from anomaly.injector.kinds.exchange import slow_dial
from anomaly.injector.kinds.multiplier import other_multiplier, split_installation
from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, innocent

STANDBY_WH = 60


@innocent("duplicate_reads", needs=("daily",))
def duplicate_reads(premise: Premise, draw: Draw) -> Effect:
    """The same reads delivered twice."""
    days = draw.whole(1, 4)
    for index in range(draw.index, draw.index + days):
        premise.add_read(premise.meter_id, index, premise.register_kwh(index))
    return Effect(draw.index, draw.index + days, 0.0, f"{days} reads delivered twice")


@innocent("rollover", needs=("daily", "active", "no_rates", "no_export"))
def rollover(premise: Premise, draw: Draw) -> Effect:
    """The dial passes its top on the drawn day."""
    dials = premise.town.dials
    top_wh = premise.capacity_ticks * int(dials.tick_wh[premise.row])
    counted_wh = int(premise.dial_wh[: draw.index].sum() + premise.dial_wh[draw.index] // 2)
    dials.start_wh[premise.row] = top_wh - counted_wh
    premise.read_dial()
    return Effect(draw.index, draw.index + 1, 0.0, "the dial passed its top")


@innocent("correct_exchange", needs=("daily", "no_rates", "no_export"), tail_days=8, head_days=20)
def correct_exchange(premise: Premise, draw: Draw) -> Effect:
    """A meter exchange with everything written down rightly."""
    premise.exchange(draw.index, draw.whole(9 * 60, 16 * 60), draw.whole(0, 3 * premise.ticks_per_kwh))
    return Effect(draw.index, draw.index + 1, 0.0, "a meter exchange, all in order")


@innocent("correct_multiplier_change", needs=("daily", "ct", "no_rates", "no_export"), tail_days=10)
def correct_multiplier_change(premise: Premise, draw: Draw) -> Effect:
    """Current transformers changed, and the file's multiplier with them: consumption goes on as before."""
    was, now = premise.multiplier, other_multiplier(premise, draw)
    slow_dial(premise, draw.index, was / now)
    split_installation(premise, draw.index, now)
    premise.add_event(draw.index, 5, "works", "current transformers")
    return Effect(
        draw.index, draw.span, 0.0, f"multiplier {was:.0f} → {now:.0f}, on the wall and in the file"
    )


@innocent("holiday_absence", needs=("daily", "active", "plain"), tail_days=10)
def holiday_absence(premise: Premise, draw: Draw) -> Effect:
    """Nobody at home for one or two weeks: only standby is left."""
    last = min(draw.index + draw.whole(7, 14), draw.span)
    standby_wh = draw.whole(STANDBY_WH // 3, 2 * STANDBY_WH) // 2
    premise.use(
        draw.index,
        last,
        factor=0.0,
        added_wh=draw.rng.integers(standby_wh // 2, standby_wh + 10, (last - draw.index, 48)),
    )
    return Effect(draw.index, last, 0.0, f"away for {last - draw.index} days")


@innocent("seasonal_change", needs=("daily", "active"), tail_days=20)
def seasonal_change(premise: Premise, draw: Draw) -> Effect:
    """Use rises slowly over three months, as with electric heating towards winter."""
    top = draw.between(1.3, 1.9)
    first = draw.span - 90
    for week in range(13):
        begin, end = first + 7 * week, min(first + 7 * week + 7, draw.span)
        premise.use(begin, end, factor=1 + (top - 1) * (week + 1) / 13)
    return Effect(first, draw.span, 0.0, f"rises slowly to ×{top:.2f} over three months")


@innocent("heat_wave", needs=("daily",), scope="area", tail_days=7)
def heat_wave(premises: list[Premise], draw: Draw) -> Effect:
    """Five days on which the whole area uses 60 % more."""
    for premise in premises:
        premise.use(draw.index, draw.index + 5, factor=1.6)
    return Effect(draw.index, draw.index + 5, 0.0, "the whole area uses ×1.6 for five days")


@innocent("missing_days", needs=("daily",))
def missing_days(premise: Premise, draw: Draw) -> Effect:
    """One or two freezes did not arrive."""
    days = draw.whole(1, 2)
    premise.present[draw.index : draw.index + days] = False
    return Effect(draw.index, draw.index + days, 0.0, f"{days} freezes missing")


@innocent("clock_change_handled", needs=("daily", "clock_change"))
def clock_change_handled(premise: Premise, draw: Draw) -> Effect:
    """A day of twenty-five hours whose repeated hour is told apart by fold: nothing needs to be done."""
    change = premise.town.clock_change
    index = int((change - premise.town.days[0]).astype(int)) if change is not None else draw.index
    return Effect(index, index + 1, 0.0, "the repeated hour is marked")


@innocent("vacant_and_zero", needs=("daily", "active", "plain"), tail_days=25)
def vacant_and_zero(premise: Premise, draw: Draw) -> Effect:
    """The customer moved out, the file knows, the dial rests."""
    premise.use(draw.index, draw.span, factor=0.0)
    premise.account["status"] = "vacant"
    premise.account["status_since"] = premise.day(draw.index)
    return Effect(draw.index, draw.span, 0.0, "vacant in the file and not in use")


@innocent("generation_export", needs=("daily", "no_export", "plain", "no_rates"), tail_days=10)
def generation_export(premise: Premise, draw: Draw) -> Effect:
    """A roof was fitted, the file knows, and the export register begins to count."""
    dials, row = premise.town.dials, premise.row
    dials.export_wh[row, draw.index :] = np.rint(
        draw.between(2.0, 15.0) * draw.rng.beta(2, 1.5, draw.span - draw.index) * 1000
    )
    dials.has_export[row] = True
    premise.read_dial()
    premise.account["generation"] = True
    return Effect(draw.index, draw.span, 0.0, "generation, in the file and on the dial")


@innocent("monthly_to_bimonthly", needs=("periodic",), tail_days=20)
def monthly_to_bimonthly(premise: Premise, draw: Draw) -> Effect:
    """The reader comes every second month from now on: bills double, use does not."""
    stored = np.flatnonzero(premise.present)
    premise.present[stored[-2]] = False
    premise.present[stored[-4]] = False
    premise.account["read_frequency"] = "bimonthly"
    return Effect(int(stored[-4]), draw.span, 0.0, "read every second month")
