"""A home that falls empty: told apart from a home with another life, whatever its profile is made from."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.drift import fleet_counts
from anomaly.emptied import Sides, emptied_nats
from anomaly.exchange_score import Newcomer, best_pairs, fit, pair_nats
from anomaly.profile import (
    KINDS,
    daily_features,
    group_median,
    interval_features,
    mean_of_weeks,
    rate_features,
    weekly_profiles,
)

SHAPE = 0.3 + np.exp(-((np.arange(48) - 38) ** 2) / 20) + 0.6 * np.exp(-((np.arange(48) - 15) ** 2) / 8)
WEEKS, BEFORE = 6, 4
EMPTY_KWH = 0.6
MARGIN_NATS = {"intervals": 2.0, "rates": 2.0, "daily_minimum": 1.0, "daily": 0.0}
"""Of totals alone only their steadiness can tell."""
NEWCOMER = Newcomer(0.01, 0.05, 4.0, 10.0)
RATES = ((34, 42), (14, 34), (42, 48), (0, 14))


def homes(seed: int = 0, groups: int = 40, members: int = 12) -> np.ndarray:
    """`[G, g, days, 48]` half-hours of homes of 3 to 30 kWh a day, each with an evening of its own."""
    rng = np.random.default_rng(seed)
    level_kwh = np.exp(rng.uniform(np.log(3), np.log(30), (groups, members, 1, 1)))
    moved = np.stack([np.roll(SHAPE, turn) for turn in rng.integers(-12, 12, groups * members)])
    shape = moved.reshape(groups, members, 1, 48) ** rng.uniform(0.4, 1.6, (groups, members, 1, 1))
    shape /= shape.sum(axis=-1, keepdims=True)
    return level_kwh * shape * rng.gamma(6.0, 1 / 6, (groups, members, WEEKS * 7, 48))


def empty_days(count: int, kwh: float = EMPTY_KWH) -> np.ndarray:
    """`[count, 48]` days of a refrigerator that switches."""
    on = np.random.default_rng(8).uniform(0.8, 1.2, (count, 48)) * np.tile([0.8, 1.2], 24)
    return kwh / 48 * on


def features(kwh: np.ndarray, kind: str) -> np.ndarray:
    if kind == "intervals":
        return interval_features(kwh)
    if kind == "rates":
        return rate_features(np.stack([kwh[..., lo:hi].sum(axis=-1) for lo, hi in RATES], axis=-1))
    return daily_features(kwh.sum(axis=-1), kwh.min(axis=-1) * 48 if kind == "daily_minimum" else None)


def sides_of(kwh: np.ndarray, kind: str) -> Sides:
    days = features(kwh, kind)
    median = group_median(days)
    parts = []
    for values in (days - median, -median):
        weeks = weekly_profiles(values, kind)
        parts += [mean_of_weeks(weeks[:, :, :BEFORE]), mean_of_weeks(weeks[:, :, BEFORE:])]
    return Sides(*parts)


@pytest.mark.parametrize("kind", KINDS)
def test_a_home_that_fell_empty_is_likelier_empty_than_one_that_lives_on_less(kind: str) -> None:
    kwh = homes(groups=1)
    kwh[0, 0, BEFORE * 7 :] = empty_days(14)
    kwh[0, 1, BEFORE * 7 :] *= 0.3
    kwh[0, 2, BEFORE * 7 :] *= 0.6
    nats = emptied_nats(sides_of(kwh, kind), kind)[0]
    assert np.isfinite(nats[:2]).all()
    assert nats[0] > nats[1] + MARGIN_NATS[kind]
    assert np.isneginf(nats[2:]).all(), "these did not fall to half"


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_home_is_not_empty(kind: str) -> None:
    kwh = homes(groups=1)
    kwh[0, 0, BEFORE * 7 :] = np.nan
    nats = emptied_nats(sides_of(kwh, kind), kind)
    assert np.isneginf(nats[0, 0])
    nobody = Sides(*(np.empty((0, members, 8)) for members in (12, 12, 1, 1)))
    assert emptied_nats(nobody, kind).shape == (0, 12)


def test_a_home_that_was_empty_before_and_fills_up_did_not_fall_empty() -> None:
    kwh = homes(groups=1)
    kwh[0, 0, : BEFORE * 7] = empty_days(28)
    assert np.isneginf(emptied_nats(sides_of(kwh, "intervals"), "intervals")[0]).all()


def accused(kwh: np.ndarray, limit_nats: float, *, asking: bool = True) -> np.ndarray:
    """`[G]` whether any pair of the box is told, with the drift of homes in order."""
    normal = sides_of(homes(seed=5), "intervals")
    spread = fleet_counts(normal.before, normal.after).fleet_spread()
    assert spread is not None
    sides = sides_of(kwh, "intervals")
    emptied = emptied_nats(sides, "intervals") if asking else None
    return best_pairs(pair_nats(fit(sides.before, sides.after, spread, NEWCOMER, emptied).gain))[0] >= limit_nats


def test_one_home_leaves_and_another_returns() -> None:
    """What made most false pairs: the one that leaves looks as the one that returns did, empty."""
    kwh = homes(seed=1)
    kwh[:, 3, : BEFORE * 7] = empty_days(28)
    kwh[:, 8, BEFORE * 7 :] = empty_days(14)
    assert accused(kwh, 8.8).mean() < accused(kwh, 8.8, asking=False).mean() / 2


def test_a_swap_with_an_empty_home_is_told_by_its_other_side() -> None:
    kwh = homes(seed=2)
    kwh[:, 3] = empty_days(WEEKS * 7)
    after = kwh.copy()
    after[:, [3, 8], BEFORE * 7 :] = kwh[:, [8, 3], BEFORE * 7 :]
    assert accused(after, 8.8).mean() >= 0.8
    assert accused(kwh, 8.8).mean() <= 0.05
