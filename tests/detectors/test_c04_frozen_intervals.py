"""C04: which repeated values were not measured."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.c04_frozen_intervals import frozen_intervals
from tests.curves import curve_panel, day_curves, with_curve

LIMITS: dict[str, Any] = {
    "min_hours": 3.0, "min_intervals": 6, "max_chance": 0.001, "alone_hours": 12.0, "alone_steps": 50,
    "tolerance_steps": 2, "tolerance_share": 0.01,
}  # fmt: skip
USED = day_curves(30)
NONE = np.full((1, 31), np.nan)


def frozen(kwh: float, count: int, first: int = 9 * 48 + 30) -> np.ndarray:
    curve = USED.copy()
    curve.reshape(1, -1)[0, first : first + count] = kwh
    return curve


def standby(kwh: float) -> np.ndarray:
    curve = USED.copy()
    curve[0, :, :14] = kwh
    return curve


@pytest.mark.parametrize(
    ("curve", "used", "columns", "fires"),
    [
        pytest.param(USED, USED, {}, False, id="ordinary"),
        pytest.param(frozen(0.9, 8), USED, {}, True, id="four hours, the register disagrees"),
        pytest.param(frozen(0.4, 5), USED, {}, False, id="two and a half hours"),
        pytest.param(frozen(0.4, 30), USED, {}, True, id="across midnight"),
        pytest.param(frozen(0.4, 8), frozen(0.4, 8), {}, False, id="the register confirms it"),
        pytest.param(frozen(0.4, 96, 480), frozen(0.4, 96, 480), {}, True, id="a whole day spread evenly"),
        pytest.param(
            frozen(0.004, 96, 480), frozen(0.004, 96, 480), {}, False, id="a standby too small to vary"
        ),
        pytest.param(frozen(0.4, 30), USED, {"register": NONE}, True, id="no register, fifteen hours"),
        pytest.param(frozen(0.4, 16), USED, {"register": NONE}, False, id="no register, eight hours"),
        pytest.param(standby(0.03), standby(0.03), {}, False, id="every night the same"),
        pytest.param(standby(0.03), standby(0.04), {}, False, id="every night the same, register off"),
        pytest.param(frozen(0.0, 96), USED, {}, False, id="zeros are C06's"),
        pytest.param(np.full_like(USED, np.nan), USED, {}, False, id="all missing"),
    ],
)
def test_truth_table(curve: np.ndarray, used: np.ndarray, columns: dict[str, Any], fires: bool) -> None:
    assert len(frozen_intervals(curve_panel(curve, used=used, **columns), **LIMITS)) == int(fires)


@pytest.mark.parametrize(
    ("minutes", "count", "fires"),
    [
        pytest.param(15, 12, True, id="12 at 15 minutes"),
        pytest.param(15, 11, False, id="11 at 15 minutes"),
        pytest.param(60, 6, True, id="6 at 60 minutes"),
        pytest.param(60, 5, False, id="5 at 60 minutes"),
        pytest.param(5, 36, True, id="36 at 5 minutes"),
    ],
)
def test_interval_lengths(minutes: int, count: int, fires: bool) -> None:
    used = day_curves(30, minutes=minutes, level_kwh=40.0)
    curve = used.copy()
    curve[0, 9, 2 : 2 + count] = 1.234
    assert len(frozen_intervals(curve_panel(curve, used=used, minutes=minutes), **LIMITS)) == int(fires)


def test_tells_value_and_length() -> None:
    found = frozen_intervals(curve_panel(frozen(0.9, 8), used=USED), **LIMITS)
    assert str(found.facts["frozen_at"][0]) == "2026-01-10T15:00"
    assert (found.facts["frozen_hours"][0], found.facts["value_kwh"][0]) == (4.0, 0.9)


def test_values_marked_estimated_are_known() -> None:
    book = curve_panel(frozen(0.4, 30), used=USED)
    assert len(frozen_intervals(with_curve(book, estimated=np.ones(USED.shape, bool)), **LIMITS)) == 0
