"""How much of its daily cycle a home keeps: the swing of the mean day over the hours, now against before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Curve, Panel
from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HOURS = 24


def cycle_kept(
    panel: Panel,
    row: Integers,
    left: Integers,
    first: Integers,
    end: Integers,
    *,
    before_days: int,
    least_before: int,
    least_days: int,
) -> Floats:
    """`[K]` swing of the mean day over panel days [first, end) as a share of that of `before_days` before day `left`.

    Each home is seen in its own curve. NaN where fewer than `least_days` whole days are known in the span, fewer than
    `least_before` before it, or the home had no swing before. Source: diurnal amplitude of the mean load profile.
    """
    kept = np.full(len(row), np.nan)
    for curve in panel.curves:
        place = np.minimum(np.searchsorted(curve.rows, row), max(len(curve.rows) - 1, 0))
        mine = np.flatnonzero(curve.rows[place] == row) if len(curve.rows) else np.empty(0, np.int64)
        now = _swing(curve, place[mine], first[mine], end[mine], least_days)
        before = _swing(curve, place[mine], left[mine] - before_days, left[mine], least_before)
        with np.errstate(divide="ignore", invalid="ignore"):
            kept[mine] = quantised(np.where(before > 0, now / before, np.nan))
    return kept


def _swing(curve: Curve, place: Integers, first: Integers, end: Integers, least_days: int) -> Floats:
    """`[K]` standard deviation over the hours of the mean of the whole days in [first, end)."""
    most = int((end - first).max(initial=0))
    if not len(place) or most < 1 or not curve.days:
        return np.full(len(place), np.nan)
    at = first[:, None] + np.arange(most)
    column = at - curve.first_day
    inside = (column >= 0) & (column < curve.days) & (at < end[:, None])
    kwh = curve.kwh[place[:, None], np.clip(column, 0, curve.days - 1)]
    if kwh.shape[2] > HOURS:
        kwh = kwh.reshape(*kwh.shape[:2], HOURS, -1).sum(axis=3)
    whole = inside & np.isfinite(kwh).all(axis=2)
    days = whole.sum(axis=1)
    mean_day = np.where(whole[:, :, None], kwh, 0.0).sum(axis=1) / np.maximum(days, 1)[:, None]
    return np.where(days >= least_days, mean_day.std(axis=1), np.nan)
