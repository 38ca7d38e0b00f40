"""Books written by hand for tests of the whole way: a few rows in, a panel or a finished scan out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from anomaly.panel import Panel
from pipelines.book import open_book
from pipelines.panels import Source, panel_of
from pipelines.scan import Scanned, scan
from pipelines.source import read_source
from pipelines.tally import Tally
from rules.model import Rulebook
from rules.rulebook import load

Rows = list[dict[str, Any]]

START = dt.date(2026, 1, 1)
RESULTS = ("findings", "cases", "tasks", "coverage")
BESIDE = ("quarantine", "series", "rebills")
TYPES: dict[str, Any] = {
    "removed_on": pl.Date,
    "installed_on": pl.Date,
    "account_id": pl.String,
    "point_id": pl.String,
    "area_id": pl.String,
    "start_register": pl.Float64,
    "end_register": pl.Float64,
    "multiplier": pl.Float64,
    "register_kwh": pl.Float64,
    "read_at": pl.Datetime("us"),
    "interval_start": pl.Datetime("us"),
    "box_id": pl.String,
    "supply_meter_id": pl.String,
    "status_since": pl.Date,
    "price_per_kwh": pl.Float64,
    "detail": pl.String,
    "at": pl.Datetime("us"),
    "opened_at": pl.Datetime("us"),
}


def day(number: int) -> dt.date:
    """The day `number` days after START."""
    return START + dt.timedelta(days=number)


def instant(number: int, hour: int = 0, minute: int = 0, second: int = 0) -> dt.datetime:
    """A moment of day `number`."""
    return dt.datetime.combine(day(number), dt.time(hour, minute, second))


def reads(meter: str, registers: Sequence[float | None], *, first: int = 0, **columns: Any) -> Rows:
    """Daily freezes of one meter from day `first` on; None leaves a read out."""
    return [
        {"meter_id": meter, "read_at": instant(first + at), "register_kwh": value, **columns}
        for at, value in enumerate(registers)
        if value is not None
    ]


def read(meter: str, at: dt.datetime, register_kwh: float | None, **columns: Any) -> dict[str, Any]:
    """One read."""
    return {"meter_id": meter, "read_at": at, "register_kwh": register_kwh, **columns}


def installed(
    meter: str, account: str | None, first: int = 0, removed: int | None = None, **columns: Any
) -> dict[str, Any]:
    """One row of the installation file, days counted from START."""
    return {
        "meter_id": meter,
        "account_id": account,
        "installed_on": day(first),
        "removed_on": None if removed is None else day(removed),
        **columns,
    }


def frame(rows: Rows) -> pl.DataFrame:
    """Rows as a table in the contract's types; a column that one row has and another has not is null there."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    known = {name: TYPES[name] for name in names if name in TYPES}
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in names}, schema_overrides=known, strict=False)


def write_book(folder: Path, tables: Mapping[str, Rows | pl.DataFrame]) -> Path:
    """Write the tables as Parquet; a table given as rows is typed first."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        table = rows if isinstance(rows, pl.DataFrame) else frame(rows)
        if table.width:
            table.write_parquet(folder / f"{name}.parquet")
    return folder


@dataclass(frozen=True)
class Laid:
    """A book laid out as one panel, with what was counted on the way."""

    panel: Panel
    source: Source
    tally: Tally

    @property
    def counts(self) -> dict[str, int]:
        """How the register reads were counted."""
        return dict(self.tally.counts["register_reads"])

    def kwh(self, account: str, point: str | None = None) -> list[float]:
        """Energy per day of one position."""
        return [float(value) for value in self.panel.kwh[self.row(account, point)]]

    def row(self, account: str, point: str | None = None) -> int:
        """Row of the panel."""
        names = self.panel.positions
        mine = (names["account_id"] == account) & (names["point_id"] == (point or account))
        return int(mine.fill_null(False).arg_true()[0])

    def aside(self) -> list[tuple[str, str, int]]:
        """What was kept out: (reason, meter, reads)."""
        return self.panel.set_aside.select("reason", "meter_id", "reads").rows()


@cache
def standard_rulebook() -> Rulebook:
    """The standard rulebook, read once."""
    return load()


def lay(book: Path, as_of: dt.date, scratch: Path) -> Laid:
    """The panel of a whole book in one slice."""
    scratch.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    source = read_source(open_book(book), standard_rulebook(), as_of, tally, scratch)
    return Laid(panel_of(source, np.arange(len(source.fleet.positions))), source, tally)


def lay_tables(folder: Path, as_of: int, /, **tables: Rows | pl.DataFrame) -> Laid:
    """Write a book below `folder` and lay it out as of day `as_of`."""
    return lay(write_book(folder / "book", tables), day(as_of), folder / "scratch")


@dataclass(frozen=True)
class Result:
    """What a scan wrote, read back."""

    scanned: Scanned
    findings: pl.DataFrame
    cases: pl.DataFrame
    tasks: pl.DataFrame
    coverage: pl.DataFrame
    quarantine: pl.DataFrame
    series: pl.DataFrame
    rebills: pl.DataFrame

    @property
    def run(self) -> dict[str, Any]:
        """run.json."""
        return self.scanned.run

    def codes(self) -> set[str]:
        """Codes with a finding."""
        return set(self.findings["code"])

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """A table as canonically sorted values, without what names the run."""
        values: pl.DataFrame = getattr(self, table)
        values = values.drop("run_id", "rulebook_version", strict=False)
        return sorted(values.rows(), key=repr)


def scan_book(book: Path, as_of: dt.date, out: Path, **options: Any) -> Result:
    """Scan a book and read the output back."""
    scanned = scan(book, as_of, out, **options)
    return Result(scanned, *(pl.read_parquet(out / f"{name}.parquet") for name in (*RESULTS, *BESIDE)))


def scan_tables(folder: Path, as_of: int, /, **tables: Rows | pl.DataFrame) -> Result:
    """Write a book below `folder` and scan it as of day `as_of`."""
    return scan_book(write_book(folder / "book", tables), day(as_of), folder / "out")


def same_results(one: Result, other: Result, tables: Iterable[str] = RESULTS) -> None:
    """Assert that two scans found the same, as values."""
    for table in tables:
        assert one.rows(table) == other.rows(table), table


NOT_WORDS = ("{", "}", "nan", "NaN", "None", "null", "_kwh", "_day")


def assert_readable(cases: pl.DataFrame) -> None:
    """Assert that headlines and evidence are sentences without a hole, in both languages."""
    for case in cases.to_dicts():
        both = (case["causes"], case["causes_zh"])
        said = [case["headline_en"], case["headline_zh"]]
        said += [text for causes in both for one in causes for text in one["evidence_for"] + one["evidence_against"]]
        for text in said:
            assert text.strip(), case["case_id"]
            assert not [mark for mark in NOT_WORDS if mark in text], text
        assert any("\u4e00" <= letter <= "\u9fff" for letter in case["headline_zh"]), case["headline_zh"]
