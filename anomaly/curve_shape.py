"""Shapes of curves: how finely they are resolved, how often values repeat, where days copy each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Curve, Panel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

RESOLUTIONS_KWH = (1.0, 0.1, 0.01, 0.001)
"""Steps in which meters deliver interval energy; what fits none of them counts as finer still."""

EXACT = 1e-4
"""A value counts as a multiple of a step when it is off by less than this share of it."""

STANDBY_NOISE = 0.01
"""Variation of a standing load from interval to interval, relative."""

PRIOR_INTERVALS = 20.0
"""How many intervals of history the noise of a standing load is worth."""

ALIKE = 1.25
"""Intervals within this factor of a value tell how often such values repeat."""


def series_of(curve: Curve) -> Floats:
    """`[K, C·N]` the curve as one series per position."""
    return curve.kwh.reshape(len(curve.kwh), curve.kwh.shape[1] * curve.kwh.shape[2])


def resolution_kwh(curve: Curve, panel: Panel, at: Integers) -> Floats:
    """`[n]` the step of the interval values of curve rows `at`, after the multiplier."""
    multiplier = panel.multiplier[curve.rows[at], curve.first_day]
    multiplier = np.where(np.isfinite(multiplier) & (multiplier > 0), multiplier, 1.0)
    raw = series_of(curve)[at] / multiplier[:, None]
    finest = np.full(len(at), RESOLUTIONS_KWH[-1] / 10)
    for step in reversed(RESOLUTIONS_KWH):
        with np.errstate(invalid="ignore"):
            off = np.abs(raw / step - np.rint(raw / step))
        fits = np.max(np.where(np.isfinite(off), off, 0.0), axis=1, initial=0.0) < EXACT
        finest = np.where(fits, step, finest)
    return np.asarray(finest * multiplier)


def repeat_share(series: Floats, value: Floats, inside: Booleans, step_kwh: Floats) -> Floats:
    """`[n]` how often a value like `value[n]` is followed by itself in `series[n, T]`, the run `inside`
    left out.

    Where the history knows few such values, the noise of a standing load of that height stands in for it.
    """
    with np.errstate(invalid="ignore"):
        alike = (series <= value[:, None] * ALIKE) & (series >= value[:, None] / ALIKE) & ~inside
        again = np.zeros(series.shape, bool)
        again[:, :-1] = alike[:, :-1] & (series[:, 1:] == series[:, :-1])
    noise_steps = np.maximum(STANDBY_NOISE * value / step_kwh, 1e-9)
    expected = np.minimum(1.0, 1.0 / (3.5 * noise_steps))
    share = (again.sum(axis=1) + PRIOR_INTERVALS * expected) / (alike.sum(axis=1) + PRIOR_INTERVALS)
    return np.asarray(share)


def same_as_before(curve: Curve, lag: int) -> Booleans:
    """`[K, C]` days whose every interval equals that of `lag` days before; compared in full only where sums
    agree.
    """
    same = np.zeros(curve.kwh.shape[:2], bool)
    if curve.days <= lag:
        return same
    total = curve.kwh.sum(axis=2)
    with np.errstate(invalid="ignore"):
        row, day = np.nonzero((total[:, lag:] == total[:, :-lag]) & (total[:, lag:] != 0))
    later = curve.kwh[row, day + lag]
    same[row, day + lag] = (later == curve.kwh[row, day]).all(axis=1)
    return same


def slot_match_share(curve: Curve, at: Integers, lag: int, left_out: Booleans) -> Floats:
    """`[n]` share of intervals of rows `at` that equal those of `lag` days before, days `left_out[n, C]`
    not counted.
    """
    later, earlier = curve.kwh[at, lag:], curve.kwh[at, :-lag]
    counted = np.isfinite(later) & np.isfinite(earlier) & ~left_out[:, lag:, None]
    equal = counted & (later == earlier)
    return np.asarray((equal.sum(axis=(1, 2)) + 1.0) / (counted.sum(axis=(1, 2)) + 2.0))


def distinct_values(days: Floats) -> Integers:
    """`[n]` how many different values, zero not counted, each row of `days[n, N]` holds."""
    ordered = np.sort(np.where(days == 0, np.nan, days), axis=1)
    with np.errstate(invalid="ignore"):
        changes = (np.diff(ordered, axis=1) > 0).sum(axis=1)
    return np.asarray(changes + np.isfinite(ordered[:, 0]))


def moment(panel: Panel, curve: Curve, interval: Integers) -> NDArray[np.datetime64]:
    """Start of the interval counted from the curve's first 00:00, to the minute."""
    first = panel.dates(np.array([curve.first_day]))[0].astype("datetime64[m]")
    return np.asarray(first + (interval * curve.minutes).astype("timedelta64[m]"))
