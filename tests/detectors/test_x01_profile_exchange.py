"""X01: two homes, or more in a ring, have exchanged their daily profiles."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.x01_profile_exchange import nobody_to_compare, profile_exchange
from anomaly.panel import Panel
from anomaly.registry import Detections
from anomaly.swap_plan import Plan, Windows
from anomaly.swap_scan import drift_counts
from rules.rulebook import load
from tests.lives import DAYS, exchanged, lives, town
from tests.panels import panel, registers

LIMITS = load().detectors["X01"].limit_values()
PLAN = Plan(Windows(8, 4), Windows(4, 2), 26)
LIVES = lives(30, 12)
SWAP_DAY = 100


def with_drift(view: Panel) -> Panel:
    spreads = {key: one.fleet_spread() for key, one in drift_counts(view, PLAN, max_members=64).items()}
    return dataclasses.replace(view, fleet_drift={key: one for key, one in spreads.items() if one is not None})


def found(kwh: np.ndarray, **changes: object) -> Detections:
    view = dataclasses.replace(with_drift(town(kwh, 12)), **changes)
    return profile_exchange(view, **LIMITS)


def test_a_silent_pair_is_told_once_with_both_sides_use() -> None:
    one = found(exchanged(LIVES, 38, 45, SWAP_DAY))
    assert one.position.tolist() == [38]
    assert one.related.tolist() == [45]
    assert one.facts["pattern"].tolist() == ["pair_scanned"]
    assert abs(int((one.start[0] - np.datetime64("2026-01-01")).astype(int)) - SWAP_DAY) <= 2
    assert one.facts["before_kwh_per_day"][0] == pytest.approx(one.facts["related_after_kwh_per_day"][0], rel=0.2)
    assert one.facts["after_kwh_per_day"][0] == pytest.approx(one.facts["related_before_kwh_per_day"][0], rel=0.2)
    assert one.kwh_at_stake[0] > 0


def test_a_pair_at_works_is_told_one_week_later() -> None:
    day = DAYS - 8
    works = pl.DataFrame(
        {"row": [38], "meter_id": ["meter-38"], "at": [dt.datetime(2026, 1, 1) + dt.timedelta(day)], "kind": ["works"]}
    ).with_columns(detail=pl.lit(None, pl.String))
    one = found(exchanged(LIVES, 38, 45, day + 1), events=works)
    assert one.facts["pattern"].tolist() == ["pair_named_day"]
    assert not len(found(exchanged(LIVES, 38, 45, day + 1)))


def test_a_ring_of_three_is_one_finding_per_home() -> None:
    kwh = LIVES.copy()
    kwh[[38, 41, 45], SWAP_DAY:] = LIVES[[41, 45, 38], SWAP_DAY:]
    ring = found(kwh)
    assert list(zip(ring.position.tolist(), ring.related.tolist(), strict=True)) == [(38, 41), (41, 45), (45, 38)]
    assert set(ring.facts["pattern"]) == {"ring_scanned"}


def test_who_cannot_be_compared_is_told_apart() -> None:
    view = with_drift(town(LIVES[:36], 12))
    nobody = pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("elsewhere")).otherwise("area_id")
    moved = view.positions.with_columns(area_id=nobody)
    some = dataclasses.replace(view, positions=moved)
    assert nobody_to_compare(some, **LIMITS).tolist() == ["no_neighbours"] + [""] * 35
    assert set(nobody_to_compare(view, **{**LIMITS, "max_members": 8})) == {"group_too_large"}
    assert set(nobody_to_compare(dataclasses.replace(view, fleet_drift={}), **LIMITS)) == {"fleet_too_small"}


def test_silent_where_nothing_was_exchanged_or_nobody_can_tell() -> None:
    assert not len(found(LIVES))
    assert not len(profile_exchange(town(exchanged(LIVES, 38, 45, SWAP_DAY), 12), **LIMITS)), "no drift known"
    same = LIVES.copy()
    same[45] = same[38]
    assert not len(found(exchanged(same, 38, 45, SWAP_DAY))), "two identical homes"
    assert not len(found(np.full_like(LIVES, np.nan)))
    assert not len(profile_exchange(with_drift(panel(registers(np.ones(1)))), **LIMITS))
    other_box = exchanged(LIVES, 38, 55, SWAP_DAY)
    assert not len(found(other_box)), "homes of two boxes are not compared"
