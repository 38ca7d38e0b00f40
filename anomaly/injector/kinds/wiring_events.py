"""Homes exchanged since their meters hang there: nothing changes, but the supply goes off behind the wrong meter."""

from anomaly.injector.kinds.wiring import NEEDS, crossed
from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault, innocent

HALF_HOUR = 30
DAY_SLOTS = 48
STANDBY_WH = 30


@fault("swapped_cut_external", cause="swapped_pair", needs=(*NEEDS, "curve"), scope="pair", tail_days=10)
def swapped_cut_external(first: Premise, second: Premise, draw: Draw) -> Effect:
    """The breaker stands in the first home's own line: switched off, it stops the meter filed for the second."""
    slot, slots = draw.whole(16, 34), DAY_SLOTS * draw.whole(3, 6)
    for premise in (first, second):
        for installation in premise.installations:
            installation["relay"] = "external"
    dark(first, draw.index, slot, slots)
    cut(first, draw.index, slot, slots)
    return crossed(first, second, 0, "the breaker of the first stops the second's meter")


@fault("swapped_cut_call", cause="swapped_pair", needs=(*NEEDS, "curve"), scope="pair", tail_days=10)
def swapped_cut_call(first: Premise, second: Premise, draw: Draw) -> Effect:
    """The first one's meter opens its own relay: the second home is dark and calls, the first one notices nothing."""
    slot, slots = draw.whole(16, 34), DAY_SLOTS * draw.whole(3, 6)
    dark(second, draw.index, slot, slots)
    cut(first, draw.index, slot, slots)
    second.add_ticket(draw.index, (slot + draw.whole(1, 20)) * HALF_HOUR, "no_power")
    return crossed(first, second, 0, "the first was disconnected, the second called")


@fault("swapped_outage", cause="swapped_pair", needs=(*NEEDS, "curve"), scope="pair", tail_days=10)
def swapped_outage(first: Premise, second: Premise, draw: Draw) -> Effect:
    """The first home's own line fails for some hours: its customer calls, but the second's meter notes it."""
    slot, slots = draw.whole(14, 30), draw.whole(6, 16)
    dark(first, draw.index, slot, slots)
    second.add_event(draw.index, slot * HALF_HOUR, "outage_start")
    second.add_event(draw.index, (slot + slots) * HALF_HOUR, "outage_end")
    first.add_ticket(draw.index, (slot + draw.whole(1, 4)) * HALF_HOUR, "no_power")
    return crossed(first, second, 0, "the first called, the second's meter noted the outage")


@innocent("cut_internal_relay", needs=(*NEEDS, "curve"), scope="pair", tail_days=10)
def cut_internal_relay(first: Premise, second: Premise, draw: Draw) -> Effect:
    """A home is disconnected by its meter's own relay and counts nothing; a neighbour is on holiday just then."""
    slot, slots = draw.whole(16, 34), DAY_SLOTS * draw.whole(3, 6)
    dark(first, draw.index, slot, slots)
    cut(first, draw.index, slot, slots)
    last = min(draw.index + slots // DAY_SLOTS + 2, draw.span)
    standby_wh = draw.rng.integers(STANDBY_WH // 2, STANDBY_WH, (last - draw.index, DAY_SLOTS))
    second.use(draw.index, last, factor=0.0, added_wh=standby_wh)
    return Effect(draw.index, last, 0.0, "disconnected by its own relay; the neighbour was away")


def cut(premise: Premise, index: int, slot: int, slots: int) -> None:
    """The account's meter is switched off and on again, and both are on record."""
    premise.add_event(index, slot * HALF_HOUR, "disconnect")
    premise.add_event(index, (slot + slots) * HALF_HOUR, "reconnect")


def dark(premise: Premise, index: int, slot: int, slots: int) -> None:
    """The home has no supply for so many half-hours from a slot of a day on: it uses nothing, nothing is counted."""
    first, last = premise.curve_index(index), index + 1 + (slot + slots - 1) // DAY_SLOTS
    premise.curve_wh[first:].reshape(-1)[slot : slot + slots] = 0
    whole = slice(index + 1, max(last - 1, index + 1))
    if premise.repeated_wh(whole.start, whole.stop).any():
        premise.town.dials.fold_wh[premise.row] = 0
    premise.follow_curve(index, last, 1.0)
    premise.use_wh[whole] = 0
    premise.dial_wh[index:last] = premise.use_wh[index:last]
    premise.read_dial()
