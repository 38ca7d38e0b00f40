"""J01: which changes of level are told, and since when."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from anomaly.detectors.j01_sustained_jump import sustained_jump
from anomaly.panel import Panel
from anomaly.registry import Detections
from tests.panels import panel, registers

LIMITS: dict[str, Any] = {
    "reference_days": 112, "window_days": 30, "step_days": 4, "min_measured_days": 12,
    "degrees_of_freedom": 4.0, "log_offset_kwh": 0.3, "fleet_log_sigma": 0.3, "drift_log": 0.17,
    "idle_share": 0.2, "unused_share": 0.95, "min_gain": 1.0, "min_ratio": 1.3,
    "min_change_kwh_per_day": 1.67,
}  # fmt: skip
DAYS = 142
SPLIT = DAYS - 30


def home(level_kwh: float = 10.0, days: int = DAYS, seed: int = 1) -> np.ndarray:
    """An ordinary home: 20 % from day to day, a quarter more at weekends, in hundredths of a kWh."""
    rng = np.random.default_rng(seed)
    week = np.where(np.arange(days) % 7 < 2, 1.25, 1.0)
    return np.round(level_kwh * week * rng.lognormal(0, 0.2, days), 2)


def found(*homes: np.ndarray, limits: dict[str, Any] | None = None, **columns: Any) -> Detections:
    return sustained_jump(panel(registers(*homes), **columns), **{**LIMITS, **(limits or {})})


def changed(factor: float = 1.0, added_kwh: float = 0.0, since: int = SPLIT, **home_is: Any) -> np.ndarray:
    use = home(**home_is)
    use[since:] = np.round(use[since:] * factor + added_kwh, 2)
    return use


SEASON = np.exp(np.linspace(0, 0.9, DAYS))
HEATED_LAST_WINTER = np.where(np.arange(DAYS) < 60, 3.0, 1.0) * np.where(np.arange(DAYS) >= SPLIT, 2.5, 1.0)
VISITED = np.where(np.arange(DAYS) % 10 < 4, 1.0, 0.0)


@pytest.mark.parametrize(
    ("use", "fires"),
    [
        pytest.param(home(), False, id="nothing happened"),
        pytest.param(changed(2.0), True, id="doubled"),
        pytest.param(changed(0.4), True, id="fell to two fifths"),
        pytest.param(changed(added_kwh=6.0), True, id="six kWh a day more"),
        pytest.param(changed(0.0), True, id="nobody there any more"),
        pytest.param(np.where(np.arange(DAYS) < SPLIT, 0.0, home()), True, id="never used, now in use"),
        pytest.param(changed(1.2), False, id="a fifth more is below the ratio"),
        pytest.param(changed(2.0, level_kwh=1.0), False, id="doubled from nearly nothing"),
        pytest.param(changed(2.0, since=DAYS - 4), False, id="four days are too few"),
        pytest.param(home() * np.where(np.arange(DAYS) == 120, 40, 1), False, id="one day is no level"),
        pytest.param(home() * SEASON, False, id="creeps up over months"),
        pytest.param(home() * HEATED_LAST_WINTER, False, id="as much as in the winter before"),
        pytest.param(
            home() * np.where(np.abs(np.arange(DAYS) - 97) < 15, 0.1, 1.0), False, id="back from a month away"
        ),
        pytest.param(home() * VISITED, False, id="a weekend house as ever"),
        pytest.param(
            home() * VISITED * np.where(np.arange(DAYS) >= SPLIT, 2.5, 1), True, id="a weekend house, more"
        ),
        pytest.param(changed(2.0)[-60:], True, id="sixty days of history"),
        pytest.param(changed(2.0)[-40:], False, id="ten days of reference"),
        pytest.param(home()[:1], False, id="one day"),
    ],
)
def test_truth_table(use: np.ndarray, fires: bool) -> None:
    assert len(found(use)) == int(fires)


def test_before_after_onset_and_stake() -> None:
    told = found(changed(2.0, since=SPLIT + 8))
    assert told.facts["before_kwh_per_day"][0] == pytest.approx(10.9, abs=0.5)
    assert told.facts["change_ratio"][0] == pytest.approx(1.7, abs=0.2)
    assert abs(int((told.facts["onset_day"][0] - np.datetime64("2026-01-01")).astype(int)) - (SPLIT + 8)) <= 4
    assert told.start[0] == told.facts["onset_day"][0]
    assert told.end[0] == np.datetime64("2026-01-01") + np.timedelta64(DAYS, "D")
    assert told.kwh_at_stake[0] > 100
    assert np.isfinite(told.strength[0])


def test_onset_before_the_cycle_is_found() -> None:
    told = found(changed(3.0, since=SPLIT - 6))
    assert abs(int((told.start[0] - np.datetime64("2026-01-01")).astype(int)) - (SPLIT - 6)) <= 4


def test_larger_change_ranks_first() -> None:
    told = found(changed(2.0), changed(3.0), changed(4.0))
    assert list(np.argsort(-told.strength)) == [2, 1, 0]


def test_exactly_at_each_limit() -> None:
    use = changed(2.0)
    gain = float(found(use).facts["llr"][0])
    change = float(found(use).kwh_at_stake[0]) / float((found(use).end - found(use).start).astype(int)[0])
    assert len(found(use, limits={"min_gain": gain}))
    assert not len(found(use, limits={"min_gain": gain * 1.001}))
    assert len(found(use, limits={"min_change_kwh_per_day": change * 0.999}))
    assert not len(found(use, limits={"min_change_kwh_per_day": change * 1.001}))
    assert not len(found(use, limits={"min_ratio": 2.5}))


def test_spread_and_missing_days_do_not_count() -> None:
    register = registers(changed(2.0))
    register[0, SPLIT + 1 : SPLIT + 20] = np.nan
    assert not len(sustained_jump(panel(register), **LIMITS))
    register = registers(changed(2.0))
    register[0, SPLIT + 5 : SPLIT + 12] = np.nan
    assert len(sustained_jump(panel(register), **LIMITS))


def test_silent_without_reads_for_periodic_and_supply_meters() -> None:
    assert not len(sustained_jump(panel(np.full((1, DAYS + 1), np.nan)), **LIMITS))
    assert not len(found(changed(2.0), read_frequency="periodic"))
    assert not len(found(changed(2.0), is_supply=True))


def with_cohort(fleet: Panel, cohort: np.ndarray) -> Panel:
    return dataclasses.replace(fleet, cohort_log=np.broadcast_to(cohort, fleet.shape))


def test_what_the_cohort_did_too_is_no_jump() -> None:
    fleet = panel(registers(changed(2.0)))
    everybody = np.where(np.arange(DAYS) >= SPLIT, np.log(2.0), 0.0)
    assert not len(sustained_jump(with_cohort(fleet, everybody), **LIMITS))
    assert len(sustained_jump(with_cohort(fleet, -everybody / 4), **LIMITS))


def test_rows_are_judged_alone() -> None:
    homes = [changed(factor, seed=seed) for seed, factor in enumerate((1.0, 2.0, 0.4, 3.0, 1.0))]
    together = found(*homes)
    apart = [found(one) for one in homes]
    assert list(together.strength) == [value for one in apart for value in one.strength]
    assert list(together.start) == [value for one in apart for value in one.start]
