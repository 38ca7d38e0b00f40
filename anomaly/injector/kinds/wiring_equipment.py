"""Neighbours whose equipment or class gives an exchange away, one circuit on the wrong meter, and two look-alikes."""

import numpy as np

from anomaly.injector.kinds.innocent import STANDBY_WH
from anomaly.injector.kinds.wiring import crossed
from anomaly.injector.meters import generated_wh
from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault, innocent

NEEDS = ("daily", "active", "plain", "no_rates", "no_export")
CIRCUITS = {"morning": (10, 20), "afternoon": (22, 34), "evening": (34, 46)}
"""Half-hours of the day in which the circuit runs; none touches the hour that a clock change repeats."""

SHOP_KVA = 40.0
OPEN_HALF_HOURS = (17, 38)
SHOP_IDLE_SHARE = 0.12


@fault(
    "partial_transfer",
    cause="partial_transfer",
    accepted=("swapped_pair",),
    needs=(*NEEDS, "curve"),
    scope="pair",
    tail_days=35,
    head_days=90,
)
def partial_transfer(first: Premise, second: Premise, draw: Draw) -> Effect:
    """From a day on a circuit of the first home, most of its use at one time of day, runs over the other meter."""
    name = str(draw.rng.choice(list(CIRCUITS)))
    begin, end = CIRCUITS[name]
    part = first.curve_span(draw.index, draw.span)
    moved_wh = np.zeros((draw.span - draw.index, 48), dtype=np.int64)
    share = draw.rng.uniform(0.7, 0.95)
    moved_wh[:, begin:end] = np.rint(share * first.curve_wh[part][:, begin:end]).astype(np.int64)
    for premise, sign in ((first, -1), (second, 1)):
        premise.curve_wh[part] += np.where(premise.curve_present[part], sign * moved_wh, 0).astype(np.int32)
        premise.dial_wh[draw.index :] += sign * moved_wh.sum(axis=1)
        premise.read_dial()
    return Effect(
        draw.index, draw.span, float(moved_wh.sum()) / 1000, f"the {name} circuit runs over the other's meter"
    )


@fault("swapped_generation", cause="swapped_pair", accepted=("partial_transfer",), needs=NEEDS, scope="pair")
def swapped_generation(first: Premise, second: Premise, draw: Draw) -> Effect:
    """A home with a registered roof and its neighbour have been on each other's meters all along."""
    dials = first.town.dials
    sent_wh = generated_wh(first.town.days, np.array([True]), draw.rng)[0]
    for premise, wh in ((first, np.zeros_like(sent_wh)), (second, sent_wh)):
        dials.export_wh[premise.row] = wh
        dials.has_export[premise.row] = True
    first.account["generation"] = True
    return crossed(first, second, 0, "the roof of one is registered and feeds in through the other's")


@fault("swapped_class", cause="swapped_pair", needs=(*NEEDS, "curve"), scope="pair")
def swapped_class(first: Premise, second: Premise, draw: Draw) -> Effect:
    """A flat and a shop have been on each other's meters all along."""
    second.account["customer_class"] = "commercial"
    second.account["contract_kva"] = SHOP_KVA
    open_wh = draw.between(40.0, 140.0) * 1000 / (OPEN_HALF_HOURS[1] - OPEN_HALF_HOURS[0])
    workday = (first.town.days.astype("datetime64[D]").astype(np.int64) + 3) % 7 < 5
    level_wh = np.full((draw.span, 48), SHOP_IDLE_SHARE * open_wh)
    level_wh[workday, OPEN_HALF_HOURS[0] : OPEN_HALF_HOURS[1]] = open_wh
    used_wh = np.rint(level_wh * draw.rng.gamma(16.0, 1 / 16, level_wh.shape)).astype(np.int64)
    second.use(0, draw.span, factor=0.0, added_wh=used_wh)
    return crossed(first, second, 0, "one is a flat and the other a shop")


@innocent("tenants_exchange", needs=NEEDS, scope="pair", tail_days=35, head_days=90)
def tenants_exchange(first: Premise, second: Premise, draw: Draw) -> Effect:
    """Two families exchange their flats and the file knows the day: all is right, the reads look crossed.

    No fault of the utility's. No read can tell it from crossed meters, only the file can.
    """
    before = first.use_wh[draw.index :].copy()
    effect = crossed(first, second, draw.index, "families exchanged")
    first.use_wh[draw.index :] = second.use_wh[draw.index :]
    second.use_wh[draw.index :] = before
    for premise in (first, second):
        premise.account["customer_since"] = premise.day(draw.index)
    return Effect(
        effect.first, effect.last, effect.kwh_wrong, "two families exchanged their flats, both move-ins on file"
    )


@innocent("both_away", needs=("daily", "active", "plain"), scope="pair", tail_days=10)
def both_away(first: Premise, second: Premise, draw: Draw) -> Effect:
    """Two homes of one box are on holiday in the same one or two weeks."""
    last = min(draw.index + draw.whole(7, 14), draw.span)
    for premise in (first, second):
        standby_wh = draw.whole(STANDBY_WH // 3, 2 * STANDBY_WH) // 2
        idle_wh = draw.rng.integers(standby_wh // 2, standby_wh + 10, (last - draw.index, 48))
        premise.use(draw.index, last, factor=0.0, added_wh=idle_wh)
    return Effect(draw.index, last, 0.0, f"both away for {last - draw.index} days")
