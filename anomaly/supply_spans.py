"""Stretches without supply, as meters and systems recorded them, and what else was recorded around a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Minutes = NDArray[np.datetime64]

CUT, RECONNECTED = ("disconnect",), ("reconnect",)
DARK, LIT = ("outage_start",), ("outage_end", "reconnect")


@dataclass(frozen=True, eq=False)
class Spans:
    """Stretches without supply, `[K]` each: position, first and last moment to the minute (half-open).

    `ended` is false where nothing on record ended it; it then runs to the end of the panel.
    """

    row: Integers
    start: Minutes
    end: Minutes
    ended: Booleans

    def __len__(self) -> int:
        return len(self.row)

    def take(self, keep: NDArray[np.int64] | Booleans) -> Spans:
        """The spans chosen by a mask or by indices."""
        return Spans(self.row[keep], self.start[keep], self.end[keep], self.ended[keep])


@dataclass(frozen=True, eq=False)
class Moments:
    """Something on record at positions, `[K]` each: `at` until `until`, the whole day where only that is known."""

    row: Integers
    at: Minutes
    until: Minutes

    def __len__(self) -> int:
        return len(self.row)

    def take(self, keep: NDArray[np.int64] | Booleans) -> Moments:
        """The moments chosen by a mask or by indices."""
        return Moments(self.row[keep], self.at[keep], self.until[keep])


def cut_spans(panel: Panel) -> Spans:
    """From each disconnection to the reconnection after it."""
    return _spans(panel, CUT, RECONNECTED)


def outage_spans(panel: Panel) -> Spans:
    """From each start of an outage to its end, or to a reconnection."""
    return _spans(panel, DARK, LIT)


def panel_bounds(panel: Panel) -> Minutes:
    """`[2]` the moments from and up to which the panel knows anything; NaT for a panel without days."""
    if not len(panel.days):
        return np.full(2, np.datetime64("NaT", "m"))
    return panel.dates(np.array([0, panel.shape[1]])).astype("datetime64[m]")


def _spans(panel: Panel, starts: Sequence[str], ends: Sequence[str]) -> Spans:
    """Every start with the next end of the same position; a start before any end belongs to the same span."""
    events = (
        panel.events.with_columns(is_end=pl.col("kind").is_in(list(ends)))
        .filter(pl.col("is_end") | pl.col("kind").is_in(list(starts)))
        .sort("row", "at", "is_end")
        .with_columns(next_end=pl.when(pl.col("is_end")).then(pl.col("at")).otherwise(None))
        .with_columns(next_end=pl.col("next_end").backward_fill().over("row"))
        .filter(~pl.col("is_end"))
    )
    known = events.with_columns(key=pl.col("next_end").fill_null(pl.datetime(9999, 1, 1)))
    first = known.unique(["row", "key"], keep="first", maintain_order=True)
    end = first["next_end"].to_numpy().astype("datetime64[m]")
    ended = ~np.isnat(end)
    start = first["at"].to_numpy().astype("datetime64[m]")
    return Spans(first["row"].to_numpy().astype(np.int64), start, np.where(ended, end, panel_bounds(panel)[1]), ended)


def no_power_calls(panel: Panel) -> Moments:
    """Reports of customers that they have no power, one per position of the account."""
    return _moments(panel.tickets.filter(pl.col("kind") == "no_power"))


def event_moments(panel: Panel, kind: str) -> Moments:
    """Every event of one kind at a meter."""
    return _moments(panel.events.filter(pl.col("kind") == kind))


def _moments(records: pl.DataFrame) -> Moments:
    known = records.select("row", "at").unique().sort("row", "at")
    at = known["at"].to_numpy().astype("datetime64[m]")
    only_day = at == at.astype("datetime64[D]")
    until = np.where(only_day, at + np.timedelta64(1439, "m"), at)
    return Moments(known["row"].to_numpy().astype(np.int64), at, until)


def hours(count: float) -> np.timedelta64:
    """A number of hours as a difference of moments."""
    return np.timedelta64(round(count * 60), "m")


def any_between(row: Integers, at: Minutes, wanted: Integers, low: Minutes, high: Minutes) -> Booleans:
    """Whether position `wanted[K]` has one of the records (`row`, `at`) within [low, high]."""
    order = np.lexsort((at, row))
    key = _key(row[order], at[order])
    first = np.searchsorted(key, _key(wanted, low), side="left")
    last = np.searchsorted(key, _key(wanted, high), side="right")
    return np.asarray(last > first)


def covered(spans: Spans, wanted: Integers, low: Minutes, high: Minutes) -> Booleans:
    """Whether a span of position `wanted[K]` touches [low, high]; spans of one position do not overlap."""
    order = np.lexsort((spans.start, spans.row))
    row, start, end = spans.row[order], spans.start[order], spans.end[order]
    last = np.searchsorted(_key(row, start), _key(wanted, high), side="right") - 1
    at = np.maximum(last, 0)
    if not len(row):
        return np.zeros(len(wanted), bool)
    return np.asarray((last >= 0) & (row[at] == wanted) & (end[at] > low))


def group_numbers(panel: Panel, *columns: str) -> Integers:
    """`[M]` a number per group: of the first of the columns that a position has, else of the position alone."""
    alone = pl.lit("alone ") + pl.int_range(pl.len()).cast(pl.String)
    named = [pl.lit(f"{name} ") + pl.col(name) for name in columns]
    group = panel.positions.select(group=pl.coalesce(*named, alone).rank("dense"))["group"]
    return group.to_numpy().astype(np.int64)


def meters_around(
    own: Integers, at: Minutes, group: Integers, row: Integers, low: Minutes, high: Minutes
) -> Integers:
    """How many positions of the group of `row[K]` have one of the records (`own`, `at`) within [low, high]."""
    order = np.lexsort((own, at, group[own]))
    own, at = own[order], at[order]
    key = _key(group[own], at)
    first = np.searchsorted(key, _key(group[row], low), side="left")
    count = np.maximum(np.searchsorted(key, _key(group[row], high), side="right") - first, 0)
    asked = np.repeat(np.arange(len(row)), count)
    place = np.arange(len(asked)) - np.repeat(np.cumsum(count) - count, count) + first[asked]
    once = np.unique(np.stack([asked, own[place]]), axis=1)[0]
    return np.bincount(once, minlength=len(row)).astype(np.int64)


def _key(group: Integers, at: Minutes) -> Integers:
    """Groups and moments as one ascending number; a minute is a step, a group 2³²."""
    minute = np.clip(at.astype("datetime64[m]").astype(np.int64), -(2**31), 2**31 - 1)
    return np.asarray(group * 2**32 + minute)
