"""Load that moved from one home to another on a day: what one lost the other gained, hour by hour.

Energies stay in kWh here: a circuit that moves is the same kWh on both sides, whatever the homes use besides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.columns import Columns
from anomaly.panel import Curve, Panel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

BINS = 8
BLOCK_PAIRS = 2_000
"""Pairs and days scored at once, so that memory does not grow with the slice."""


@dataclass(frozen=True)
class Noise:
    """How much a mean over weeks changes by itself.

    `persistence`: by how much days that follow each other raise the variance of a mean over independent ones. `drift`:
    share of its level that a mean over weeks moves in log units. `floor_kwh`: least deviation of a mean.
    """

    persistence: float
    drift: float
    floor_kwh: float


@dataclass(frozen=True)
class Around:
    """Days compared before and after a day, days left out on either side of it, and how many must be known."""

    before_days: int
    after_days: int
    margin_days: int
    least_days: int


@dataclass(frozen=True, eq=False)
class Moves(Columns):
    """K candidates "on `day` load moved between positions `first` and `second`".

    `step_first_kwh`, `step_second_kwh` changes of the mean day; `distance` the smaller home's standardised change per
    feature, `distance_sum` that of both homes together; `ratio_nats` T = ln distance - ln distance_sum, each plus one
    half (methods.md §1.8). NaN where too few days are known. `hourly`: judged by 3-hour bins, not by whole days.
    """

    first: Integers
    second: Integers
    day: Integers
    step_first_kwh: Floats
    step_second_kwh: Floats
    distance: Floats
    distance_sum: Floats
    ratio_nats: Floats
    hourly: Booleans


def score_moves(panel: Panel, first: Integers, second: Integers, day: Integers, around: Around, noise: Noise) -> Moves:
    """Every candidate scored, in the order given; by 3-hour bins where both homes' curves allow it, else by days."""
    rows, index = np.unique(np.concatenate([first, second]), return_inverse=True)
    season = np.zeros((len(rows), panel.shape[1])) if panel.cohort_log is None else panel.cohort_log[rows]
    calm = np.exp(-np.nan_to_num(season))
    total = np.where(panel.spread[rows], np.nan, panel.kwh[rows])[:, :, None] * calm[:, :, None]
    bins = _bins(panel, rows) * calm[:, :, None] if panel.curves else None
    at_first, at_second = index[: len(first)], index[len(first) :]
    parts = [
        _score_block(first[at], second[at], day[at], (total, bins), (at_first[at], at_second[at]), around, noise)
        for at in np.array_split(np.arange(len(first)), max(1, -(-len(first) // BLOCK_PAIRS)))
    ]
    return Moves.together(parts)


def _bins(panel: Panel, rows: Integers) -> Floats:
    """`[U, D, 8]` energy per 3 hours of positions `rows`; NaN on days without a whole curve."""
    found = np.full((len(rows), panel.shape[1], BINS), np.nan)
    for curve in panel.curves:
        mine = np.flatnonzero(np.isin(rows, curve.rows))
        if len(mine) and curve.kwh.shape[2] % BINS == 0:
            part = slice(curve.first_day, curve.first_day + curve.days)
            found[mine, part] = _binned(curve, np.searchsorted(curve.rows, rows[mine]))
    return found


def _binned(curve: Curve, at: Integers) -> Floats:
    kwh = curve.kwh[at]
    return np.asarray(kwh.reshape(*kwh.shape[:2], BINS, -1).sum(axis=3))


def _score_block(
    first: Integers,
    second: Integers,
    day: Integers,
    channels: tuple[Floats, Floats | None],
    at: tuple[Integers, Integers],
    around: Around,
    noise: Noise,
) -> Moves:
    total, bins = channels
    by_day = _scored(total, at, day, around, noise)
    by_bin = tuple(np.full(len(first), np.nan) for _ in by_day)
    if bins is not None:
        by_bin = _scored(bins, at, day, around, noise)
    hourly = np.isfinite(by_bin[2])
    best = [np.where(hourly, fine, coarse) for coarse, fine in zip(by_day, by_bin, strict=True)]
    step_first, step_second, distance, distance_sum = best
    ratio = np.log(distance + 0.5) - np.log(distance_sum + 0.5)
    return Moves(first, second, day, step_first, step_second, distance, distance_sum, ratio, hourly)


def _scored(
    kwh: Floats, at: tuple[Integers, Integers], day: Integers, around: Around, noise: Noise
) -> tuple[Floats, Floats, Floats, Floats]:
    """Steps of both homes' days, the smaller distance and that of the sum, per feature; NaN where not known."""
    earlier = np.arange(-around.margin_days - around.before_days, -around.margin_days)
    offsets = np.append(earlier, np.arange(around.margin_days, around.margin_days + around.after_days))
    when = day[:, None] + offsets
    inside = (when >= 0) & (when < kwh.shape[1])
    when = np.clip(when, 0, max(kwh.shape[1] - 1, 0))
    own, other = (np.where(inside[:, :, None], kwh[rows[:, None], when], np.nan) for rows in at)
    known = np.isfinite(own).all(axis=2) & np.isfinite(other).all(axis=2)
    later = np.broadcast_to(offsets >= 0, known.shape)
    before, after = known & ~later, known & later
    enough = (before.sum(axis=1) >= around.least_days) & (after.sum(axis=1) >= around.least_days)
    steps, distances = [], []
    for series in (own, other, own + other):
        step, deviation = _step(series, before, after, noise)
        steps.append(np.where(enough, step.sum(axis=1), np.nan))
        distances.append(np.where(enough, ((step / deviation) ** 2).mean(axis=1), np.nan))
    return steps[0], steps[1], np.minimum(distances[0], distances[1]), distances[2]


def _step(kwh: Floats, before: Booleans, after: Booleans, noise: Noise) -> tuple[Floats, Floats]:
    """`[K, F]` change of the mean and how much it changes by itself."""
    means, variances = [], []
    for chosen in (before, after):
        count = np.maximum(chosen.sum(axis=1), 1)[:, None]
        mean = np.where(chosen[:, :, None], kwh, 0.0).sum(axis=1) / count
        apart = np.where(chosen[:, :, None], kwh - mean[:, None], 0.0)
        means.append(mean)
        variances.append((apart**2).sum(axis=1) / np.maximum(count - 1, 1) / count)
    level = np.maximum(means[0], means[1])
    variance = noise.persistence * (variances[0] + variances[1]) + (noise.drift * level) ** 2 + noise.floor_kwh**2
    return means[1] - means[0], np.sqrt(variance)
