"""J06: work on record beside a step of R10; alone it says nothing, beside R10 it moves the probability."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from anomaly.detectors.j06_work_at_step import work_at_step
from anomaly.panel import Panel
from rules.rulebook import load
from tests.panels import knowing, panel, registers
from tests.test_cases import finding, work

LIMITS = load().detectors["J06"].limit_values()
STEP = dt.date(2026, 2, 10)
NEAR = int(LIMITS["record_days"])


def stepped(*works: tuple[int, int, str], code: str = "R10", exchanged: int | None = None, rows: int = 2) -> Panel:
    """Homes of which the first has a step on STEP, with events (row, days after the step, kind)."""
    afternoon = dt.datetime(2026, 2, 10, 15)
    listed = [
        {"row": row, "meter_id": f"meter-{row}", "at": afternoon + dt.timedelta(days=days), "kind": kind}
        for row, days, kind in works
    ]
    schema = {"row": pl.Int64, "meter_id": pl.String, "at": pl.Datetime("us"), "kind": pl.String}
    more: dict[str, Any] = {"events": pl.DataFrame(listed, schema=schema)}
    if exchanged is not None:
        more["exchanges"] = pl.DataFrame({"row": [0], "day": [STEP + dt.timedelta(days=exchanged)]})
    known = panel(registers(*([[8.0] * 60] * rows)), **more)
    return knowing(known, changes=pl.DataFrame({"row": [0], "day": [STEP], "code": [code]}))


TRUTH = [
    pytest.param(stepped((0, 0, "works")), True, id="works on the day"),
    pytest.param(stepped((0, 0, "program_change")), True, id="settings changed"),
    pytest.param(stepped((0, -NEAR, "exchange")), True, id="an exchange, as far as it may be"),
    pytest.param(stepped((0, NEAR, "works")), True, id="after the step, as far as it may be"),
    pytest.param(stepped((0, NEAR + 1, "works")), False, id="a day too late"),
    pytest.param(stepped((0, -NEAR - 1, "works")), False, id="a day too early"),
    pytest.param(stepped(exchanged=-1), True, id="a meter change that only the file knows"),
    pytest.param(stepped((1, 0, "works")), False, id="at the neighbour"),
    pytest.param(stepped((0, 0, "cover_open")), False, id="no work of the utility"),
    pytest.param(stepped((0, 0, "works"), code="J01"), False, id="a change of use"),
    pytest.param(stepped(), False, id="nothing on record"),
    pytest.param(panel(registers([8.0])), False, id="one day, nothing there"),
]


@pytest.mark.parametrize(("known", "fires"), TRUTH)
def test_truth_table(known: Panel, fires: bool) -> None:
    assert len(work_at_step(known, **LIMITS)) == int(fires)


def test_the_nearest_work_is_told_and_of_two_as_near_the_earlier() -> None:
    found = work_at_step(stepped((0, 2, "works"), (0, -2, "works"), (0, 3, "exchange")), **LIMITS)
    assert found.measured.tolist() == [2.0]
    assert str(found.facts["work_day"][0]) == "2026-02-08"


def chance(*codes: str) -> float:
    (case,) = work(*(finding(code, "A0") for code in codes)).cases.to_dicts()
    return sum(one["probability"] for one in case["causes"] if one["cause"] == "wrong_multiplier")


@pytest.mark.parametrize("others", [(), ("J01",)], ids=["by itself", "beside a jump"])
def test_ten_times_as_much_is_likelier_a_multiplier_with_a_work_order(others: tuple[str, ...]) -> None:
    """Shape alone does not prove a ratio; with a work order the multiplier leads clearly."""
    without, with_order = chance("R10", *others), chance("R10", "J06", *others)
    assert with_order > 0.8
    assert without < with_order - 0.2
