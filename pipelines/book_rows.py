"""A batch of raw rows → accepted rows in the contract's types, and quarantined rows with rule and reason."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple

import dataframely as dy
import polars as pl

from anomaly.frames import INPUTS, OUTPUTS
from pipelines.book_cells import Cells, Fault, read_cells

_MINUTES_PER_DAY = 1440
QUARANTINE_SCHEMA = OUTPUTS["quarantine"].create_empty().schema


class Note(NamedTuple):
    """Something a reader of the book should know though no row was lost.

    `kind`: `unknown_word` (cell read as empty), `time_of_day` (dropped from a date), `unknown_column`,
    `unknown_file`, `duplicate_rows` (counted once).
    """

    kind: str
    table: str
    column: str = ""
    value: str = ""
    rows: int = 0


class RowCounts(NamedTuple):
    """Rows of a table; `read` = `accepted` + `quarantined`, always."""

    read: int
    accepted: int
    quarantined: int

    def plus(self, other: RowCounts) -> RowCounts:
        """Both together."""
        return RowCounts(*(mine + yours for mine, yours in zip(self, other, strict=True)))


NO_ROWS = RowCounts(0, 0, 0)


@dataclass(frozen=True)
class Validated:
    """One batch: `accepted` in the schema's columns and types, `quarantined` in the quarantine schema."""

    accepted: pl.DataFrame
    quarantined: pl.DataFrame
    notes: tuple[Note, ...] = ()

    @property
    def counts(self) -> RowCounts:
        """Rows of this batch."""
        accepted, quarantined = self.accepted.height, self.quarantined.height
        return RowCounts(accepted + quarantined, accepted, quarantined)


@dataclass(frozen=True)
class Origin:
    """Where a batch comes from: table, file relative to the book, line of each row (or of the first one)."""

    table: str
    file: str
    lines: pl.Series | int


def validate_rows(raw: pl.DataFrame, origin: Origin, zone: str | None) -> Validated:
    """Convert the contract's columns of `raw`; other columns are left alone and kept only in a quarantined
    row."""
    schema = INPUTS[origin.table]
    cells = {
        name: read_cells(raw.get_column(name), column, zone)
        for name, column in schema.columns().items()
        if name in raw.columns
    }
    accepted = _with_defaults(cells, schema, raw.height)
    notes = tuple(
        Note(kind, origin.table, name, value, rows)
        for name, cell in cells.items()
        for kind, value, rows in cell.ignored
    )
    faults = [(name, fault) for name, fault in _faults(cells, schema) if fault.rows.any()]
    if not faults:
        return Validated(accepted, no_quarantine(), notes)
    broken = reduce(or_, (fault.rows for _, fault in faults))
    return Validated(accepted.filter(~broken), _quarantined(raw, broken, faults, origin), notes)


def no_quarantine() -> pl.DataFrame:
    """An empty quarantine frame."""
    return pl.DataFrame(schema=QUARANTINE_SCHEMA)


def broken_lines(broken: pl.DataFrame, table: str, file: str) -> pl.DataFrame:
    """Lines that are no rows at all (line, rule, reason, text) → the quarantine schema."""
    return broken.select(
        table=pl.lit(table),
        file=pl.lit(file),
        line="line",
        rule="rule",
        reason="reason",
        row=pl.struct(text="text").struct.json_encode(),
    )


def _about(schema: type[dy.Schema], name: str, fact: str) -> object:
    return (schema.columns()[name].metadata or {}).get(fact)


def _empty(cell: Cells) -> pl.Series:
    return cell.values.is_null() if cell.empty is None else cell.empty


def _faults(cells: dict[str, Cells], schema: type[dy.Schema]) -> list[tuple[str, Fault]]:
    """Every rule that may be broken; of several broken by one row the first gives it its name."""
    faults = [(name, fault) for name, cell in cells.items() for fault in cell.faults]
    for name, cell in cells.items():
        required = _about(schema, name, "required") and not _about(schema, name, "null_if_missing")
        if required and (cell.empty is not None or cell.values.null_count()):
            faults.append((name, Fault("empty_required", _empty(cell), "is empty; every row needs it")))
    return faults + _rules_of_the_table(cells)


def _rules_of_the_table(cells: dict[str, Cells]) -> list[tuple[str, Fault]]:
    """Rules that are not about the type of one cell alone."""
    faults: list[tuple[str, Fault]] = []
    for name in ("register_kwh", "kwh"):
        if name in cells and (cells[name].empty is not None or cells[name].values.null_count()):
            what = "is empty and the quality is not `missing`; mark the read `missing` or leave the row out"
            faults.append(
                (name, Fault(f"null_{name.removesuffix('_kwh')}", _not_marked_missing(cells, name), what))
            )
    if "minutes" in cells:
        minutes = cells["minutes"].values
        bad = ((minutes <= 0) | (_MINUTES_PER_DAY % minutes.set(minutes == 0, 1) != 0)).fill_null(False)
        faults.append(("minutes", Fault("bad_minutes", bad, "does not divide a day; write 15, 30, 60 …")))
    if "fold" in cells:
        fold = cells["fold"].values
        faults.append(
            ("fold", Fault("bad_fold", ((fold < 0) | (fold > 1)).fill_null(False), "is neither 0 nor 1"))
        )
    return faults


def _not_marked_missing(cells: dict[str, Cells], name: str) -> pl.Series:
    empty = _empty(cells[name])
    if "quality" not in cells:
        return empty
    quality = cells["quality"]
    excused = (quality.values == "missing").fill_null(False) | (quality.values.is_null() & ~_empty(quality))
    return empty & ~excused


def _with_defaults(cells: dict[str, Cells], schema: type[dy.Schema], height: int) -> pl.DataFrame:
    """Every column of the schema in its order and type; missing columns and cells take their defaults."""
    columns: list[pl.Series] = []
    for name, column in schema.columns().items():
        about = column.metadata or {}
        default = about.get("default")
        if name not in cells:
            values = pl.repeat(default, height, dtype=column.dtype, eager=True).alias(name)
            if name == "fold":
                values = next((cell.fold for cell in cells.values() if cell.fold is not None), values).alias(
                    name
                )
        else:
            values = cells[name].values
            if default is not None and values.null_count():
                values = values.fill_null(default)
        columns.append(values)
    table = pl.DataFrame(columns)
    for name, column in schema.columns().items():
        source = (column.metadata or {}).get("default_from")
        if source:
            table = table.with_columns(pl.coalesce(name, source))
    return table


def _quarantined(
    raw: pl.DataFrame, broken: pl.Series, faults: list[tuple[str, Fault]], origin: Origin
) -> pl.DataFrame:
    rows = raw.filter(broken).with_columns(pl.all().cast(pl.String))
    masks = {f"({place})": fault.rows.filter(broken) for place, (_, fault) in enumerate(faults)}
    rules = [pl.when(mask).then(pl.lit(fault.rule)) for mask, (_, fault) in zip(masks, faults, strict=True)]
    told = [
        pl.when(mask).then(pl.concat_str(pl.lit(f"{name} "), _quoted(name), pl.lit(fault.reason)))
        for mask, (name, fault) in zip(masks, faults, strict=True)
    ]
    lines = _lines(origin, raw.height).filter(broken)
    return rows.with_columns(**masks, **{"(at)": lines}).select(
        table=pl.lit(origin.table),
        file=pl.lit(origin.file),
        line=pl.col("(at)"),
        rule=pl.coalesce(rules),
        reason=pl.concat_str(told, separator="; ", ignore_nulls=True),
        row=pl.struct(raw.columns).struct.json_encode(),
    )


def _quoted(name: str) -> pl.Expr:
    """The cell in quotes and a space; nothing for an empty cell."""
    return pl.when(pl.col(name) != "").then(pl.format("'{}' ", name)).otherwise(pl.lit(""))


def _lines(origin: Origin, height: int) -> pl.Series:
    if isinstance(origin.lines, int):
        return pl.int_range(origin.lines, origin.lines + height, eager=True)
    return origin.lines
