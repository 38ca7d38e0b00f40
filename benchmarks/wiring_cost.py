"""Seconds to score a million accounts at one date, in boxes of twelve and in areas of hundreds without boxes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from anomaly.drift import fleet_counts
from anomaly.emptied import Sides, emptied_nats
from anomaly.exchange_score import exchanges, within_reach
from anomaly.profile import INTERVALS, interval_features, minus_group_median, weekly_profiles
from benchmarks.wiring_boxes import Homes, fit_of
from benchmarks.wiring_measure import NEWCOMER

MILLION = 1_000_000
BLOCK_HOMES = 3_000
BOX = 12
LARGE = 384
LIMIT_NATS = 8.0
LARGE_LIMIT_NATS = 26.0
REPEATS = 40


def table(homes: Homes, seeds: int, count: int) -> Iterator[str]:
    """Lines about the cost on one core; the homes are made up, for cost does not depend on them."""
    yield f"a million accounts in boxes of {BOX}: {_boxes():.1f} s per date scored (limit 5 s)"
    yield f"a million accounts in areas of {LARGE} without boxes: {_areas():.1f} s per date scored"
    yield f"  and {_week():.1f} s to make one week of profiles from half-hourly curves"


def _sides(members: int) -> Sides:
    rng = np.random.default_rng(0)
    groups = max(BLOCK_HOMES // members, 1)
    home = rng.normal(-1.5, 0.8, (groups, members, 10))
    before, after = (home + rng.normal(0, 0.25, home.shape) for _ in range(2))
    zero = np.zeros((groups, 1, 10))
    return Sides(before, after, zero, zero)


def _boxes() -> float:
    sides = _sides(BOX)
    spread = fleet_counts(sides.before, sides.after).fleet_spread()
    if spread is None:
        raise ValueError("too few homes in the block that is timed")
    begun = time.process_time()
    for _ in range(REPEATS):
        exchanges(fit_of(sides, INTERVALS, spread, NEWCOMER).gain, np.full(len(sides.before), LIMIT_NATS))
    return _per_million(begun, sides)


def _areas() -> float:
    sides = _sides(LARGE)
    spread = fleet_counts(sides.before, sides.after).fleet_spread()
    if spread is None:
        raise ValueError("too few homes in the block that is timed")
    limit = np.full(len(sides.before), LARGE_LIMIT_NATS)
    begun = time.process_time()
    for _ in range(REPEATS):
        within_reach(sides.before, sides.after, spread, NEWCOMER, emptied_nats(sides, INTERVALS), limit)
    return _per_million(begun, sides)


def _week() -> float:
    kwh = np.random.default_rng(0).gamma(0.5, 0.3, (BLOCK_HOMES, 7, 48))
    begun = time.process_time()
    for _ in range(REPEATS // 4):
        days = interval_features(kwh).reshape(-1, BOX, 7, 10)
        weekly_profiles(minus_group_median(days), INTERVALS)
    return (time.process_time() - begun) / (REPEATS // 4) / BLOCK_HOMES * MILLION


def _per_million(begun: float, sides: Sides) -> float:
    homes = sides.before.shape[0] * sides.before.shape[1]
    return (time.process_time() - begun) / REPEATS / homes * MILLION
