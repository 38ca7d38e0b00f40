"""Instants as files write them → naive wall time, microseconds."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d")
_OFFSET = r"^\d{4}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d{2}.*(?:[Zz]|[+-]\d{2}:?\d{2})$"
_MICROSECONDS = pl.Datetime("us")


@dataclass(frozen=True)
class Moments:
    """`values` naive microseconds; `fold` Int8 where offsets told it, else None; `offset` rows that need a
    time zone."""

    values: pl.Series
    fold: pl.Series | None = None
    offset: pl.Series | None = None


def from_text(text: pl.Series, zone: str | None) -> Moments:
    """ISO 8601 with `T` or a space, seconds and fractions optional, or a date; null where it is none of
    these."""
    values = pl.Series(text.name, [None], dtype=_MICROSECONDS).new_from_index(0, len(text))
    for pattern in _FORMATS:
        if values.null_count() == text.null_count():
            return Moments(values)
        values = values.zip_with(
            values.is_not_null(), text.str.to_datetime(pattern, strict=False, time_unit="us")
        )
    offset = values.is_null() & text.str.contains(_OFFSET).fill_null(False)
    if not offset.any():
        return Moments(values)
    if zone is None:
        return Moments(values, offset=offset)
    local = from_instants(_with_offset(text, offset), zone)
    return Moments(values.zip_with(values.is_not_null(), local.values), fold=local.fold)


def from_instants(instants: pl.Series, zone: str) -> Moments:
    """Instants that know their zone → wall time of `zone`; fold 1 in the second pass of a repeated hour."""
    local = instants.dt.cast_time_unit("us").dt.convert_time_zone(zone)
    values = local.dt.replace_time_zone(None)
    first_pass = values.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return Moments(values, fold=(local != first_pass).fill_null(False).cast(pl.Int8))


def _with_offset(text: pl.Series, rows: pl.Series) -> pl.Series:
    instants = pl.Series(text.name, [None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, len(text))
    regular = text.str.replace(" ", "T", literal=True).str.replace(r"[Zz]$", "+00:00")
    regular = regular.str.replace(r"(T\d{1,2}:\d{2})([+-])", "${1}:00${2}")
    parsed = regular.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", strict=False, time_unit="us")
    return instants.zip_with(~rows, parsed)
