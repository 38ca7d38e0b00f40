"""X13: two meters of one area follow the voltage of each other's box."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from anomaly.detectors.x13_box_voltage import box_unknown, box_voltage
from anomaly.panel import Panel
from anomaly.registry import Detections
from rules.rulebook import load
from tests.feeders import Network, filed, network
from tests.panels import panel, registers

LIMITS = load().detectors["X13"].limit_values()
MADE = network(areas=2, boxes=4, on_phase=4)
IN_FIRST, IN_SECOND, IN_THIRD, IN_FOURTH = 1, 13, 26, 40


def with_boxes(made: Network, **to_box: int) -> np.ndarray:
    box = made.box.copy()
    for row, other in to_box.items():
        box[int(row[1:])] = other
    return box


def exchanged(made: Network, one: int = IN_FIRST, other: int = IN_SECOND) -> np.ndarray:
    box = made.box.copy()
    box[[one, other]] = box[[other, one]]
    return box


def found(view: Panel, **limits: object) -> Detections:
    return box_voltage(view, **{**LIMITS, **limits})


def test_an_exchange_across_boxes_is_told_once_with_both_boxes() -> None:
    one = found(filed(MADE, box=exchanged(MADE)))
    assert one.position.tolist() == [IN_FIRST]
    assert one.related.tolist() == [IN_SECOND]
    assert one.facts["filed_box_text"].tolist() == ["T0-B1"]
    assert one.facts["related_box_text"].tolist() == ["T0-B0"]
    assert one.measured[0] >= LIMITS["least_nats"]
    assert np.isnan(one.facts["candidates_count"][0])


STREET = dataclasses.replace(MADE, box=(np.arange(len(MADE.box)) + 6) // 12 % 4)


@pytest.mark.parametrize(
    ("view", "count"),
    [
        pytest.param(filed(MADE), 0, id="all-filed-rightly"),
        pytest.param(filed(MADE, box=exchanged(MADE, 1, 17)), 1, id="on-different-phases"),
        pytest.param(filed(MADE, box=exchanged(MADE, 1, 2)), 0, id="inside-one-box-voltage-sees-nothing"),
        pytest.param(filed(MADE, box=with_boxes(MADE, r1=1)), 0, id="one-side-only"),
        pytest.param(filed(network(areas=2, on_phase=4, days=1), box=exchanged(MADE)), 0, id="one-day"),
        pytest.param(filed(network(areas=2, on_phase=4, box_v=0.0), box=exchanged(MADE)), 0, id="boxes-at-one-point"),
        pytest.param(filed(STREET), 0, id="boxes-on-file-are-no-points"),
        pytest.param(filed(dataclasses.replace(MADE, voltage_v=np.full_like(MADE.voltage_v, np.nan))), 0, id="all-NaN"),
        pytest.param(filed(dataclasses.replace(MADE, voltage_v=np.full_like(MADE.voltage_v, 230.0))), 0, id="constant"),
        pytest.param(filed(MADE, box=np.arange(len(MADE.box))), 0, id="everybody-alone"),
        pytest.param(panel(registers(np.ones(3))), 0, id="no-electrical-reads"),
    ],
)
def test_truth_table(view: Panel, count: int) -> None:
    assert len(found(view)) == count


def test_the_limit_itself_fires_and_above_it_nothing() -> None:
    view = filed(MADE, box=exchanged(MADE))
    nats = found(view).measured[0]
    assert len(found(view, least_nats=nats))
    assert not len(found(view, least_nats=nats + 0.01))


def test_two_exchanges_are_two_pairs() -> None:
    box = exchanged(MADE)
    box[[IN_THIRD, IN_FOURTH]] = box[[IN_FOURTH, IN_THIRD]]
    pairs = found(filed(MADE, box=box))
    assert list(zip(pairs.position.tolist(), pairs.related.tolist(), strict=True)) == [(1, 13), (26, 40)]


def test_who_is_not_judged_is_told_why() -> None:
    assert set(box_unknown(filed(MADE), **LIMITS)) == {""}
    assert set(box_unknown(filed(MADE, box=np.arange(len(MADE.box))), **LIMITS)) == {"no_neighbours"}
    assert set(box_unknown(filed(STREET), **LIMITS)) == {"boxes_no_points"}
    assert set(box_unknown(panel(registers(np.ones(3))), **LIMITS)) == {"no_electrical"}
