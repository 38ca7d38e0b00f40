"""X04: one home was cut off, and another one went dark."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.x04_cut_elsewhere import cut_elsewhere
from anomaly.panel import Panel
from anomaly.registry import REGISTRY, Detections
from rules.rulebook import load
from tests.cuts import box, events, half_hours, tickets, without

LIMITS: dict[str, Any] = dict(load().detectors["X04"].limit_values())
BEGIN, END = 40.5, 44.5
CUT = ((0, BEGIN, "disconnect"), (0, END, "reconnect"))
LIVES = half_hours()
WRONG_HOME = without(LIVES, 1, BEGIN, END)
OWN_ZERO = without(LIVES, 0, BEGIN, END)
EXTERNAL = {"relay": "external"}
INTERNAL = {"relay": "internal"}
CALL = tickets((1, BEGIN + 0.25, "no_power"))
BREAKER_NATS = np.log(0.95 / (0.002 * 0.01))
RECORD_NATS = np.log(0.95 / (0.02 * 0.01))
CALL_NATS = np.log(150 * 3 * 4)


def found(view: Panel, **limits: Any) -> Detections:
    return cut_elsewhere(view, **{**LIMITS, **limits})


def only(detections: Detections) -> tuple[int, int, float] | None:
    """(cut home, other home, nats) of the one finding, None where there is none."""
    rows = list(zip(detections.position, detections.related, np.round(detections.measured, 6), strict=True))
    assert len(rows) <= 1
    return rows[0] if rows else None


@pytest.mark.parametrize(
    ("kwh", "happened", "columns", "nats"),
    [
        pytest.param(WRONG_HOME, CUT, EXTERNAL, BREAKER_NATS, id="the neighbour stood still"),
        pytest.param(WRONG_HOME, CUT, {"relay": None}, RECORD_NATS, id="relay not on file"),
        pytest.param(WRONG_HOME, CUT, {"relay": "none"}, RECORD_NATS, id="no relay"),
        pytest.param(WRONG_HOME, CUT, INTERNAL, None, id="an internal relay was open: nobody could count on"),
        pytest.param(OWN_ZERO, CUT, EXTERNAL, None, id="the cut home stood still"),
        pytest.param(without(WRONG_HOME, 0, BEGIN, END), CUT, EXTERNAL, None, id="both stood still"),
        pytest.param(LIVES, CUT, EXTERNAL, None, id="nobody stood still"),
        pytest.param(WRONG_HOME, (), EXTERNAL, None, id="nobody was cut off"),
        pytest.param(
            WRONG_HOME, (*CUT, (1, BEGIN, "disconnect"), (1, END, "reconnect")), EXTERNAL, None, id="both were cut off",
        ),
        pytest.param(without(LIVES, 1, BEGIN - 6, END), CUT, EXTERNAL, None, id="dark long before"),
        pytest.param(without(LIVES, 1, BEGIN, END + 6), CUT, EXTERNAL, None, id="dark long after"),
        pytest.param(
            without(LIVES, 1, BEGIN, 60), CUT[:1], EXTERNAL, np.log(0.95 / (0.002 * 0.05)), id="not reconnected yet",
        ),
        pytest.param(np.full_like(LIVES, np.nan), CUT, EXTERNAL, None, id="all missing"),
        pytest.param(LIVES[:, :1], ((0, 0.5, "disconnect"),), EXTERNAL, None, id="one day"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("curve", [True, False], ids=["by half-hours", "by days"])
def test_whose_meter_stood_still(
    kwh: np.ndarray, happened: Any, columns: dict[str, Any], nats: float | None, curve: bool
) -> None:
    told = only(found(box(kwh, events(*happened), curve=curve, **columns)))
    assert told == (None if nats is None else (0, 1, pytest.approx(nats, abs=1e-5)))


def test_a_home_that_often_stands_still_proves_less() -> None:
    often = without(without(WRONG_HOME, 1, 5, 17), 1, 20, 25)
    (nats,) = found(box(often, events(*CUT), **EXTERNAL)).measured
    assert nats == pytest.approx(np.log(0.95 / (0.002 * 17 / 56)), abs=1e-5)


def test_a_cut_of_hours_shows_in_a_curve_only() -> None:
    short = ((0, 40.75, "disconnect"), (0, 40.75 + 1 / 12, "reconnect"))
    dark = without(LIVES, 1, 40.75, 40.75 + 1 / 12)
    assert only(found(box(dark, events(*short), **EXTERNAL))) == (0, 1, pytest.approx(BREAKER_NATS, abs=1e-5))
    assert not len(found(box(dark, events(*short), curve=False, **EXTERNAL)))
    shorter = ((0, 40.75, "disconnect"), (0, 40.75 + 1 / 12 - 1 / 48, "reconnect"))
    assert not len(found(box(dark, events(*shorter), **EXTERNAL))), "just below the least hours"


def test_a_curve_without_use_that_the_register_contradicts_is_no_darkness() -> None:
    view = box(LIVES, events(*CUT), **EXTERNAL)
    lost = dataclasses.replace(view.curves[0], kwh=WRONG_HOME)
    assert not len(found(dataclasses.replace(view, curves=(lost,))))


@pytest.mark.parametrize("kwh", [OWN_ZERO, LIVES], ids=["its own meter is at zero", "its own meter counts on"])
@pytest.mark.parametrize("curve", [True, False], ids=["by half-hours", "by days"])
def test_the_own_zero_of_an_internal_relay_has_a_likelihood_ratio_of_one(kwh: np.ndarray, curve: bool) -> None:
    """A meter with its relay inside counts nothing while that is open, whoever it feeds."""
    assert not len(found(box(kwh, events(*CUT), curve=curve, **INTERNAL)))
    called = box(kwh, events(*CUT), CALL, curve=curve, **INTERNAL)
    assert only(found(called)) == (0, 1, pytest.approx(CALL_NATS if curve else np.log(150 * 3), abs=1e-5))


def test_an_internal_relay_and_a_neighbour_on_holiday_accuse_nobody() -> None:
    away = OWN_ZERO.copy()
    away[1, 38:50] *= 0.05
    assert not len(found(box(away, events(*CUT), **INTERNAL)))
    assert not len(found(box(away, events(*CUT), curve=False, **INTERNAL)))
    assert not len(found(box(without(away, 1, 38, 50), events(*CUT), **INTERNAL)))


@pytest.mark.parametrize(
    ("happened", "reported", "columns", "nats"),
    [
        pytest.param((), CALL, {}, CALL_NATS, id="the neighbour called"),
        pytest.param((), tickets((1, 40.0, "no_power")), {}, CALL_NATS, id="only the day of the call is known"),
        pytest.param((), tickets((1, BEGIN + 1.0, "no_power")), {}, CALL_NATS, id="24 hours later"),
        pytest.param((), tickets((1, BEGIN + 1.1, "no_power")), {}, np.log(30 * 3 * 4), id="on the second day"),
        pytest.param((), tickets((1, BEGIN + 2.0, "no_power")), {}, np.log(30 * 3 * 4), id="48 hours later"),
        pytest.param((), tickets((1, BEGIN + 2.1, "no_power")), {}, None, id="later"),
        pytest.param((), tickets((1, BEGIN - 0.1, "no_power")), {}, None, id="before the cut"),
        pytest.param((), tickets((1, BEGIN + 0.25, "meter_fault")), {}, None, id="another complaint"),
        pytest.param((), tickets((1, 40.75, "no_power"), (0, 41.0, "no_power")), {}, None, id="both called"),
        pytest.param(((1, 40.6, "outage_start"),), CALL, {}, None, id="an outage of its own"),
        pytest.param(((1, 40.3, "disconnect"),), CALL, {}, None, id="a disconnection of its own"),
        pytest.param(((3, 40.3, "works"),), CALL, {}, None, id="works at the box"),
        pytest.param(((3, 41.3, "works"),), CALL, {}, CALL_NATS, id="works after the call"),
        pytest.param(
            tuple((home, 40.6, "outage_start") for home in (2, 3, 4)), CALL, {}, None, id="an outage of the area",
        ),
        pytest.param(
            tuple((home, 40.6, "outage_start") for home in (2, 3)), CALL, {}, CALL_NATS, id="outages of two others",
        ),
        pytest.param((), CALL, {"status": "vacant"}, np.log(150 * 4), id="nobody lives there who could call"),
        pytest.param(
            (), tickets((1, 40.75, "no_power"), (2, 40.8, "no_power")), {}, CALL_NATS - np.log(2), id="two called",
        ),
        pytest.param(
            (), tickets(*((home, 40.75, "no_power") for home in (1, 2, 3, 4))), {}, CALL_NATS - np.log(4),
            id="all of them called",
        ),
        pytest.param((), None, {}, None, id="nobody called"),
        pytest.param((), CALL, {"box_id": None, "area_id": None}, None, id="no neighbours on file"),
        pytest.param((), CALL, {"account_id": "one"}, None, id="two points of one account"),
    ],
)  # fmt: skip
def test_who_called(happened: Any, reported: pl.DataFrame | None, columns: dict[str, Any], nats: float | None) -> None:
    view = box(OWN_ZERO, events(*CUT, *happened), reported, **{**INTERNAL, **columns})
    told = found(view)
    assert told.measured.tolist() == ([] if nats is None else [pytest.approx(nats, abs=1e-5)])
    assert told.facts.get("pattern", np.array([])).tolist() == ["neighbour_called"] * len(told)


def test_a_caller_whose_own_meter_stands_still_lost_power_himself() -> None:
    view = box(without(OWN_ZERO, 1, 40.7, 40.9), events(*CUT), CALL, **INTERNAL)
    assert not len(found(view))


def test_a_short_cut_makes_the_silence_worthless() -> None:
    short = ((0, BEGIN, "disconnect"), (0, BEGIN + 2.9, "reconnect"))
    (nats,) = found(box(LIVES, events(*short), CALL, **INTERNAL)).measured
    assert nats == pytest.approx(np.log(150 * 4), abs=1e-5)
    assert not len(found(box(LIVES, events(*CUT), CALL, **INTERNAL), min_nats=CALL_NATS + 1e-5)), "below the limit"
    assert len(found(box(LIVES, events(*CUT), CALL, **INTERNAL), min_nats=round(CALL_NATS, 6))), "exactly at it"


def test_no_home_is_accused_with_two_others_and_no_pair_twice() -> None:
    twice = (*CUT, (0, 50.5, "disconnect"), (0, 53.5, "reconnect"))
    reported = tickets((1, 40.75, "no_power"), (1, 50.75, "no_power"))
    assert only(found(box(LIVES, events(*twice), reported, **INTERNAL))) is not None
    both = (*CUT, (2, BEGIN, "disconnect"), (2, END, "reconnect"))
    assert only(found(box(LIVES, events(*both), CALL, **INTERNAL))) == (0, 1, pytest.approx(CALL_NATS, abs=1e-5))


def test_the_finding_tells_the_cut_and_lasts() -> None:
    told = found(box(WRONG_HOME, events(*CUT), **EXTERNAL))
    facts = {name: values[0] for name, values in told.facts.items()}
    assert (str(told.start[0]), str(told.end[0])) == ("2026-02-10", "2026-03-02")
    assert str(facts["cut_at"]) == "2026-02-10T12:00"
    assert str(facts["back_at"]) == "2026-02-14T12:00"
    assert facts["pattern"] == "meter_ran_on"
    assert told.kwh_at_stake[0] == pytest.approx(60 * 8.0 - 56 * 5.0, abs=1e-3)


def test_alone_nobody_can_be_compared() -> None:
    alone = box(LIVES, events(*CUT), box_id=[None, *["box"] * 4], area_id=[None, *["area"] * 4])
    assert REGISTRY["X04"].unjudged(alone, **LIMITS).tolist() == ["no_neighbours", "", "", "", ""]
