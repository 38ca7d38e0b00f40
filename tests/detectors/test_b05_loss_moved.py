"""B05: energy went over from the loss of one area to that of the next when a meter changed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from anomaly.detectors.b05_loss_moved import loss_moved
from anomaly.panel import Panel
from anomaly.registry import Detections
from rules.rulebook import load
from tests.areas import CHANGE_DAY, balanced, changed, homes, since
from tests.panels import panel, registers

LIMITS = load().detectors["B05"].limit_values()
USED = homes(3)
HOME = int(np.argmax(USED[:20].mean(axis=1)))
QUIET = 20 + int(np.argmin(USED[20:40].mean(axis=1)))


def found(view: Panel, **limits: float) -> Detections:
    return loss_moved(view, **{**LIMITS, **limits})


def exchanged_across() -> Panel:
    kwh = USED.copy()
    kwh[[HOME, QUIET], CHANGE_DAY:] = USED[[QUIET, HOME], CHANGE_DAY:]
    return changed(balanced(USED, kwh), HOME, QUIET)


def test_an_exchange_across_areas_moves_two_losses() -> None:
    both = found(exchanged_across())
    assert both.position.tolist() == [HOME, QUIET]
    assert both.facts["area_text"].tolist() == ["area-0", "area-1"]
    assert both.facts["other_area_text"].tolist() == ["area-1", "area-0"]
    assert both.measured[0] == pytest.approx(-both.measured[1], rel=0.2)
    assert both.facts["other_change_kwh_per_day"][0] == pytest.approx(-both.measured[0], rel=0.2)
    assert both.related.tolist() == [-1, -1], "which home is on the other meter is not told by losses"


def test_areas_that_are_no_neighbours_are_not_asked() -> None:
    view = exchanged_across()
    apart = dataclasses.replace(view.balance, neighbours=np.array([[0, 2], [1, 2], [2, 0], [2, 1]]))
    assert not len(found(dataclasses.replace(view, balance=apart)))


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(changed(balanced(since(USED, HOME, 3.0)), HOME), id="really used"),
        pytest.param(changed(balanced(USED, since(USED, HOME, 3.0)), HOME), id="the meter counts too much"),
        pytest.param(panel(registers([5.0] * 40)), id="no supply meter"),
        pytest.param(changed(balanced(USED[:, :1]), HOME, day=0), id="one day"),
    ],
)
def test_silent(view: Panel) -> None:
    assert not len(found(view))


def test_evidence_exactly_at_the_limit_is_told() -> None:
    view = exchanged_across()
    least = min(found(view).strength)
    assert len(found(view, min_nats=least * 0.5)) == 2
    assert len(found(view, min_nats=least * (1 + 1e-6))) < 2
