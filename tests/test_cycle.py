"""The monthly batch: every account of a cycle gets one decision, with a reason, and the totals reconcile."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.cycle_expectation import CycleExpectation, cycle_expectation
from pipelines.cycle import CycleWanted
from pipelines.sample import demo_book
from pipelines.scan import scan
from rules.rulebook import load
from tests.command_line import kwhy
from tests.scan_fixture import day

RULEBOOK = load()
END = day(120)


def expectation(
    kwh: np.ndarray, first: int, end: int, since: int = -1, cohort: np.ndarray | None = None
) -> CycleExpectation:
    """Of one home."""
    number = RULEBOOK.setting
    return cycle_expectation(
        kwh[None], np.zeros((1, len(kwh))) if cohort is None else cohort[None], np.array([first]), np.array([end]),
        np.array([since]), least_share=number("why_least_share"), log_offset_kwh=number("log_offset_kwh"),
        fleet_log_sigma=number("cycle_fleet_log_sigma"), fleet_cycles=number("cycle_fleet_cycles"),
        band_sigmas=number("cycle_band_sigmas"),
    )  # fmt: skip


class TestExpectation:
    def test_a_steady_home_is_expected_to_go_on(self) -> None:
        found = expectation(np.full(150, 8.0), 120, 150)
        assert found.kwh[0] == pytest.approx(240.0)
        assert found.expected_kwh[0] == pytest.approx(240.0)
        assert found.low_kwh[0] < 240.0 < found.high_kwh[0]

    def test_two_months_are_expected_to_bring_twice_as_much(self) -> None:
        one, two = expectation(np.full(400, 8.0), 370, 400), expectation(np.full(400, 8.0), 340, 400)
        assert two.expected_kwh[0] == pytest.approx(2 * one.expected_kwh[0])

    def test_a_cold_month_is_expected_when_like_homes_had_one(self) -> None:
        cohort = np.zeros(150)
        cohort[120:] = np.log(1.5)
        assert expectation(np.full(150, 8.0), 120, 150, cohort=cohort).expected_kwh[0] == pytest.approx(364.5, abs=1)

    def test_another_customers_months_teach_nothing(self) -> None:
        found = expectation(np.concatenate([np.full(60, 30.0), np.full(90, 8.0)]), 120, 150, since=60)
        assert (found.earlier[0], round(found.expected_kwh[0])) == (2, 240)

    @pytest.mark.parametrize("days", [pytest.param(30, id="no earlier cycle"), pytest.param(45, id="half of one")])
    def test_without_an_earlier_cycle_nothing_is_expected(self, days: int) -> None:
        found = expectation(np.full(days, 8.0), days - 30, days)
        assert (found.earlier[0], np.isnan(found.expected_kwh[0])) == (0, True)

    def test_missing_days_are_not_zero(self) -> None:
        kwh = np.full(150, 8.0)
        kwh[125:130] = np.nan
        found = expectation(kwh, 120, 150)
        assert (found.measured_days[0], found.kwh[0]) == (25, pytest.approx(200.0))


def monthly(seed: int) -> np.ndarray:
    """Four months of 30 uneven days, 240 kWh each."""
    rng = np.random.default_rng(seed)
    uneven = np.round(8.0 + np.linspace(-3.0, 3.0, 30), 2)
    uneven[-1] += 240.0 - uneven.sum()
    return np.concatenate([rng.permutation(uneven) for _ in range(4)])


def book(folder: Path, **tables: list[dict[str, Any]]) -> Path:
    """Accounts A to F, about 8 kWh a day over 120 days, one thing wrong with each but A."""
    folder.mkdir()
    rates = {name: monthly(seed) for seed, name in enumerate("ABCDE")}
    rates["B"][90:] += 12.0
    rates["C"] = rates["C"][:110]
    reads = [
        {"meter_id": f"m{name}", "read_at": day(at), "register_kwh": round(1000 + float(kwh[:at].sum()), 2)}
        for name, kwh in rates.items()
        for at in range(len(kwh) + 1)
    ]
    accounts = [{"account_id": name, "cycle_id": "M1"} for name in "ABCDEF"]
    installed = [{"meter_id": f"m{name}", "account_id": name, "installed_on": day(0)} for name in "ABCDE"]
    given = {"register_reads": reads, "accounts": accounts, "installations": installed, **tables}
    for name, rows in given.items():
        pl.DataFrame(rows).write_parquet(folder / f"{name}.parquet")
    return folder


def decisions(tmp_path: Path, **tables: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    out = tmp_path / "out"
    scan(book(tmp_path / "book", **tables), END, out, cycle=CycleWanted("M1", END))
    return {row["account_id"]: row for row in pl.read_parquet(out / "cycle.parquet").to_dicts()}


def bill(account: str, start: int, end: int, kwh: float, basis: str = "actual") -> dict[str, Any]:
    return {"account_id": account, "cycle_start": day(start), "cycle_end": day(end), "billed_kwh": kwh, "basis": basis}


def test_every_account_has_one_decision_and_a_reason(tmp_path: Path) -> None:
    told = decisions(tmp_path)
    assert sorted(told) == list("ABCDEF")
    assert {name: row["decision"] for name, row in told.items() if name in "ACF"} == {
        "A": "bill", "C": "reread", "F": "hold",
    }  # fmt: skip
    assert all(row["reason"] and row["reason_zh"] for row in told.values())
    assert "no read at the end of the cycle" in told["C"]["reason"]
    assert "No meter is on file" in told["F"]["reason"]


def test_a_jump_is_named_with_its_case_or_asks_for_a_second_read(tmp_path: Path) -> None:
    told = decisions(tmp_path)["B"]
    assert told["decision"] in ("note", "reread", "hold")
    assert told["kwh"] > told["high_kwh"] > told["expected_kwh"]


class TestBills:
    def test_a_longer_period_is_a_note_and_no_jump(self, tmp_path: Path) -> None:
        told = decisions(tmp_path, bills=[bill("A", 30, 60, 240.0)])["A"]
        assert told["decision"] == "note"
        assert "60 days, the one before had 30" in told["reason"]
        assert (told["kwh"], told["cycle_start"]) == (pytest.approx(480.0), day(60))

    def test_a_shorter_period_after_two_months_is_a_note(self, tmp_path: Path) -> None:
        told = decisions(tmp_path, bills=[bill("A", 29, 90, 488.0)])["A"]
        assert (told["decision"], told["days"]) == ("note", 30)

    def test_an_issued_bill_is_held_against_the_registers(self, tmp_path: Path) -> None:
        bills = [bill("A", 90, 120, 340.0), bill("D", 90, 120, 240.0)]
        told = decisions(tmp_path, bills=bills)
        assert (told["A"]["decision"], told["D"]["decision"]) == ("hold", "bill")
        assert "The bill says 340 kWh, the registers say 240 kWh" in told["A"]["reason"]

    def test_the_same_days_billed_twice_are_held(self, tmp_path: Path) -> None:
        told = decisions(tmp_path, bills=[bill("A", 90, 120, 240.0), bill("A", 100, 130, 240.0)])["A"]
        assert told["decision"] == "hold"
        assert "2 bills cover" in told["reason"]

    @pytest.mark.parametrize(("streak", "decision"), [(2, "bill"), (3, "reread")])
    def test_three_estimated_bills_in_a_row_ask_for_a_read(self, tmp_path: Path, streak: int, decision: str) -> None:
        bills = [
            bill("A", 90 - 30 * back, 120 - 30 * back, 240.0, "estimated" if back < streak else "actual")
            for back in range(4)
        ]
        assert decisions(tmp_path, bills=bills)["A"]["decision"] == decision


def test_the_command_reconciles_to_the_accounts_of_the_cycle(tmp_path: Path) -> None:
    answer = kwhy("cycle", book(tmp_path / "book"), "--cycle", "M1", "--end", END, "--out", tmp_path / "out", "--quiet")
    assert answer.exit_code == 0, answer.stderr
    assert "6 accounts" in answer.stdout
    counts = [int(line.split()[0]) for line in answer.stdout.splitlines()[1:5]]
    assert sum(counts) == 6


def test_an_unknown_cycle_is_told_with_the_known_ones(tmp_path: Path) -> None:
    answer = kwhy("cycle", book(tmp_path / "book"), "--cycle", "M2", "--end", END, "--out", tmp_path / "out")
    assert answer.exit_code == 2
    assert "M1" in answer.stderr
    assert not (tmp_path / "out").exists()


def test_a_case_that_holds_the_bill_holds_it_here(tmp_path: Path) -> None:
    demo = demo_book(tmp_path / "book")
    scan(demo.book, demo.as_of, tmp_path / "out", cycle=CycleWanted("M01", demo.as_of))
    cycle, cases = (pl.read_parquet(tmp_path / "out" / f"{name}.parquet") for name in ("cycle", "cases"))
    held = cases.filter(pl.col("status") == "open", "hold_bill")
    accounts = set(pl.concat([held["account_id"], held["related_account_id"]]).drop_nulls())
    mine = cycle.filter(pl.col("account_id").is_in(accounts))
    assert len(mine) > 3
    assert mine["decision"].unique().to_list() == ["hold"]
    assert mine["case_id"].null_count() == 0
    assert isinstance(cycle["cycle_end"][0], dt.date)
