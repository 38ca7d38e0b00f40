"""Polls of load-on tests: whose task it was, who was asked, and what belongs to no test."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.cases import case_id_of
from anomaly.polled_tasks import MOST_ACCOUNTS, months_back, parties_of
from anomaly.tasks import task_id_of
from pipelines.terminal.summary import scan_summary
from tests.scan_fixture import Result, day, instant, lay_tables, reads, scan_tables
from tests.test_cases import finding, work

ACCOUNTS = ("A0", "A1", "A2", "B0")
BOXES = {"A0": "box-1", "A1": "box-1", "A2": "box-1", "B0": "box-9"}
LAST = 90
DIALS = [100.0 + 5 * number + 1.37 * (number * number % 11) / 11 for number in range(LAST)]
TASK = task_id_of(case_id_of("cross_wiring", "A0", "A1", "2026-02"), 1)


def tables(polls: list[dict[str, Any]]) -> dict[str, Any]:
    """Three accounts of one box and one of another area, each with a meter `m-…` read daily, and these polls."""
    return {
        "register_reads": [row for one in ACCOUNTS for row in reads(f"m-{one}", DIALS)],
        "installations": [
            {"meter_id": f"m-{one}", "account_id": one, "installed_on": day(0), "area_id": f"area of {BOXES[one]}"}
            for one in ACCOUNTS
        ],
        "accounts": [{"account_id": one, "area_id": f"area of {BOXES[one]}", "box_id": BOXES[one]} for one in ACCOUNTS],
        "polls": pl.DataFrame(
            polls,
            schema={
                "task_id": pl.String, "meter_id": pl.String, "at": pl.Datetime("us"), "power_kw": pl.Float64,
                "step": pl.String,
            },
        ),
    }  # fmt: skip


def polls_of(
    task: str = TASK, on: str = "on", off: str = "off", *, load_at: str = "A1", meters: tuple[str, ...] = ACCOUNTS[:3]
) -> list[dict[str, Any]]:
    """Two times on and off, polled every 20 s."""
    return [
        {
            "task_id": task, "meter_id": f"m-{one}", "at": instant(80, 19, minute, 20 * at),
            "power_kw": 2.2 if one == load_at and minute % 2 else 0.1, "step": on if minute % 2 else off,
        }
        for minute in range(5) for at in range(3) for one in meters
    ]  # fmt: skip


@pytest.mark.parametrize("family", ["cross_wiring", "jump", "reading_error", "grid"])
@pytest.mark.parametrize("related", ["A1", None])
@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("month", ["2026-03", "2023-04"])
def test_a_task_is_recognised_by_the_accounts_polled(family: str, related: str | None, step: int, month: str) -> None:
    task = task_id_of(case_id_of(family, "A0", related, month), step)
    months = months_back(dt.date(2026, 3, 31), 1100)
    assert parties_of(task, ["A2", "A1", "A0", "A0"], months) == ("A0", related)


def test_a_task_of_nobody_is_nobodys() -> None:
    months = months_back(dt.date(2026, 3, 31), 1100)
    task = task_id_of(case_id_of("jump", "A0", "A1", "2026-02"), 1)
    assert parties_of(task, ["A0", "A2"], months) is None
    assert parties_of(task, [], months) is None
    assert parties_of("", ["A0", "A1"], months) is None
    assert parties_of(task, ["A0", "A1"], ()) is None
    crowd = [f"A{number}" for number in range(MOST_ACCOUNTS + 1)]
    assert parties_of(task, crowd, months[:2]) is None, "too many for pairs"


def test_months_go_back_to_the_first_of_the_history() -> None:
    assert months_back(dt.date(2026, 1, 15), 50) == ("2026-01", "2025-12", "2025-11")
    assert months_back(dt.date(2026, 1, 15), 0) == ("2026-01",)


@settings(max_examples=30, deadline=None)
@given(family=st.sampled_from(["J01", "X01"]), first=st.integers(1, 55))
def test_the_id_of_a_real_case_is_the_one_that_is_tried(family: str, first: int) -> None:
    kind = "jump" if family == "J01" else "cross_wiring"
    (case,) = work(finding(family, "A0", first, 59, measured=30.0, limit=9.0, family=kind)).cases.to_dicts()
    related = case["related_account_id"]
    assert case["case_id"] == case_id_of(case["family"], case["account_id"], related, f"{day(first):%Y-%m}")


def landed(folder: Path, polls: list[dict[str, Any]]) -> tuple[pl.DataFrame, dict[str, int]]:
    """The polls as the panel has them, by account, and how they were counted."""
    laid = lay_tables(folder, LAST, **tables(polls))
    accounts = laid.panel.positions["account_id"]
    rows = laid.panel.polls
    columns = ("row", "asked_row", "other_row")
    named = rows.select("switched_on", **{name: accounts.gather(rows[name]) for name in columns})
    return named.unique(maintain_order=True), dict(laid.tally.counts["polls"])


@pytest.mark.parametrize(
    ("task", "on", "off", "asked"),
    [
        pytest.param(TASK, "on", "off", ("A0", "A1"), id="the first account"),
        pytest.param(TASK, "on_related", "off_related", ("A1", "A0"), id="the other one"),
        pytest.param(TASK, " On ", "OFF", ("A0", "A1"), id="written differently"),
        pytest.param(TASK, "on A1", "off A1", ("A1", "A0"), id="named in the step"),
        pytest.param(TASK, "on A2", "off A2", ("A2", None), id="a third one named"),
        pytest.param("by telephone", "on A1", "off A1", ("A1", None), id="no task at all"),
    ],
)
def test_who_was_asked(tmp_path: Path, task: str, on: str, off: str, asked: tuple[str, str | None]) -> None:
    rows, counts = landed(tmp_path, polls_of(task, on, off))
    assert set(rows.select("asked_row", "other_row").rows()) == {asked}
    assert set(rows["row"]) == {"A0", "A1", "A2"}
    assert set(rows["switched_on"]) == {True, False}
    assert counts["unmatched"] == 0


@pytest.mark.parametrize(
    ("polls", "reason"),
    [
        pytest.param(polls_of("some other task"), "unknown_task", id="a task of nobody here"),
        pytest.param(polls_of(on="running", off="-"), "unknown_step", id="no such step"),
        pytest.param(polls_of(TASK, "on A77", "off A77"), "unknown_account", id="no such account"),
        pytest.param(polls_of(TASK, "on A0", "off A0", meters=("B0",)), "other_area", id="meters of another area"),
        pytest.param(polls_of(TASK, "on A0", "off A0", meters=("A9",)), "unknown_meter", id="a meter nobody installed"),
    ],
)
def test_what_belongs_to_no_test_is_counted(tmp_path: Path, polls: list[dict[str, Any]], reason: str) -> None:
    rows, counts = landed(tmp_path, polls)
    assert rows.is_empty()
    assert counts == {"read": len(polls), "accepted": len(polls), "quarantined": 0, "after_as_of": 0,
                      "unmatched": len(polls), reason: len(polls)}  # fmt: skip


def test_polls_after_as_of_are_not_known_yet(tmp_path: Path) -> None:
    laid = lay_tables(tmp_path, 79, **tables(polls_of()))
    assert laid.panel.polls.is_empty()
    assert laid.tally.counts["polls"]["after_as_of"] == len(polls_of())


def scanned(folder: Path, polls: list[dict[str, Any]]) -> Result:
    return scan_tables(folder, LAST, **tables(polls))


def test_from_the_book_to_the_case(tmp_path: Path) -> None:
    result = scanned(tmp_path, polls_of())
    (row,) = result.findings.filter(pl.col("code") == "X11").to_dicts()
    assert (row["account_id"], row["related_account_id"], row["status"]) == ("A0", "A1", "reported")
    (case,) = result.cases.filter(pl.col("family") == "cross_wiring").to_dicts()
    assert (case["cause"], case["status"]) == ("swapped_pair", "open")
    assert "on the meter of account A1, and its own meter did not follow" in case["headline_en"]
    assert any("2.10 kW came and went 2 times" in text for text in case["causes"][0]["evidence_for"])
    coverage = result.coverage.filter(pl.col("code") == "X11")
    assert coverage.select("account_id", "status", "reason", "positions").rows() == [
        (None, "evaluated", "", 3), ("B0", "not_applicable", "not_polled", 1)
    ]  # fmt: skip


def test_a_refuted_pair_opens_no_case(tmp_path: Path) -> None:
    result = scanned(tmp_path, polls_of(load_at="A0"))
    (row,) = result.findings.filter(pl.col("code") == "X11").to_dicts()
    assert row["measured"] < -9
    assert result.cases.select("status", "suppressed_by").rows() == [("suppressed", "refuted_by_test")]
    assert result.tasks.is_empty()


def test_unmatched_polls_are_told(tmp_path: Path) -> None:
    result = scanned(tmp_path, [*polls_of("some other task"), *polls_of(on="running", off="off")])
    counts = result.run["counts"]["tables"]["polls"]
    assert (counts["unmatched"], counts["unknown_task"], counts["unknown_step"]) == (63, 45, 18)
    told = "\n".join(scan_summary(tmp_path / "out", (), "en"))
    assert "belong to no load-on test: 63 (18 without on or off, 45 of a task" in told
    assert "不属于任何加载试验：63" in "\n".join(scan_summary(tmp_path / "out", (), "zh"))
