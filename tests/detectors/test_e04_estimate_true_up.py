"""E04: backlogs that one real read settles."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.e04_estimate_true_up import estimate_true_up
from tests.panels import panel, registers

LIMITS: dict[str, Any] = {
    "respread_ratio": 1.3, "jump_ratio": 1.5, "min_kwh": 2.0,
    "window_days": 35, "line_days": 5, "stuck_days": 2,
    "copied_days": 6, "copied_values": 4, "tolerance_steps": 1, "max_chance": 0.001,
}  # fmt: skip
DAYS = 120
HOME = np.round(10 * np.random.default_rng(4).lognormal(0, 0.2, DAYS), 2)
REAL = registers(HOME)


def estimated(per_day: float, count: int = 10, first: int = 60, real: np.ndarray = REAL) -> np.ndarray:
    """Registers whose reads first+1 … first+count lie on a line of `per_day`, then the real ones again."""
    register = real.copy()
    register[0, first + 1 : first + count + 1] = np.round(
        register[0, first] + per_day * np.arange(1, count + 1), 2
    )
    return register


def marked(count: int = 10, first: int = 60, borders: int = DAYS + 1) -> list[list[int]]:
    return [[3 if first < border <= first + count else 0 for border in range(borders)]]


def monthly(register: np.ndarray) -> np.ndarray:
    return np.where(np.arange(DAYS + 1) % 20 == 0, register, np.nan)


def changed(last: int) -> np.ndarray:
    use = HOME.copy()
    use[60:last] *= 3
    return registers(use)


REST_EACH_WEEK = np.where(np.arange(DAYS) % 7 < 3, 0.0, HOME)


@pytest.mark.parametrize(
    ("register", "columns", "fires"),
    [
        pytest.param(REAL, {}, False, id="ordinary"),
        pytest.param(estimated(3.0), {"quality": marked()}, True, id="marked, too low"),
        pytest.param(estimated(12.0), {"quality": marked()}, True, id="marked, too high: falls back"),
        pytest.param(estimated(10.8), {"quality": marked()}, False, id="marked, about right"),
        pytest.param(estimated(3.0), {}, True, id="unmarked line"),
        pytest.param(estimated(0.0, 5), {}, True, id="register repeated for five days"),
        pytest.param(estimated(0.0, 1), {}, False, id="one day without use"),
        pytest.param(estimated(3.0, 60), {"quality": marked(60)}, False, id="still estimated at the end"),
        pytest.param(estimated(3.0, real=changed(71)), {"quality": marked()}, False, id="guests meanwhile"),
        pytest.param(estimated(3.0, real=changed(120)), {"quality": marked()}, True, id="trebled for good"),
        pytest.param(registers(REST_EACH_WEEK), {}, False, id="rests every week"),
        pytest.param(estimated(0.03, real=registers(HOME / 100)), {"quality": marked()}, False, id="little"),
        pytest.param(
            monthly(estimated(3.0, 20, 40)),
            {"quality": marked(20, 40), "read_frequency": "periodic"},
            True,
            id="one monthly estimate",
        ),
        pytest.param(
            np.where(np.arange(DAYS + 1) == 63, np.nan, estimated(0.0, 8)), {}, True, id="one missing"
        ),
        pytest.param(
            monthly(estimated(0.0, 20, 40)), {"read_frequency": "periodic"}, True, id="repeated at a visit"
        ),
        pytest.param(REAL * np.nan, {}, False, id="all missing"),
        pytest.param(REAL[:, :2], {"quality": [[3, 0]]}, False, id="one day"),
    ],
)  # fmt: skip
def test_truth_table(register: np.ndarray, columns: dict[str, Any], fires: bool) -> None:
    assert len(estimate_true_up(panel(register, **columns), **LIMITS)) == int(fires)


def test_accounts_for_the_backlog_exactly() -> None:
    found = estimate_true_up(panel(estimated(3.0), quality=marked()), **LIMITS)
    facts = {name: values[0] for name, values in found.facts.items()}
    total = REAL[0, 71] - REAL[0, 60]
    assert (str(facts["last_actual_day"]), str(facts["read_day"]), facts["gap_days"]) == (
        "2026-03-02",
        "2026-03-13",
        11,
    )
    assert facts["spread_kwh_per_day"] == pytest.approx(total / 11)
    assert facts["backlog_kwh"] == pytest.approx(total - 30.0 - total / 11)
    assert facts["made_up_reads"] == 10


def test_estimates_too_high_give_a_negative_backlog() -> None:
    found = estimate_true_up(panel(estimated(12.0), quality=marked()), **LIMITS)
    assert found.measured[0] < 0
    assert found.facts["backlog_kwh"][0] < 0
    assert found.kwh_at_stake[0] > 0


def test_the_multiplier_counts() -> None:
    found = estimate_true_up(panel(estimated(3.0), quality=marked(), multiplier=20.0), **LIMITS)
    assert found.facts["spread_kwh_per_day"][0] == pytest.approx(20 * (REAL[0, 71] - REAL[0, 60]) / 11)
