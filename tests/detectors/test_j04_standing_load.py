"""J04: a rise that runs round the clock, and rises that do not."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.detectors.j04_standing_load import standing_load
from anomaly.panel import Panel
from rules.rulebook import load
from tests.changed_homes import CHANGE, DAYS, at_night, home

LIMITS = load().detectors["J04"].limit_values()
AWAKE = np.concatenate([np.zeros(7), np.full(17, 0.4)])
LATE = [CHANGE + 4, CHANGE + 5]

TRUTH = [
    pytest.param(home(0.2), True, id="0.2 kW round the clock"),
    pytest.param(home(0.05), True, id="exactly the least rise"),
    pytest.param(home(0.04), False, id="40 W"),
    pytest.param(home(AWAKE), False, id="longer days, quiet nights"),
    pytest.param(home(0.1 + AWAKE / 2), False, id="a third of it round the clock"),
    pytest.param(home(at_night(4.0)), False, id="a car at night"),
    pytest.param(home(-0.05), False, id="use fell"),
    pytest.param(home(0.2, until=LATE[0]), False, id="four days of curve after the change"),
    pytest.param(home(0.2, until=LATE[1]), True, id="five days of curve"),
    pytest.param(home(0.2, curve=False), False, id="no curve"),
    pytest.param(home(0.2, code="R03"), False, id="a meter that runs fast is not a change of use"),
]


@pytest.mark.parametrize(("known", "fires"), TRUTH)
def test_truth_table(known: Panel, fires: bool) -> None:
    assert len(standing_load(known, **LIMITS)) == int(fires)


def test_what_it_says() -> None:
    found = standing_load(home(0.2), **LIMITS)
    assert found.measured.tolist() == pytest.approx([1.0])
    facts = {name: values[0] for name, values in found.facts.items()}
    assert (facts["before_kw"], facts["after_kw"]) == pytest.approx((0.1, 0.3))
    assert facts["rise_kwh_per_day"] == pytest.approx(4.8)
    assert facts["base_share_percent"] == pytest.approx(100.0)
    assert found.kwh_at_stake.tolist() == pytest.approx([4.8 * (DAYS - CHANGE)])
