"""Compiled twins of the hot loops, row by row; import only where there are rows enough to pay for numba.

Every function has a numpy twin of the same signature, and a test that compares the two.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

IRLS_STEPS = 3


@njit(cache=True, nogil=True)
def _gather(row: Floats, start: int, end: int, known: Floats) -> int:
    """Copy the finite values of row[start:end] to `known`; how many there are."""
    count = 0
    for day in range(start, end):
        if np.isfinite(row[day]):
            known[count] = row[day]
            count += 1
    return count


@njit(cache=True, nogil=True)
def _location(known: Floats, count: int, degrees_of_freedom: float) -> float:
    """Student-t location of known[:count]."""
    if count == 0:
        return np.nan
    ordered = np.sort(known[:count])
    location = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    for _ in range(IRLS_STEPS):
        total, moment = 0.0, 0.0
        for at in range(count):
            weight = 1.0 / (degrees_of_freedom + (known[at] - location) ** 2)
            total += weight
            moment += weight * known[at]
        location = float(moment / total)
    return float(location)


@njit(cache=True, nogil=True)
def _log_likelihood(known: Floats, count: int, location: float, degrees_of_freedom: float) -> float:
    """Student-t log likelihood up to a constant; factors are multiplied before the logarithm is taken."""
    total, product = 0.0, 1.0
    for at in range(count):
        product *= 1.0 + (known[at] - location) ** 2 / degrees_of_freedom
        if product > 1e200:
            total += np.log(product)
            product = 1.0
    return float(-(degrees_of_freedom + 1) / 2 * (total + np.log(product)))


@njit(cache=True, nogil=True)
def mean_shift_rows(
    residual: Floats,
    sigma: Floats,
    inflation: Floats,
    recent: int,
    split: int,
    min_days: int,
    degrees_of_freedom: float,
    drift_log: float,
) -> tuple[Floats, Floats]:
    """Twin of `anomaly.shift.mean_shift_numpy`."""
    rows, width = residual.shape
    gains, changes = np.zeros(rows), np.zeros(rows)
    known = np.empty(width)
    for row in range(rows):
        after_days = _gather(residual[row], split, width, known)
        level_after = _location(known, after_days, degrees_of_freedom)
        fit_after = _log_likelihood(known, after_days, level_after, degrees_of_freedom)
        for start in (0, recent):
            days = _gather(residual[row], start, split, known)
            if start and days < min_days:
                continue
            if min(days, after_days) == 0:
                continue
            level = _location(known, days, degrees_of_freedom)
            fit = fit_after + _log_likelihood(known, days, level, degrees_of_freedom)
            count = _gather(residual[row], start, width, known)
            common = _location(known, count, degrees_of_freedom)
            gain = max(fit - _log_likelihood(known, count, common, degrees_of_freedom), 0.0)
            noise = sigma[row] ** 2 * inflation[row] * (1 / after_days + 1 / days)
            gain *= noise / (noise + drift_log**2) / inflation[row]
            change = (level_after - level) * sigma[row]
            if min(days, after_days) < min_days:
                gain = 0.0
            if start == 0:
                gains[row], changes[row] = gain, change
            elif np.sign(change) != np.sign(changes[row]):
                gains[row] = 0.0
            else:
                gains[row] = min(gains[row], gain)
    return gains, changes
