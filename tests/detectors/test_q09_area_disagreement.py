"""Q09: account and meter are filed under different areas."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reading_error_series import found
from tests.record_panels import JANUARY, REGISTERS, contradicting


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
def test_fires_whatever_the_meter_sent(register: np.ndarray) -> None:
    of = contradicting("area_disagreement", JANUARY, detail="T1≠T2", register=register)
    assert len(found("Q09", of)) == 1


@pytest.mark.parametrize("reason", ["overlap", "two_points", "removed_before_installed"])
def test_other_contradictions_are_other_rules(reason: str) -> None:
    assert len(found("Q09", contradicting(reason, JANUARY))) == 0


def test_facts() -> None:
    one = found("Q09", contradicting("area_disagreement", JANUARY, detail="T1≠T2"))
    assert one.facts["meter_area_id"].tolist() == ["T1"]
    assert one.facts["account_area_id"].tolist() == ["T2"]
    assert (str(one.start[0]), str(one.end[0])) == ("2026-01-11", "2026-03-02")
    assert one.kwh_at_stake.tolist() == [0.0]
