"""What an exchange must look like to be told, and what must never be: the acceptance list of methods.md §7.

Bundled real homes are put into virtual boxes of twelve and judged at a named day, two weeks after it, with the limits
that the program ships. Limits, drift and spread come from homes that are not judged.
"""

from __future__ import annotations

import datetime as dt
import warnings
from functools import cache

import numpy as np
import polars as pl
import pytest

from anomaly.drift import FleetSpread
from anomaly.exchange_score import Fit, Links, Newcomer, best_pairs, both_moved, exchanges, pair_nats
from anomaly.injector.build import build_town
from anomaly.injector.inject import inject
from anomaly.injector.layout import Plan
from anomaly.injector.registry import Fault
from anomaly.profile import INTERVALS, WEEK_DAYS
from benchmarks.wiring_boxes import (
    Boxes,
    Change,
    around,
    both_away,
    chained,
    draw,
    fit_of,
    fleet_of,
    halves,
    make_homes,
    one_new_life,
    swapped,
    untouched,
    weeks_of,
    who_and_when,
)
from benchmarks.wiring_measure import PLAN
from pipelines.sample import load_sample
from rules.rulebook import load
from tests.test_exchanged_homes import scanned

LIMITS = load().detectors["X01"].limit_values()
NEWCOMER = Newcomer(*(float(LIMITS[name]) for name in (
    "newcomer_chance", "emptied_chance", "degrees_of_freedom", "homes_degrees_of_freedom",
)))  # fmt: skip
LIMIT_NATS = float(LIMITS["known_curves_nats"])
WINDOWS = PLAN.short
SEEDS, BOXES, BOX = 2, 250, 12
MOVED = 0.15
"""Least MM of an exchange between unlike homes (methods.md §1.1)."""


@cache
def boxes() -> list[tuple[FleetSpread, Boxes, np.ndarray]]:
    """Boxes of homes, with the drift of other homes and three members to whom something happens."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice")
        homes = make_homes(load_sample())
        parts = []
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            for fitted, judged in halves(len(homes.kwh), rng):
                fleet = fleet_of(homes, INTERVALS, fitted, BOX, WINDOWS, rng)
                some = draw(homes, INTERVALS, judged, BOX, WINDOWS.weeks * WEEK_DAYS, BOXES, rng)
                who, _ = who_and_when(some, 0, 0, rng)
                parts.append((fleet, some, who))
    return parts


def judged(change: Change, homes: str = "as drawn") -> list[tuple[Fit, Links, np.ndarray]]:
    """Fit and exchanges of every box after something happened in it on the named day."""
    parts = []
    for fleet, some, who in boxes():
        if homes == "alike":
            days = some.days.copy()
            each = np.arange(len(who))
            days[each, who[:, 1]] = days[each, who[:, 0]]
            some = Boxes(days, some.away, some.homes, some.start)
        day = np.full(len(who), WINDOWS.before_weeks * WEEK_DAYS)
        sides = around(weeks_of(change(some, who, day), INTERVALS), WINDOWS.before_weeks, WINDOWS)
        fitted = fit_of(sides, INTERVALS, fleet, NEWCOMER)
        parts.append((fitted, exchanges(fitted.gain, np.full(len(who), LIMIT_NATS)), who))
    return parts


def accused(change: Change) -> float:
    """Share of boxes in which anything is told."""
    return float(np.mean([len(np.unique(links.group)) / len(who) for _, links, who in judged(change)]))


def test_a_swap_is_the_first_pair_of_its_box_and_both_moved() -> None:
    told, right, moved, every = 0, 0, 0, 0
    for fitted, _, who in judged(swapped):
        nats, one, other = best_pairs(pair_nats(fitted.gain))
        each = np.arange(len(who))
        first, second = who[:, :2].min(axis=1), who[:, :2].max(axis=1)
        is_told = nats >= LIMIT_NATS
        is_right = is_told & (one == first) & (other == second)
        margin = both_moved(fitted.distance, fitted.features)[each, first, second]
        told, right, every = told + is_told.sum(), right + is_right.sum(), every + len(who)
        moved += (is_right & (margin > MOVED)).sum()
    assert right / every >= 0.85, "power"
    assert right / told >= 0.95, "the right pair at rank 1"
    assert moved / right >= 0.95, "MM above 0.15"


def test_boxes_nobody_touched_are_not_accused() -> None:
    assert accused(untouched) <= 0.01


def test_a_ring_is_found_by_assignment() -> None:
    found, every = 0, 0
    for _, links, who in judged(chained):
        every += len(who)
        sources = np.roll(who, -1, axis=1)
        for number in np.unique(links.exchange[links.size == 3]):
            mine = np.flatnonzero(links.exchange == number)
            box = links.group[mine[0]]
            told = set(zip(links.member[mine].tolist(), links.source[mine].tolist(), strict=True))
            found += told == set(zip(who[box].tolist(), sources[box].tolist(), strict=True))
    assert found / every >= 0.7


def test_two_identical_homes_are_never_a_pair() -> None:
    boxes_told = 0
    for _, links, who in judged(swapped, "alike"):
        partners = who[links.group, :2]
        both = (partners == links.member[:, None]).any(axis=1) & (partners == links.source[:, None]).any(axis=1)
        assert not both.any()
        boxes_told += len(np.unique(links.group))
    assert boxes_told <= 0.01 * SEEDS * 2 * BOXES, "nor is anybody else accused"


@pytest.mark.parametrize(
    ("change", "most"),
    [pytest.param(one_new_life, 0.03, id="one new life"), pytest.param(both_away, 0.03, id="both away")],
)
def test_homes_that_change_without_an_exchange(change: Change, most: float) -> None:
    assert accused(change) <= most


def test_reads_exchanged_between_neighbours_stay_a_reading_error() -> None:
    plan = Plan(monthly_share=0.0, curve_share=1.0, rate_share=0.0, generation_share=0.0, ct_share=0.0)
    town = build_town(load_sample(), seed=2, plan=plan)
    town, truth = inject(town, [Fault("readings_exchanged", start=dt.date(2013, 10, 1))], 4)
    pair = truth.row(-1, named=True)
    result = scanned(town)
    (case,) = result["cases"].filter(pl.col("account_id") == pair["account_id"], pl.col("status") == "open").to_dicts()
    assert (case["family"], case["cause"]) == ("reading_error", "readings_exchanged")
    assert case["related_account_id"] == pair["related_account_id"]
    assert result["findings"].filter(pl.col("code").str.starts_with("X")).is_empty()
