"""Currents that leave a meter by one conductor and come back by another meter's: mirrored differences in one box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.hourly import HourlyElectrical
from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DAY_HOURS = 24


@dataclass(frozen=True)
class Mirror:
    """Limits of mirrored differences; see the rulebook entry of X12."""

    least_a: float
    least_share: float
    loaded_share: float
    flag_days: int
    least_hours: int
    correlation: float
    slope: tuple[float, float]
    most_shift_days: int


@dataclass(frozen=True, eq=False)
class Mirrored:
    """Pairs of rows of `HourlyElectrical` whose differences mirror each other.

    correlation   `[P]` of δ of one with -δ of the other; slope of the one on the other
    chance        `[P]` the largest correlation in the box with the hours shifted by whole days: what chance gives
    crossed       `[P]` true where each neutral carries what the other line does, false where one neutral carries both
    equals        `[P]` other partners of either that mirror as well
    """

    row: Integers
    other: Integers
    correlation: Floats
    slope: Floats
    chance: Floats
    crossed: NDArray[np.bool_]
    equals: Integers


def differences(hourly: HourlyElectrical) -> Floats:
    """`[K, H]` line minus neutral current; NaN for meters of several phases, whose neutral carries the unbalance."""
    delta = hourly.line_a.astype(np.float64) - hourly.neutral_a
    delta[hourly.three_phase] = np.nan
    return np.asarray(delta)


def flagged(hourly: HourlyElectrical, delta: Floats, limits: Mirror) -> NDArray[np.bool_]:
    """`[K]` whether line and neutral differ in enough of the loaded hours of the last `flag_days` days read."""
    larger = np.fmax(hourly.line_a, hourly.neutral_a).astype(np.float64)
    read = np.isfinite(delta)
    last = np.max(np.where(read, np.arange(delta.shape[1]), -1), axis=1, initial=-1)
    recent = np.arange(delta.shape[1]) > (last - limits.flag_days * DAY_HOURS)[:, None]
    with np.errstate(invalid="ignore"):
        loaded = read & recent & (larger > limits.least_a)
        apart = loaded & (np.abs(delta) > np.maximum(limits.least_a, limits.least_share * larger))
    enough = read.sum(axis=1) >= limits.least_hours
    return np.asarray(enough & loaded.any(axis=1) & (apart.sum(axis=1) >= limits.loaded_share * loaded.sum(axis=1)))


def mirrored_pairs(hourly: HourlyElectrical, box: NDArray[np.object_], limits: Mirror) -> Mirrored:
    """Pairs of one box, each row in one pair at most; `box[K]` names (area and box) or None."""
    delta = differences(hourly)
    marked = np.flatnonzero(flagged(hourly, delta, limits) & np.array([name is not None for name in box], dtype=bool))
    names, count = np.unique(box[marked].astype(str), return_counts=True)
    parts = [_in_box(hourly, delta, marked[box[marked] == name], limits) for name in names[count > 1]]
    empty, none = np.empty(0), np.empty(0, np.int64)
    first = Mirrored(none, none, empty, empty, empty, np.empty(0, bool), none)
    columns = zip(*(vars(one).values() for one in [first, *parts]), strict=True)
    return Mirrored(*(np.concatenate(column) for column in columns))


def _in_box(hourly: HourlyElectrical, delta: Floats, rows: Integers, limits: Mirror) -> Mirrored:
    """The pairs of one box: the best partner of each, if it is the best of that one too."""
    here = delta[rows]
    ratio, slope = _mirror(here, here, limits.least_hours)
    np.fill_diagonal(ratio, np.nan)
    chance = _by_chance(here, limits)
    with np.errstate(invalid="ignore"):
        fits = (ratio > limits.correlation) & (slope > limits.slope[0]) & (slope < limits.slope[1]) & (ratio > chance)
    fits &= fits.T
    score = np.where(fits, quantised(ratio), -1.0)
    partner = np.argmax(score, axis=1)
    at = np.flatnonzero((score.max(axis=1) > 0) & (np.arange(len(rows)) < partner))
    at = at[partner[partner[at]] == at]
    other = partner[at]
    line, neutral = hourly.line_a[rows].astype(np.float64), hourly.neutral_a[rows].astype(np.float64)
    with np.errstate(invalid="ignore"):
        own = np.nanmean(np.abs(neutral[at] - line[at]), axis=1) if len(at) else np.empty(0)
        exchanged = [np.nanmean(np.abs(neutral[a] - line[b]), axis=1) for a, b in ((at, other), (other, at)) if len(at)]
    swapped = np.max(exchanged, axis=0) < limits.least_share * own if len(at) else np.empty(0, bool)
    equals = np.maximum(fits.sum(axis=1)[at], fits.sum(axis=1)[other])
    return Mirrored(
        rows[at], rows[other], ratio[at, other], slope[at, other], np.full(len(at), chance), swapped, equals
    )


def _mirror(delta: Floats, other: Floats, least_hours: int) -> tuple[Floats, Floats]:
    """Correlation and slope `[n, n]` of every δ on every mirrored δ (-other), over their common hours."""
    known, theirs = np.isfinite(delta).astype(float), np.isfinite(other).astype(float)
    x, y = -np.nan_to_num(other), np.nan_to_num(delta)
    count = known @ theirs.T
    with np.errstate(invalid="ignore", divide="ignore"):
        over = y @ x.T - (y @ theirs.T) * (known @ x.T) / count
        of_x = known @ (x * x).T - (known @ x.T) ** 2 / count
        of_y = (y * y) @ theirs.T - (y @ theirs.T) ** 2 / count
        enough = (count >= least_hours) & (of_x > 1e-9) & (of_y > 1e-9)
        return np.where(enough, over / np.sqrt(of_x * of_y), np.nan), np.where(enough, over / of_x, np.nan)


def _by_chance(delta: Floats, limits: Mirror) -> float:
    """The largest correlation of any two with the hours of one shifted by whole days, so that habits stay in step."""
    most = 0.0
    days = delta.shape[1] // DAY_HOURS
    for shift in range(1, min(limits.most_shift_days, days // 2) + 1):
        step = shift * DAY_HOURS
        ratio, _ = _mirror(delta[:, step:], delta[:, :-step], limits.least_hours)
        np.fill_diagonal(ratio, np.nan)
        most = max(most, float(np.nanmax(np.nan_to_num(ratio))))
    return most
