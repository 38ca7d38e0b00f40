"""The multiplier in the file and the one on the wall part ways."""

from anomaly.injector.kinds.exchange import slow_dial
from anomaly.injector.layout import CT_MULTIPLIERS
from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault

NEEDS = ("daily", "active", "ct")
TAIL_DAYS = 15


def other_multiplier(premise: Premise, draw: Draw) -> float:
    """Another multiplier of the catalogue, far enough from the present one to show."""
    was = premise.multiplier
    return float(draw.rng.choice([m for m in CT_MULTIPLIERS if max(m / was, was / m) >= 1.5]))


@fault("multiplier_unrecorded", cause="wrong_multiplier", needs=NEEDS, tail_days=TAIL_DAYS)
def multiplier_unrecorded(premise: Premise, draw: Draw) -> Effect:
    """Transformers of another ratio were fitted; nobody told the file."""
    was, now = premise.multiplier, other_multiplier(premise, draw)
    slow_dial(premise, draw.index, was / now)
    counted_kwh = float(premise.dial_wh[draw.index :].sum()) / 1000
    return Effect(
        draw.index, draw.span, counted_kwh * abs(now - was), f"on the wall {now:.0f}, in the file {was:.0f}"
    )


@fault("multiplier_unrecorded_works", cause="wrong_multiplier", needs=NEEDS, tail_days=TAIL_DAYS)
def multiplier_unrecorded_works(premise: Premise, draw: Draw) -> Effect:
    """The same, and a work event says that someone was there that day."""
    premise.add_event(draw.index, draw.whole(9 * 60, 16 * 60), "works", "current transformers")
    return multiplier_unrecorded(premise, draw)


@fault("multiplier_rekeyed", cause="wrong_multiplier", needs=("daily", "active"), tail_days=TAIL_DAYS)
def multiplier_rekeyed(premise: Premise, draw: Draw) -> Effect:
    """A clerk gives the meter another multiplier in the file; nothing changed on the wall."""
    was, now = premise.multiplier, other_multiplier(premise, draw)
    split_installation(premise, draw.index, now)
    counted_kwh = float(premise.dial_wh[draw.index :].sum()) / 1000
    return Effect(
        draw.index, draw.span, counted_kwh * abs(now - was), f"on the wall {was:.0f}, in the file {now:.0f}"
    )


def split_installation(premise: Premise, index: int, multiplier: float) -> None:
    """Two abutting rows of one meter: the multiplier changes in the file at 00:00 of the day."""
    old = premise.installations[-1]
    register = premise.register_kwh(index)
    new = {**old, "installed_on": premise.day(index), "multiplier": multiplier, "start_register": register}
    old["removed_on"], old["end_register"] = premise.day(index), register
    premise.installations.append(new)
