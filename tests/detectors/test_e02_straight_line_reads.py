"""E02: registers on a line that nobody lives on."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.e02_straight_line_reads import straight_line_reads
from tests.curves import curve_panel
from tests.panels import panel, registers

LIMITS: dict[str, Any] = {"min_days": 5, "tolerance_steps": 1, "max_chance": 0.001}
DAYS = 120
HOME = np.round(10 * np.random.default_rng(4).lognormal(0, 0.3, DAYS), 2)


def line(per_day: float, count: int, first: int = 60, of: np.ndarray = HOME) -> np.ndarray:
    """Registers with `count` days replaced by a line cut to the register's steps."""
    register = registers(of)
    register[0, first : first + count + 1] = np.round(register[0, first] + per_day * np.arange(count + 1), 2)
    register[0, first + count + 1 :] += (
        max(register[0, first + count] - register[0, first + count + 1], 0) + 5
    )
    return register


def even(level: float, seed: int = 6) -> np.ndarray:
    """A load that hardly varies, as of a refrigerator alone."""
    return np.round(level * (1 + 0.01 * np.random.default_rng(seed).standard_normal(DAYS)), 2)


AWAY = np.where((np.arange(DAYS) >= 60) & (np.arange(DAYS) < 74), even(0.8), HOME)


@pytest.mark.parametrize(
    ("register", "columns", "days"),
    [
        pytest.param(registers(HOME), {}, [], id="ordinary"),
        pytest.param(line(9.5, 6), {}, [6], id="six days"),
        pytest.param(line(9.537, 8), {}, [8], id="increments rounded up and down"),
        pytest.param(line(9.5, 5), {}, [5], id="exactly five days"),
        pytest.param(line(9.5, 4), {}, [], id="four days"),
        pytest.param(line(0.0, 8), {}, [], id="standing still is R06's"),
        pytest.param(registers(even(0.8)), {}, [], id="a refrigerator alone"),
        pytest.param(registers(AWAY), {}, [], id="two weeks away"),
        pytest.param(np.floor(registers(HOME)), {"register_decimals": 0}, [], id="whole kWh"),
        pytest.param(line(9.5, 8), {"quality": [[3] * (DAYS + 1)]}, [], id="marked as estimates"),
        pytest.param(line(9.5, 8, of=HOME[:90]), {}, [8], id="shorter history"),
        pytest.param(registers(HOME) * np.nan, {}, [], id="all missing"),
        pytest.param(registers(HOME[:1]), {}, [], id="one day"),
        pytest.param(np.where(np.arange(DAYS + 1) % 30 == 0, registers(HOME), np.nan), {}, [], id="monthly"),
    ],
)
def test_truth_table(register: np.ndarray, columns: dict[str, Any], days: list[int]) -> None:
    found = straight_line_reads(panel(register, **columns), **LIMITS)
    assert found.facts["line_days"].tolist() == days


def test_tells_the_increment() -> None:
    found = straight_line_reads(panel(line(9.5, 8)), **LIMITS)
    assert found.facts["step_kwh_per_day"][0] == pytest.approx(9.5)
    assert str(found.start[0]) == "2026-03-02"


def test_a_curve_that_agrees_proves_that_the_meter_was_read() -> None:
    register = line(9.6, 8)
    used = np.diff(register, axis=1)
    uneven = np.random.default_rng(1).dirichlet(np.ones(48), (1, DAYS)) * used[:, :, None]
    assert len(straight_line_reads(curve_panel(uneven, register=register), **LIMITS)) == 0
    flat = np.repeat(used[:, :, None] / 48, 48, axis=2)
    assert len(straight_line_reads(curve_panel(flat, register=register), **LIMITS)) == 1
