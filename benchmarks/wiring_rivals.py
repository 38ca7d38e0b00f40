"""Other ways to tell that two homes were exchanged on a known day, on the same boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.drift import FleetSpread
from anomaly.exchange_score import Fit, best_pairs, both_moved, capped_ratio, pair_nats
from anomaly.profile import INTERVALS, WEEK_DAYS
from benchmarks.wiring_boxes import (
    Boxes,
    Homes,
    around,
    draw,
    fit_of,
    fleet_of,
    halves,
    one_new_life,
    swapped,
    untouched,
    weeks_of,
    who_and_when,
)  # fmt: skip
from benchmarks.wiring_measure import FALSE_BOXES, NEWCOMER, PLAN

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PATENT_STEP = 0.3
"""A home whose mean day changes by less than this share is not looked at by the step-and-similarity scheme."""


def profile_rivals(fitted: Fit) -> dict[str, Floats]:
    """Scores `[n, g, g]` from the same profiles: this program's, MM, Student-t ratio, Gaussian ratio."""
    own = np.diagonal(fitted.distance, axis1=1, axis2=2)
    gaussian = (own[:, :, None] + own[:, None, :] - fitted.distance - fitted.distance.transpose(0, 2, 1)) / 2
    return {
        "likelihood against stayed or newcomer (kwhy)": pair_nats(fitted.gain),
        "MM, both moved and both fit": both_moved(fitted.distance, fitted.features),
        "Student-t likelihood ratio, capped": capped_ratio(
            fitted.distance, fitted.features, NEWCOMER.degrees_of_freedom
        ),
        "Gaussian likelihood ratio": gaussian,
    }


def series_rivals(kwh: Floats, border: int) -> dict[str, Floats]:
    """Scores `[n, g, g]` from daily kWh `[n, g, L]` alone: correlation swap, and step and similarity."""
    after = kwh[:, :, border:]
    before = kwh[:, :, border - after.shape[2] : border]
    alike = _correlation(after, before)
    own = np.diagonal(alike, axis1=1, axis2=2)
    correlation = alike + alike.transpose(0, 2, 1) - own[:, :, None] - own[:, None, :]
    mean_after, mean_before = np.nanmean(after, axis=2), np.nanmean(before, axis=2)
    stepped = np.abs(mean_after - mean_before) > PATENT_STEP * mean_before
    gap = np.sqrt(np.nanmean((after[:, :, None] - before[:, None]) ** 2, axis=3))
    similarity = 1 / (1 + gap / (mean_before[:, None] + 0.1))
    similar = similarity * similarity.transpose(0, 2, 1)
    return {
        "correlation swap of daily series": np.nan_to_num(correlation, nan=-9.0),
        "step and similarity g(sim(A1,B2), sim(A2,B1))": np.where(
            stepped[:, :, None] & stepped[:, None], np.nan_to_num(similar), 0.0
        ),
    }


def compare(homes: Homes, size: int, seeds: int, count: int) -> dict[str, tuple[float, float, float]]:
    """Per method: power at 1 % of boxes falsely accused, right pair among found, accused with one new life.

    Every method's limit is the 99 % quantile over the untouched boxes of the half it is judged on.
    """
    windows = PLAN.short
    length, border = windows.weeks * WEEK_DAYS, windows.before_weeks * WEEK_DAYS
    pooled: dict[str, list[Floats]] = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        for fitted, judged in halves(len(homes.kwh), rng):
            fleet = fleet_of(homes, INTERVALS, fitted, size, windows, rng)
            boxes = draw(homes, INTERVALS, judged, size, length, count, rng)
            day = (boxes.start[:, None] + np.arange(length))[:, None]
            kwh = homes.kwh[boxes.homes[:, :, None], day][..., None]
            energy = Boxes(kwh, kwh, boxes.homes, boxes.start)
            who, first = who_and_when(boxes, border, border, rng)
            tops = [
                _all_tops(fleet, change(boxes, who, first), change(energy, who, first)[..., 0], border)
                for change in (untouched, swapped, one_new_life)
            ]
            for name in tops[0]:
                pooled.setdefault(name, []).append(_rates(*(one[name] for one in tops), who))
    return {name: tuple(np.nanmean(parts, axis=0)) for name, parts in pooled.items()}


Tops = dict[str, tuple[Floats, Integers, Integers]]


def _all_tops(fleet: FleetSpread, days: Floats, kwh: Floats, border: int) -> Tops:
    sides = around(weeks_of(days, INTERVALS), PLAN.short.before_weeks, PLAN.short)
    fitted = fit_of(sides, INTERVALS, fleet, NEWCOMER)
    scores = {**profile_rivals(fitted), **series_rivals(kwh, border)}
    return {name: best_pairs(np.nan_to_num(one, nan=-1e9, neginf=-1e9)) for name, one in scores.items()}


def _rates(
    null: tuple[Floats, Integers, Integers], swap: tuple[Floats, Integers, Integers],
    life: tuple[Floats, Integers, Integers], who: Integers,
) -> Floats:  # fmt: skip
    limit = np.quantile(null[0], 1 - FALSE_BOXES)
    told = swap[0] > limit
    right = (swap[1] == who[:, :2].min(axis=1)) & (swap[2] == who[:, :2].max(axis=1))
    first = right[told].mean() if told.any() else np.nan
    return np.array([(told & right).mean(), first, (life[0] > limit).mean()])


def _correlation(after: Floats, before: Floats) -> Floats:
    """`[n, g, g]` Pearson correlation of day k after with day k before (the windows are whole weeks apart)."""

    def standard(days: Floats) -> Floats:
        away = days - np.nanmean(days, axis=2, keepdims=True)
        scale = np.sqrt(np.nanmean(away**2, axis=2, keepdims=True))
        return np.nan_to_num(away / np.maximum(scale, 1e-9))

    return np.asarray(standard(after) @ standard(before).transpose(0, 2, 1) / after.shape[2])
