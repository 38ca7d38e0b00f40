"""`kwhy check`: what is in a book, what is missing, and which rules can run on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from anomaly.frames import BIG_TABLES, INPUTS
from pipelines.book import Book, Note, RowCounts
from pipelines.book_rows import NO_ROWS
from pipelines.check_reads import Completeness, ReadsSeen, completeness, see_reads

RATE_CHANNELS = ("import_t1", "import_t2", "import_t3", "import_t4")


class Requirement(Protocol):
    """What one rule needs of a book; the rulebook's `requires` entry."""

    @property
    def tables(self) -> Sequence[str]:
        """Tables that must be there."""

    @property
    def days(self) -> int:
        """Days of history."""

    @property
    def curve(self) -> bool:
        """Needs interval reads, or registers read several times a day."""

    @property
    def rates(self) -> bool:
        """Needs rate registers."""

    @property
    def export(self) -> bool:
        """Needs an export register."""

    @property
    def electrical(self) -> bool:
        """Needs voltage, current or power."""

    @property
    def frequency(self) -> str:
        """`any`, `daily` or `periodic`."""


@dataclass(frozen=True)
class TableSeen:
    """One table of the contract: whether it is there, its rows, and the columns it lacks."""

    name: str
    present: bool
    counts: RowCounts
    absent_columns: tuple[str, ...]


@dataclass(frozen=True)
class QuarantineSeen:
    """Rows quarantined under one rule in one table, with the first of them."""

    table: str
    rule: str
    rows: int
    file: str
    line: int
    reason: str


@dataclass(frozen=True)
class Readiness:
    """Whether a rule can run.

    `lacking`: `table:NAME`, `electrical`, `curve`, `rates`, `export`, `daily`, `periodic`, `days:N`.
    """

    code: str
    lacking: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Nothing is lacking."""
        return not self.lacking


@dataclass(frozen=True)
class CheckReport:
    """Everything `kwhy check` says. Spans are of accepted register reads; counts are of distinct
    identifiers."""

    book: str
    tables: tuple[TableSeen, ...]
    quarantine: tuple[QuarantineSeen, ...]
    first_read: datetime | None
    last_read: datetime | None
    meters: int
    supply_meters: int
    accounts: int
    areas: int
    boxes: int
    meters_without_installation: int
    installed_without_reads: int
    channels: Mapping[str, int]
    qualities: Mapping[str, int]
    completeness: Completeness
    rules: tuple[Readiness, ...]
    notes: tuple[Note, ...]
    curves: bool = False

    @property
    def wiring_blind(self) -> tuple[str, ...]:
        """Why homes on each other's meters may stay unseen in this book, the gravest first."""
        present = {table.name for table in self.tables if table.present}
        reasons = {
            "no_neighbours": not self.boxes and not self.areas,
            "areas_only": bool(self.areas and not self.boxes),
            "totals_only": not self.curves,
            "no_named_days": not present & {"events", "tickets"},
            "no_files": "accounts" not in present,
            "no_balance": not self.supply_meters,
        }
        return tuple(name for name, holds in reasons.items() if holds)


def check(book: Book, requirements: Mapping[str, Requirement]) -> CheckReport:
    """Read every row of the book once, streaming; `requirements` maps each rule's code to what it needs."""
    walk = _Walk(book)
    seen = see_reads(walk.accepted("register_reads"))
    others = [name for name in BIG_TABLES if name != "register_reads"]
    channels = {name: _channels(walk.accepted(name)) for name in others}
    for name in (name for name in book.tables if name not in BIG_TABLES):
        walk.small(name)
    installations, accounts = book.frame("installations"), book.frame("accounts")
    filled = completeness(seen, installations, _frequencies(installations, accounts))
    in_reads = seen.months.select("meter_id").unique()
    known = installations.select("meter_id").unique()
    facts = _facts(book, seen, filled, set(seen.channels) | channels["interval_reads"])
    return CheckReport(
        book=str(book.path),
        tables=tuple(_table(book, name, walk.counts.get(name, NO_ROWS)) for name in INPUTS),
        quarantine=walk.quarantine(),
        first_read=seen.first,
        last_read=seen.last,
        meters=known.height,
        supply_meters=_distinct(installations.filter(pl.col("account_id").is_null()), "meter_id"),
        accounts=_distinct(
            pl.concat([installations.select("account_id"), accounts.select("account_id")]), "account_id"
        ),
        areas=_distinct_over(book, ("installations", "accounts", "areas"), "area_id"),
        boxes=_distinct(accounts, "box_id"),
        meters_without_installation=in_reads.join(known, on="meter_id", how="anti").height,
        installed_without_reads=known.join(in_reads, on="meter_id", how="anti").height,
        channels=seen.channels,
        qualities=seen.qualities,
        completeness=filled,
        rules=tuple(Readiness(code, _lacking(needs, facts)) for code, needs in sorted(requirements.items())),
        notes=book.notes,
        curves=facts.curve,
    )


class _Walk:
    """One pass over the tables that keeps the counts and the quarantine's totals."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.counts: dict[str, RowCounts] = {}
        self._lost: list[pl.DataFrame] = []

    def accepted(self, name: str) -> Iterator[pl.DataFrame]:
        """Accepted rows of a big table, batch by batch."""
        self.counts[name] = NO_ROWS
        for batch in self.book.batches(name):
            self._keep(name, batch.counts, batch.quarantined)
            yield batch.accepted

    def small(self, name: str) -> None:
        """Count a small table, which the book keeps."""
        table = self.book.validated(name)
        self._keep(name, table.counts, table.quarantined)

    def quarantine(self) -> tuple[QuarantineSeen, ...]:
        """Totals per table and rule, most rows first."""
        if not self._lost:
            return ()
        together = pl.concat(self._lost).group_by("table", "rule", maintain_order=True)
        totals = together.agg(pl.col("rows").sum(), pl.col("file", "line", "reason").first())
        return tuple(
            QuarantineSeen(*row) for row in totals.sort("rows", descending=True, maintain_order=True).rows()
        )

    def _keep(self, name: str, counts: RowCounts, quarantined: pl.DataFrame) -> None:
        self.counts[name] = self.counts.get(name, NO_ROWS).plus(counts)
        if quarantined.height:
            by_rule = quarantined.group_by("table", "rule", maintain_order=True)
            self._lost.append(by_rule.agg(pl.len().alias("rows"), pl.col("file", "line", "reason").first()))


@dataclass(frozen=True)
class _Facts:
    """What the rules' requirements are held against."""

    tables: frozenset[str]
    curve: bool
    rates: bool
    export: bool
    daily: bool
    periodic: bool
    days: int


def _facts(book: Book, seen: ReadsSeen, filled: Completeness, channels: set[str]) -> _Facts:
    read_days = pl.col("days").bitwise_count_ones()
    several = seen.months.filter(pl.col("rows") >= 2 * read_days)
    span = (seen.last - seen.first).days if seen.first and seen.last else 0
    return _Facts(
        tables=frozenset(book.tables),
        curve=book.has("interval_reads") or not several.is_empty(),
        rates=bool(channels & set(RATE_CHANNELS)),
        export="export" in channels,
        daily=filled.daily_meters > 0,
        periodic=filled.periodic is not None,
        days=span,
    )


def _lacking(needs: Requirement, facts: _Facts) -> tuple[str, ...]:
    lacking = [f"table:{name}" for name in needs.tables if name not in facts.tables]
    wanted = {
        "electrical": needs.electrical and "electrical_reads" not in facts.tables,
        "curve": needs.curve and not facts.curve,
        "rates": needs.rates and not facts.rates,
        "export": needs.export and not facts.export,
        "daily": needs.frequency == "daily" and not facts.daily,
        "periodic": needs.frequency == "periodic" and not facts.periodic,
        f"days:{needs.days}": needs.days > facts.days,
    }
    return (*lacking, *(what for what, missing in wanted.items() if missing))


def _table(book: Book, name: str, counts: RowCounts) -> TableSeen:
    present = book.has(name)
    has = book.columns(name)
    absent = tuple(column for column in INPUTS[name].column_names() if present and column not in has)
    return TableSeen(name, present, counts, absent)


def _channels(batches: Iterator[pl.DataFrame]) -> set[str]:
    return {
        word
        for batch in batches
        if "channel" in batch.columns
        for word in batch.get_column("channel").unique().to_list()
    }


def _frequencies(installations: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    told = accounts.select("account_id", "read_frequency").drop_nulls().unique("account_id", keep="first")
    meters = installations.select("meter_id", "account_id").join(told, on="account_id")
    return meters.unique("meter_id", keep="first", maintain_order=True).select("meter_id", "read_frequency")


def _distinct(rows: pl.DataFrame, column: str) -> int:
    return rows.get_column(column).drop_nulls().n_unique()


def _distinct_over(book: Book, tables: Sequence[str], column: str) -> int:
    return _distinct(pl.concat([book.frame(name).select(column) for name in tables]), column)
