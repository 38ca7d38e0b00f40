"""Homes on each other's meters: every register and record is right, but not for its home."""

import numpy as np

from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault
from anomaly.injector.town import BoolArray

NEEDS = ("daily", "active", "plain", "no_rates", "no_export")
TAIL_DAYS = 35
HEAD_DAYS = 90


@fault("swapped_pair_silent", cause="swapped_pair", needs=NEEDS, scope="pair", tail_days=TAIL_DAYS, head_days=HEAD_DAYS)
def swapped_pair_silent(first: Premise, second: Premise, draw: Draw) -> Effect:
    """The wires behind the meters are crossed; no work is on file."""
    return crossed(first, second, draw.index, "no work on file")


@fault(
    "swapped_pair_exchange", cause="swapped_pair", needs=NEEDS, scope="pair", tail_days=TAIL_DAYS, head_days=HEAD_DAYS
)
def swapped_pair_exchange(first: Premise, second: Premise, draw: Draw) -> Effect:
    """Both meters are exchanged, properly recorded; from the next day on each new one measures the other home."""
    effect = crossed(first, second, draw.index + 1, "both meters were exchanged the day before")
    for premise in (first, second):
        premise.exchange(draw.index, draw.whole(9 * 60, 16 * 60), draw.whole(0, 3 * premise.ticks_per_kwh))
    return effect


@fault("swapped_ring", cause="swapped_pair", needs=NEEDS, scope="ring", tail_days=TAIL_DAYS, head_days=HEAD_DAYS)
def swapped_ring(first: Premise, second: Premise, third: Premise, draw: Draw) -> Effect:
    """Three homes of a box in a ring: the first one's meter measures the second, that one's the third, and so on."""
    note = "a ring of three; no work on file"
    effects = [crossed(one, other, draw.index, note) for one, other in ((first, second), (second, third))]
    return Effect(effects[0].first, effects[0].last, sum(abs(one.kwh_wrong) for one in effects), note)


@fault(
    "swapped_across_boxes", cause="swapped_pair", needs=NEEDS, scope="across", tail_days=TAIL_DAYS, head_days=HEAD_DAYS
)
def swapped_across_boxes(first: Premise, second: Premise, draw: Draw) -> Effect:
    """Two homes of two boxes get new meters on one day, and each the one that measures the other."""
    return swapped_pair_exchange(first, second, draw)


def crossed(first: Premise, second: Premise, index: int, note: str) -> Effect:
    """From a day on each meter, with its register and curve, measures the other home; the use itself stays."""
    part = first.curve_span(index, len(first.dial_wh))
    stored = [_measured(premise, part) for premise in (first, second)]
    both_curves = first.has_curve and second.has_curve
    for values in ("dial_wh", "curve_wh"):
        one, other = getattr(first, values), getattr(second, values)
        span = slice(index, None) if values == "dial_wh" else part
        one[span], other[span] = other[span].copy(), one[span].copy()
    change = first.town.clock_change
    if change is not None and change >= np.datetime64(first.day(index)):
        fold_wh = first.town.dials.fold_wh
        fold_wh[[first.row, second.row]] = fold_wh[[second.row, first.row]]
    for premise, measured in ((first, stored[1]), (second, stored[0])):
        if both_curves:
            premise.curve_present[part] = measured
        elif premise.has_curve:
            premise.curve_present[part] &= measured.all(axis=1, keepdims=True)
        premise.read_dial()
    wrong_kwh = float((first.dial_wh[index:] - second.dial_wh[index:]).sum()) / 1000
    return Effect(index, len(first.dial_wh), wrong_kwh, f"each measured by the other's meter; {note}")


def _measured(premise: Premise, part: slice) -> BoolArray:
    """`[days, 48]` which half-hours are known; of a home without a stored curve, all of the days that add up."""
    if premise.has_curve:
        return premise.curve_present[part].copy()
    first = len(premise.use_wh) - (part.stop - part.start)
    sums = premise.curve_wh[part].sum(axis=1) + premise.repeated_wh(first, len(premise.use_wh))
    return np.repeat((sums == premise.use_wh[first:])[:, None], 48, axis=1)
