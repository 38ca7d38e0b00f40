"""Q10: one meter at two points at once."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reading_error_series import found
from tests.record_panels import FIRST_TWENTY_DAYS, JANUARY, NEVER_ENDING, REGISTERS, contradicting


@pytest.mark.parametrize(
    ("tolerance_days", "fires"),
    [pytest.param(0, 1, id="none"), pytest.param(19, 1, id="below"), pytest.param(20, 0, id="at the limit")],
)
def test_fires(tolerance_days: int, fires: int) -> None:
    one = found("Q10", contradicting("two_points", JANUARY), tolerance_days=tolerance_days)
    assert one.measured.tolist() == [20.0] * fires


@pytest.mark.parametrize("reason", ["overlap", "area_disagreement", "removed_before_installed"])
def test_other_contradictions_are_other_rules(reason: str) -> None:
    assert len(found("Q10", contradicting(reason, JANUARY))) == 0


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
def test_whatever_the_meter_sent_up_to_now(register: np.ndarray) -> None:
    of = contradicting("two_points", FIRST_TWENTY_DAYS, register=register)
    assert found("Q10", of).measured.tolist() == [min(20, of.shape[1])]


def test_the_energy_of_those_days_is_at_stake() -> None:
    of = contradicting("two_points", JANUARY)
    assert found("Q10", of).kwh_at_stake.tolist() == pytest.approx([of.kwh[0, 10:30].sum()])


def test_what_never_ends_ends_now() -> None:
    assert str(found("Q10", contradicting("two_points", NEVER_ENDING)).end[0]) == "2026-03-02"


@pytest.mark.parametrize(
    ("detail", "related", "told"),
    [
        pytest.param("acc-1", "acc-1", "acc-1", id="another account"),
        pytest.param("far-7", "far-7", "far-7", id="an account of another slice"),
        pytest.param("acc-0", None, "acc-0", id="another point of the same account"),
        pytest.param(None, None, "—", id="a supply point"),
    ],
)
def test_the_other_place(detail: str | None, related: str | None, told: str) -> None:
    one = found("Q10", contradicting("two_points", JANUARY, detail=detail))
    assert one.related_account_id is not None
    assert one.related_account_id.tolist() == [related]
    assert one.facts["first_account_id"].tolist() == ["acc-0"]
    assert one.facts["second_account_id"].tolist() == [told]
