"""Open the output folder of a scan and find an account, case or task in it.

Everything that shows results (evidence page, task sheets, work list, tables on the command line) reads a scan
through `open_output`, so that a missing, broken or newer folder is met in one place, with one kind of
message.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from anomaly.errors import KwhyError

OUTPUT_VERSION = 1
"""Goes up when a table changes its meaning; a scan writes it into run.json as `output_version`."""

Row = dict[str, Any]

SHORTEST_PREFIX = 4
CANDIDATES_SHOWN = 5

REQUIRED_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "findings": (
            "finding_id", "case_id", "code", "family", "account_id", "meter_id", "related_account_id", "start", "end",
            "measured", "expected", "limit", "unit", "kwh_at_stake", "status", "suppressed_by",
        ),
        "cases": (
            "case_id", "rank", "family", "cause", "probability", "causes", "cannot_exclude", "account_id",
            "meter_id", "related_account_id", "related_meter_id", "area_id", "box_id", "start", "end",
            "kwh_at_stake", "money_at_stake", "needs_visit", "hold_bill", "ticket_ids", "headline_en",
            "headline_zh", "status", "suppressed_by", "account_ids", "ledger",
        ),
        "tasks": ("task_id", "case_id", "step", "kind", "state", "due_at", "checks"),
        "coverage": ("code", "account_id", "meter_id", "status", "reason", "positions"),
        "quarantine": ("file", "line", "table", "rule", "reason"),
        "rebills": (
            "case_id", "month", "account_id", "related_account_id", "from_day", "days_counted", "days_missing",
            "measured_kwh", "proposed_kwh", "difference_kwh", "low_kwh", "high_kwh", "money_difference", "note_en",
            "note_zh",
        ),
    }
)  # fmt: skip
SERIES_COLUMNS = ("account_id", "point_id", "meter_id", "date", "register_kwh", "quality", "kwh", "spread")


class OutputMissingError(KwhyError):
    """The folder, or a file that a finished scan always leaves in it, is not there."""


class OutputBrokenError(KwhyError):
    """A file of the folder cannot be read, or lacks a column the contract promises."""


class OutputNewerError(KwhyError):
    """The folder was written by a later program than this one."""


class NotInOutputError(KwhyError):
    """No account, case or task of the scan answers to the name given, or more than one does."""


@dataclass(frozen=True)
class Subject:
    """What somebody asked for: an account, its cases (leading one first) and the word they used."""

    asked: str
    account_id: str | None
    cases: tuple[Row, ...]


@dataclass(frozen=True)
class ScanOutput:
    """The tables of one finished scan. `series` stays on disk: ask for it by account with `series_of`."""

    folder: Path
    run: Mapping[str, Any]
    findings: pl.DataFrame
    cases: pl.DataFrame
    tasks: pl.DataFrame
    coverage: pl.DataFrame
    quarantine: pl.DataFrame
    rebills: pl.DataFrame

    @property
    def as_of(self) -> date:
        """The day the scan looked back from; reads up to its 00:00 were seen."""
        return date.fromisoformat(str(self.run["as_of"])[:10])

    def series_of(self, account_ids: Iterable[str]) -> pl.DataFrame:
        """Daily series of these accounts, one row per position and day, in order of position and date.

        Raises OutputBrokenError when the file cannot be read or belongs to another run than the tables.
        """
        series = _read(self.folder, "series", SERIES_COLUMNS)
        rows = _collect(
            series.filter(pl.col("account_id").is_in(list(account_ids))), self.folder / "series.parquet"
        )
        if _read_run(self.folder)["run_id"] != self.run["run_id"]:
            raise OutputBrokenError(
                "the scan was rewritten while it was being read",
                where=str(self.folder),
                todo="run the command again",
            )
        return rows.sort("account_id", "point_id", "date", "meter_id")

    def findings_of(self, case: Row) -> pl.DataFrame:
        """The findings a case is made of, reported ones first, the largest energy first."""
        return _reported_first(self.findings.filter(pl.col("case_id") == case["case_id"]))

    def findings_touching(self, account_ids: list[str]) -> pl.DataFrame:
        """Findings about any of these accounts, reported ones first, the largest energy first."""
        named = pl.col("account_id").is_in(account_ids) | pl.col("related_account_id").is_in(account_ids)
        return _reported_first(self.findings.filter(named))

    def find(self, who: str) -> Subject:
        """The account or case called `who`: a case id or the beginning of one, a task id, or an account id.

        Raises NotInOutputError when nothing or more than one thing answers to the name.
        """
        exact = self.cases.filter(pl.col("case_id") == who)
        if exact.is_empty():
            exact = self.cases.join(self.tasks.filter(pl.col("task_id") == who), on="case_id", how="semi")
        if not exact.is_empty():
            return _subject(who, exact)
        of_account = self.cases.filter(pl.col("account_ids").list.contains(who))
        if not of_account.is_empty() or not self.series_of([who]).is_empty():
            return Subject(who, who, tuple(_leading_first(of_account).to_dicts()))
        return _subject(who, self._by_prefix(who))

    def find_case(self, who: str) -> Row:
        """The one case called `who`, or the leading case of that account. Raises NotInOutputError."""
        subject = self.find(who)
        if not subject.cases:
            raise NotInOutputError(
                f"account {who} has no case in this scan",
                where=str(self.folder),
                todo=f"its reads can be seen with: kwhy evidence {self.folder} {who} --out account.html",
            )
        return subject.cases[0]

    def _by_prefix(self, who: str) -> pl.DataFrame:
        found = self.cases.filter(pl.col("case_id").str.starts_with(who)).sort("case_id")
        if len(who) < SHORTEST_PREFIX:
            found = found.clear()
        if len(found) > 1:
            some = ", ".join(found["case_id"].head(CANDIDATES_SHOWN).to_list())
            raise NotInOutputError(
                f"{who!r} is the beginning of {len(found)} case ids",
                where=str(self.folder),
                todo=f"give a longer beginning, for example one of: {some}",
            )
        if found.is_empty():
            raise NotInOutputError(
                f"{who!r} is no account, case or task with results in this scan",
                where=str(self.folder),
                todo=f"list the cases with: kwhy cases {self.folder}; other accounts are in the book",
            )
        return found


def parties(case: Row) -> list[str]:
    """The accounts a case is about, in order: one, a pair or a ring; none where a box or an area is the story."""
    return list(case["account_ids"]) if case["account_id"] else []


def open_output(path: Path) -> ScanOutput:
    """Read the folder a scan left behind.

    Raises OutputMissingError, OutputBrokenError or OutputNewerError, each saying which file and what to do.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise OutputMissingError(
            "there is no such scan output folder",
            where=str(folder),
            todo=f"run: kwhy scan BOOK --as-of DATE --out {folder}",
        )
    run = _read_run(folder)
    tables: dict[str, pl.DataFrame] = {
        name: _collect(_read(folder, name, columns), folder / f"{name}.parquet")
        for name, columns in REQUIRED_COLUMNS.items()
    }
    if "facts" not in tables["findings"].columns:
        tables["findings"] = tables["findings"].with_columns(facts=pl.lit(None, pl.String))
    return ScanOutput(folder=folder, run=MappingProxyType(run), **tables)


def _reported_first(findings: pl.DataFrame) -> pl.DataFrame:
    keys = ["status", "kwh_at_stake", "start", "code", "finding_id"]
    return findings.sort(keys, descending=[False, True, False, False, False], nulls_last=True)


def _subject(who: str, cases: pl.DataFrame) -> Subject:
    rows = tuple(_leading_first(cases).to_dicts())
    return Subject(who, rows[0]["account_id"], rows)


def _leading_first(cases: pl.DataFrame) -> pl.DataFrame:
    return cases.sort("rank", "kwh_at_stake", "case_id", descending=[False, True, False], nulls_last=True)


def _read_run(folder: Path) -> Row:
    path = folder / "run.json"
    if not path.is_file():
        raise OutputMissingError(
            "the folder holds no finished scan: run.json is missing",
            where=str(folder),
            todo="name the folder given to `kwhy scan --out`, or run the scan again",
        )
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OutputBrokenError(
            f"run.json is not JSON: {error}", where=str(path), todo="run the scan again"
        ) from error
    _check_run(run, path)
    return dict(run)


def _check_run(run: Any, path: Path) -> None:
    if not isinstance(run, dict) or not {"as_of", "run_id"} <= run.keys():
        raise OutputBrokenError("run.json lacks as_of or run_id", where=str(path), todo="run the scan again")
    written = run.get("output_version", OUTPUT_VERSION)
    if not isinstance(written, int) or written > OUTPUT_VERSION:
        raise OutputNewerError(
            f"this output has version {written}, this program reads up to {OUTPUT_VERSION}",
            where=str(path),
            todo="update kwhy, or run the scan again with this version",
        )


def _read(folder: Path, name: str, columns: tuple[str, ...]) -> pl.LazyFrame:
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise OutputMissingError(
            f"{name}.parquet is missing from the scan output", where=str(folder), todo="run the scan again"
        )
    try:
        rows = pl.scan_parquet(path)
        absent = [column for column in columns if column not in rows.collect_schema()]
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error) from error
    if absent:
        raise OutputBrokenError(
            f"{name}.parquet lacks {', '.join(absent)}", where=str(path), todo="run the scan again"
        )
    return rows


def _collect(rows: pl.LazyFrame, path: Path) -> pl.DataFrame:
    try:
        return rows.collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> OutputBrokenError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return OutputBrokenError(
        f"{path.name} cannot be read: {reason}", where=str(path), todo="run the scan again"
    )
