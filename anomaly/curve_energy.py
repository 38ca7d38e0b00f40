"""What the load curve says a register should have counted between two reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.expectation import multiplier_at
from anomaly.panel import Curve, Panel
from anomaly.statistics import row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NOISE_MULTIPLE = 3.0
"""The curve is trusted to this multiple of how far it usually lies from the register of the same position."""


def curve_places(panel: Panel, row: Integers) -> list[tuple[Curve, Integers, Integers]]:
    """For each curve: the entries of `row` it covers, and their places in the curve."""
    places = []
    for curve in panel.curves:
        if not len(curve.rows):
            continue
        at = np.clip(np.searchsorted(curve.rows, row), 0, len(curve.rows) - 1)
        mine = np.flatnonzero(curve.rows[at] == row)
        if len(mine):
            places.append((curve, mine, at[mine]))
    return places


def energy_between(panel: Panel, row: Integers, first: Integers, last: Integers) -> Floats:
    """Energy of the curve on days [first, last), kWh on the dial; NaN unless every interval is there and ≥ 0.

    Only whole days count: reads that were not taken at midnight have no counterpart in the curve.
    """
    energy = np.full(len(row), np.nan)
    for curve, mine, at in curve_places(panel, row):
        day = _usable_days(curve, at)
        total = np.concatenate([np.zeros((len(mine), 1)), np.cumsum(np.nan_to_num(day), axis=1)], axis=1)
        gaps = np.concatenate([np.zeros((len(mine), 1)), np.cumsum(np.isnan(day), axis=1)], axis=1)
        low, high = first[mine] - curve.first_day, last[mine] - curve.first_day
        inside = (low >= 0) & (high <= curve.days) & (high > low)
        low, high = np.clip(low, 0, curve.days), np.clip(high, 0, curve.days)
        entry = np.arange(len(mine))
        whole = inside & (gaps[entry, high] == gaps[entry, low])
        value = (total[entry, high] - total[entry, low]) / multiplier_at(panel, row[mine], last[mine])
        energy[mine] = np.where(whole & np.isnan(energy[mine]), value, energy[mine])
    last_border = panel.offset_days.shape[1] - 1
    at_midnight = (panel.offset_days[row, np.clip(first, 0, last_border)] == 0) & (
        panel.offset_days[row, np.clip(last, 0, last_border)] == 0
    )
    return np.where(at_midnight, energy, np.nan)


def energy_seen(panel: Panel, row: Integers, first: Integers, last: Integers) -> tuple[Floats, Floats]:
    """Energy of the complete curve days within [first, last), kWh on the dial, and how many days those are."""
    energy, days = np.zeros(len(row)), np.zeros(len(row))
    for curve, mine, at in curve_places(panel, row):
        day = curve.first_day + np.arange(curve.days)
        inside = (day >= first[mine, None]) & (day < last[mine, None])
        usable = np.where(inside, _usable_days(curve, at), np.nan)
        seen = np.isfinite(usable)
        energy[mine] += np.where(seen, usable, 0.0).sum(axis=1) / multiplier_at(panel, row[mine], last[mine])
        days[mine] += seen.sum(axis=1)
    return energy, days


def _usable_days(curve: Curve, at: Integers) -> Floats:
    """`[K, C]` energy per day; a day with a negative or missing interval proves nothing and is NaN."""
    kwh = curve.kwh[at]
    with np.errstate(invalid="ignore"):
        whole = (kwh >= 0).all(axis=2)
    return np.where(whole, kwh.sum(axis=2) + curve.repeated_kwh[at], np.nan)


def residual_kwh(panel: Panel, curve: Curve) -> Floats:
    """`[K, C]` register minus curve per day, kWh on the dial; NaN unless the day lies between two midnight
    reads.
    """
    first, rows = curve.first_day, curve.rows
    span = slice(first + 1, first + 1 + curve.days)
    step, days = panel.step_kwh[rows, span], panel.step_days[rows, span]
    at_midnight = (panel.offset_days[rows, span] == 0) & (days == 1.0)
    multiplier = panel.multiplier[rows, first : first + curve.days]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(at_midnight, step - curve.day_kwh / multiplier, np.nan)


def noise_kwh(panel: Panel, row: Integers) -> Floats:
    """Median distance of register and curve in a day, kWh on the dial; NaN without a curve."""
    noise = np.full(len(row), np.nan)
    for curve, mine, at in curve_places(panel, row):
        unique, back = np.unique(at, return_inverse=True)
        part = Curve(
            curve.minutes, curve.rows[unique], curve.first_day, curve.kwh[unique], curve.repeated_kwh[unique],
            curve.estimated[unique], curve.conflicts[unique],
        )  # fmt: skip
        noise[mine] = row_median(np.abs(residual_kwh(panel, part)))[back]
    return noise
