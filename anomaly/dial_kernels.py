"""Compiled twins of the loops over dials in `anomaly.consumption`; a test compares them with the numpy ones."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anomaly.consumption import SPREAD_FROM_DAYS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@njit(cache=True, nogil=True)
def steps_between(ticks: Integers, present: Booleans, offset_days: NDArray[np.float32]) -> tuple[Integers, Floats]:
    """Twin of `consumption._steps`."""
    rows, borders = ticks.shape
    step = np.zeros((rows, borders), np.int64)
    days = np.full((rows, borders), np.nan)
    for row in range(rows):
        before = -1
        for border in range(borders):
            if not present[row, border]:
                continue
            if before >= 0:
                step[row, border] = ticks[row, border] - ticks[row, before]
                shift = np.float64(offset_days[row, border]) - np.float64(offset_days[row, before])
                days[row, border] = np.float64(border - before) + shift
            before = border
    return step, days


@njit(cache=True, nogil=True)
def spread_over_days(
    step: Integers, days: Floats, scale: Floats, present: Booleans, offset_days: NDArray[np.float32]
) -> tuple[Floats, Floats, Booleans]:
    """Twin of `consumption._spread_over_days`."""
    rows, borders = step.shape
    step_kwh = np.full((rows, borders), np.nan)
    kwh = np.full((rows, borders - 1), np.nan)
    spread = np.zeros((rows, borders - 1), np.bool_)
    for row in range(rows):
        rate, long = np.nan, False
        for border in range(borders - 1, -1, -1):
            if border < borders - 1:
                part = np.float64(offset_days[row, border]) if present[row, border] else 0.0
                value, stretched = rate, long
                if part > 0:
                    own = step[row, border] / scale[row] / days[row, border]
                    value = part * own + (1 - part) * rate
                    stretched = long or days[row, border] > SPREAD_FROM_DAYS
                kwh[row, border] = value
                spread[row, border] = stretched and np.isfinite(value)
            if present[row, border]:
                known = np.isfinite(days[row, border])
                if known:
                    step_kwh[row, border] = step[row, border] / scale[row]
                rate = step_kwh[row, border] / days[row, border] if known else np.nan
                long = known and days[row, border] > SPREAD_FROM_DAYS
    return step_kwh, kwh, spread
