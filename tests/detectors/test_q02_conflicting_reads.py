"""Q02: two values for one moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.reading_error_series import found
from tests.record_panels import REGISTERS, all_but, aside, conflict


@pytest.mark.parametrize(
    ("rows", "findings"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([conflict(10)], 1, id="one"),
        pytest.param([conflict(10, high=100.01)], 0, id="at the limit"),
        pytest.param([conflict(10, high=100.02)], 1, id="beyond it"),
        pytest.param([conflict(10), conflict(12)], 1, id="within a week: one story"),
        pytest.param([conflict(10), conflict(17)], 1, id="exactly a week: one story"),
        pytest.param([conflict(10), conflict(18)], 2, id="more than a week: two"),
        pytest.param([conflict(10), conflict(10, channel="import_t1")], 1, id="two channels"),
        pytest.param([conflict(10), conflict(10, meter_id="meter-9", row=0)], 2, id="two meters"),
    ],
)
def test_fires(rows: list[dict[str, Any]], findings: int) -> None:
    assert len(found("Q02", aside(*rows))) == findings


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
def test_whatever_else_the_meter_sent(register: np.ndarray) -> None:
    assert len(found("Q02", aside(conflict(1), register=register))) == 1


def test_other_reasons_are_other_rules() -> None:
    assert len(found("Q02", all_but("conflict"))) == 0


def test_facts_are_those_of_the_widest() -> None:
    one = found("Q02", aside(conflict(10, high=101.0), conflict(12), multiplier=20.0))
    assert (one.facts["first_kwh"][0], one.facts["second_kwh"][0]) == (100.0, 130.0)
    assert str(one.facts["read_at"][0]) == "2026-01-12T00:00:00"
    assert one.facts["conflict_count"].tolist() == [2]
    assert (str(one.start[0]), str(one.end[0])) == ("2026-01-10", "2026-01-13")
    assert one.kwh_at_stake.tolist() == [600.0]
