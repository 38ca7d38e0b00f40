"""B01: an account filed under one area and fed by the one next door."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from anomaly.detectors.b01_area_move import area_move, no_balance_to_judge
from anomaly.panel import Panel
from anomaly.registry import Detections
from rules.rulebook import load
from tests.areas import MEMBERS, balanced, homes
from tests.panels import panel, registers

LIMITS = load().detectors["B01"].limit_values()
USED = homes()


def found(view: Panel, **limits: float) -> Detections:
    return area_move(view, **{**LIMITS, **limits})


def without_neighbours(view: Panel) -> Panel:
    balance = dataclasses.replace(view.balance, neighbours=np.empty((0, 2), np.int64))
    return dataclasses.replace(view, balance=balance)


def test_an_account_fed_from_next_door_is_found_with_both_losses() -> None:
    one = found(balanced(USED, fed={25: 0}))
    assert one.position.tolist() == [25]
    assert one.related.tolist() == [-1]
    facts = {name: values[0] for name, values in one.facts.items()}
    assert (facts["area_text"], facts["other_area_text"]) == ("area-1", "area-0")
    assert facts["account_kwh_per_day"] == pytest.approx(USED[25, -60:].mean(), rel=0.05)
    assert facts["loss_before_percent"] < facts["loss_after_percent"] == pytest.approx(4, abs=1)
    assert facts["other_loss_before_percent"] > facts["other_loss_after_percent"] == pytest.approx(4, abs=1)
    assert np.isnan(facts["rivals_count"]), "nobody else fits"
    assert one.measured[0] >= one.limit[0] >= LIMITS["min_nats"]


def test_a_second_account_is_found_with_the_first_one_moved() -> None:
    assert sorted(found(balanced(USED, fed={25: 0, 31: 0})).position.tolist()) == [25, 31]
    assert len(found(balanced(USED, fed={25: 0, 31: 0}), most_moves=1)) == 1


def test_two_accounts_filed_the_other_way_round_are_both_found() -> None:
    both = found(balanced(USED, fed={3: 1, 25: 0}))
    assert sorted(both.position.tolist()) == [3, 25]


def test_three_areas_name_the_one_that_feeds() -> None:
    one = found(balanced(homes(3), fed={25: 2}))
    assert (one.position.tolist(), one.facts["other_area_text"].tolist()) == ([25], ["area-2"])


def test_one_spoiled_day_hides_nothing_and_accuses_nobody() -> None:
    for fed, expected in (({25: 0}, [25]), ({}, [])):
        view = balanced(USED, fed=fed)
        view.balance.delivered_kwh[0, 70] += 9000.0
        view.balance.delivered_kwh[0, 71] -= 9000.0
        assert found(view).position.tolist() == expected


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(balanced(USED), id="in order"),
        pytest.param(balanced(USED[[*range(3, 20), 0, 1, 2, *range(20, 40)]]), id="homes of one area exchanged"),
        pytest.param(balanced(np.full_like(USED, 8.0), fed={25: 0}), id="every day alike, nothing to tell by"),
        pytest.param(without_neighbours(balanced(USED, fed={25: 0})), id="no area beside"),
        pytest.param(balanced(USED, fed={25: 0}, supply_lost=slice(30, None)), id="supply meter not read"),
        pytest.param(panel(registers([5.0] * 40)), id="no supply meter at all"),
        pytest.param(balanced(USED[:, :1], fed={25: 0}), id="one day"),
    ],
)
def test_silent(view: Panel) -> None:
    assert not len(found(view))


def test_evidence_exactly_at_the_limit_is_told() -> None:
    view = balanced(USED, fed={25: 0})
    nats, limit = found(view).measured[0], found(view).limit[0]
    at = LIMITS["min_nats"] + nats - limit
    assert len(found(view, min_nats=np.nextafter(at, 0) - 1e-9)) == 1
    assert not len(found(view, min_nats=at + 1e-6))


def test_why_an_account_cannot_be_judged() -> None:
    judged = no_balance_to_judge(balanced(USED), **LIMITS)
    assert set(judged) == {""}
    assert set(no_balance_to_judge(panel(registers([5.0])), **LIMITS)) == {"no_supply_meter"}
    assert set(no_balance_to_judge(without_neighbours(balanced(USED)), **LIMITS)) == {"no_areas_beside"}
    lost = balanced(USED, supply_lost=slice(30, None))
    assert set(no_balance_to_judge(lost, **LIMITS)) == {"balance_incomplete"}
    beside = balanced(USED)
    beside.balance.supply_kwh[1] = np.nan
    assert set(no_balance_to_judge(beside, **LIMITS)) == {"balance_incomplete"}, "alone with a balance"
    elsewhere = balanced(USED)
    elsewhere = dataclasses.replace(elsewhere, balance=dataclasses.replace(
        elsewhere.balance, area_ids=np.array(["area-0", "area-9"], dtype=object)))  # fmt: skip
    assert no_balance_to_judge(elsewhere, **LIMITS).tolist() == [""] * MEMBERS + ["no_supply_meter"] * MEMBERS
