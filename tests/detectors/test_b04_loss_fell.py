"""B04: a meter counts more since a day, and the loss of its area fell by as much."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.detectors.b04_loss_fell import loss_fell
from anomaly.panel import Panel
from anomaly.registry import Detections
from rules.rulebook import load
from tests.areas import CHANGE_DAY, balanced, changed, homes, since
from tests.panels import panel, registers

LIMITS = load().detectors["B04"].limit_values()
USED = homes()
HOME = int(np.argmax(USED[:20].mean(axis=1)))


def found(view: Panel, **limits: float) -> Detections:
    return loss_fell(view, **{**LIMITS, **limits})


def counting(factor: float) -> Panel:
    return changed(balanced(USED, since(USED, HOME, factor)), HOME)


def across() -> np.ndarray:
    quiet = 20 + int(np.argmin(USED[20:].mean(axis=1)))
    kwh = USED.copy()
    kwh[[HOME, quiet], CHANGE_DAY:] = USED[[quiet, HOME], CHANGE_DAY:]
    return kwh


@pytest.mark.parametrize(("factor", "pattern"), [(3.0, "meter_rose"), (0.1, "meter_fell")])
def test_the_loss_takes_the_other_side(factor: float, pattern: str) -> None:
    one = found(counting(factor))
    assert one.position.tolist() == [HOME]
    change = (factor - 1) * USED[HOME, CHANGE_DAY:].mean()
    assert one.measured[0] == pytest.approx(-change, rel=0.25)
    assert one.facts["pattern"].tolist() == [pattern]
    assert one.facts["loss_after_kwh_per_day"][0] - one.facts["loss_before_kwh_per_day"][0] == pytest.approx(
        one.measured[0]
    )


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(changed(balanced(since(USED, HOME, 3.0)), HOME), id="really used"),
        pytest.param(changed(balanced(USED, across()), HOME), id="moved to the area next door: B05"),
        pytest.param(counting(1.02), id="a change within the noise"),
        pytest.param(balanced(USED, since(USED, HOME, 3.0)), id="nobody told of a change"),
        pytest.param(panel(registers([5.0] * 40)), id="no supply meter"),
        pytest.param(changed(balanced(USED[:, :1]), HOME, day=0), id="one day"),
    ],
)
def test_silent(view: Panel) -> None:
    assert not len(found(view))


def test_evidence_exactly_at_the_limit_is_told() -> None:
    nats = found(counting(3.0)).strength[0]
    assert len(found(counting(3.0), min_nats=nats)) == 1
    assert not len(found(counting(3.0), min_nats=nats * (1 + 1e-6)))


def test_a_loss_that_fell_by_another_amount_is_nobodys() -> None:
    view = counting(3.0)
    view.balance.supply_kwh[0, CHANGE_DAY:] -= 60.0
    assert not len(found(view))
