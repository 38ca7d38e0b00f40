"""Coverage: every rule counts every position once, and what was not looked at is said with its reason."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from anomaly.registry import load_all
from tests.scan_fixture import Result, Rows, installed, instant, read, reads, scan_book, scan_tables, write_book

CODES = set(load_all())
STEADY = [100.0 + 9 * at + (at % 3) for at in range(50)]


def sums(result: Result) -> set[int]:
    """Positions summed per code; one value where all codes agree."""
    return set(result.coverage.group_by("code").agg(pl.col("positions").sum())["positions"])


def rows_of(result: Result, code: str) -> list[tuple[str | None, str, str, int]]:
    """(account, status, reason, positions) of one code."""
    return result.coverage.filter(pl.col("code") == code).select("account_id", "status", "reason", "positions").rows()


def mixed(tmp_path: Path) -> Result:
    """Five positions: long history, short history, monthly, without reads, a supply meter."""
    monthly = [read("MONTHLY", instant(30 * at - 400), 100.0 + 200 * at) for at in range(15)]
    register = reads("LONG", STEADY) + reads("SHORT", STEADY[:5], first=45) + monthly + reads("S", STEADY)
    rows = [
        installed("LONG", "A", -500, area_id="1"),
        installed("SHORT", "B", 45, area_id="1"),
        installed("MONTHLY", "C", -500),
        installed("SILENT", "D", -500),
        installed("S", None, -500, area_id="1"),
    ]
    return scan_tables(tmp_path, 49, register_reads=register, installations=rows)


def test_every_code_counts_every_position_once(tmp_path: Path) -> None:
    result = mixed(tmp_path)
    assert set(result.coverage["code"]) == CODES
    assert sums(result) == {5}
    assert (result.coverage["positions"] >= 0).all()


def test_one_summary_row_per_code_and_one_row_per_position_not_judged(tmp_path: Path) -> None:
    coverage = mixed(tmp_path).coverage
    summary = coverage.filter(pl.col("account_id").is_null() & pl.col("meter_id").is_null())
    assert summary["code"].is_unique().all()
    assert set(summary["code"]) == CODES
    single = coverage.filter(pl.col("meter_id").is_not_null())
    assert (single["status"] != "evaluated").all()
    assert (single["positions"] == 1).all()
    assert single.select(pl.struct("code", "account_id", "meter_id").is_unique().all()).item()
    assert (single["reason"] != "").all()


def test_short_history_is_insufficient_and_never_silent(tmp_path: Path) -> None:
    told = mixed(tmp_path).coverage.filter(pl.col("code") == "J01", pl.col("account_id") == "B")
    assert told.select("status", "reason", "positions").rows() == [("insufficient_data", "too_few_reads", 1)]


def test_a_monthly_account_is_no_case_for_a_daily_rule(tmp_path: Path) -> None:
    told = mixed(tmp_path).coverage.filter(pl.col("code") == "J01", pl.col("account_id") == "C")
    assert told["status"].to_list() == ["not_applicable"]


def test_short_history_of_everybody_is_told_for_each(tmp_path: Path) -> None:
    register = reads("M", STEADY[:5]) + reads("N", STEADY[:6])
    result = scan_tables(tmp_path, 5, register_reads=register, installations=[installed("M", "A"), installed("N", "B")])
    told = rows_of(result, "J01")
    assert [row for row in told if row[0] is not None] == [
        ("A", "insufficient_data", "too_few_reads", 1),
        ("B", "insufficient_data", "too_few_reads", 1),
    ]
    assert sums(result) == {2}


@pytest.mark.parametrize("accounts", [1, 3])
def test_what_the_whole_book_lacks_is_one_row(tmp_path: Path, accounts: int) -> None:
    register: Rows = [row for at in range(accounts) for row in reads(f"M{at}", STEADY)]
    rows = [installed(f"M{at}", f"A{at}", -100) for at in range(accounts)]
    result = scan_tables(tmp_path, 49, register_reads=register, installations=rows)
    assert rows_of(result, "C01") == [(None, "insufficient_data", "table_missing:interval_reads", accounts)]
    assert rows_of(result, "T01") == [(None, "not_applicable", "no_rates", accounts)]
    assert rows_of(result, "V01") == [(None, "not_applicable", "no_export", accounts)]


def test_an_empty_table_is_a_missing_table(tmp_path: Path) -> None:
    tables = {"register_reads": reads("M", STEADY), "installations": [installed("M", "A", -100)]}
    without = scan_tables(tmp_path / "without", 49, **tables)
    empty = pl.DataFrame(
        schema={"meter_id": pl.String, "interval_start": pl.Datetime("us"), "minutes": pl.Int32, "kwh": pl.Float64}
    )
    with_empty = scan_tables(tmp_path / "empty", 49, **tables, interval_reads=empty)
    assert with_empty.run["run_id"] == without.run["run_id"]
    assert with_empty.rows("coverage") == without.rows("coverage")


def test_sub_daily_registers_let_the_curve_rules_run(tmp_path: Path) -> None:
    hours = [read("M", instant(at // 24, at % 24), at * 0.3) for at in range(24 * 20 + 1)]
    result = scan_tables(
        tmp_path,
        20,
        register_reads=[*hours, *reads("N", STEADY[:21])],
        installations=[installed("M", "A"), installed("N", "B")],
    )
    assert rows_of(result, "C04") == [(None, "evaluated", "", 1), ("B", "insufficient_data", "no_curve", 1)]


def test_slices_do_not_change_who_is_told_of(tmp_path: Path) -> None:
    """An area in which nobody can be judged, beside one in which somebody can."""
    register = reads("M", STEADY[:5], first=45) + reads("N", STEADY)
    rows = [installed("M", "A", 45, area_id="1"), installed("N", "B", -100, area_id="2")]
    book = write_book(tmp_path / "book", {"register_reads": register, "installations": rows})
    overlay = tmp_path / "slices.toml"
    overlay.write_text("[setting.slice_cells]\nvalue = 1\n")
    as_of = instant(49).date()
    whole, sliced = (
        scan_book(book, as_of, tmp_path / "out"),
        scan_book(book, as_of, tmp_path / "sliced", overlays=(overlay,)),
    )
    assert whole.rows("coverage") == sliced.rows("coverage")
