"""Explanations worked out by comparison: the neighbours did the same, or the account itself did a year ago."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections
from anomaly.statistics import quantised
from anomaly.suppressors.registry import JUMPS, SHAPES, Booleans, suppressor

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LOG_OFFSET_KWH = 0.3
"""Added before the logarithm, as the rules about jumps do."""

YEAR_DAYS = 364
"""A year back that keeps the weekday."""

PERIODIC_CODE = "J03"
"""The rule for accounts whose days are shares of longer periods; elsewhere such days are not measured."""


@suppressor(*JUMPS, *SHAPES)
def regional(
    panel: Panel,
    code: str,
    found: Detections,
    *,
    reference_days: float,
    min_days_share: float,
    min_peers: float,
    min_peer_share: float,
    min_peer_ratio: float,
    max_own_ratio: float,
) -> Booleans:
    """Neighbours changed too: measured against its own area the change is an ordinary one.

    Use per day in the finding's days against the `reference_days` before them, of the account and of its neighbours in
    the area (`min_peers` or more, measured on `min_days_share` of both spans). Explains a change that `min_peer_share`
    of them made too, in the same direction by `min_peer_ratio` or more, where the account's own lies no further than
    `max_own_ratio` beyond their median.
    Cannot see: areas nobody recorded or with few accounts.
    """
    first, end = _span(panel, found)
    before = np.maximum(first - int(reference_days), 0)
    at, peer = _peers(panel, found.position)
    use = _Use.of(panel, code, np.append(found.position, peer), before)
    own = use.change_log(found.position, (before, first), (first, end), min_days_share)
    theirs = use.change_log(peer, (before[at], first[at]), (first[at], end[at]), min_days_share)
    measured = np.isfinite(theirs)
    at, theirs = at[measured], theirs[measured]
    count = np.bincount(at, minlength=len(found))
    with np.errstate(invalid="ignore", divide="ignore"):
        same_way = np.round(np.sign(own)[at] * theirs - np.log(min_peer_ratio), 6) >= 0
        share = np.bincount(at, weights=same_way, minlength=len(found)) / count
        beyond = np.sign(own) * (own - _median_per(at, theirs, len(found)))
        near = np.round(beyond - np.log(max_own_ratio), 6) <= 0
        return np.asarray((count >= min_peers) & (quantised(share) >= min_peer_share) & near)


@suppressor("J01", "J03", *SHAPES)
def seasonal(
    panel: Panel, code: str, found: Detections, *, reference_days: float, min_days: float, min_days_share: float,
    max_ratio: float, min_move_share: float,
) -> Booleans:  # fmt: skip
    """Same as last year: the account used as much in the same weeks a year ago, and came to it by the same move.

    Explains a change whose level lies within a factor `max_ratio` of the same days a year before, if those had moved
    away from the `reference_days` before them in the same direction by at least `min_move_share` of today's move (in
    logarithms). A span counts with `min_days_share` of its days measured, the one before with `min_days` days. Neither
    year may belong to another customer.
    Cannot see: anything in the first year and a month of reads.
    """
    if panel.shape[1] <= YEAR_DAYS:
        return np.zeros(len(found), bool)
    row, (first, end) = found.position, _span(panel, found)
    before = np.maximum(first - int(reference_days), 0)
    year_first, year_end, year_before = (np.maximum(at - YEAR_DAYS, 0) for at in (first, end, before))
    use = _Use.of(panel, code, row, year_before)
    enough = (first - YEAR_DAYS >= 0) & (use.known(row, year_before, year_first) >= min_days)
    since = panel.column("customer_since")[row].astype("datetime64[D]")
    enough &= ~(since > panel.dates(year_before))
    now = use.change_log(row, (before, first), (first, end), min_days_share)
    then = use.change_log(row, (year_before, year_first), (year_first, year_end), 0.0)
    apart = use.change_log(row, (year_first, year_end), (first, end), min_days_share)
    with np.errstate(invalid="ignore"):
        agrees = np.round(np.abs(apart) - np.log(max_ratio), 6) <= 0
        moved = np.round(np.sign(now) * then - min_move_share * np.abs(now), 6) >= 0
    return np.asarray(enough & agrees & moved)


@dataclass(frozen=True, eq=False)
class _Use:
    """Running totals of energy and of measured days, `[K, N + 1]` each, of positions `rows[K]` since `first_day`."""

    rows: Integers
    first_day: int
    kwh: Floats
    days: Integers

    @classmethod
    def of(cls, panel: Panel, code: str, row: Integers, since: Integers) -> _Use:
        """Totals of the positions in `row` from the earliest of the days `since`.

        For rules about daily use a day that is a share of a gap is not measured.
        """
        rows, first_day = np.unique(row), int(since.min())
        kwh = panel.kwh[rows, first_day:]
        known = np.isfinite(kwh)
        if code != PERIODIC_CODE:
            known &= ~panel.spread[rows, first_day:]
        kwh = np.where(known, np.maximum(kwh, 0.0), 0.0)
        start = ((0, 0), (1, 0))
        return cls(rows, first_day, np.pad(np.cumsum(kwh, axis=1), start), np.pad(np.cumsum(known, axis=1), start))

    def known(self, row: Integers, first: Integers, end: Integers) -> Integers:
        """Measured days in each [first, end)."""
        return np.asarray(self._between(self.days, row, first, end))

    def _between(self, totals: Any, row: Integers, first: Integers, end: Integers) -> Any:
        place = np.searchsorted(self.rows, row)
        return totals[place, end - self.first_day] - totals[place, first - self.first_day]

    def change_log(
        self, row: Integers, before: tuple[Integers, Integers], after: tuple[Integers, Integers], share: float
    ) -> Floats:
        """Logarithm of use per day in `after` over `before`; NaN where less than `share` of either is measured."""
        levels = []
        for first, end in (before, after):
            days = self.known(row, first, end)
            kwh = self._between(self.kwh, row, first, end)
            enough = (days > 0) & (days >= share * (end - first))
            levels.append(np.where(enough, np.log(kwh / np.maximum(days, 1) + LOG_OFFSET_KWH), np.nan))
        return np.asarray(levels[1] - levels[0])


def _span(panel: Panel, found: Detections) -> tuple[Integers, Integers]:
    """First day and end of each finding as panel days, at least one day long."""
    days = panel.shape[1]
    first = np.clip((found.start - panel.days[0]).astype(np.int64), 0, days - 1)
    end = np.clip((found.end - panel.days[0]).astype(np.int64), first + 1, days)
    return first, end


def _peers(panel: Panel, row: Integers) -> tuple[Integers, Integers]:
    """(index into `row`, position): customers of other accounts in the area of each position; none without area."""
    names = ("area_id", "account_id", "is_supply")
    everybody = panel.positions.select(*names).with_row_index("peer").filter(~pl.col("is_supply"))
    mine = panel.positions.select(*names)[row].with_row_index("at").select("at", "area_id", mine="account_id")
    pairs = mine.join(everybody, on="area_id", how="inner").filter(pl.col("account_id") != pl.col("mine"))
    pairs = pairs.sort("at", "peer")
    return pairs["at"].to_numpy().astype(np.int64), pairs["peer"].to_numpy().astype(np.int64)


def _median_per(at: Integers, values: Floats, count: int) -> Floats:
    """Median of the values of each index; NaN without any."""
    order = np.lexsort((values, at))
    number = np.bincount(at, minlength=count)
    start = np.cumsum(number) - number
    median = np.full(count, np.nan)
    some = np.flatnonzero(number)
    low, high = (start[some] + (number[some] - odd) // 2 for odd in (1, 0))
    ordered = values[order]
    median[some] = (ordered[low] + ordered[high]) / 2
    return median
