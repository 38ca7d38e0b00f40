"""E03: weeks copied from the week before."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.e03_copied_week import copied_week
from tests.panels import panel, registers

LIMITS: dict[str, Any] = {"min_days": 6, "tolerance_steps": 0, "min_distinct_values": 4, "max_chance": 0.001}
DAYS = 90
HOME = np.round(10 * np.random.default_rng(4).lognormal(0, 0.3, DAYS), 2)


def copied(count: int, first: int = 40, lag: int = 7, of: np.ndarray = HOME) -> np.ndarray:
    use = of.copy()
    for day in range(first, first + count):
        use[day] = use[day - lag]
    return registers(use)


COARSE = np.round(np.random.default_rng(4).integers(1, 5, DAYS) / 10, 2)


@pytest.mark.parametrize(
    ("register", "days"),
    [
        pytest.param(registers(HOME), [], id="ordinary"),
        pytest.param(copied(7), [7], id="one week"),
        pytest.param(copied(6), [6], id="exactly six days"),
        pytest.param(copied(5), [], id="five days"),
        pytest.param(copied(12), [12], id="longer than a week"),
        pytest.param(copied(8, lag=5), [], id="from five days before"),
        pytest.param(registers(np.full(DAYS, 9.5)), [], id="every day the same is no copy"),
        pytest.param(registers(COARSE), [], id="few different values"),
        pytest.param(registers(np.zeros(DAYS)), [], id="no use"),
        pytest.param(registers(HOME) * np.nan, [], id="all missing"),
        pytest.param(registers(HOME[:1]), [], id="one day"),
    ],
)
def test_truth_table(register: np.ndarray, days: list[int]) -> None:
    assert copied_week(panel(register), **LIMITS).facts["copied_days"].tolist() == days


def test_names_the_original() -> None:
    found = copied_week(panel(copied(7)), **LIMITS)
    assert str(found.start[0]) == "2026-02-10"
    assert str(found.facts["original_day"][0]) == "2026-02-03"
