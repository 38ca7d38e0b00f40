"""J02: which single days stand out."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.j02_one_day_spike import one_day_spike
from tests.panels import panel, registers

LIMITS: dict[str, Any] = {
    "reference_days": 150, "window_days": 45, "log_offset_kwh": 0.3, "fleet_log_sigma": 0.2, "min_z": 8.0,
    "min_change_kwh": 10.0,
}  # fmt: skip
DAYS = 90


def home(level_kwh: float = 5.0, days: int = DAYS) -> np.ndarray:
    return np.round(level_kwh * np.random.default_rng(3).lognormal(0, 0.15, days), 2)


def with_days(days: dict[int, float], level_kwh: float = 5.0, length: int = DAYS) -> np.ndarray:
    use = home(level_kwh, length)
    for day, kwh in days.items():
        use[day] = kwh
    return use


@pytest.mark.parametrize(
    ("use", "fires"),
    [
        pytest.param(home(), False, id="ordinary"),
        pytest.param(with_days({70: 80.0}), True, id="sixteen times as much"),
        pytest.param(with_days({70: 12.0}), False, id="twice as much"),
        pytest.param(with_days({70: 8.0}, level_kwh=0.2), False, id="below ten kWh"),
        pytest.param(with_days({30: 80.0}), False, id="before the window"),
        pytest.param(with_days({45: 80.0}), True, id="first day of the window"),
        pytest.param(with_days({89: 80.0}), False, id="last day: nobody knows what follows"),
        pytest.param(with_days({70: 80.0, 71: 85.0}), False, id="two days running"),
        pytest.param(with_days({20: 75.0, 40: 78.0, 70: 80.0}), False, id="has such days"),
        pytest.param(with_days({70: 0.0}), False, id="one day of nothing"),
        pytest.param(with_days({1: 80.0}, length=2), False, id="two days of history"),
        pytest.param(home()[:1], False, id="one day"),
    ],
)
def test_truth_table(use: np.ndarray, fires: bool) -> None:
    assert len(one_day_spike(panel(registers(use)), **LIMITS)) == int(fires)


def test_tells_the_day() -> None:
    told = one_day_spike(panel(registers(with_days({70: 80.0}))), **LIMITS)
    assert told.start[0] == np.datetime64("2026-01-01") + np.timedelta64(70, "D")
    assert (told.end - told.start).astype(int)[0] == 1
    assert told.facts["day_kwh"][0] == pytest.approx(80.0)
    assert told.facts["usual_kwh"][0] == pytest.approx(5.0, abs=0.3)
    assert told.kwh_at_stake[0] == pytest.approx(75.0, abs=0.3)


def test_exactly_at_the_limits() -> None:
    use = np.full(DAYS, 5.0)
    use[70] = 15.0
    z = np.log(15.3 / 5.3) / np.sqrt(0.5 * 0.2**2)
    assert len(one_day_spike(panel(registers(use)), **{**LIMITS, "min_z": z * 0.9999}))
    assert not len(one_day_spike(panel(registers(use)), **{**LIMITS, "min_z": z * 1.0001}))
    assert not len(one_day_spike(panel(registers(use)), **{**LIMITS, "min_z": 1.0, "min_change_kwh": 10.01}))
    assert len(one_day_spike(panel(registers(use)), **{**LIMITS, "min_z": 1.0, "min_change_kwh": 10.0}))


@pytest.mark.parametrize("missing", [70, 71, 69, 72])
def test_beside_a_gap_it_may_be_a_backlog(missing: int) -> None:
    register = registers(with_days({70: 80.0}))
    register[0, missing] = np.nan
    assert not len(one_day_spike(panel(register), **LIMITS))


@pytest.mark.parametrize(("border", "fires"), [(70, False), (71, False), (60, True)])
def test_beside_an_estimate_it_may_be_a_true_up(border: int, fires: bool) -> None:
    quality = np.zeros((1, DAYS + 1), int)
    quality[0, border] = 3
    told = one_day_spike(panel(registers(with_days({70: 80.0})), quality=quality), **LIMITS)
    assert len(told) == int(fires)


def test_silent_without_reads_for_periodic_and_supply_meters() -> None:
    spike = registers(with_days({70: 80.0}))
    assert not len(one_day_spike(panel(np.full((1, DAYS + 1), np.nan)), **LIMITS))
    assert not len(one_day_spike(panel(spike, read_frequency="periodic"), **LIMITS))
    assert not len(one_day_spike(panel(spike, is_supply=True), **LIMITS))
