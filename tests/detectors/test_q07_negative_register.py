"""Q07: a register below zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.reading_error_series import found
from tests.record_panels import REGISTERS, all_but, aside, negative


@pytest.mark.parametrize(
    ("rows", "lowest_kwh", "findings"),
    [
        pytest.param([], 0.0, 0, id="none"),
        pytest.param([negative()], 0.0, 1, id="one"),
        pytest.param([negative()], -12.5, 0, id="at the limit"),
        pytest.param([negative(kwh=-12.51)], -12.5, 1, id="beyond it"),
        pytest.param([negative(3), negative(10)], 0.0, 1, id="exactly a week apart: one finding"),
        pytest.param([negative(3), negative(11)], 0.0, 2, id="more than a week apart"),
    ],
)
def test_fires(rows: list[dict[str, Any]], lowest_kwh: float, findings: int) -> None:
    assert len(found("Q07", aside(*rows), lowest_kwh=lowest_kwh)) == findings


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
def test_whatever_else_the_meter_sent(register: np.ndarray) -> None:
    assert len(found("Q07", aside(negative(1), register=register))) == 1


def test_other_reasons_are_other_rules() -> None:
    assert len(found("Q07", all_but("negative"))) == 0


def test_facts() -> None:
    one = found("Q07", aside(negative(), multiplier=20.0))
    assert one.measured.tolist() == one.facts["read_kwh"].tolist() == [-12.5]
    assert str(one.facts["read_day"][0]) == str(one.start[0]) == "2026-01-10"
    assert one.facts["negative_reads"].tolist() == [2]
    assert one.kwh_at_stake.tolist() == [250.0]
