"""X03: a move on file that shows at a neighbour's meter."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from anomaly.detectors.x03_move_elsewhere import move_elsewhere
from anomaly.load_steps import around, best_split, change_at_middle
from anomaly.panel import Panel
from anomaly.registry import REGISTRY, Detections
from rules.rulebook import load
from tests.panels import panel, registers

LIMITS = load().detectors["X03"].limit_values()
DAYS = 120
MOVE = 60
START = dt.date(2026, 1, 1)
VACANT = "vacant"


def day(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


def life(*parts: tuple[int, float]) -> list[float]:
    """Levels one after the other, (days, kWh), with a weekly rhythm."""
    levels = np.concatenate([np.full(days, kwh) for days, kwh in parts])
    return (levels * (1.0 + 0.15 * np.sin(np.arange(len(levels)) * 2 * np.pi / 7))).tolist()


STEADY = [life((DAYS, kwh)) for kwh in (7.0, 9.0, 5.0)]


def begins(at: int = MOVE) -> list[float]:
    return life((at, 0.2), (DAYS - at, 8.0))


def ends(at: int = MOVE) -> list[float]:
    return life((at, 8.0), (DAYS - at, 0.2))


def box(*homes: list[float], **columns: Any) -> Panel:
    return panel(registers(*homes), **{"box_id": "b", "area_id": "a", **columns})


def came(*homes: list[float], at: int = MOVE, **columns: Any) -> Panel:
    """A new customer in the first home on a day."""
    return box(*homes, **{"customer_since": [day(at), *[None] * (len(homes) - 1)], **columns})


def left(*homes: list[float], at: int = MOVE) -> Panel:
    """The first home is left on a day."""
    others = len(homes) - 1
    return box(*homes, status=[VACANT, *["active"] * others], status_since=[day(at), *[None] * others])


def found(known: Panel, **limits: float) -> Detections:
    return move_elsewhere(known, **{**LIMITS, **limits})


def pairs(known: Panel, **limits: float) -> list[tuple[int, int]]:
    told = found(known, **limits)
    return list(zip(told.position.tolist(), told.related.tolist(), strict=True))


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(came(STEADY[0], begins(), *STEADY[1:]), [(0, 1)], id="use begins next door"),
        pytest.param(came(STEADY[0], ends(), *STEADY[1:]), [(0, 1)], id="people came, a smaller household"),
        pytest.param(left(STEADY[0], ends(), *STEADY[1:]), [(0, 1)], id="use ends next door"),
        pytest.param(left(STEADY[0], begins(), *STEADY[1:]), [], id="people left, use begins"),
        pytest.param(came(begins(), begins(), *STEADY[1:]), [], id="it shows here as well"),
        pytest.param(left(ends(), ends(), *STEADY[1:]), [], id="it ends here as well"),
        pytest.param(came(*STEADY), [], id="it shows nowhere"),
        pytest.param(came(STEADY[0], begins(MOVE + 6), *STEADY[1:]), [], id="six days off"),
        pytest.param(came(STEADY[0], life((MOVE, 4.0), (60, 7.0)), *STEADY[1:]), [], id="a small step"),
        pytest.param(box(STEADY[0], begins(), *STEADY[1:]), [], id="no move on file"),
        pytest.param(came(STEADY[0], begins(30), *STEADY[1:], at=30), [(0, 1)], id="a month after the first read"),
        pytest.param(came(STEADY[0], begins(29), *STEADY[1:], at=29), [], id="sooner"),
        pytest.param(left(STEADY[0], ends(90), *STEADY[1:], at=90), [(0, 1)], id="a month before the last read"),
        pytest.param(left(STEADY[0], ends(91), *STEADY[1:], at=91), [], id="later: that may be a holiday"),
        pytest.param(came(STEADY[0], begins(), *STEADY[1:], read_frequency="monthly"), [], id="read monthly"),
        pytest.param(came(STEADY[0], begins(), *STEADY[1:], box_id=["b", "c", "b", "c"]), [], id="another box"),
        pytest.param(came(STEADY[0], begins(), status=["active", VACANT]), [], id="neighbour is empty on file"),
        pytest.param(came(STEADY[0], begins(), *STEADY[1:], customer_since=[day(MOVE), day(MOVE + 9), None, None]), [],
                     id="neighbour has a move of its own"),
    ],
)  # fmt: skip
def test_whose_move_shows_where(known: Panel, expected: list[tuple[int, int]]) -> None:
    assert pairs(known) == expected


@pytest.mark.parametrize(("apart", "expected"), [pytest.param(5, 1, id="at the limit"), pytest.param(6, 0, id="off")])
def test_how_far_apart_the_dates_may_lie(apart: int, expected: int) -> None:
    for at in (MOVE - apart, MOVE + apart):
        assert len(found(came(STEADY[0], begins(at), *STEADY[1:]), min_nats=-9.0)) == expected


def test_what_is_told() -> None:
    told = found(came(STEADY[0], begins(MOVE + 1), *STEADY[1:]))
    assert told.start.tolist() == [day(MOVE)]
    assert told.end.tolist() == [day(DAYS)]
    assert told.facts["moved_day"].tolist() == [day(MOVE)]
    assert told.facts["step_day"].tolist() == [day(MOVE + 1)]
    assert told.facts["related_before_kwh_per_day"][0] == pytest.approx(0.2, abs=0.02)
    assert told.facts["related_after_kwh_per_day"][0] == pytest.approx(8.0, abs=0.2)
    assert told.facts["pattern"].tolist() == ["people_came"]
    assert told.measured.tolist() == told.strength.tolist()


def test_the_nats_are_those_of_the_formula() -> None:
    told = found(came(STEADY[0], begins(MOVE + 2), *STEADY[1:]))
    on_date = np.log(np.exp(-0.5) / (2 * np.sqrt(2 * np.pi))) + np.log(70)
    steps = np.log(0.45 / 0.055) + np.log(0.89 / 0.24) - np.log(3)
    assert told.measured[0] == pytest.approx(on_date + steps, abs=1e-4)


def test_people_who_left_count_by_the_date_alone() -> None:
    told = found(left(STEADY[0], ends(), *STEADY[1:]))
    assert told.measured[0] == pytest.approx(np.log(70 / (2 * np.sqrt(2 * np.pi))), abs=1e-4)
    assert told.facts["pattern"].tolist() == ["people_left"]


def test_several_neighbours_share_the_evidence_and_one_is_named() -> None:
    one = found(came(STEADY[0], begins(), *STEADY[1:]))
    two = found(came(STEADY[0], begins(), begins(), STEADY[1]))
    assert two.related.tolist() == [1]
    assert two.facts["candidates_count"].tolist() == [2]
    assert one.measured[0] - two.measured[0] == pytest.approx(np.log(2), abs=1e-4)


def test_two_moves_of_one_home_are_one_finding() -> None:
    known = came(STEADY[0], begins(), *STEADY[1:], status_since=[day(MOVE + 1), None, None, None])
    told = found(known)
    assert told.facts["candidates_count"].tolist() == [1]
    assert told.facts["moved_day"].tolist() == [day(MOVE)]


def test_a_step_taken_for_a_stopped_meter_is_still_a_step() -> None:
    silent = life((MOVE, 8.0), (DAYS - MOVE, 0.0))
    known = left(STEADY[0], silent, *STEADY[1:])
    spoiled = np.zeros(known.shape, bool)
    spoiled[1, MOVE:] = True
    assert pairs(known.without_days(spoiled)) == [(0, 1)]


def test_missing_days_are_bridged_and_nothing_is_no_home() -> None:
    read = registers(STEADY[0], begins(), *STEADY[1:])
    read[1, 70:75] = np.nan
    known = panel(read, box_id="b", area_id="a", customer_since=[day(MOVE), None, None, None])
    assert pairs(known) == [(0, 1)]
    assert len(found(panel(np.empty((0, DAYS + 1))))) == 0
    assert len(found(panel(np.ones((2, 2)), box_id="b", customer_since=START))) == 0


def test_who_cannot_be_judged() -> None:
    assert REGISTRY["X03"].unjudged(came(STEADY[0]), **LIMITS).tolist() == ["no_neighbours"]


@pytest.mark.parametrize(
    ("values", "offset", "change"),
    [
        pytest.param([1.0] * 10 + [3.0] * 10, 0, 2.0, id="in the middle"),
        pytest.param([1.0] * 7 + [3.0] * 13, -3, 2.0, id="earlier"),
        pytest.param([1.0] * 13 + [np.nan] * 2 + [0.0] * 5, 3, -1.0, id="days missing at the step"),
    ],
)
def test_the_best_split(values: list[float], offset: int, change: float) -> None:
    steps = best_split(np.array([values]), 3)
    assert steps.offset.tolist() == [offset]
    assert steps.change_log.tolist() == [change]
    assert steps.share[0] == pytest.approx(1.0)


def test_no_split_where_there_is_nothing_to_split() -> None:
    flat, empty = np.ones((1, 20)), np.full((1, 20), np.nan)
    assert best_split(flat, 3).share.tolist() == [0.0]
    assert best_split(empty, 3).share.tolist() == [0.0]
    assert np.isnan(change_at_middle(empty, 3)).all()
    assert best_split(np.array([[1.0] * 2 + [5.0] * 18]), 3).share[0] < 1.0


def test_a_window_reaches_beyond_the_reads() -> None:
    window = around(np.arange(5.0)[None], np.array([0]), np.array([1]), 3)
    assert np.isnan(window[0, :2]).all()
    assert window[0, 2:].tolist() == [0.0, 1.0, 2.0, 3.0]
