"""Stretches in which a register does not move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.columns import Columns
from anomaly.odd_reads import ACTUAL_QUALITY
from anomaly.panel import Panel
from anomaly.statistics import runs, true_cells

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

UNOCCUPIED = ("vacant", "closed", "disconnected")


@dataclass(frozen=True, eq=False)
class Still(Columns):
    """Runs of real reads without a step: position, the reads at both ends (borders), days, and the step
    after.

    `next_border` is -1, `next_kwh` 0 where no read follows.
    """

    row: Integers
    first: Integers
    last: Integers
    days: Floats
    reads: Integers
    next_border: Integers
    next_kwh: Floats


def still_runs(panel: Panel, *, min_days: float) -> Still:
    """All runs of at least `min_days` over which every real read shows the same register."""
    rows = _with_still_end(panel, min_days)
    step, days = panel.step_kwh[rows], panel.step_days[rows]
    at, border = true_cells(np.isfinite(step))
    zero = (step[at, border] == 0) & (panel.quality[rows][at, border] <= ACTUAL_QUALITY)
    breaks = np.flatnonzero(np.append(True, at[1:] != at[:-1])) if len(at) else np.empty(0, np.int64)
    # A cell between two positions keeps their runs apart.
    place = np.arange(len(at)) + np.searchsorted(breaks, np.arange(len(at)), side="right")
    packed = np.zeros((1, len(at) + len(breaks) + 2), bool)
    packed[0, place] = zero
    source = np.full(packed.shape[1], -1, np.int64)
    source[place] = np.arange(len(at))
    _, begin, end = runs(packed)
    first, last = source[begin], source[end - 1]
    follows = source[np.minimum(end, packed.shape[1] - 1)]
    total = np.concatenate([[0.0], np.cumsum(days[at, border])])
    length = total[last + 1] - total[first]
    start = border[first] - np.rint(days[at[first], border[first]]).astype(np.int64)
    safe = np.maximum(follows, 0)
    found = Still(
        rows[at[first]], np.maximum(start, 0), border[last], length, last - first + 1,
        np.where(follows >= 0, border[safe], -1) if len(at) else follows,
        np.where(follows >= 0, step[at[safe], border[safe]], 0.0) if len(at) else np.zeros(len(first)),
    )  # fmt: skip
    return found.take(length >= min_days - 1e-6)


def _with_still_end(panel: Panel, min_days: float) -> Integers:
    """Positions with enough days without a step: a cheap first screen."""
    still = np.where(panel.step_kwh == 0, panel.step_days, 0.0).sum(axis=1)
    return np.flatnonzero(still >= min_days - 1e-6)


def accounted_for(panel: Panel, still: Still) -> Booleans:
    """Whether the file explains the stillness: vacant, closed or disconnected then, or switched off at its
    start.
    """
    status = panel.positions["status"].to_numpy().astype(object)
    since = panel.positions["status_since"].to_numpy().astype("datetime64[D]")
    empty = np.isin(status[still.row].astype(str), UNOCCUPIED)
    begun = np.isnat(since[still.row]) | (since[still.row] <= panel.dates(still.last))
    return np.asarray((empty & begun) | _switched_off(panel, still))


def _switched_off(panel: Panel, still: Still) -> Booleans:
    """A disconnection or an outage without its end before the run, or one that begins within its first two
    days.
    """
    kinds = {"disconnect": 1, "outage_start": 1, "reconnect": -1, "outage_end": -1}
    rows = np.unique(still.row)
    events = panel.events.filter(pl.col("kind").is_in(list(kinds)) & pl.col("row").is_in(rows.tolist()))
    off = np.zeros(len(still), bool)
    if not len(events):
        return off
    day = events["at"].to_numpy().astype("datetime64[D]")
    row, sign = (
        events["row"].to_numpy(),
        events["kind"].replace_strict(kinds, return_dtype=pl.Int64).to_numpy(),
    )
    until = panel.dates(still.first) + np.timedelta64(2, "D")
    for at in np.flatnonzero(np.isin(still.row, row)):
        known = (row == still.row[at]) & (day <= until[at])
        if known.any():
            off[at] = sign[np.flatnonzero(known)[-1]] > 0
    return off
