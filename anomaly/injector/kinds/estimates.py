"""Reads that were made up instead of taken, marked or not, and the backlog when the truth comes in."""

import numpy as np

from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault
from anomaly.injector.vocabulary import ESTIMATED

NEEDS = ("daily", "active", "no_rates")
CAUSE = "estimate_true_up"


def drop_curve(premise: Premise, first: int, last: int) -> None:
    """Nothing arrived from the meter on days [first, last): no half-hours either."""
    premise.curve_present[premise.curve_span(first, last)] = False


def straight_line(premise: Premise, first: int, last: int, per_day_ticks: float) -> float:
    """Write reads first+1 … last - 1 on a straight line; returns the kWh by which the last one is off."""
    steps = np.arange(1, last - first)
    premise.ticks[first + 1 : last] = premise.ticks[first] + np.rint(steps * per_day_ticks).astype(np.int64)
    true = premise.dial_wh[first : last - 1].sum() / 1000
    return float(true - steps[-1] * per_day_ticks / premise.ticks_per_kwh)


@fault("estimated_run", cause=CAUSE, accepted=("missing_reads",), needs=NEEDS, tail_days=20)
def estimated_run(premise: Premise, draw: Draw) -> Effect:
    """Weeks of reads marked as estimated, near the usual, not yet made up."""
    first, last = draw.index, draw.span + 1
    usual = premise.usual_kwh() * draw.between(0.9, 1.1)
    off_kwh = straight_line(premise, first, last, usual * premise.ticks_per_kwh)
    premise.quality[first + 1 : last] = ESTIMATED
    drop_curve(premise, first, draw.span)
    return Effect(first, draw.span, off_kwh * premise.multiplier, "marked estimates up to as-of")


@fault("unmarked_straight_line", cause=CAUSE, needs=NEEDS, tail_days=16)
def unmarked_straight_line(premise: Premise, draw: Draw) -> Effect:
    """Reads on a straight line that claim to be valid, then the true register again."""
    days = draw.whole(7, 14)
    usual = premise.usual_kwh() * draw.between(0.5, 1.3)
    off_kwh = straight_line(premise, draw.index, draw.index + days, usual * premise.ticks_per_kwh)
    keep_rising(premise, draw.index, draw.index + days)
    drop_curve(premise, draw.index, draw.index + days)
    return Effect(
        draw.index, draw.index + days, off_kwh * premise.multiplier, f"{days - 1} unmarked reads on a line"
    )


@fault("estimates_too_low", cause=CAUSE, needs=NEEDS, tail_days=24)
def estimates_too_low(premise: Premise, draw: Draw) -> Effect:
    """Marked estimates far below the use, then the real register and the whole backlog in one day."""
    days = draw.whole(8, 20)
    usual = premise.usual_kwh() * draw.between(0.1, 0.5)
    off_kwh = straight_line(premise, draw.index, draw.index + days, usual * premise.ticks_per_kwh)
    keep_rising(premise, draw.index, draw.index + days)
    premise.quality[draw.index + 1 : draw.index + days] = ESTIMATED
    drop_curve(premise, draw.index, draw.index + days)
    return Effect(
        draw.index,
        draw.index + days,
        off_kwh * premise.multiplier,
        f"{days - 1} estimates too low, then the truth",
    )


@fault("stuck_then_backlog", cause=CAUSE, accepted=("meter_stopped",), needs=NEEDS, tail_days=14)
def stuck_then_backlog(premise: Premise, draw: Draw) -> Effect:
    """The collector repeats an old register for some days; then the backlog arrives at once."""
    days = draw.whole(4, 12)
    true = premise.ticks[draw.index + days - 1]
    premise.ticks[draw.index + 1 : draw.index + days] = premise.ticks[draw.index]
    drop_curve(premise, draw.index, draw.index + days)
    off_kwh = float(true - premise.ticks[draw.index]) / premise.ticks_per_kwh
    return Effect(
        draw.index, draw.index + days, off_kwh * premise.multiplier, f"one register repeated for {days} days"
    )


@fault("copied_week", cause=CAUSE, needs=NEEDS, tail_days=18)
def copied_week(premise: Premise, draw: Draw) -> Effect:
    """Registers made up from the same days of the week before, claiming to be valid; then the true one."""
    days = draw.whole(8, 15)
    first, last = draw.index, draw.index + days
    steps = np.diff(premise.ticks[first - 7 : first + 1])
    made_up = premise.ticks[first] + np.cumsum(np.tile(steps, 3)[: days - 1])
    true_ticks = premise.ticks[last - 1]
    premise.ticks[first + 1 : last] = made_up
    keep_rising(premise, first, last)
    drop_curve(premise, first, last)
    off_kwh = float(true_ticks - made_up[-1]) / premise.ticks_per_kwh
    return Effect(
        first, last, off_kwh * premise.multiplier, f"{days - 1} daily energies copied from a week before"
    )


def keep_rising(premise: Premise, first: int, last: int) -> None:
    """An estimate that overshot the truth would make the register fall: let the customer use the overshoot.

    The customer then simply used what the estimates had ahead, so the true register after the run is not
    below it.
    """
    ahead = int(premise.ticks[last - 1] - premise.ticks[last])
    if ahead < 0:
        return
    tick_wh = int(premise.town.dials.tick_wh[premise.row])
    more_wh = (ahead + 1) * tick_wh
    premise.use_wh[last - 1] += more_wh
    premise.dial_wh[last - 1] += more_wh
    premise.ticks[last:] += ahead + 1
