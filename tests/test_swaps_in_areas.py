"""Exchanges in areas of a hundred homes without boxes, and across boxes where a crew was at work."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import polars as pl
import pytest

from anomaly import swap_scan
from anomaly.emptied import Sides
from anomaly.exchange_score import Newcomer, fit, pair_nats, within_reach
from anomaly.panel import Panel
from anomaly.swap_crews import crews_of
from anomaly.swap_found import Swaps
from anomaly.swap_groups import not_compared
from anomaly.swap_plan import Limits, Plan, Windows
from anomaly.swap_scan import Scan, drift_counts, find_swaps
from tests.lives import DAYS, exchanged, lives, town
from tests.panels import EVENTS, EXCHANGES, panel, registers

NEWCOMER = Newcomer(0.01, 0.05, 4.0, 10.0)
PLAN = Plan(long=Windows(8, 4), short=Windows(4, 2), scan_weeks=26)
KINDS = ("intervals", "daily_minimum", "rates", "daily")
LIMITS = Limits(dict.fromkeys(KINDS, 8.0), dict.fromkeys(KINDS, 12.0), per_log_pairs=dict.fromkeys(KINDS, 2.8))
SCAN = Scan(PLAN, LIMITS, NEWCOMER, max_members=400)
NOBODY = np.empty(0, np.int64)
LIVES = lives(20, 12)
AREA = 120
SWAP_DAY = 100
WORK_DAY = DAYS - 20


def swaps_in(view: Panel, row: np.ndarray = NOBODY, day: np.ndarray = NOBODY) -> Swaps:
    counts = drift_counts(view, PLAN, max_members=SCAN.max_members)
    fleet = {key: one.fleet_spread() for key, one in counts.items()}
    return find_swaps(view, {key: one for key, one in fleet.items() if one is not None}, SCAN, row, day)


def test_a_silent_swap_in_an_area_of_a_hundred_is_found() -> None:
    found = swaps_in(town(exchanged(LIVES, 30, 95, SWAP_DAY), AREA, boxes=False))
    assert found.position.tolist() == [30, 95]
    assert found.members.tolist() == [AREA, AREA]
    assert (np.abs(found.day - SWAP_DAY) <= 2).all()
    assert found.limit_nats == pytest.approx(12.0 + 2.8 * np.log(AREA * (AREA - 1) / 2 / 66))


def test_a_swap_at_a_named_day_in_an_area_of_a_hundred_is_found() -> None:
    view = town(exchanged(LIVES, 30, 95, DAYS - 8), AREA, boxes=False)
    found = swaps_in(view, np.array([30]), np.array([DAYS - 9]))
    assert found.position.tolist() == [30, 95]
    assert found.known.all()


def test_an_area_of_a_hundred_in_order_is_not_accused() -> None:
    assert not len(swaps_in(town(LIVES, AREA, boxes=False)).position)


def test_leaving_out_homes_that_cannot_be_in_a_pair_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    view = town(exchanged(exchanged(LIVES, 30, 95, SWAP_DAY), 150, 151, 60), AREA, boxes=False)
    some = swaps_in(view)
    monkeypatch.setattr(swap_scan, "WHOLE_MEMBERS", 1000)
    everybody = swaps_in(view)
    assert len(some.position) == 4
    assert some.position.tolist() == everybody.position.tolist()
    assert some.day.tolist() == everybody.day.tolist()
    np.testing.assert_allclose(some.nats, everybody.nats, rtol=1e-9)


@pytest.mark.parametrize("limit", [2.0, 6.0, 10.0])
def test_homes_within_reach_hold_every_pair_above_the_limit(limit: float) -> None:
    view = town(exchanged(LIVES, 30, 95, SWAP_DAY), AREA, boxes=False)
    (spread,) = (
        one.fleet_spread() for key, one in drift_counts(view, PLAN, max_members=400).items()
        if key == ("intervals", PLAN.short)
    )  # fmt: skip
    assert spread is not None
    rng = np.random.default_rng(0)
    before = rng.normal(0, 0.1, (6, AREA, 10)) * rng.uniform(0.5, 5.0, (6, AREA, 1))
    after = before + 0.1 * rng.standard_t(3, before.shape)
    after[:, 10:20] = after[:, 19:9:-1]
    after[:, 5] = np.nan
    nats = pair_nats(fit(before, after, spread, NEWCOMER).gain)
    reach = within_reach(before, after, spread, NEWCOMER, None, np.full(6, limit))
    above = np.argwhere(nats >= limit)
    assert len(above)
    expected = np.zeros(reach.shape, bool)
    expected[above[:, 0], above[:, 1]] = True
    assert np.array_equal(reach, expected)
    assert not reach[:, 5].any()
    assert 0 < reach.mean() < 1


def test_sides_keep_only_the_chosen_homes() -> None:
    values = np.arange(24.0).reshape(2, 4, 3)
    chosen = Sides(values, -values, values[:, :1], values[:, :1]).members(np.array([[3, -1], [0, 2]]))
    assert chosen.before[0, 0].tolist() == values[0, 3].tolist()
    assert np.isnan(chosen.after[0, 1]).all()
    assert chosen.after[1].tolist() == (-values[1, [0, 2]]).tolist()


def at_work(view: Panel, *changed: tuple[int, int], works: tuple[tuple[int, int], ...] = ()) -> Panel:
    """The panel with meter changes, and works of the utility, as (row, day)."""
    exchanges = pl.DataFrame(
        {"row": [row for row, _ in changed], "day": [date(day) for _, day in changed]},
        {"row": pl.Int64, "day": pl.Date},
    )
    events = pl.DataFrame(
        {"row": [row for row, _ in works], "at": [dt.datetime.combine(date(day), dt.time(9)) for _, day in works]},
        {"row": pl.Int64, "at": pl.Datetime("us")},
    ).with_columns(kind=pl.lit("works"))
    filled = {
        name: frame.with_columns(
            pl.lit(None, kind).alias(column) for column, kind in schema.items() if column not in frame.columns
        ).select(list(schema))
        for name, frame, schema in (("exchanges", exchanges, EXCHANGES), ("events", events, EVENTS))
    }
    return dataclasses.replace(view, **filled)


def date(day: int) -> dt.date:
    return dt.date(2026, 1, 1) + dt.timedelta(days=day)


ACROSS = town(exchanged(LIVES, 38, 55, WORK_DAY + 1), 12)
AREAS = ACROSS.positions.with_columns(area_id=pl.lit("area ") + (pl.int_range(pl.len()) // 60).cast(pl.String))
CROSSED = dataclasses.replace(ACROSS, positions=AREAS)
ELSEWHERE = dataclasses.replace(
    ACROSS, positions=AREAS.with_columns(area_id=pl.lit("area ") + (pl.int_range(pl.len()) // 12).cast(pl.String))
)


@pytest.mark.parametrize(
    ("view", "told"),
    [
        pytest.param(at_work(CROSSED, (38, WORK_DAY), (55, WORK_DAY)), True, id="both meters changed on one day"),
        pytest.param(at_work(CROSSED, (38, WORK_DAY - 6), (55, WORK_DAY)), True, id="six days apart"),
        pytest.param(at_work(CROSSED, (38, WORK_DAY - 7), (55, WORK_DAY)), False, id="a week apart"),
        pytest.param(at_work(CROSSED, (38, WORK_DAY)), False, id="one meter changed"),
        pytest.param(at_work(CROSSED, (38, WORK_DAY), (39, WORK_DAY)), False, id="two of one box"),
        pytest.param(at_work(CROSSED, works=((36, WORK_DAY), (50, WORK_DAY))), True, id="works at both boxes"),
        pytest.param(at_work(CROSSED, (55, WORK_DAY), works=((36, WORK_DAY),)), True, id="works at one, change at one"),
        pytest.param(at_work(ELSEWHERE, (38, WORK_DAY), (55, WORK_DAY)), False, id="two areas"),
        pytest.param(CROSSED, False, id="no work"),
    ],
)
def test_a_swap_across_boxes_is_found_where_a_crew_was_at_both(view: Panel, told: bool) -> None:
    found = swaps_in(view)
    assert found.position.tolist() == ([38, 55] if told else [])
    assert found.known.tolist() == ([True, True] if told else [])
    if told:
        assert found.source.tolist() == [55, 38]
        assert set(found.day) == {WORK_DAY}


def test_a_crew_at_homes_in_order_accuses_nobody() -> None:
    order = dataclasses.replace(town(LIVES, 12), positions=AREAS)
    assert not len(swaps_in(at_work(order, *((row, WORK_DAY) for row in range(0, 60, 3)))).position)


def test_who_was_at_work_together() -> None:
    boxes = ["x", "x", "y", None, None, "z", "z"]
    view = panel(registers(*np.ones((7, 60))), area_id=["a"] * 5 + ["b"] * 2, box_id=boxes)
    assert not list(crews_of(view, max_members=64))
    (crews,) = crews_of(at_work(view, (0, 20), (2, 22), (5, 20), (6, 20), (3, 40)), max_members=64)
    assert crews.areas.tolist() == [[0, 1, 2, 3, 4, -1]]
    assert crews.day.tolist() == [22]
    assert crews.at_work.tolist() == [[True, False, True, False, False, False]]
    unit = crews.unit[0]
    assert unit[0] == unit[1] != unit[2]
    assert unit[2] == unit[3] == unit[4], "alone in its box counts as without a box: compared within the area anyway"
    assert not list(crews_of(at_work(view, (0, 20), (2, 22)), max_members=4))


def test_an_area_above_the_limit_is_named_as_too_large() -> None:
    view = panel(registers(*np.ones((9, 40))), area_id="a")
    assert set(not_compared(view, max_members=8)) == {"group_too_large"}
    assert set(not_compared(view, max_members=9)) == {""}
