"""J03: which billing periods are out of line."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from anomaly.detectors.j03_periodic_jump import periodic_jump
from anomaly.panel import Panel
from tests.panels import panel

LIMITS: dict[str, Any] = {
    "log_offset_kwh": 0.3, "spread_log": 0.17, "reference_periods": 5, "min_reference_periods": 4,
    "min_period_days": 10.0, "min_z": 3.5, "min_ratio": 1.5, "min_ratio_to_each": 1.3,
    "min_change_kwh_per_day": 1.67,
}  # fmt: skip


def visited(periods: Sequence[tuple[int, float]], **columns: Any) -> Panel:
    """A position read at the end of each (days, kWh per day)."""
    days = sum(length for length, _ in periods)
    register = np.full((1, days + 1), np.nan)
    border, dial = 0, 1000.0
    register[0, 0] = dial
    for length, use in periods:
        border, dial = border + length, dial + length * use
        register[0, border] = dial
    return panel(register, **{"read_frequency": "periodic", **columns})


STEADY = [(30, 8.0), (31, 8.4), (30, 7.8), (31, 8.2), (31, 7.9), (28, 8.1)]
WINTER_PEAK = [(31, 8.0)] * 5 + [(30, 16.0)] + [(31, 8.0)] * 10


@pytest.mark.parametrize(
    ("periods", "fires"),
    [
        pytest.param(STEADY, False, id="nothing happened"),
        pytest.param([*STEADY, (30, 24.0)], True, id="three times as much"),
        pytest.param([*STEADY, (30, 1.0)], True, id="an eighth"),
        pytest.param([*STEADY, (30, 11.0)], False, id="a third more"),
        pytest.param([*STEADY, (30, 24.0), (30, 8.0)], False, id="over again"),
        pytest.param([(61, 8.0)] * 6 + [(30, 8.3)], False, id="two months become one"),
        pytest.param([(30, 8.0)] * 6 + [(61, 8.3)], False, id="one month becomes two"),
        pytest.param([(30, 0.5)] * 6 + [(30, 2.0)], False, id="below the floor"),
        pytest.param([(30, 8.0)] * 3 + [(30, 24.0)], False, id="too few periods"),
        pytest.param([(30, use) for use in (2, 20, 3, 18, 2, 22)], False, id="never the same twice"),
        pytest.param([*STEADY, (4, 24.0)], False, id="a check read is no period"),
        pytest.param([(30, 8.0)], False, id="one period"),
    ],
)
def test_truth_table(periods: list[tuple[int, float]], fires: bool) -> None:
    assert len(periodic_jump(visited(periods), **LIMITS)) == int(fires)


def test_tells_the_period_and_the_energy() -> None:
    told = periodic_jump(visited([*STEADY, (30, 24.0)], multiplier=2.0), **LIMITS)
    start = np.datetime64("2026-01-01") + np.timedelta64(sum(length for length, _ in STEADY), "D")
    assert told.start[0] == start
    assert told.end[0] == start + np.timedelta64(30, "D")
    assert told.facts["after_kwh_per_day"][0] == pytest.approx(48.0)
    assert told.facts["before_kwh_per_day"][0] == pytest.approx(16.2, abs=0.5)
    assert told.facts["period_days"][0] == pytest.approx(30.0)
    assert told.kwh_at_stake[0] == pytest.approx(30 * 32, rel=0.03)


def test_exactly_at_the_limits() -> None:
    periods = [(30, 8.0)] * 5 + [(30, 12.3)]
    z = np.log(12.6 / 8.3) / np.sqrt(0.5 * 0.17**2)
    assert len(periodic_jump(visited(periods), **{**LIMITS, "min_z": z * 0.999}))
    assert not len(periodic_jump(visited(periods), **{**LIMITS, "min_z": z * 1.001}))
    assert not len(
        periodic_jump(visited(periods), **{**LIMITS, "min_z": 1.0, "min_ratio": 12.6 / 8.3 + 0.001})
    )
    assert not len(
        periodic_jump(visited(periods), **{**LIMITS, "min_z": 1.0, "min_change_kwh_per_day": 4.31})
    )
    assert len(periodic_jump(visited(periods), **{**LIMITS, "min_z": 1.0, "min_change_kwh_per_day": 4.3}))


def test_the_same_season_last_year_is_a_reference() -> None:
    alone = [(31, 8.0)] * 6 + [(30, 15.0)]
    like_last_year = [
        (30, 15.0),
        (31, 15.0),
        *[(31, use) for use in (11.0, 8.0, 6.0, 8.0, 8.0)],
        *[(30, 8.0)] * 5,
    ]
    assert len(periodic_jump(visited(alone), **LIMITS))
    assert not len(periodic_jump(visited([*like_last_year, (30, 15.0)]), **LIMITS))
    assert len(periodic_jump(visited([*like_last_year, (30, 30.0)]), **LIMITS))


def test_what_the_cohort_did_too_is_no_jump() -> None:
    fleet = visited([*STEADY, (30, 20.0)])
    days = fleet.shape[1]
    everybody = np.where(np.arange(days) >= days - 30, np.log(2.0), 0.0)
    assert len(periodic_jump(fleet, **LIMITS))
    moved = dataclasses.replace(fleet, cohort_log=np.broadcast_to(everybody, fleet.shape))
    assert not len(periodic_jump(moved, **LIMITS))


def test_a_period_with_an_excluded_day_is_no_reference_and_no_jump() -> None:
    fleet = visited([*STEADY, (30, 24.0)])
    excluded = np.zeros(fleet.shape, bool)
    excluded[0, -5] = True
    assert not len(periodic_jump(fleet.without_days(excluded), **LIMITS))


def test_silent_without_reads_for_daily_and_supply_meters() -> None:
    jump = [*STEADY, (30, 24.0)]
    assert not len(periodic_jump(panel(np.full((1, 200), np.nan), read_frequency="periodic"), **LIMITS))
    assert not len(periodic_jump(visited(jump, read_frequency="daily"), **LIMITS))
    assert not len(periodic_jump(visited(jump, is_supply=True), **LIMITS))
