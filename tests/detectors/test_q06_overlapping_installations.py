"""Q06: two meters on one point at once, or a removal before the installation."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reading_error_series import found
from tests.record_panels import FIRST_TWENTY_DAYS, JANUARY, NEVER_ENDING, REGISTERS, contradicting


@pytest.mark.parametrize("reason", ["overlap", "removed_before_installed"])
@pytest.mark.parametrize(
    ("tolerance_days", "fires"),
    [pytest.param(0, 1, id="none"), pytest.param(19, 1, id="below"), pytest.param(20, 0, id="at the limit")],
)
def test_fires(reason: str, tolerance_days: int, fires: int) -> None:
    one = found("Q06", contradicting(reason, JANUARY), tolerance_days=tolerance_days)
    assert one.measured.tolist() == [20.0] * fires


@pytest.mark.parametrize("reason", ["two_points", "area_disagreement"])
def test_other_contradictions_are_other_rules(reason: str) -> None:
    assert len(found("Q06", contradicting(reason, JANUARY))) == 0


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
def test_whatever_the_meter_sent_up_to_now(register: np.ndarray) -> None:
    of = contradicting("overlap", FIRST_TWENTY_DAYS, register=register)
    assert found("Q06", of).measured.tolist() == [min(20, of.shape[1])]


def test_the_energy_of_those_days_is_at_stake() -> None:
    of = contradicting("overlap", JANUARY)
    assert found("Q06", of).kwh_at_stake.tolist() == pytest.approx([of.kwh[0, 10:30].sum()])


def test_an_overlap_that_never_ends_ends_now() -> None:
    one = found("Q06", contradicting("overlap", NEVER_ENDING))
    assert str(one.end[0]) == "2026-03-02"
    assert one.facts["pattern"].tolist() == ["two_meters"]
    assert one.facts["first_meter_id"].tolist() == ["meter-0"]
    assert one.facts["second_meter_id"].tolist() == ["meter-9"]


def test_removed_before_installed() -> None:
    one = found("Q06", contradicting("removed_before_installed", JANUARY))
    assert one.facts["pattern"].tolist() == ["removed_before_installed"]
    assert one.kwh_at_stake.tolist() == [0.0]
