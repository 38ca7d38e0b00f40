"""Real homes put into virtual boxes, as they are and with something done to one, two or three of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.drift import FleetSpread, fleet_counts
from anomaly.emptied import Sides, emptied_nats
from anomaly.exchange_score import Fit, Newcomer, fit
from anomaly.profile import (
    DAILY,
    DAILY_MINIMUM,
    INTERVALS,
    RATES,
    WEEK_DAYS,
    daily_features,
    group_median,
    interval_features,
    mean_of_weeks,
    rate_features,
    weekly_profiles,
)  # fmt: skip
from anomaly.swap_plan import Windows
from pipelines.sample import HomeSeries

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RATE_HOURS = ((17, 21), (7, 17), (21, 24), (0, 7))
"""Hours of the four rate registers made from the curves: peak, shoulder, flat, valley."""
MIN_MEASURED_SHARE = 0.9


@dataclass(frozen=True, eq=False)
class Homes:
    """Features `[N, D, F]` of every home and day for each kind, and the same for an empty, locked home.

    `away` is a day on which the home uses all day long what it uses at its quietest moment.
    """

    features: dict[str, Floats]
    away: dict[str, Floats]
    kwh: Floats

    def days(self, kind: str) -> int:
        """For how many days, counted back from the last, this kind is known."""
        known = np.isfinite(self.features[kind]).all(axis=2).any(axis=0)
        return int(len(known) - known.argmax()) if known.any() else 0


@dataclass(frozen=True, eq=False)
class Boxes:
    """Virtual boxes: `days[n, g + 1, L, F]` raw features of their homes and of one home from elsewhere."""

    days: Floats
    away: Floats
    homes: Integers
    start: Integers

    @property
    def members(self) -> int:
        """Homes per box."""
        return self.days.shape[1] - 1


Change = Callable[[Boxes, Integers, Integers], Floats]
"""Boxes, `[n, 3]` members it happens to and `[n]` first day → raw features `[n, g, L, F]`."""


def make_homes(series: HomeSeries) -> Homes:
    """Features of the homes that have nearly all their days; NaN where a kind needs a curve and there is none."""
    known = np.isfinite(series.daily_kwh).mean(axis=1) >= MIN_MEASURED_SHARE
    kwh = series.daily_kwh[known]
    count, days = kwh.shape
    curve = np.full((count, days, 48), np.nan)
    if series.curve_kwh is not None:
        curve[:, days - series.curve_days :] = series.curve_kwh[known]
    smallest = curve.min(axis=2)
    quiet = np.broadcast_to(smallest[:, :, None], curve.shape)

    def of(day_kwh: Floats, curve_kwh: Floats) -> dict[str, Floats]:
        rates = np.stack([curve_kwh[:, :, 2 * lo : 2 * hi].sum(axis=2) for lo, hi in RATE_HOURS], axis=2)
        return {
            INTERVALS: interval_features(curve_kwh),
            DAILY_MINIMUM: daily_features(day_kwh, curve_kwh.min(axis=2) * 48),
            RATES: rate_features(rates),
            DAILY: daily_features(day_kwh),
        }

    day_quiet = np.where(np.isfinite(smallest), smallest * 48, np.nanquantile(kwh, 0.05, axis=1)[:, None])
    return Homes(of(kwh, curve), of(day_quiet, quiet), kwh)


def draw(
    homes: Homes, kind: str, among: Integers, size: int, length: int, count: int, rng: np.random.Generator
) -> Boxes:
    """`count` boxes of `size` homes from `among`, each over `length` days from a random first day on."""
    rows = np.argsort(rng.random((count, len(among))), axis=1)[:, : size + 1]
    return _boxes(homes, kind, among[rows], length, rng)


def draw_alike(
    homes: Homes, kind: str, among: Integers, size: int, length: int, count: int, rng: np.random.Generator
) -> Boxes:
    """The same, but the homes of a box are neighbours in yearly use, as flats of one building are."""
    ordered = among[np.argsort(np.nanmedian(homes.kwh[among], axis=1), kind="stable")]
    first = rng.integers(0, len(ordered) - size, count)
    return _boxes(homes, kind, ordered[first[:, None] + np.arange(size + 1)], length, rng)


def _boxes(homes: Homes, kind: str, rows: Integers, length: int, rng: np.random.Generator) -> Boxes:
    total = homes.features[kind].shape[1]
    start = rng.integers(total - homes.days(kind), total - length + 1, len(rows))
    day = (start[:, None] + np.arange(length))[:, None]
    cells = rows[:, :, None], day
    return Boxes(homes.features[kind][cells], homes.away[kind][cells], rows, start)


def untouched(boxes: Boxes, who: Integers, first: Integers) -> Floats:
    """Nothing done."""
    return boxes.days[:, :-1]


def swapped(boxes: Boxes, who: Integers, first: Integers) -> Floats:
    """Two homes exchange their series: crossed wires, or two tenants who exchange their flats."""
    return _moved_around(boxes, who[:, :2], first)


def chained(boxes: Boxes, who: Integers, first: Integers) -> Floats:
    """Three homes in a ring: each meter measures the next home."""
    return _moved_around(boxes, who, first)


def one_new_life(boxes: Boxes, who: Integers, first: Integers) -> Floats:
    """One home becomes another one that is not in the box: a new tenant."""
    days = boxes.days[:, :-1].copy()
    each = np.arange(len(days))
    after = _after(boxes, first)
    days[each, who[:, 0]] = np.where(after, boxes.days[:, -1], days[each, who[:, 0]])
    return days


def both_away(boxes: Boxes, who: Integers, first: Integers) -> Floats:
    """Two homes are locked up from the same day on."""
    days = boxes.days[:, :-1].copy()
    each, after = np.arange(len(days)), _after(boxes, first)
    for place in (0, 1):
        days[each, who[:, place]] = np.where(after, boxes.away[each, who[:, place]], days[each, who[:, place]])
    return days


def _moved_around(boxes: Boxes, who: Integers, first: Integers) -> Floats:
    days = boxes.days[:, :-1].copy()
    each, after = np.arange(len(days)), _after(boxes, first)
    sources = np.roll(who, -1, axis=1)
    for member, source in zip(who.T, sources.T, strict=True):
        days[each, member] = np.where(after, boxes.days[each, source], boxes.days[each, member])
    return days


def _after(boxes: Boxes, first: Integers) -> NDArray[np.bool_]:
    return (np.arange(boxes.days.shape[2]) >= first[:, None])[:, :, None]


def who_and_when(boxes: Boxes, low: int, high: int, rng: np.random.Generator) -> tuple[Integers, Integers]:
    """Three distinct members of each box, and a day in [low, high]."""
    who = np.argsort(rng.random((len(boxes.days), boxes.members)), axis=1)[:, :3]
    return who, rng.integers(low, high + 1, len(who))


Weeks = tuple[Floats, Floats]
"""Weekly profiles `[n, g, W, F]` relative to the box, and `[n, 1, W, F]` of a home whose features are all 0."""


def weeks_of(days: Floats, kind: str) -> Weeks:
    """Weekly profiles of raw features `[n, g, L, F]`."""
    median = group_median(days)
    return weekly_profiles(days - median, kind), weekly_profiles(-median, kind)


def around(weeks: Weeks, border: int, windows: Windows) -> Sides:
    """Window summaries before and after week `border`."""
    sides = []
    for weekly in weeks:
        sides.append(mean_of_weeks(weekly[:, :, border - windows.before_weeks : border]))
        sides.append(mean_of_weeks(weekly[:, :, border : border + windows.after_weeks]))
    return Sides(*sides)


def fit_of(sides: Sides, kind: str, fleet: FleetSpread, newcomer: Newcomer) -> Fit:
    """The fit the program makes of them."""
    return fit(sides.before, sides.after, fleet, newcomer, emptied_nats(sides, kind))


def fleet_of(
    homes: Homes, kind: str, among: Integers, size: int, windows: Windows, rng: np.random.Generator
) -> FleetSpread:
    """Drift and differences between homes, from boxes drawn among the homes the limits come from."""
    length = windows.weeks * WEEK_DAYS
    boxes = draw(homes, kind, among, size, length, 1500, rng)
    sides = around(weeks_of(boxes.days[:, :-1], kind), windows.before_weeks, windows)
    spread = fleet_counts(sides.before, sides.after).fleet_spread()
    if spread is None:
        raise ValueError(f"too few homes with {kind} for a covariance")
    return spread


def halves(count: int, rng: np.random.Generator) -> Iterator[tuple[Integers, Integers]]:
    """Homes split in two: limits come from one half, power is measured on the other, both ways round."""
    order = rng.permutation(count)
    yield order[: count // 2], order[count // 2 :]
    yield order[count // 2 :], order[: count // 2]
