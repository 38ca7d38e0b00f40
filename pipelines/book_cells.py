"""One column of a file → the contract's type. What cannot be read is marked, never guessed and never
dropped."""

from __future__ import annotations

from dataclasses import dataclass, field

import dataframely as dy
import polars as pl

from pipelines import book_moments

_TRUE = ("true", "1", "yes", "y", "是")
_FALSE = ("false", "0", "no", "n", "否")
_NOT_ACTIVE = (
    r"(?i)kvar|kva\b|reactive|demand|无功|需量|视在|(?:^|[^\d.])(?:[3-9]|10)\.8\.|(?:^|[^\d.])\d{1,2}\.6\."
)
_EXACT_INTEGERS = 2**53


@dataclass(frozen=True)
class Fault:
    """Rows (true = broken) of one rule; `reason` completes the sentence that starts with the column and the
    cell."""

    rule: str
    rows: pl.Series
    reason: str


@dataclass(frozen=True)
class Cells:
    """`values` in the contract's type; `empty` = the cell held nothing; `ignored` = words read as empty,
    with counts."""

    values: pl.Series
    empty: pl.Series | None = None
    faults: list[Fault] = field(default_factory=list)
    ignored: list[tuple[str, str, int]] = field(default_factory=list)
    fold: pl.Series | None = None


def why_unreadable(dtype: pl.DataType, column: dy.Column) -> str:
    """Why a file's column type can never hold this column; empty when it can."""
    if dtype == pl.Null or _is_text(dtype):
        return ""
    if isinstance(column, dy.String):
        return "" if dtype.is_integer() else "identifiers and words must be text, so that leading zeros stay"
    if isinstance(column, dy.Enum):
        return "must be text"
    if isinstance(column, (dy.Datetime, dy.Date)):
        return "" if dtype == pl.Date or dtype == pl.Datetime else "must be a date or a datetime"
    if isinstance(column, dy.Bool):
        return "" if dtype == pl.Boolean or dtype.is_integer() else "must be true or false"
    return "" if dtype.is_numeric() else "must be a number"


def read_cells(raw: pl.Series, column: dy.Column, zone: str | None) -> Cells:
    """Convert one column; `zone` is where instants with an offset are turned into wall time."""
    if raw.dtype == pl.Null:
        return Cells(raw.cast(column.dtype))
    if isinstance(column, dy.Enum):
        return _choices(raw, column)
    if isinstance(raw.dtype, (pl.Categorical, pl.Enum)):
        raw = raw.cast(pl.String)
    if isinstance(column, dy.String):
        return Cells(_without_blanks(raw.cast(pl.String)))
    if raw.dtype == pl.String:
        raw = _without_blanks(raw.str.strip_chars())
    if isinstance(column, dy.Datetime):
        return _moments(raw, zone)
    if isinstance(column, dy.Date):
        return _days(raw, zone)
    if isinstance(column, dy.Bool):
        return _flags(raw)
    if isinstance(column, dy.Float64):
        return _numbers(raw)
    return _whole_numbers(raw, column.dtype)


def _is_text(dtype: pl.DataType) -> bool:
    return isinstance(dtype, (pl.String, pl.Categorical, pl.Enum))


def _without_blanks(text: pl.Series) -> pl.Series:
    """An empty cell is null."""
    blank = text == ""
    return text.set(blank, None) if blank.any() else text


def _unread(raw: pl.Series, values: pl.Series) -> pl.Series | None:
    """Rows that held something and gave nothing; None when there are none."""
    return None if values.null_count() == raw.null_count() else values.is_null() & raw.is_not_null()


def _choices(raw: pl.Series, column: dy.Enum) -> Cells:
    if raw.len() and not raw.null_count() and (raw == raw[0]).all():
        # One word throughout is the usual case, and a tenth of the cost of looking every cell up.
        values = raw.head(1).cast(column.dtype, strict=False).new_from_index(0, raw.len())
    else:
        values = raw.cast(column.dtype, strict=False)
    if values.null_count() == raw.null_count():
        return Cells(values)
    text = _without_blanks(raw.cast(pl.String).str.strip_chars())
    values = text.cast(column.dtype, strict=False)
    unknown = _unread(text, values)
    if unknown is None:
        return Cells(values, empty=text.is_null())
    known = ", ".join(column.categories)
    if (column.metadata or {}).get("unknown") == "note":
        counts = text.filter(unknown).value_counts(sort=True, name="rows").rows()
        return Cells(values, ignored=[("unknown_word", word, rows) for word, rows in counts])
    faults = [Fault(f"unknown_{raw.name}", unknown, f"is not one of {known}; map it at ingest")]
    if raw.name == "channel":
        other = unknown & text.str.contains(_NOT_ACTIVE).fill_null(False)
        faults.insert(0, Fault("not_active_energy", other, "is not active energy; leave it out of the book"))
        faults[1] = Fault("unknown_channel", unknown & ~other, faults[1].reason)
    return Cells(values, empty=text.is_null(), faults=faults)


def _moments(raw: pl.Series, zone: str | None) -> Cells:
    if raw.dtype == pl.Date:
        return Cells(raw.cast(pl.Datetime("us")))
    if isinstance(raw.dtype, pl.Datetime):
        if raw.dtype.time_zone is not None and zone is not None:
            moments = book_moments.from_instants(raw, zone)
            return Cells(moments.values, fold=moments.fold)
        return _rounded(raw)
    moments = book_moments.from_text(raw, zone)
    unread = _unread(raw, moments.values)
    if unread is None:
        return Cells(moments.values, empty=raw.is_null(), fold=moments.fold)
    faults = []
    if moments.offset is not None:
        what = "has an offset and the book names no time zone; add `time_zone` to book.toml"
        faults.append(Fault("offset_without_time_zone", moments.offset, what))
        unread = unread & ~moments.offset
    faults.append(Fault("not_a_datetime", unread, "is not a date and time; write it as 2024-03-01 00:00:00"))
    return Cells(moments.values, empty=raw.is_null(), faults=faults, fold=moments.fold)


def _rounded(raw: pl.Series) -> Cells:
    values = raw.dt.cast_time_unit("us")
    if raw.dtype == pl.Datetime("ns"):
        finer = (values.dt.cast_time_unit("ns") != raw).fill_null(False)
        if finer.any():
            return Cells(
                values, faults=[Fault("inexact_datetime", finer, "is finer than a microsecond; round it")]
            )
    return Cells(values)


def _days(raw: pl.Series, zone: str | None) -> Cells:
    if raw.dtype == pl.Date:
        return Cells(raw)
    moments = _moments(raw, zone)
    values = moments.values.dt.date()
    timed = int((values.cast(pl.Datetime("us")) != moments.values).sum())
    faults = [Fault("not_a_date", fault.rows, "is not a date; write it as 2024-03-01")
              if fault.rule == "not_a_datetime" else fault for fault in moments.faults]  # fmt: skip
    ignored = [("time_of_day", "", timed)] if timed else []
    return Cells(values, empty=moments.empty, faults=faults, ignored=ignored)


def _flags(raw: pl.Series) -> Cells:
    if raw.dtype == pl.Boolean:
        return Cells(raw)
    words = raw.cast(pl.String).str.to_lowercase()
    yes = words.is_in(_TRUE)
    values = yes.set(~(yes | words.is_in(_FALSE)), None)
    unread = _unread(raw, values)
    faults = [] if unread is None else [Fault("not_true_or_false", unread, "is neither true nor false")]
    return Cells(values, empty=raw.is_null(), faults=faults)


def _numbers(raw: pl.Series) -> Cells:
    values = raw.cast(pl.Float64, strict=False)
    faults = []
    unread = _unread(raw, values)
    if unread is not None:
        what = "is not a number; write it with a decimal point and without separators or units"
        faults.append(Fault("not_a_number", unread, what))
    if not raw.dtype.is_integer() and not values.is_finite().all():
        faults.append(
            Fault("not_finite", ~values.is_finite().fill_null(True), "is not a finite number; leave it empty")
        )
    if raw.dtype.is_integer() and raw.len() and _beyond_exact(raw):
        beyond = values.abs().fill_null(0.0) >= _EXACT_INTEGERS
        faults.append(Fault("inexact_number", beyond, "has more digits than a number can hold exactly"))
    return Cells(values, empty=raw.is_null() if faults else None, faults=faults)


def _beyond_exact(raw: pl.Series) -> bool:
    reach = raw.cast(pl.Float64).abs().max()
    return isinstance(reach, float) and reach >= _EXACT_INTEGERS


def _whole_numbers(raw: pl.Series, dtype: pl.DataType) -> Cells:
    exact = raw.cast(pl.Float64, strict=False) if not raw.dtype.is_integer() else raw
    values = exact.cast(dtype, strict=False)
    if not raw.dtype.is_integer():
        values = values.set((values.cast(pl.Float64) != exact).fill_null(False), None)
    unread = _unread(raw, values)
    faults = []
    if unread is not None:
        faults.append(Fault("not_a_whole_number", unread, "is not a whole number; write digits only"))
    return Cells(values, empty=raw.is_null() if faults else None, faults=faults)
