"""Scans of one town told in many ways give one answer; what is dated later has no influence."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest

from anomaly.frames import OUTPUTS
from anomaly.registry import load_all
from tests.odd_books import ODD_BOOKS
from tests.scan_fixture import (
    BESIDE,
    RESULTS,
    Result,
    assert_readable,
    day,
    installed,
    instant,
    read,
    reads,
    same_results,
    scan_book,
    scan_tables,
    write_book,
)
from tests.towns import faulty_town

Tables = Mapping[str, pl.DataFrame]
ONE_AREA = "[setting.slice_cells]\nvalue = 1\n"


def shuffled(tables: Tables, folder: Path) -> None:
    write_book(folder, {name: table.sample(fraction=1.0, shuffle=True, seed=5) for name, table in tables.items()})


def as_csv(tables: Tables, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, table in tables.items():
        table.write_csv(folder / f"{name}.csv")


def in_pieces(tables: Tables, folder: Path) -> None:
    """Every table a folder: two Parquet files and a CSV file, rows dealt out in turn, a small row group."""
    for name, table in tables.items():
        (folder / name).mkdir(parents=True)
        numbered = table.with_row_index("dealt")
        for piece in range(3):
            part = numbered.filter(pl.col("dealt") % 3 == piece).drop("dealt")
            if piece == 2:
                part.write_csv(folder / name / "c.csv")
            else:
                part.write_parquet(folder / name / f"{piece}.parquet", row_group_size=1000)


def other_types(tables: Tables, folder: Path) -> None:
    """Text as categories, times in milliseconds, dates as datetimes, whole numbers as small as they go."""
    kinds = [
        cs.string().cast(pl.Categorical),
        cs.datetime().cast(pl.Datetime("ms")),
        cs.date().cast(pl.Datetime("us")),
        cs.by_dtype(pl.Int32).cast(pl.Int16),
    ]
    write_book(folder, {name: table.with_columns(kinds) for name, table in tables.items()})


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dt.date, Result]:
    """(book, as-of, its scan)."""
    folder = tmp_path_factory.mktemp("town")
    made = faulty_town()
    book = write_book(folder / "book", dict(made.tables))
    return book, made.as_of, scan_book(book, made.as_of, folder / "out")


class TestSameAnswer:
    @pytest.mark.parametrize("told", [shuffled, as_csv, in_pieces, other_types])
    def test_however_the_files_lie(
        self, town: tuple[Path, dt.date, Result], tmp_path: Path, told: Callable[[Tables, Path], None]
    ) -> None:
        told(faulty_town().tables, tmp_path / "book")
        other = scan_book(tmp_path / "book", town[1], tmp_path / "out")
        same_results(town[2], other, (*RESULTS, "series"))
        assert other.run["run_id"] == town[2].run["run_id"]

    @pytest.mark.parametrize("workers", [1, 4])
    def test_one_area_at_a_time_with_any_number_of_workers(
        self, town: tuple[Path, dt.date, Result], tmp_path: Path, workers: int
    ) -> None:
        overlay = tmp_path / "slices.toml"
        overlay.write_text(ONE_AREA)
        other = scan_book(town[0], town[1], tmp_path / "out", overlays=(overlay,), workers=workers)
        same_results(town[2], other, (*RESULTS, "series"))
        assert other.run["run_id"] != town[2].run["run_id"], "the rulebook is another"

    def test_twice_into_the_same_folder(self, town: tuple[Path, dt.date, Result], tmp_path: Path) -> None:
        for _ in range(2):
            other = scan_book(town[0], town[1], tmp_path / "out")
            same_results(town[2], other, (*RESULTS, "series"))
        assert other.run["run_id"] == town[2].run["run_id"]
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
            [*(f"{name}.parquet" for name in (*RESULTS, *BESIDE)), "run.json"]
        )

    def test_whole_areas_alone_find_the_same(self, town: tuple[Path, dt.date, Result], tmp_path: Path) -> None:
        """Findings of reading errors look at nothing outside the account's own area."""
        made = faulty_town()
        errors = town[2].findings.filter(pl.col("family") == "reading_error")
        area = errors.group_by("area_id").len().drop_nulls().sort("len", "area_id")["area_id"][-1]
        mine = made.tables["installations"].filter(pl.col("area_id") == area)
        mine = mine.filter(
            ~pl.col("account_id")
            .is_in(made.truth.filter(pl.col("kind") == "area_disagreement")["account_id"].implode())
            .fill_null(False)
        )
        tables = {
            name: table.filter(pl.col("meter_id").is_in(mine["meter_id"].implode()))
            if "meter_id" in table.columns
            else table
            for name, table in made.tables.items()
        }
        tables["accounts"] = tables["accounts"].filter(pl.col("account_id").is_in(mine["account_id"].implode()))
        alone = scan_book(write_book(tmp_path / "book", tables), town[1], tmp_path / "out")
        told = alone.findings.filter(pl.col("family") == "reading_error")
        accounts = mine["account_id"].drop_nulls().unique().implode()
        whole = town[2].findings.filter(pl.col("account_id").is_in(accounts), pl.col("family") == "reading_error")
        told = told.filter(pl.col("account_id").is_in(accounts))
        assert len(told) > 5
        assert set(told["finding_id"]) == set(whole["finding_id"])


class TestAsOf:
    def test_another_day_is_another_run(self, town: tuple[Path, dt.date, Result], tmp_path: Path) -> None:
        other = scan_book(town[0], town[1] - dt.timedelta(days=1), tmp_path / "out")
        assert other.run["run_id"] != town[2].run["run_id"]

    def test_what_is_dated_later_has_no_influence(self, town: tuple[Path, dt.date, Result], tmp_path: Path) -> None:
        as_of = town[1] - dt.timedelta(days=20)
        moment = dt.datetime.combine(as_of, dt.time())
        tables = dict(faulty_town().tables)
        ends = pl.col("interval_start") + pl.duration(minutes=pl.col("minutes"))
        cut = {
            **tables,
            "register_reads": tables["register_reads"].filter(pl.col("read_at") <= moment),
            "interval_reads": tables["interval_reads"].filter(ends <= moment),
            "electrical_reads": tables["electrical_reads"].filter(pl.col("read_at") <= moment),
            "events": tables["events"].filter(pl.col("at").dt.date() <= as_of),
            "installations": tables["installations"]
            .filter(pl.col("installed_on") <= as_of)
            .with_columns(
                pl.when(pl.col("removed_on") <= as_of).then(name).alias(name) for name in ("end_register", "removed_on")
            ),
        }
        whole = scan_book(town[0], as_of, tmp_path / "whole")
        known = scan_book(write_book(tmp_path / "book", cut), as_of, tmp_path / "known")
        same_results(whole, known, (*RESULTS, "series"))
        counts = whole.run["counts"]["tables"]
        for name in ("register_reads", "interval_reads", "electrical_reads", "events", "installations"):
            assert counts[name]["after_as_of"] == len(tables[name]) - len(cut[name]), name
            assert known.run["counts"]["tables"][name]["after_as_of"] == 0, name

    def test_the_moment_itself_is_seen(self, tmp_path: Path) -> None:
        result = scan_tables(
            tmp_path,
            2,
            register_reads=[*reads("M", [1, 2, 3]), read("M", instant(2, 0, 1), 4)],
            installations=[installed("M", "A")],
            tickets=[
                {"ticket_id": str(at), "account_id": "A", "opened_at": when, "kind": "other"}
                for at, when in enumerate([instant(1), instant(2), instant(3)])
            ],
        )
        counts = result.run["counts"]["tables"]
        assert counts["register_reads"]["after_as_of"] == 1
        assert counts["tickets"]["after_as_of"] == 1


class TestOutputsKeepTheContract:
    @pytest.mark.parametrize("table", [*RESULTS, *BESIDE])
    def test_columns_and_types(self, town: tuple[Path, dt.date, Result], table: str) -> None:
        written: pl.DataFrame = getattr(town[2], table)
        schema = OUTPUTS[table]
        assert len(written) or table in ("quarantine", "rebills")
        known = written.select(schema.column_names())
        assert known.schema == schema.create_empty().schema
        schema.validate(known)

    def test_every_finding_has_its_case_and_run(self, town: tuple[Path, dt.date, Result]) -> None:
        result = town[2]
        assert set(result.findings["case_id"]) == set(result.cases["case_id"])
        assert result.findings["run_id"].unique().to_list() == [result.run["run_id"]]
        assert result.findings["finding_id"].is_unique().all()
        assert result.cases["case_id"].is_unique().all()
        numbers = result.findings.select("measured", "expected", "limit", "strength", "kwh_at_stake")
        assert np.isfinite(numbers.to_numpy()).all()
        assert (result.findings["kwh_at_stake"] >= 0).all()
        assert (result.findings["end"] > result.findings["start"]).all()

    def test_run_json(self, town: tuple[Path, dt.date, Result]) -> None:
        run = town[2].run
        assert run["as_of"] == town[1].isoformat()
        assert set(run) >= {"run_id", "book", "input_hash", "rulebook_version", "counts", "seconds"}
        for name, numbers in run["counts"]["tables"].items():
            assert numbers["read"] == numbers["accepted"] + numbers["quarantined"], name

    def test_words(self, town: tuple[Path, dt.date, Result]) -> None:
        assert_readable(town[2].cases)


@pytest.mark.parametrize("name", ODD_BOOKS)
def test_odd_books_are_scanned_and_their_coverage_adds_up(tmp_path: Path, name: str) -> None:
    tables, as_of = ODD_BOOKS[name]
    result = scan_tables(tmp_path, as_of, **tables)
    for table in (*RESULTS, *BESIDE):
        schema = OUTPUTS[table]
        written = getattr(result, table).select(schema.column_names())
        assert written.schema == schema.create_empty().schema, table
        schema.validate(written)
    positions = result.run["counts"]["positions"]
    per_code = result.coverage.group_by("code").agg(pl.col("positions").sum())
    assert len(per_code) == len(load_all())
    assert per_code["positions"].unique().to_list() == [positions]


def test_leading_zeros_come_out_again(tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    lines = [f"007,2026-01-{at + 1:02d},{100 + 8 * at - (at > 9) * 50}" for at in range(20)]
    (book / "register_reads.csv").write_text("meter_id,read_at,register_kwh\n" + "\n".join(lines) + "\n")
    (book / "installations.csv").write_text("meter_id,account_id,installed_on\n007,0042,2025-01-01\n")
    result = scan_book(book, day(19), tmp_path / "out")
    assert result.findings.select("code", "account_id", "meter_id").rows() == [("R01", "0042", "007")]
    assert result.cases["account_id"].to_list() == ["0042"]
    assert set(result.series["account_id"]) == {"0042"}


def test_every_implausible_row_becomes_a_finding(tmp_path: Path) -> None:
    steady = [50.0 + 9 * at for at in range(30)]
    register = [
        *reads("M", steady),
        read("M", instant(-12), 2.0),
        read("M", instant(4), 86.5),
        read("M", instant(7), -1.0),
        *reads("X", steady),
        *reads("OLD", steady),
        *reads("NEW", [9.0 * at for at in range(20)], first=10),
    ]
    rows = [
        installed("M", "A", -5),
        installed("OLD", "B", -50, 10, end_register=140.0),
        installed("NEW", "B", 10, start_register=0.0),
        installed("P", "C", -5),
        installed("Q", "C", 3),
        installed("P", "D", 2),
    ]
    result = scan_tables(tmp_path, 29, register_reads=register, installations=rows)
    told = set(result.findings.select("code", "meter_id").rows())
    assert told >= {
        ("Q02", "M"),
        ("Q03", "M"),
        ("Q04", "OLD"),
        ("Q05", "X"),
        ("Q06", "P"),
        ("Q07", "M"),
        ("Q10", "P"),
    }
