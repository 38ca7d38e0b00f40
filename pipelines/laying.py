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
    goes_on: NDArray[np.bool_]
    shares_dial: NDArray[np.bool_]
    takes_over: NDArray[np.bool_]
    no_start: NDArray[np.bool_]
    no_end: NDArray[np.bool_]
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
    A meter without an end (start) register counts up to its last (from its first) read; that day is marked spread.
    """
    spans = _spans(installations, first_day)
    register = np.where(dials.present, dials.ticks / dials.scale[:, None], np.nan)
    reads = {
        "register_kwh": register, "offset_days": dials.offset_days, "quality": quality,
        "step_kwh": energy.step_kwh, "step_days": energy.step_days, "rolled": energy.rolled,
    }  # fmt: skip
    alone = _alone(spans, positions)
    laid = _lay_alone(spans, np.flatnonzero(alone), positions, reads, energy)
    for ordinal in range(int(spans.ordinal.max(initial=-1)) + 1):
        turn = np.flatnonzero((spans.ordinal == ordinal) & ~alone)
        if len(turn):
            _lay_turn(laid, spans, turn, reads, energy)
    shared = np.unique(spans.row[~alone])
    laid["spread"][shared] &= np.isfinite(laid["kwh"][shared])
    return laid


def _spans(installations: pl.DataFrame, first_day: np.datetime64) -> _Spans:
    """Installations as arrays; check meters are left out where the position has a counting meter too."""
    numbered = installations.with_row_index("index")
    if (installations["point_role"] == "check").any():
        checks_only = (pl.col("point_role") == "check").all().over("row")
        numbered = numbered.filter((pl.col("point_role") != "check") | checks_only)

    def border(name: str) -> Integers:
        return (numbered[name].to_numpy().astype("datetime64[D]") - first_day).astype(np.int64)

    row, dial = numbered["row"].to_numpy(), numbered["dial_row"].to_numpy()
    return _Spans(
        index=numbered["index"].to_numpy().astype(np.int64),
        row=row,
        dial=dial,
        first=border("first_on"),
        last=border("last_on"),
        multiplier=numbered["multiplier"].to_numpy(),
        moved_in=numbered["moved_in"].to_numpy(),
        goes_on=numbered["goes_on"].to_numpy(),
        shares_dial=numbered["shares_dial"].to_numpy(),
        takes_over=np.append(False, (row[1:] == row[:-1]) & (dial[1:] != dial[:-1])),
        no_start=numbered["start_register"].is_null().to_numpy(),
        no_end=numbered["end_register"].is_null().to_numpy(),
        ordinal=np.arange(len(row)) - np.searchsorted(row, row),
    )


def _alone(spans: _Spans, positions: int) -> NDArray[np.bool_]:
    """Installations that are the only one of their position and of their dial: nearly all."""
    of_row = np.bincount(spans.row, minlength=positions)
    return (of_row[spans.row] == 1) & ~spans.shares_dial


def _lay_alone(
    spans: _Spans, alone: Integers, positions: int, reads: dict[str, NDArray[Any]], energy: DialEnergy
) -> dict[str, Any]:
    """Positions with one meter for life: its arrays are theirs."""
    rows, dial = spans.row[alone], spans.dial[alone]
    multiplier = np.full(positions, np.nan)
    multiplier[rows] = spans.multiplier[alone]
    index = np.full(positions, -1, np.int32)
    index[rows] = spans.index[alone]
    days, borders = energy.kwh.shape[1], energy.kwh.shape[1] + 1
    in_place = _in_place(spans, alone, rows, positions, borders)
    if len(rows) == positions == len(energy.kwh) and np.array_equal(rows, dial):
        laid: dict[str, Any] = {**reads, "kwh": energy.kwh, "spread": energy.spread}
    else:
        laid = {name: _placed(source, rows, dial, positions) for name, source in reads.items()}
        laid["offset_days"] = np.nan_to_num(laid["offset_days"])
        laid["kwh"] = _placed(energy.kwh, rows, dial, positions)
        laid["spread"] = _placed(energy.spread, rows, dial, positions)
    if (multiplier[rows] != 1).any():
        laid["kwh"] = laid["kwh"] * np.where(np.isnan(multiplier), 1.0, multiplier)[:, None]
    laid["multiplier"] = np.where(in_place[:, :days], multiplier[:, None], np.nan)
    laid["installation"] = np.where(in_place, index[:, None], np.int32(-1))
    return laid


def _in_place(spans: _Spans, alone: Integers, rows: Integers, positions: int, borders: int) -> NDArray[np.bool_]:
    """`[positions, borders]`: where the one meter is in place."""
    first, last = np.full(positions, 1), np.full(positions, 0)
    first[rows], last[rows] = spans.first[alone], spans.last[alone]
    border = np.arange(borders)
    return (border >= first[:, None]) & (border <= last[:, None])


ABSENT: dict[str, Any] = {"i": -1, "f": np.nan, "b": False}
"""What a cell holds where there is nothing, by kind of number."""


def _placed(source: NDArray[Any], rows: Integers, dial: Integers, positions: int) -> NDArray[Any]:
    """`source[dial]` at `rows`, nothing elsewhere."""
    placed = np.full((positions, source.shape[1]), ABSENT[source.dtype.kind], source.dtype)
    placed[rows] = source[dial]
    return placed


def _lay_turn(
    laid: dict[str, Any], spans: _Spans, turn: Integers, reads: dict[str, NDArray[Any]], energy: DialEnergy
) -> None:
    """Lay the k-th installation of every position that has several, or shares its meter."""
    rows, dial = spans.row[turn], spans.dial[turn]
    border = np.arange(energy.kwh.shape[1] + 1)
    here = (border >= spans.first[turn, None]) & (border <= spans.last[turn, None])
    taken = laid["quality"][rows] >= 0
    own = here & (reads["quality"][dial] >= 0) & ~taken
    for name, source in reads.items():
        laid[name][rows] = np.where(own, source[dial], laid[name][rows])
    with np.errstate(invalid="ignore"):
        since = border + reads["offset_days"][dial] - reads["step_days"][dial]
        first_here = own & spans.moved_in[turn, None] & (since < spans.first[turn, None] - 1e-4)
    for name in ("step_kwh", "step_days"):
        laid[name][rows] = np.where(first_here, np.nan, laid[name][rows])
    in_place = here & (~taken | (border > spans.first[turn, None]))
    laid["installation"][rows] = np.where(in_place, spans.index[turn, None], laid["installation"][rows])
    _add_energy(laid, spans, turn, energy)


def _add_energy(laid: dict[str, Any], spans: _Spans, turn: Integers, energy: DialEnergy) -> None:
    """Add the installation's days; on a removal day the closing part counts together with the new meter's.

    A day of change on which a register at either side is not on record is marked.
    """
    rows, dial = spans.row[turn], spans.dial[turn]
    day = np.arange(energy.kwh.shape[1])
    full = (day >= spans.first[turn, None]) & (day < spans.last[turn, None])
    on_last = (day == spans.last[turn, None]) & ~spans.goes_on[turn, None]
    counted = full | (on_last & np.isfinite(energy.kwh[dial]))
    own = np.where(counted, energy.kwh[dial] * spans.multiplier[turn, None], np.nan)
    before = laid["kwh"][rows]
    both = np.isfinite(before) & np.isfinite(own)
    laid["kwh"][rows] = np.where(both, before + own, np.where(np.isfinite(own), own, before))
    unclosed = on_last & spans.no_end[turn, None]
    unopened = (day == spans.first[turn, None]) & (spans.takes_over & spans.no_start & ~spans.moved_in)[turn, None]
    marked = (counted & energy.spread[dial]) | unclosed | unopened
    laid["spread"][rows] |= marked
    laid["multiplier"][rows] = np.where(full, spans.multiplier[turn, None], laid["multiplier"][rows])
