"""X14: the voltage of a meter follows another area than the one it is filed under."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from anomaly.detectors.x14_area_voltage import area_voltage, nothing_to_follow
from anomaly.panel import Panel
from anomaly.registry import Detections
from rules.rulebook import load
from tests.feeders import Network, filed, network
from tests.panels import panel, registers

LIMITS = load().detectors["X14"].limit_values()
MADE = network()
WRONG = 5
ELSEWHERE = 2


def misfiled(made: Network) -> np.ndarray:
    area = made.area.copy()
    area[WRONG] = ELSEWHERE
    return area


def found(view: Panel, **limits: object) -> Detections:
    return area_voltage(view, **{**LIMITS, **limits})


def test_one_meter_filed_under_another_area_is_told_with_both_areas() -> None:
    one = found(filed(MADE, area=misfiled(MADE)))
    assert one.position.tolist() == [WRONG]
    assert one.related.tolist() == [-1]
    assert one.facts["filed_area_text"].tolist() == ["T2"]
    assert one.facts["followed_area_text"].tolist() == ["T0"]
    assert one.facts["followed_match_percent"][0] > one.facts["filed_match_percent"][0] + 10
    assert one.measured[0] > LIMITS["standard_errors"]
    assert one.kwh_at_stake.tolist() == [0.0]
    assert one.start.tolist() == [np.datetime64("2026-01-01").astype(object)]


@pytest.mark.parametrize(
    ("view", "count"),
    [
        pytest.param(filed(MADE), 0, id="all-filed-rightly"),
        pytest.param(filed(MADE, area=misfiled(MADE), phase=np.full(len(MADE.area), -1)), 1, id="no-phase-on-file"),
        pytest.param(filed(MADE, area=misfiled(MADE), phase=np.zeros(len(MADE.area))), 1, id="all-filed-on-phase-A"),
        pytest.param(filed(MADE, phase=np.zeros(len(MADE.area))), 0, id="all-on-phase-A-and-right"),
        pytest.param(filed(network(days=1), area=misfiled(MADE)), 0, id="one-day"),
        pytest.param(filed(network(areas=1)), 0, id="one-area"),
        pytest.param(filed(network(area_v=0.0, box_v=0.0), area=misfiled(MADE)), 0, id="nothing-but-the-feeder"),
        pytest.param(filed(dataclasses.replace(MADE, voltage_v=np.full_like(MADE.voltage_v, np.nan))), 0, id="all-NaN"),
        pytest.param(filed(dataclasses.replace(MADE, voltage_v=np.full_like(MADE.voltage_v, 230.0))), 0, id="constant"),
        pytest.param(panel(registers(np.ones(3))), 0, id="no-electrical-reads"),
    ],
)
def test_truth_table(view: Panel, count: int) -> None:
    assert len(found(view)) == count


def test_limit_itself_is_silent() -> None:
    view = filed(MADE, area=misfiled(MADE))
    lead = found(view).measured[0]
    assert not len(found(view, standard_errors=lead))
    assert len(found(view, standard_errors=lead - 0.01))


def test_only_areas_on_file_as_neighbours_are_candidates() -> None:
    area = misfiled(MADE)
    assert len(found(filed(MADE, area=area, neighbours=np.array([[0, 2], [2, 0]])))) == 1
    assert not len(found(filed(MADE, area=area, neighbours=np.array([[1, 2], [2, 1]]))))


def test_every_fourth_hour_is_enough_and_an_outage_does_no_harm() -> None:
    sparse = network(days=56)
    sparse.voltage_v[:, np.arange(sparse.hours) % 4 != 0] = np.nan
    sparse.voltage_v[:, 400:420] = 0.0
    assert found(filed(sparse, area=misfiled(sparse))).position.tolist() == [WRONG]
    assert not len(found(filed(sparse)))


def test_the_wrong_half_alone_is_not_enough() -> None:
    moved = MADE.voltage_v.copy()
    half = MADE.hours // 2
    twin = int(np.flatnonzero((MADE.area == 1) & (MADE.phase == MADE.phase[WRONG]))[0])
    moved[WRONG, half:] = moved[twin, half:]
    assert not len(found(filed(dataclasses.replace(MADE, voltage_v=moved))))


def test_the_scale_of_the_voltage_does_not_matter() -> None:
    area = misfiled(MADE)
    secondary = dataclasses.replace(MADE, voltage_v=MADE.voltage_v / 2.3)
    usual, scaled = found(filed(MADE, area=area)), found(filed(secondary, area=area))
    assert scaled.position.tolist() == usual.position.tolist()
    assert scaled.measured == pytest.approx(usual.measured, rel=1e-3)


def test_the_phase_is_told_where_supply_meters_show_it_and_it_differs() -> None:
    long = network(days=35, seed=3)
    supply = np.stack(
        [
            [np.nanmean(long.voltage_v[(long.area == one) & (long.phase == live)], axis=0) for live in range(3)]
            for one in range(4)
        ]
    )
    phase = long.phase.copy()
    phase[WRONG] = (long.phase[WRONG] + 1) % 3
    area = misfiled(long)
    one = found(filed(long, area=area, phase=phase, supply_v=supply))
    assert one.facts["followed_phase_text"].tolist() == ["ABC"[long.phase[WRONG]]]
    assert one.facts["filed_phase_text"].tolist() == ["ABC"[phase[WRONG]]]
    right = found(filed(long, area=area, supply_v=supply))
    assert right.facts["followed_phase_text"].tolist() == [None]
    habit = found(filed(long, area=area, phase=np.zeros(len(phase)), supply_v=supply))
    assert habit.facts["followed_phase_text"].tolist() == [None], "where all are filed on A, A means nothing"
    short = found(filed(MADE, area=misfiled(MADE), supply_v=supply[:, :, : MADE.hours]))
    assert short.facts["followed_phase_text"].tolist() == [None], "two weeks do not tell a phase"


def test_who_is_not_judged_is_told_why() -> None:
    assert set(nothing_to_follow(filed(MADE), **LIMITS)) == {""}
    assert set(nothing_to_follow(filed(network(areas=1)), **LIMITS)) == {"no_neighbours"}
    assert set(nothing_to_follow(filed(network(days=1)), **LIMITS)) == {"too_few_reads"}
    assert set(nothing_to_follow(panel(registers(np.ones(3))), **LIMITS)) == {"no_electrical"}
    dead = MADE.voltage_v.copy()
    dead[WRONG] = np.nan
    why = nothing_to_follow(filed(dataclasses.replace(MADE, voltage_v=dead)), **LIMITS)
    assert why[WRONG] == "no_electrical"
    assert (np.delete(why, WRONG) == "").all()
