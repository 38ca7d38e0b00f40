"""Exchanged homes: profiles, drift, scores, chains, and what must not be accused."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.drift import FleetSpread, fleet_counts
from anomaly.exchange_score import Newcomer, best_pairs, both_moved, capped_ratio, exchanges, fit, pair_nats
from anomaly.panel import Panel
from anomaly.profile import (
    interval_features,
    mean_of_weeks,
    minus_group_median,
    profile_days,
    weekly_profiles,
)
from anomaly.swap_found import Swaps
from anomaly.swap_groups import groups_of, not_compared
from anomaly.swap_plan import Limits, Plan, Windows
from anomaly.swap_scan import Scan, drift_counts, find_swaps
from tests.lives import DAYS, exchanged, lives, town
from tests.panels import panel, registers

NEWCOMER = Newcomer(0.01, 0.05, 4.0, 10.0)
PLAN = Plan(long=Windows(8, 4), short=Windows(4, 2), scan_weeks=26)
LIMITS = Limits(dict.fromkeys(("intervals", "daily_minimum", "rates", "daily"), 8.0), {
    "intervals": 12.0, "daily_minimum": 12.0, "rates": 14.0, "daily": 12.0,
}, per_log_pairs=dict.fromkeys(("intervals", "daily_minimum", "rates", "daily"), 2.8))  # fmt: skip
SCAN = Scan(PLAN, LIMITS, NEWCOMER, max_members=64)
NOBODY = np.empty(0, np.int64)
FEATURES = 10


def homes(groups: int, members: int, seed: int = 0) -> np.ndarray:
    """`[G, g, F]` what homes are like, in log units."""
    return np.random.default_rng(seed).normal(0, 0.8, (groups, members, FEATURES))


def windows(like: np.ndarray, seed: int = 1, drift: float = 0.15) -> np.ndarray:
    """The same homes in one window: Student-t drift around what they are like."""
    return like + drift * np.random.default_rng(seed).standard_t(4, like.shape)


@pytest.fixture(scope="module")
def fleet() -> FleetSpread:
    like = homes(400, 12, seed=9)
    spread = fleet_counts(windows(like, 10), windows(like, 11)).fleet_spread()
    assert spread is not None
    return spread


def ringed(after: np.ndarray, *members: int) -> np.ndarray:
    """Each member now measures the next one."""
    moved = after.copy()
    moved[:, list(members)] = after[:, [*members[1:], members[0]]]
    return moved


def test_a_swap_in_a_box_of_twelve_is_the_first_pair_and_both_moved(fleet: FleetSpread) -> None:
    like = homes(200, 12)
    fitted = fit(windows(like), ringed(windows(like, 2), 3, 8), fleet, NEWCOMER)
    nats, first, second = best_pairs(pair_nats(fitted.gain))
    right = (first == 3) & (second == 8)
    assert right.mean() >= 0.95
    assert (both_moved(fitted.distance, FEATURES)[right, 3, 8] > 0.15).mean() >= 0.95
    assert (nats[right] > 8).mean() >= 0.95
    assert capped_ratio(fitted.distance, FEATURES, 4.0).max() == 12.0


def test_boxes_without_a_swap_stay_below_the_limit(fleet: FleetSpread) -> None:
    like = homes(400, 12, seed=4)
    fitted = fit(windows(like, 5), windows(like, 6), fleet, NEWCOMER)
    assert (best_pairs(pair_nats(fitted.gain))[0] > 8).mean() <= 0.01


def test_a_ring_of_three_is_one_exchange_with_three_links(fleet: FleetSpread) -> None:
    like = homes(50, 12, seed=7)
    gain = fit(windows(like), ringed(windows(like, 2), 1, 5, 9), fleet, NEWCOMER).gain
    found = exchanges(gain, np.full(50, 12.0))
    in_ring = found.size == 3
    assert len(np.unique(found.group[in_ring])) >= 40
    links = set(zip(found.member[in_ring].tolist(), found.source[in_ring].tolist(), strict=True))
    assert links == {(1, 5), (5, 9), (9, 1)}


def test_two_swaps_in_one_box_are_both_told(fleet: FleetSpread) -> None:
    like = homes(1, 12, seed=3)
    after = ringed(ringed(windows(like, 2), 0, 1), 4, 7)
    found = exchanges(fit(windows(like), after, fleet, NEWCOMER).gain, np.full(1, 8.0))
    assert sorted(zip(found.member.tolist(), found.source.tolist(), strict=True)) == [(0, 1), (1, 0), (4, 7), (7, 4)]


def test_identical_homes_and_one_new_life_are_no_exchange(fleet: FleetSpread) -> None:
    like = homes(200, 12, seed=5)
    like[:, 1] = like[:, 0]
    after = ringed(windows(like, 2), 0, 1)
    after[:, 7] = windows(homes(200, 12, seed=77), 3)[:, 0]
    nats = best_pairs(pair_nats(fit(windows(like), after, fleet, NEWCOMER).gain))[0]
    assert (nats > 8).mean() <= 0.02


def test_absent_homes_are_neither_found_nor_in_the_way(fleet: FleetSpread) -> None:
    like = homes(30, 12, seed=6)
    before, after = windows(like), ringed(windows(like, 2), 3, 8)
    whole = fit(before, after, fleet, NEWCOMER).gain
    before[:, 5] = np.nan
    part = fit(before, after, fleet, NEWCOMER).gain
    assert np.isneginf(part[:, 5]).all()
    assert np.isneginf(part[:, :, 5]).all()
    np.testing.assert_allclose(part[:, 3, 8], whole[:, 3, 8])


def test_parts_of_a_fleet_add_up_to_the_same_covariance() -> None:
    like = homes(60, 6)
    before, after = windows(like), windows(like, 2)
    whole = fleet_counts(before, after)
    parts = fleet_counts(before[40:], after[40:]) + fleet_counts(before[:40], after[:40])
    assert np.array_equal(whole.drift.counts, parts.drift.counts)
    together, apart = whole.fleet_spread(), parts.fleet_spread()
    assert together is not None
    assert apart is not None
    assert np.array_equal(together.drift.covariance, apart.drift.covariance)
    drift = (after - before).reshape(-1, FEATURES)
    reach = 3 * 1.4826 * np.median(np.abs(drift), axis=0)
    winsorised = np.clip(drift, -reach, reach)
    assert np.diag(together.drift.covariance) == pytest.approx(winsorised.var(axis=0), rel=0.15)


def test_a_fleet_of_a_few_homes_has_no_covariance() -> None:
    like = homes(2, 12)
    assert fleet_counts(windows(like), windows(like, 2)).fleet_spread() is None


def test_a_day_becomes_bins_smallest_and_largest() -> None:
    kwh = np.arange(48.0) / 10
    found = interval_features(kwh)
    assert found[0] == pytest.approx(np.log(kwh[:6].sum() + 0.05))
    assert found[8] == pytest.approx(np.log(0.05))
    assert found[9] == pytest.approx(np.log(4.7 + 0.02))
    kwh[3] = np.nan
    assert np.isnan(interval_features(kwh)[[0, 8, 9]]).all()


def test_weather_shared_by_the_group_drops_out() -> None:
    days = np.random.default_rng(0).normal(0, 1, (1, 5, 14, 3))
    weather = np.linspace(0, 2, 14)[:, None]
    np.testing.assert_allclose(minus_group_median(days + weather), minus_group_median(days))
    days[0, :3, 2] = np.nan
    assert np.isnan(minus_group_median(days)[0, :, 2]).all(), "two of five homes are no group"


@pytest.mark.parametrize(
    ("present", "known"),
    [pytest.param(4, True, id="four days"), pytest.param(3, False, id="three days"), pytest.param(0, False, id="none")],
)
def test_a_week_needs_four_days(present: int, known: bool) -> None:
    days = np.full((7, 2), np.nan)
    days[:present] = 1.5
    for kind in ("intervals", "daily"):
        found = weekly_profiles(days, kind)
        assert np.isfinite(found).all() == known
        assert found.shape == (1, 2 if kind == "intervals" else 8)


def test_half_of_the_weeks_must_be_known() -> None:
    weeks = np.array([[1.0], [np.nan], [3.0], [np.nan]])
    assert mean_of_weeks(weeks) == pytest.approx(2.0)
    weeks[2] = np.nan
    assert np.isnan(mean_of_weeks(weeks)).all()


def swaps_in(view: Panel, row: np.ndarray = NOBODY, day: np.ndarray = NOBODY) -> Swaps:
    fleet = {key: counts.fleet_spread() for key, counts in drift_counts(view, PLAN, max_members=64).items()}
    return find_swaps(view, {key: one for key, one in fleet.items() if one is not None}, SCAN, row, day)


LIVES = lives(30, 12)
SWAP_DAY = 100


@pytest.mark.parametrize("options", [{}, {"boxes": False}, {"curves": False}], ids=["curves", "areas", "daily"])
def test_a_silent_swap_is_found_week_by_week_and_dated(options: dict[str, bool]) -> None:
    found = swaps_in(town(exchanged(LIVES, 38, 45, SWAP_DAY), 12, **options))
    if options.get("curves", True):
        assert found.position.tolist() == [38, 45]
        assert found.source.tolist() == [45, 38]
        assert not found.known.any()
        assert (np.abs(found.day - SWAP_DAY) <= 2).all()
        assert (found.earliest <= SWAP_DAY).all()
        assert (found.latest >= SWAP_DAY).all()
    else:
        assert set(found.position.tolist()) <= {38, 45}


@pytest.mark.parametrize(
    ("since", "told"),
    [
        pytest.param(7, False, id="six days after it"),
        pytest.param(8, True, id="one week after it"),
        pytest.param(15, True, id="two weeks after it"),
    ],
)
def test_a_named_day_is_judged_after_one_week(since: int, told: bool) -> None:
    day = DAYS - since
    found = swaps_in(town(exchanged(LIVES, 38, 45, day + 1), 12), np.array([38]), np.array([day]))
    assert found.known.tolist() == ([True, True] if told else [])
    assert found.day.tolist() == ([day, day] if told else [])


def test_a_town_in_order_and_empty_towns_have_no_swaps() -> None:
    assert not len(swaps_in(town(LIVES, 12)).position)
    assert not len(swaps_in(town(LIVES[:1], 12)).position)
    assert not len(swaps_in(panel(np.empty((0, DAYS)))).position)
    assert not len(swaps_in(panel(np.empty((0, 1)))).position)
    assert not len(swaps_in(town(LIVES[:, :20], 12)).position)
    assert not len(swaps_in(town(np.full_like(LIVES[:24], np.nan), 12)).position)


def test_another_order_and_other_slices_change_nothing() -> None:
    kwh = exchanged(exchanged(LIVES, 38, 45, SWAP_DAY), 2, 9, 120)
    whole = town(kwh, 12)
    fleet = {key: one.fleet_spread() for key, one in drift_counts(whole, PLAN, max_members=64).items()}
    known = {key: one for key, one in fleet.items() if one is not None}
    together = find_swaps(whole, known, SCAN, NOBODY, NOBODY)
    parts = [find_swaps(town(part, 12), known, SCAN, NOBODY, NOBODY) for part in (kwh[:36], kwh[36:])]
    assert together.position.tolist() == parts[0].position.tolist() + [36 + row for row in parts[1].position]
    np.testing.assert_allclose(together.nats, np.concatenate([one.nats for one in parts]), rtol=1e-9)


def test_limits_grow_with_the_number_of_pairs_and_never_shrink() -> None:
    limits = LIMITS.for_groups("intervals", np.array([2, 6, 12, 20]), known=True)
    assert limits.tolist() == pytest.approx([8.0, 8.0, 8.0, 8.0 + 2.8 * np.log(190 / 66)])


def test_who_is_compared_with_whom() -> None:
    view = panel(
        registers(*np.ones((9, 60))),
        area_id=["a", "a", "a", "b", "b", "b", "b", None, "c"],
        box_id=["x", "x", "y", None, "z", None, "z", None, "w"],
        is_supply=[False, False, False, False, False, False, False, False, True],
    )
    groups = [group.tolist() for padded in groups_of(view, max_members=4) for group in padded]
    assert groups == [[0, 1], [4, 6], [3, 5]]
    assert np.flatnonzero(not_compared(view, max_members=4) == "no_neighbours").tolist() == [2, 7, 8]
    crowd = panel(registers(*np.ones((5, 60))), box_id="x")
    assert not_compared(crowd, max_members=4).tolist() == ["group_too_large"] * 5
    assert [one.shape for one in groups_of(crowd, max_members=5)] == [(1, 6)]


def test_rates_and_sparse_curves_have_profiles_of_their_own() -> None:
    kwh = LIVES[:12]
    sparse = np.repeat(kwh / 2, 2, axis=2)
    sparse[:, :, ::4] = np.nan
    read = registers(*kwh.sum(axis=2))
    rates = np.stack([0.25 * read, 0.75 * read], axis=1)
    view = panel(
        read, curve=(90, range(12), 0, sparse), rates=(range(12), ("import_t2", "import_t3"), rates), box_id="b"
    )
    rows = np.arange(12)
    assert np.isnan(profile_days(view, "intervals", rows, 0, 28)).any(axis=2).all()
    minimum = profile_days(view, "daily_minimum", rows, 0, 28)
    np.testing.assert_allclose(minimum[:, :, 1], np.log(np.nanmin(sparse[:, :28], axis=2) * 16 + 0.05))
    four = profile_days(view, "rates", rows, 0, 28)
    np.testing.assert_allclose(four[:, :, 0], np.log(0.05))
    np.testing.assert_allclose(four[:, :, 2], np.log(0.75 * np.diff(read[:, :29], axis=1) + 0.05), atol=0.3)
