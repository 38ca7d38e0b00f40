"""Steps by which everything a meter shows is multiplied at once, as by another transformer ratio."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.columns import Columns
from anomaly.curve_energy import curve_places
from anomaly.panel import Panel
from anomaly.runaway import best_split

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Quantiles of the half-hours (or days) compared before and after: a true ratio moves all of them alike."""

DAY_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True, eq=False)
class ScaleSteps(Columns):
    """Best step of K positions: the day, ln of the ratio, how unlike the quantiles moved (ln), days on both
    sides.

    `by_curve` tells whether the intervals were compared, or only the days.
    """

    row: Integers
    split: Integers
    ratio_log: Floats
    unlike_log: Floats
    days_before: Integers
    days_after: Integers
    by_curve: NDArray[np.bool_]


def scale_steps(
    panel: Panel, rows: Integers, *, scan_days: int, window_days: int, least_before: int, least_after: int,
    floor_kwh: float,
) -> ScaleSteps:  # fmt: skip
    """The best step of each of `rows` within the last `scan_days`, and how alike everything moved with it."""
    first = max(panel.shape[1] - scan_days, 0)
    recent = panel.kwh[rows, first:]
    floor = np.full(len(rows), floor_kwh)
    split = best_split(recent, floor, least_before=least_before, least_after=least_after)
    rows, split = rows[split > 0], split[split > 0] + first
    whole = steps_at(panel, rows, split, window_days=window_days)
    # Half the window sees less of the season: what moved alike in either is alike.
    half = steps_at(panel, rows, split, window_days=window_days // 2)
    unlike = np.where(whole.by_curve == half.by_curve, np.fmin(whole.unlike_log, half.unlike_log), whole.unlike_log)
    found = dataclasses.replace(whole, unlike_log=unlike)
    return found.take(np.isfinite(found.ratio_log) & np.isfinite(found.unlike_log))


def steps_at(panel: Panel, rows: Integers, split: Integers, *, window_days: int) -> ScaleSteps:
    """The step of each of `rows` at day `split`, over `window_days` on both sides."""
    day = np.arange(panel.shape[1])
    early = (day < split[:, None]) & (day >= split[:, None] - window_days)
    late = (day >= split[:, None]) & (day < split[:, None] + window_days)
    kwh = panel.kwh[rows]
    before, after = np.where(early, kwh, np.nan), np.where(late, kwh, np.nan)
    moved = _moved(before, after, DAY_SHARES)
    ratio, unlike = moved[:, len(DAY_SHARES) // 2], _spread(moved)
    by_curve = np.zeros(len(rows), bool)
    for curve, mine, at in curve_places(panel, rows):
        inside = slice(curve.first_day, curve.first_day + curve.days)
        slots = curve.kwh[at]
        flat = (len(mine), -1)
        past = np.where(early[mine, inside, None], slots, np.nan).reshape(flat)
        now = np.where(late[mine, inside, None], slots, np.nan).reshape(flat)
        shifts = _moved(past, now, SHARES)
        usable = np.isfinite(shifts).all(axis=1)
        by_curve[mine[usable]] = True
        unlike[mine[usable]] = _spread(shifts[usable])
        ratio[mine[usable]] = np.median(shifts[usable], axis=1)
    return ScaleSteps(
        rows, split, ratio, unlike, np.isfinite(before).sum(axis=1), np.isfinite(after).sum(axis=1), by_curve
    )


def _spread(moved: Floats) -> Floats:
    """How far apart the quantiles moved: largest minus smallest; NaN where one is not known."""
    known = np.isfinite(moved)
    filled = np.where(known, moved, 0.0)
    return np.asarray(np.where(known.all(axis=1), filled.max(axis=1) - filled.min(axis=1), np.nan))


def _moved(before: Floats, after: Floats, shares: tuple[float, ...]) -> Floats:
    """`[K, S]` ln of the ratio of each quantile after to before."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log(_quantiles(after, shares)) - np.log(_quantiles(before, shares))


def _quantiles(values: Floats, shares: tuple[float, ...]) -> Floats:
    """Quantiles of each row over its finite entries (linear between order statistics); NaN for an empty
    row.
    """
    ordered = np.sort(values, axis=1)
    count = np.isfinite(values).sum(axis=1)
    place = np.maximum(count - 1, 0)[:, None] * np.array(shares)
    low = np.floor(place).astype(np.int64)
    rows = np.arange(len(values))[:, None]
    floor, ceiling = ordered[rows, low], ordered[rows, np.minimum(low + 1, np.maximum(count - 1, 0)[:, None])]
    return np.where(count[:, None] > 0, floor + (ceiling - floor) * (place - low), np.nan)
