"""X07: an absence on file that shows in a neighbour's curve."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.daily_cycle import cycle_kept
from anomaly.detectors.x07_absence_elsewhere import absence_elsewhere
from anomaly.panel import Panel
from anomaly.registry import REGISTRY, Detections
from rules.rulebook import load
from tests.panels import panel, registers

LIMITS = load().detectors["X07"].limit_values()
DAYS = 60
LEFT_ON = 40
START = dt.date(2026, 1, 1)
VACANT = "vacant"
EVENING = 0.1 + np.exp(-((np.arange(48) - 38) ** 2) / 20)


def day(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


def home(kwh: float) -> np.ndarray:
    """`[D, 48]` a home with an evening."""
    return np.tile(kwh * EVENING / EVENING.sum(), (DAYS, 1))


def empty(kwh: float, first: int, end: int = DAYS, flat_kwh: float = 0.4) -> np.ndarray:
    """The same, left on some days: then a standing load."""
    curve = home(kwh)
    curve[first:end] = flat_kwh / 48
    return curve


def box(*curves: np.ndarray, minutes: int = 30, first_day: int = 0, **columns: Any) -> Panel:
    """One box of homes with curves, the first left on LEFT_ON."""
    others = len(curves) - 1
    left = {"status": [VACANT, *["active"] * others], "status_since": [day(LEFT_ON), *[None] * others]}
    kwh = np.stack(curves).reshape(len(curves), DAYS, -1, minutes // 30).sum(axis=3)
    read = registers(*(curve.sum(axis=1).tolist() for curve in curves))
    told = (minutes, range(len(curves)), first_day, kwh[:, first_day:])
    return panel(read, **{"box_id": "b", "area_id": "a", "curve": told, **left, **columns})


def switched(*events: tuple[int, str], **columns: Any) -> dict[str, Any]:
    """Everybody active, the first home's supply switched on some days at nine."""
    rows = [(0, "meter-0", dt.datetime.combine(day(at), dt.time(9)), kind) for at, kind in events]
    named = pl.DataFrame(rows, ["row", "meter_id", "at", "kind"], orient="row")
    return {"status": "active", "status_since": None, "events": named, "relay": "external", **columns}


def found(known: Panel, **limits: float) -> Detections:
    return absence_elsewhere(known, **{**LIMITS, **limits})


def pairs(known: Panel, **limits: float) -> list[tuple[int, int]]:
    told = found(known, **limits)
    return list(zip(told.position.tolist(), told.related.tolist(), strict=True))


OTHERS = [home(7.0), home(9.0)]
CUT, BACK = (30, "disconnect"), (36, "reconnect")
GONE = empty(6.0, 30, 37)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(box(home(8.0), empty(6.0, LEFT_ON), *OTHERS), [(0, 1)], id="swapped"),
        pytest.param(box(home(8.0), empty(6.0, LEFT_ON, flat_kwh=0.0), *OTHERS), [(0, 1)], id="dark"),
        pytest.param(box(empty(8.0, LEFT_ON), empty(6.0, LEFT_ON), *OTHERS), [], id="both gone"),
        pytest.param(box(empty(8.0, LEFT_ON), home(6.0), *OTHERS), [], id="as it should be"),
        pytest.param(box(home(8.0), home(6.0), *OTHERS), [], id="used, everybody at home"),
        pytest.param(box(home(8.0), empty(6.0, LEFT_ON), *OTHERS, status="active"), [], id="nobody left on file"),
        pytest.param(box(home(8.0), empty(6.0, LEFT_ON), *OTHERS, status=VACANT), [], id="all empty on file"),
        pytest.param(box(home(8.0), empty(6.0, LEFT_ON), *OTHERS, curve=None), [], id="no curves"),
        pytest.param(box(home(8.0), empty(6.0, LEFT_ON), *OTHERS, first_day=35), [], id="curves too young"),
        pytest.param(box(home(8.0), empty(6.0, 0), *OTHERS), [], id="flat since ever"),
        pytest.param(box(home(8.0), empty(6.0, LEFT_ON), *OTHERS, box_id=["b", "c", "b", "c"]), [], id="another box"),
        pytest.param(box(home(8.0), GONE, *OTHERS, **switched(CUT, BACK)), [(0, 1)], id="cut off outside the meter"),
        pytest.param(box(home(8.0), GONE, *OTHERS, **switched(CUT, BACK, relay="none")), [(0, 1)], id="no relay"),
        pytest.param(box(home(8.0), GONE, *OTHERS, **switched(CUT, BACK, relay="internal")), [], id="relay inside"),
        pytest.param(box(home(8.0), GONE, *OTHERS, **switched(CUT, BACK, relay=None)), [], id="relay not on file"),
        pytest.param(box(home(8.0), empty(6.0, 30), *OTHERS, **switched(CUT)), [(0, 1)], id="never reconnected"),
    ],
)
def test_whose_absence_shows_where(known: Panel, expected: list[tuple[int, int]]) -> None:
    assert pairs(known) == expected


def test_a_meter_darkened_by_its_own_relay_says_nothing_whoever_it_feeds() -> None:
    events = switched(CUT, BACK, relay="internal")
    as_filed = box(empty(8.0, 30, 37, 0.0), home(6.0), *OTHERS, **events)
    assert pairs(as_filed) == []
    assert pairs(box(empty(8.0, 30, 37, 0.0), GONE, *OTHERS, **events)) == []


@pytest.mark.parametrize(
    ("back", "expected"),
    [pytest.param(34, [(0, 1)], id="three whole days"), pytest.param(33, [], id="two")],
)
def test_three_whole_days_are_needed(back: int, expected: list[tuple[int, int]]) -> None:
    known = box(home(8.0), empty(6.0, 30, 37), *OTHERS, **switched(CUT, (back, "reconnect")))
    assert pairs(known) == expected


def test_what_is_told_and_never_more_than_the_most() -> None:
    told = found(box(home(8.0), empty(6.0, LEFT_ON, flat_kwh=0.0)))
    assert told.facts["absent_days"].tolist() == [DAYS - LEFT_ON - 3]
    assert told.start.tolist() == [day(LEFT_ON + 3)]
    assert told.facts["kept_percent"][0] == pytest.approx(100.0)
    assert told.facts["related_kept_percent"].tolist() == [0.0]
    assert told.facts["pattern"].tolist() == ["moved_away"]
    assert told.measured.tolist() == [LIMITS["most_nats"]]
    assert found(box(home(8.0), GONE, **switched(CUT, BACK))).facts["pattern"].tolist() == ["cut_off"]


def test_several_neighbours_weaken_it_and_one_is_named() -> None:
    def nats(*homes: np.ndarray) -> Detections:
        return found(box(home(8.0), *homes), most_nats=99.0, min_nats=-99.0)

    one, four = nats(empty(6.0, LEFT_ON)), nats(empty(6.0, LEFT_ON), *OTHERS, home(5.0))
    assert one.measured[0] - four.measured[0] == pytest.approx(np.log(4), abs=1e-4)
    two = nats(empty(6.0, LEFT_ON), empty(6.0, LEFT_ON))
    assert two.related.tolist() == [1]
    assert two.facts["candidates_count"].tolist() == [2]


@pytest.mark.parametrize(
    ("swing", "expected"),
    [pytest.param(0.29, [(0, 1)], id="lost"), pytest.param(0.31, [], id="kept in part")],
)
def test_how_much_of_the_cycle_is_lost(swing: float, expected: list[tuple[int, int]]) -> None:
    curve = home(6.0)
    curve[LEFT_ON:] *= swing
    assert pairs(box(home(8.0), curve, *OTHERS)) == expected


def test_a_neighbour_without_supply_is_quiet_for_its_own_reason() -> None:
    off = pl.DataFrame({"row": [1], "meter_id": ["meter-1"], "at": [dt.datetime(2026, 2, 8)], "kind": ["outage_start"]})
    assert pairs(box(home(8.0), empty(6.0, LEFT_ON), *OTHERS, events=off)) == []


@pytest.mark.parametrize("minutes", [30, 60])
def test_the_swing_is_that_of_the_hours(minutes: int) -> None:
    curve = home(6.0)
    curve[LEFT_ON:] *= 0.25
    known = box(home(8.0), curve, minutes=minutes)
    spans = np.array([0, 1]), np.array([LEFT_ON] * 2), np.array([LEFT_ON] * 2), np.array([DAYS] * 2)
    kept = cycle_kept(known, *spans, before_days=28, least_before=10, least_days=3)
    assert kept == pytest.approx([1.0, 0.25], abs=1e-4)


def test_days_with_gaps_do_not_count() -> None:
    curve = home(6.0)
    known = box(home(8.0), curve)
    known.curves[0].kwh[1, LEFT_ON + 2 :, 5] = np.nan
    spans = np.array([0, 1]), np.array([LEFT_ON] * 2), np.array([LEFT_ON] * 2), np.array([DAYS] * 2)
    kept = cycle_kept(known, *spans, before_days=28, least_before=10, least_days=3)
    assert np.isfinite(kept).tolist() == [True, False]


def test_nothing_to_look_at() -> None:
    assert len(found(panel(np.empty((0, DAYS + 1))))) == 0
    assert REGISTRY["X07"].unjudged(box(home(8.0)), **LIMITS).tolist() == ["no_neighbours"]
