"""Dials along positions: which meter counted for which account on which day, with which multiplier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.consumption import DialEnergy, Dials

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Spans:
    """Installations of one slice as arrays: where they serve, on which dial, over which borders."""

    index: Integers
    row: Integers
    dial: Integers
    first: Integers
    last: Integers
    multiplier: NDArray[np.float64]
    moved_in: NDArray[np.bool_]
    ordinal: Integers


def lay_along_positions(
    installations: pl.DataFrame,
    positions: int,
    dials: Dials,
    quality: NDArray[np.int8],
    energy: DialEnergy,
    first_day: np.datetime64,
) -> dict[str, Any]:
    """The dense arrays of a panel (see Panel) from those of its dials.

    Installations are laid in date order: the old meter's read holds a shared border, the days of both add up.
    A meter without an end register counts up to its last read; that exchange day is marked spread.
    """
    spans = _spans(installations, first_day)
    borders = dials.ticks.shape[1]
    laid = _empty(positions, borders)
    register = np.where(dials.present, dials.ticks / dials.scale[:, None], np.nan)
    for ordinal in range(int(spans.ordinal.max(initial=-1)) + 1):
        turn = np.flatnonzero(spans.ordinal == ordinal)
        _lay_turn(laid, spans, turn, register, dials.offset_days, quality, energy)
    return laid


def _spans(installations: pl.DataFrame, first_day: np.datetime64) -> _Spans:
    previous = pl.col("dial_row").shift(1).over("row")
    earlier_elsewhere = pl.col("first_on") > pl.col("first_on").min().over("dial_row")
    counting = (pl.col("point_role") != "check") | (pl.col("point_role") == "check").all().over("row")
    installations = installations.with_row_index("index").filter(counting)

    def border(name: str) -> Integers:
        return (installations[name].to_numpy().astype("datetime64[D]") - first_day).astype(np.int64)

    columns = installations.select(
        "index", "row", "dial_row", "multiplier",
        moved_in=earlier_elsewhere & (previous.is_null() | (previous != pl.col("dial_row"))),
        ordinal=pl.int_range(pl.len()).over("row"),
    )  # fmt: skip
    return _Spans(
        columns["index"].to_numpy().astype(np.int64),
        columns["row"].to_numpy(), columns["dial_row"].to_numpy(), border("first_on"), border("last_on"),
        columns["multiplier"].to_numpy(), columns["moved_in"].to_numpy(), columns["ordinal"].to_numpy(),
    )  # fmt: skip


def _empty(positions: int, borders: int) -> dict[str, Any]:
    reads, days = (positions, borders), (positions, borders - 1)
    return {
        "register_kwh": np.full(reads, np.nan),
        "offset_days": np.zeros(reads, np.float32),
        "quality": np.full(reads, -1, np.int8),
        "step_kwh": np.full(reads, np.nan),
        "step_days": np.full(reads, np.nan),
        "rolled": np.zeros(reads, bool),
        "kwh": np.full(days, np.nan),
        "spread": np.zeros(days, bool),
        "multiplier": np.full(days, np.nan),
        "installation": np.full(reads, -1, np.int32),
    }


def _lay_turn(
    laid: dict[str, Any],
    spans: _Spans,
    turn: Integers,
    register: NDArray[np.float64],
    offset_days: NDArray[np.float32],
    quality: NDArray[np.int8],
    energy: DialEnergy,
) -> None:
    """Lay the k-th installation of every position that has one."""
    rows, dial = spans.row[turn], spans.dial[turn]
    border = np.arange(register.shape[1])
    here = (border >= spans.first[turn, None]) & (border <= spans.last[turn, None])
    taken = laid["quality"][rows] >= 0
    reads = here & (quality[dial] >= 0) & ~taken
    for name, source in (
        ("register_kwh", register), ("offset_days", offset_days), ("quality", quality),
        ("step_kwh", energy.step_kwh), ("step_days", energy.step_days), ("rolled", energy.rolled),
    ):  # fmt: skip
        laid[name][rows] = np.where(reads, source[dial], laid[name][rows])
    first_here = spans.moved_in[turn, None] & (border <= spans.first[turn, None])
    laid["step_kwh"][rows] = np.where(first_here & reads, np.nan, laid["step_kwh"][rows])
    laid["step_days"][rows] = np.where(first_here & reads, np.nan, laid["step_days"][rows])
    in_place = here & (~taken | (border > spans.first[turn, None]))
    laid["installation"][rows] = np.where(in_place, spans.index[turn, None], laid["installation"][rows])
    _add_energy(laid, spans, turn, energy)


def _add_energy(laid: dict[str, Any], spans: _Spans, turn: Integers, energy: DialEnergy) -> None:
    """Add the installation's days; on a removal day the closing part counts together with the new meter's."""
    rows, dial = spans.row[turn], spans.dial[turn]
    day = np.arange(energy.kwh.shape[1])
    full = (day >= spans.first[turn, None]) & (day < spans.last[turn, None])
    closing = (day == spans.last[turn, None]) & np.isfinite(energy.kwh[dial]) & ~_goes_on(spans, turn)[:, None]
    counted = full | closing
    own = np.where(counted, energy.kwh[dial] * spans.multiplier[turn, None], np.nan)
    before = laid["kwh"][rows]
    both = np.isfinite(before) & np.isfinite(own)
    laid["kwh"][rows] = np.where(both, before + own, np.where(np.isfinite(own), own, before))
    unclosed = (day == spans.last[turn, None]) & ~np.isfinite(energy.kwh[dial])
    laid["spread"][rows] |= (counted & energy.spread[dial]) | unclosed
    laid["multiplier"][rows] = np.where(full, spans.multiplier[turn, None], laid["multiplier"][rows])


def _goes_on(spans: _Spans, turn: Integers) -> NDArray[np.bool_]:
    """Whether the dial counts on in another installation that starts when this one ends."""
    starts = set(zip(spans.dial.tolist(), spans.first.tolist(), strict=True))
    open_ended = spans.last[turn] > 1_000_000
    closing = np.flatnonzero(~open_ended)
    goes_on = np.zeros(len(turn), bool)
    goes_on[closing] = [(int(spans.dial[t]), int(spans.last[t])) in starts for t in turn[closing]]
    return goes_on
