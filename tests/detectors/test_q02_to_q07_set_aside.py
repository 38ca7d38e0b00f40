"""Q02, Q03, Q04, Q05, Q07: reads that were accepted and kept out of the panel."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from anomaly.panel import Panel
from tests.panels import panel
from tests.reading_error_series import daily, found


def aside(*rows: dict[str, Any], **columns: Any) -> Panel:
    common = {"meter_id": "meter-0", "dial": 0, "channel": "import", "reads": 2, "row": 0}
    told = [{**common, "last_at": row.get("last_at", row["first_at"]), **row} for row in rows]
    return panel(daily(), set_aside=pl.DataFrame(told), **columns)


def conflict(day: int, low: float = 100.0, high: float = 130.0, **more: Any) -> dict[str, Any]:
    return {
        "reason": "conflict",
        "first_at": datetime(2026, 1, day),
        "low_kwh": low,
        "high_kwh": high,
        **more,
    }


@pytest.mark.parametrize(
    ("rows", "findings"),
    [
        pytest.param([conflict(10)], 1, id="one"),
        pytest.param([conflict(10, high=100.01)], 0, id="at the limit"),
        pytest.param([conflict(10, high=100.02)], 1, id="beyond it"),
        pytest.param([conflict(10), conflict(12)], 1, id="within a week: one story"),
        pytest.param([conflict(3), conflict(20)], 2, id="two stories"),
        pytest.param([conflict(10), conflict(10, channel="import_t1")], 1, id="two channels"),
        pytest.param([conflict(10), conflict(10, meter_id="meter-9", row=0)], 2, id="two meters"),
    ],
)
def test_conflicts(rows: list[dict[str, Any]], findings: int) -> None:
    assert len(found("Q02", aside(*rows))) == findings


def test_conflict_facts() -> None:
    one = found("Q02", aside(conflict(10, high=101.0), conflict(12), multiplier=20.0))
    assert (one.facts["first_kwh"][0], one.facts["second_kwh"][0]) == (100.0, 130.0)
    assert str(one.facts["read_at"][0]) == "2026-01-12T00:00:00"
    assert (str(one.start[0]), str(one.end[0])) == ("2026-01-10", "2026-01-13")
    assert one.kwh_at_stake.tolist() == [600.0]


EARLY = {
    "reason": "before_installation", "first_at": datetime(2025, 12, 22), "last_at": datetime(2025, 12, 31),
    "low_kwh": 3900.0, "high_kwh": 3990.0, "reads": 10,
}  # fmt: skip


@pytest.mark.parametrize(
    ("tolerance", "fires"),
    [pytest.param(0, 1, id="none"), pytest.param(9, 1, id="below"), pytest.param(10, 0, id="at the limit")],
)
def test_reads_before_installation(tolerance: int, fires: int) -> None:
    one = found("Q03", aside(EARLY), tolerance_days=tolerance)
    assert len(one) == fires
    if fires:
        assert one.facts["early_days"].tolist() == [10.0]
        assert str(one.facts["installed_day"][0]) == "2026-01-01"
        assert one.facts["early_reads"].tolist() == [10]
        assert one.kwh_at_stake.tolist() == [90.0]


@pytest.mark.parametrize(
    ("tolerance", "fires"),
    [pytest.param(0, 1, id="none"), pytest.param(4, 1, id="below"), pytest.param(5, 0, id="at the limit")],
)
def test_reads_after_removal(tolerance: int, fires: int) -> None:
    late = {
        **EARLY,
        "reason": "after_removal",
        "first_at": datetime(2026, 1, 21),
        "last_at": datetime(2026, 1, 25),
    }
    of = aside(late)
    installations = of.installations.with_columns(last_on=pl.lit(date(2026, 1, 20)))
    object.__setattr__(of, "installations", installations)
    one = found("Q04", of, tolerance_days=tolerance)
    assert len(one) == fires
    if fires:
        assert one.facts["late_days"].tolist() == [5.0]
        assert str(one.facts["removed_day"][0]) == "2026-01-20"


@pytest.mark.parametrize(
    ("least", "fires"),
    [pytest.param(1, 1, id="any"), pytest.param(12, 1, id="at the limit"), pytest.param(13, 0, id="too few")],
)
def test_a_meter_without_installation(least: int, fires: int) -> None:
    orphan = {**EARLY, "reason": "no_installation", "meter_id": "stray", "row": -1, "dial": None, "reads": 12}
    one = found("Q05", aside(orphan), min_reads=least)
    assert len(one) == fires
    if fires:
        assert one.position.tolist() == [-1]
        assert one.meter_id.tolist() == ["stray"]
        assert one.facts["counted_kwh"].tolist() == [90.0]


def test_a_negative_register() -> None:
    negative = conflict(10, low=-12.5, high=-12.5, reason="negative")
    one = found("Q07", aside(negative))
    assert one.measured.tolist() == [-12.5]
    assert one.kwh_at_stake.tolist() == [12.5]
    assert len(found("Q07", aside(negative), lowest_kwh=-12.5)) == 0


def test_each_rule_reads_its_own_reason() -> None:
    everything = aside(conflict(10), EARLY, conflict(5, low=-1.0, high=-1.0, reason="negative"))
    assert [len(found(code, everything)) for code in ("Q02", "Q03", "Q04", "Q05", "Q07")] == [1, 1, 0, 0, 1]
