"""C03: outliers that are what curve and register disagree about."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.c03_interval_outlier import interval_outlier
from tests.curves import curve_panel, day_curves

LIMITS: dict[str, Any] = {
    "hampel_t": 6.0, "floor_share": 0.05, "window_days": 7, "max_intervals": 8, "tolerance_steps": 2,
    "tolerance_share": 0.01,
}  # fmt: skip
USED = day_curves(30)


def with_intervals(values: dict[int, float], *days: int) -> np.ndarray:
    curve = USED.copy()
    for day in days or (9,):
        for slot, kwh in values.items():
            curve[0, day, slot] = kwh
    return curve


PEAKS = with_intervals({4: 3.0, 8: 2.5})


@pytest.mark.parametrize(
    ("curve", "used", "fires"),
    [
        pytest.param(USED, USED, False, id="ordinary"),
        pytest.param(PEAKS, USED, True, id="two night peaks the register does not know"),
        pytest.param(PEAKS, PEAKS, False, id="two night peaks the register confirms"),
        pytest.param(with_intervals({38: -2.0}), USED, True, id="a dip"),
        pytest.param(
            with_intervals(dict.fromkeys(range(4, 14), 2.0)), USED, False, id="ten intervals: no outliers"
        ),
        pytest.param(USED * 1.3, USED, False, id="everything too high"),
        pytest.param(with_intervals({4: 3.0}, 9, 10), USED, False, id="two days running"),
        pytest.param(with_intervals({4: 3.0}, 0), USED, True, id="first day"),
        pytest.param(np.full_like(USED, np.nan), USED, False, id="all missing"),
        pytest.param(PEAKS[:, 9:10], USED[:, 9:10], False, id="one day: nothing to compare with"),
    ],
)
def test_truth_table(curve: np.ndarray, used: np.ndarray, fires: bool) -> None:
    assert len(interval_outlier(curve_panel(curve, used=used), **LIMITS)) == int(fires)


def test_tells_the_worst_interval() -> None:
    found = interval_outlier(curve_panel(PEAKS, used=USED), **LIMITS)
    assert str(found.facts["interval_at"][0]) == "2026-01-10T02:00"
    assert found.facts["outlier_intervals"][0] == 2
    assert found.facts["usual_kwh"][0] < 0.3


def test_monthly_registers_decide_nothing() -> None:
    register = np.full((1, 31), np.nan)
    register[0, [0, 30]] = 1000.0, 1300.0
    assert len(interval_outlier(curve_panel(PEAKS, register=register), **LIMITS)) == 0
