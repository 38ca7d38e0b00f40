"""Q06, Q09, Q10: what the installation file says against itself."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.panel import Panel
from tests.panels import panel
from tests.reading_error_series import daily, found


def contradicting(reason: str, first: date, last: date, **more: Any) -> Panel:
    row = {
        "reason": reason, "position": 0, "row": 0, "meter_id": "meter-0", "other_meter_id": "meter-9",
        "first_day": first, "last_day": last, "detail": "acc-1", **more,
    }  # fmt: skip
    return panel(np.concatenate([daily(), daily()]), contradictions=pl.DataFrame([row]))


JANUARY = (date(2026, 1, 11), date(2026, 1, 31))


@pytest.mark.parametrize("code", ["Q06", "Q10"])
@pytest.mark.parametrize(
    ("tolerance", "fires"),
    [pytest.param(0, 1, id="none"), pytest.param(19, 1, id="below"), pytest.param(20, 0, id="at the limit")],
)
def test_days_claimed_twice(code: str, tolerance: int, fires: int) -> None:
    of = contradicting("overlap" if code == "Q06" else "two_points", *JANUARY)
    one = found(code, of, tolerance_days=tolerance)
    assert len(one) == fires
    if fires:
        assert one.measured.tolist() == [20.0]
        assert one.kwh_at_stake.tolist() == pytest.approx([of.kwh[0, 10:30].sum()])


def test_an_overlap_that_never_ends_ends_now() -> None:
    one = found("Q06", contradicting("overlap", date(2026, 2, 1), date(9999, 12, 31)))
    assert str(one.end[0]) == "2026-03-02"
    assert one.facts["first_meter_id"].tolist() == ["meter-0"]
    assert one.facts["second_meter_id"].tolist() == ["meter-9"]


def test_removed_before_installed() -> None:
    one = found("Q06", contradicting("removed_before_installed", *JANUARY))
    assert one.facts["pattern"].tolist() == ["removed_before_installed"]
    assert one.kwh_at_stake.tolist() == [0.0]


@pytest.mark.parametrize(
    ("detail", "related", "told"),
    [
        pytest.param("acc-1", "acc-1", "acc-1", id="another account, in this slice or not"),
        pytest.param("acc-0", None, "acc-0", id="another point of the same account"),
        pytest.param(None, None, "—", id="a supply point"),
    ],
)
def test_the_other_place(detail: str | None, related: str | None, told: str) -> None:
    one = found("Q10", contradicting("two_points", *JANUARY, detail=detail))
    assert one.related_account_id is not None
    assert one.related_account_id.tolist() == [related]
    assert one.facts["first_account_id"].tolist() == ["acc-0"]
    assert one.facts["second_account_id"].tolist() == [told]


def test_two_areas() -> None:
    one = found("Q09", contradicting("area_disagreement", *JANUARY, detail="T1≠T2"))
    assert one.facts["meter_area_id"].tolist() == ["T1"]
    assert one.facts["account_area_id"].tolist() == ["T2"]
    assert (str(one.start[0]), str(one.end[0])) == ("2026-01-11", "2026-03-02")
    assert len(found("Q09", contradicting("overlap", *JANUARY))) == 0
