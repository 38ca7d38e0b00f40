"""B03: a meter changed for good and the loss of its area did not: the energy is really used."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from anomaly.detectors.b03_loss_unchanged import loss_unchanged
from anomaly.loss_change import INCOMPLETE, MOVED, UNCHANGED, UNDECIDABLE, LossTest, judge_changes
from anomaly.loss_findings import undecided
from anomaly.panel import Panel
from anomaly.registry import Detections
from rules.rulebook import load
from tests.areas import CHANGE_DAY, balanced, changed, homes, since
from tests.panels import panel, registers

RULES = load().detectors
LIMITS = RULES["B03"].limit_values()
USED = homes()
HOME = int(np.argmax(USED[:20].mean(axis=1)))


def found(view: Panel, **limits: float) -> Detections:
    return loss_unchanged(view, **{**LIMITS, **limits})


def really(factor: float) -> Panel:
    return changed(balanced(since(USED, HOME, factor)), HOME)


def exchanged(one: int, other: int) -> np.ndarray:
    kwh = USED.copy()
    kwh[[one, other], CHANGE_DAY:] = USED[[other, one], CHANGE_DAY:]
    return kwh


@pytest.mark.parametrize(("factor", "pattern"), [(3.0, "meter_rose"), (0.2, "meter_fell")])
def test_real_use_leaves_the_loss(factor: float, pattern: str) -> None:
    one = found(really(factor))
    assert one.position.tolist() == [HOME]
    change = abs(factor - 1) * USED[HOME, CHANGE_DAY:].mean()
    assert one.facts["change_kwh_per_day"][0] == pytest.approx(change, rel=0.25)
    assert abs(one.measured[0]) <= 0.2 * change
    assert one.facts["pattern"].tolist() == [pattern]
    assert one.start.astype(str).tolist() == ["2026-03-02"]


def test_an_exchange_inside_the_area_leaves_the_loss_too() -> None:
    quiet = int(np.argmin(USED[:20].mean(axis=1)))
    both = found(changed(balanced(USED, exchanged(HOME, quiet)), HOME, quiet))
    assert sorted(both.position.tolist()) == sorted([HOME, quiet])


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(balanced(since(USED, HOME, 3.0)), id="nobody told of a change"),
        pytest.param(really(1.02), id="a change within the noise"),
        pytest.param(changed(balanced(USED, since(USED, HOME, 3.0)), HOME), id="the meter counts too much"),
        pytest.param(changed(balanced(USED, supply_lost=slice(50, None)), HOME), id="supply meter not read"),
        pytest.param(changed(balanced(since(USED, HOME, 3.0)), HOME, day=88), id="two days after"),
        pytest.param(panel(registers([5.0] * 40)), id="no supply meter"),
        pytest.param(changed(balanced(USED[:, :1]), HOME, day=0), id="one day"),
    ],
)
def test_silent(view: Panel) -> None:
    assert not len(found(view))


def test_a_change_exactly_at_twice_the_noise_is_told() -> None:
    view = really(3.0)
    facts = found(view).facts
    multiple = facts["change_kwh_per_day"][0] / facts["noise_kwh_per_day"][0]
    assert len(found(view, noise_multiple=multiple * (1 - 1e-12))) == 1
    assert not len(found(view, noise_multiple=multiple * (1 + 1e-9)))


def test_days_set_aside_as_errors_are_counted_from_the_reads() -> None:
    view = changed(balanced(USED, since(USED, HOME, 3.0)), HOME)
    spoiled = np.zeros(view.shape, bool)
    spoiled[HOME, CHANGE_DAY:] = True
    judged = judge_changes(view.without_days(spoiled), view.balance, LossTest(**LIMITS))
    assert judged.change[0] == pytest.approx(2 * USED[HOME, CHANGE_DAY:].mean(), rel=0.25)


def test_changes_of_one_event_are_told_once() -> None:
    view = really(3.0)
    twice = changed(view, HOME, day=CHANGE_DAY + 4).changes.vstack(view.changes)
    assert len(found(dataclasses.replace(view, changes=twice.sort("day")))) == 1


def test_why_a_position_cannot_be_judged() -> None:
    reason = undecided(really(1.02), **LIMITS)
    assert reason[HOME] == "balance_undecidable"
    assert set(np.delete(reason, HOME)) == {""}, "who has not changed has nothing to be decided"
    assert set(undecided(really(3.0), **LIMITS)) == {""}
    assert set(undecided(panel(registers([5.0])), **LIMITS)) == {"no_supply_meter"}
    lost = changed(balanced(USED, supply_lost=slice(50, None)), HOME)
    assert set(undecided(lost, **LIMITS)) == {"balance_incomplete"}
    late = changed(balanced(since(USED, HOME, 3.0)), HOME, day=88)
    assert undecided(late, **LIMITS)[HOME] == "balance_incomplete"


def test_the_three_rules_share_their_limits() -> None:
    assert RULES["B04"].limit_values() == LIMITS == RULES["B05"].limit_values()
    assert all(RULES[code].supporting for code in ("B03", "B04", "B05"))
    assert len({UNCHANGED, MOVED, UNDECIDABLE, INCOMPLETE}) == 4
