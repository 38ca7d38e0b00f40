"""J05: a rise that comes as a block in the night, and rises that do not."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.detectors.j05_night_block import night_block
from anomaly.panel import Panel
from rules.rulebook import load
from tests.changed_homes import CHANGE, at_night, home

LIMITS = load().detectors["J05"].limit_values()


def evening(power_kw: float) -> np.ndarray:
    """A block from 18:00 to 22:00."""
    added = np.zeros(24)
    added[18:22] = power_kw
    return added


TRUTH = [
    pytest.param(home(at_night(3.0)), True, id="3 kW from one to five"),
    pytest.param(home(at_night(2.5)), True, id="exactly the least block"),
    pytest.param(home(at_night(2.4)), False, id="2.4 kW"),
    pytest.param(home(at_night(3.0) + evening(3.0)), True, id="half of it at night"),
    pytest.param(home(at_night(3.0) + evening(3.2)), False, id="less than half of it at night"),
    pytest.param(home(evening(4.0)), False, id="cooking in the evening"),
    pytest.param(home(0.2), False, id="round the clock"),
    pytest.param(home(-0.05), False, id="use fell"),
    pytest.param(home(at_night(3.0), until=CHANGE + 4), False, id="four days of curve after the change"),
    pytest.param(home(at_night(3.0), curve=False), False, id="no curve"),
]


@pytest.mark.parametrize(("known", "fires"), TRUTH)
def test_truth_table(known: Panel, fires: bool) -> None:
    assert len(night_block(known, **LIMITS)) == int(fires)


def test_what_it_says() -> None:
    found = night_block(home(at_night(3.0)), **LIMITS)
    facts = {name: values[0] for name, values in found.facts.items()}
    assert facts["night_share_percent"] == pytest.approx(100.0)
    assert facts["block_kw"] == pytest.approx(3.0)
    assert facts["rise_kwh_per_day"] == pytest.approx(12.0)
