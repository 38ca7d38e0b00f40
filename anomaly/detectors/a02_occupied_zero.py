"""A02: no use for a month at an account that is active on file and used before."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.occupancy import STILL_SHARE, resting_days
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import row_median, runs
from anomaly.supply_events import cut_off

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

ABSENT_SHARE = 0.5
"""An account that already rested for half as long before does so by habit."""


@detector(
    "A02",
    family="jump",
    unit="d",
    source="Itron NoUsageActive; California DASMMD: zero consumption for active meters; 连续零度户",
)
def occupied_zero(
    panel: Panel,
    *,
    min_days: float,
    max_kwh_per_day: float,
    min_usual_kwh_per_day: float,
    min_history_days: float,
) -> Detections:
    """No use for a month at an account that is active on file and used before.

    Rest is counted from read to read: the dial moves by at most `max_kwh_per_day` a day.

    Fires when an active, not irregular account rests for `min_days` or longer, has `min_history_days`
    before that with a median day of at least `min_usual_kwh_per_day`, and never rested half as long in
    them. Silent where a disconnection or an outage began within a day of the rest and nothing ended it.
    Cannot see: why (R06 judges the meter), accounts that rest every season, rest in the first weeks of a
    history.
    """
    rests = _rests(panel, max_kwh_per_day, min_days)
    row, first, end = rests
    active = panel.positions["status"].cast(pl.String).fill_null("active").eq("active").to_numpy()
    able = active & ~panel.flag("is_supply") & ~panel.flag("irregular")
    long = (end - first >= min_days) & able[row] & (first >= min_history_days)
    row, first, end = row[long], first[long], end[long]
    if not len(row):
        return nothing(panel)
    day = np.arange(panel.shape[1])
    before = np.where(day < first[:, None], panel.kwh[row], np.nan)
    usual = np.nan_to_num(row_median(before))
    enough = np.isfinite(before).sum(axis=1) >= min_history_days
    unusual = _longest_before(rests, row, first) < ABSENT_SHARE * (end - first)
    kept = (usual >= min_usual_kwh_per_day) & enough & unusual & ~cut_off(panel, row, first + 1)
    row, first, end, usual = row[kept], first[kept], end[kept], usual[kept]
    days = end - first
    return detections(
        panel,
        row,
        first,
        end,
        measured=days.astype(np.float64),
        expected=0.0,
        limit=min_days,
        kwh_at_stake=usual * days,
        facts={
            "zero_days": days,
            "usual_kwh_per_day": usual,
            "last_use_day": panel.dates(np.maximum(first - 1, 0)),
        },
    )


def _rests(panel: Panel, max_kwh_per_day: float, min_days: float) -> tuple[Integers, Integers, Integers]:
    """Stretches (row, first day, end day) in which the register of one meter does not move from read to read.

    Taken from the registers themselves: days that a reading error has excluded from jumps are rest all the
    same.
    """
    rows = _may_rest(panel, max_kwh_per_day, min_days)
    row, first, end = runs(resting_days(panel, rows, max_kwh_per_day))
    return rows[row], first, end


def _may_rest(panel: Panel, max_kwh_per_day: float, min_days: float) -> Integers:
    """Rows that could rest that long: between borders half of it apart the register stands, or is unknown.

    Three sets of such borders are asked, for a missing read in one of them says nothing.
    """
    step = max(int(min_days) // 2, 1)
    rows = np.arange(panel.shape[0])
    for first in range(min(3, step)):
        posts = panel.register_kwh[rows, first::step]
        with np.errstate(invalid="ignore"):
            moved = np.abs(np.diff(posts, axis=1)) > max_kwh_per_day * step * STILL_SHARE
        rows = rows[~moved.all(axis=1)]
    return rows


def _longest_before(rests: tuple[Integers, Integers, Integers], row: Integers, first: Integers) -> Integers:
    """The longest stretch of rest of the same position that ended before `first`."""
    other_row, other_first, other_end = rests
    length = np.zeros(len(row), np.int64)
    order = np.searchsorted(other_row, row, side="left"), np.searchsorted(other_row, row, side="right")
    for place in range(int((order[1] - order[0]).max(initial=0))):
        at = np.minimum(order[0] + place, len(other_row) - 1)
        counts = (order[0] + place < order[1]) & (other_end[at] <= first)
        length = np.maximum(length, np.where(counts, other_end[at] - other_first[at], 0))
    return length
