"""B02: a meter counts much more, or much less, than the supply meter of its area sees of it."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.detectors.b02_meter_coefficient import meter_coefficient, no_balance
from anomaly.panel import Panel
from anomaly.registry import Detections
from rules.rulebook import load
from tests.areas import balanced, homes
from tests.panels import panel, registers

LIMITS = load().detectors["B02"].limit_values()
USED = homes()


def found(view: Panel, **limits: float) -> Detections:
    return meter_coefficient(view, **{**LIMITS, **limits})


def counting(factor: float, home: int = 7) -> Panel:
    counted = USED.copy()
    counted[home] = np.round(counted[home] * factor, 2)
    return balanced(USED, counted)


@pytest.mark.parametrize(
    ("factor", "pattern"), [(2.0, "counts_too_much"), (10.0, "counts_too_much"), (0.4, "counts_too_little")]
)
def test_a_gross_error_is_found_with_its_ratio(factor: float, pattern: str) -> None:
    one = found(counting(factor))
    assert one.position.tolist() == [7]
    assert one.facts["counted_ratio"][0] == pytest.approx(factor, rel=0.2)
    assert one.facts["seen_kwh_per_day"][0] == pytest.approx(USED[7, -60:].mean(), rel=0.25)
    assert one.facts["pattern"].tolist() == [pattern]
    assert one.measured[0] == pytest.approx(1 / factor, rel=0.25)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(balanced(USED), id="in order"),
        pytest.param(counting(1.1), id="too small to tell from daily reads"),
        pytest.param(balanced(USED, fed={25: 0}), id="not fed at all: B01"),
        pytest.param(balanced(USED, supply_lost=slice(30, None)), id="supply meter not read"),
        pytest.param(balanced(np.full_like(USED, 8.0)), id="every day alike"),
        pytest.param(panel(registers([5.0] * 40)), id="no supply meter"),
        pytest.param(balanced(USED[:, :1]), id="one day"),
    ],
)
def test_silent(view: Panel) -> None:
    assert not len(found(view))


def test_exactly_at_the_limit_is_told() -> None:
    view = counting(2.0)
    coefficient = found(view).measured[0]
    assert len(found(view, min_error_ratio=1 / coefficient * (1 - 1e-9))) == 1
    assert not len(found(view, min_error_ratio=1 / coefficient * (1 + 1e-9)))


def test_untouched_areas_are_left_alone() -> None:
    told = sum(len(found(balanced(homes(seed=seed), seed=seed))) for seed in range(20))
    assert told <= 1, "800 meters in order"


def test_why_an_account_cannot_be_judged() -> None:
    assert set(no_balance(balanced(USED), **LIMITS)) == {""}
    assert set(no_balance(panel(registers([5.0])), **LIMITS)) == {"no_supply_meter"}
    assert set(no_balance(balanced(USED, supply_lost=slice(30, None)), **LIMITS)) == {"balance_incomplete"}
