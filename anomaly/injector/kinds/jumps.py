"""The customer really uses more, or less: registers and curve are right."""

import numpy as np
import numpy.typing as npt

from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault

NEEDS = ("daily", "active")
TAIL_DAYS = 14


def multiplied(premise: Premise, draw: Draw, factor: float) -> Effect:
    """From the day on, all use times a factor."""
    more_kwh = premise.use(draw.index, draw.span, factor=factor)
    return Effect(draw.index, draw.span, more_kwh * premise.multiplier, f"uses ×{factor:g} from then on")


@fault("jump_x1_5", cause="customer_use", needs=NEEDS, tail_days=TAIL_DAYS)
def jump_x1_5(premise: Premise, draw: Draw) -> Effect:
    """Half as much again."""
    return multiplied(premise, draw, 1.5)


@fault("jump_x2", cause="customer_use", needs=NEEDS, tail_days=TAIL_DAYS)
def jump_x2(premise: Premise, draw: Draw) -> Effect:
    """Twice as much."""
    return multiplied(premise, draw, 2.0)


@fault("jump_x3", cause="customer_use", needs=NEEDS, tail_days=TAIL_DAYS)
def jump_x3(premise: Premise, draw: Draw) -> Effect:
    """Three times as much."""
    return multiplied(premise, draw, 3.0)


@fault("jump_x0_5", cause="customer_use", needs=NEEDS, tail_days=TAIL_DAYS)
def jump_x0_5(premise: Premise, draw: Draw) -> Effect:
    """Half."""
    return multiplied(premise, draw, 0.5)


@fault("jump_plus_6_kwh", cause="customer_use", needs=(*NEEDS, "plain"), tail_days=TAIL_DAYS)
def jump_plus_6_kwh(premise: Premise, draw: Draw) -> Effect:
    """Six kWh a day more, from breakfast to bedtime."""
    awake = np.zeros((draw.span - draw.index, 48), dtype=np.int64)
    awake[:, 14:46] = spread_wh(6000, (draw.span - draw.index, 32), draw.rng)
    more_kwh = premise.use(draw.index, draw.span, added_wh=awake)
    return Effect(draw.index, draw.span, more_kwh, "uses 6 kWh a day more from then on")


@fault(
    "base_load_leak",
    cause="base_load",
    accepted=("customer_use",),
    needs=(*NEEDS, "plain"),
    tail_days=TAIL_DAYS,
)
def base_load_leak(premise: Premise, draw: Draw) -> Effect:
    """A load that never rests, 0.2 to 0.5 kW: a leak, or something left on."""
    load_kw = draw.rng.uniform(0.2, 0.5)
    more_kwh = premise.use(draw.index, draw.span, added_wh=round(load_kw * 500))
    return Effect(draw.index, draw.span, more_kwh, f"{load_kw:.2f} kW around the clock")


@fault("night_block", cause="customer_use", needs=(*NEEDS, "plain"), tail_days=TAIL_DAYS)
def night_block(premise: Premise, draw: Draw) -> Effect:
    """A car charges at night, most nights."""
    days = draw.span - draw.index
    power_kw, hours, first_slot = draw.rng.uniform(3.0, 7.2), draw.whole(2, 6), draw.whole(0, 3)
    block = np.zeros((days, 48), dtype=np.int64)
    block[:, first_slot : first_slot + 2 * hours] = round(power_kw * 500)
    block *= (draw.rng.random((days, 1)) < 0.7).astype(np.int64)
    more_kwh = premise.use(draw.index, draw.span, added_wh=block)
    return Effect(draw.index, draw.span, more_kwh, f"{power_kw:.1f} kW for {hours} h on most nights")


@fault("one_day_spike", cause="customer_use", needs=(*NEEDS, "plain"))
def one_day_spike(premise: Premise, draw: Draw) -> Effect:
    """One day of many times the usual use, and the register confirms it."""
    more_wh = max(draw.between(3.0, 10.0) * premise.usual_kwh(), 15.0) * 1000
    day = np.zeros((1, 48), dtype=np.int64)
    day[:, 16:44] = spread_wh(round(more_wh), (1, 28), draw.rng)
    more_kwh = premise.use(draw.index, draw.index + 1, added_wh=day)
    return Effect(draw.index, draw.index + 1, more_kwh, f"{more_kwh:.0f} kWh more on one day")


@fault("periodic_jump", cause="customer_use", needs=("periodic", "active"), tail_days=62, head_days=150)
def periodic_jump(premise: Premise, draw: Draw) -> Effect:
    """An account read by hand uses far more over its last visits."""
    return multiplied(premise, draw, draw.between(2.0, 5.0))


def spread_wh(total_wh: int, shape: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """`total_wh` per row dealt out unevenly over the columns, to the last Wh."""
    weights = rng.uniform(0.2, 1.8, shape)
    dealt: npt.NDArray[np.int64] = np.floor(total_wh * weights / weights.sum(axis=1, keepdims=True)).astype(
        np.int64
    )
    dealt[:, 0] += total_wh - dealt.sum(axis=1)
    return dealt
