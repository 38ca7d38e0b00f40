"""C01: where curve and register disagree."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.c01_interval_sum_mismatch import interval_sum_mismatch
from tests.curves import curve_panel, day_curves, registers_of, with_curve
from tests.panels import panel

LIMITS: dict[str, Any] = {
    "tolerance_steps": 2,
    "tolerance_share": 0.01,
    "pause_days": 3,
    "steady_spread": 0.02,
}
DAYS = 20
USED = day_curves(DAYS)


def scaled(factor: float, days: slice = slice(5, 8)) -> np.ndarray:
    curve = USED.copy()
    curve[:, days] *= factor
    return curve


def monthly(register: np.ndarray, every: int) -> np.ndarray:
    sparse = np.full_like(register, np.nan)
    sparse[:, ::every] = register[:, ::every]
    return sparse


@pytest.mark.parametrize(
    ("curve", "columns", "expected"),
    [
        pytest.param(USED, {}, [], id="agree"),
        pytest.param(scaled(0.8), {}, [(5, 8)], id="a fifth missing on three days"),
        pytest.param(scaled(1.25), {}, [(5, 8)], id="a quarter too much"),
        pytest.param(scaled(1.015), {}, [], id="less than an interval"),
        pytest.param(
            scaled(0.8, slice(5, 6)) + scaled(0.8, slice(8, 9)) - USED, {}, [(5, 9)], id="two days apart"
        ),
        pytest.param(
            scaled(0.8, slice(2, 3)) + scaled(0.8, slice(12, 13)) - USED, {}, [(2, 3), (12, 13)], id="far"
        ),
        pytest.param(scaled(0.8, slice(0, DAYS)), {}, [(0, DAYS)], id="always"),
        pytest.param(scaled(0.8, slice(19, 20)), {}, [(19, 20)], id="last day"),
        pytest.param(np.where(scaled(0.8) < 0.02, np.nan, scaled(0.8)) * np.nan, {}, [], id="no curve"),
        pytest.param(scaled(0.8), {"quality": [[3] * (DAYS + 1)]}, [], id="register estimated"),
        pytest.param(scaled(0.8), {"offset_days": [[0.4] * (DAYS + 1)]}, [], id="register read at ten"),
        pytest.param(
            scaled(0.8), {"register": monthly(registers_of(USED), 10)}, [(0, 10)], id="read every ten days"
        ),
        pytest.param(scaled(0.8), {"register": registers_of(USED) * np.nan}, [], id="no register"),
        pytest.param(
            USED, {"register_decimals": 0, "register": registers_of(USED, decimals=0)}, [], id="whole kWh"
        ),
    ],
)
def test_truth_table(curve: np.ndarray, columns: dict[str, Any], expected: list[tuple[int, int]]) -> None:
    book = curve_panel(curve, used=USED, **columns)
    found = interval_sum_mismatch(book, **LIMITS)
    spans = ((days - book.days[0]).astype(int).tolist() for days in (found.start, found.end))
    assert list(zip(*spans, strict=True)) == expected


def test_exactly_at_the_limit_is_silent() -> None:
    used = np.full((1, 2, 24), 1.0)
    over = used.copy()
    over[0, 0, 0] += 1.0
    assert len(interval_sum_mismatch(curve_panel(over, used=used, minutes=60), **LIMITS)) == 0
    over[0, 0, 0] += 0.1
    assert len(interval_sum_mismatch(curve_panel(over, used=used, minutes=60), **LIMITS)) == 1


def test_tells_a_steady_factor() -> None:
    found = interval_sum_mismatch(
        curve_panel(scaled(0.5, slice(0, DAYS)), used=USED, multiplier=1.0), **LIMITS
    )
    assert found.facts["curve_ratio"][0] == pytest.approx(0.5, abs=0.01)
    assert found.facts["steady_days"][0] == DAYS


def test_a_curve_without_the_multiplier_shows_ratio_one() -> None:
    register = registers_of(USED)
    found = interval_sum_mismatch(curve_panel(USED, register=register, multiplier=20.0), **LIMITS)
    assert found.facts["multiplier_ratio"][0] == pytest.approx(1.0, abs=0.02)


def test_the_repeated_hour_counts() -> None:
    used = USED.copy()
    used[0, 4, 2:4] += 0.5
    book = curve_panel(USED, used=used)
    assert len(interval_sum_mismatch(book, **LIMITS)) == 1
    repeated = np.zeros((1, DAYS))
    repeated[0, 4] = 1.0
    assert len(interval_sum_mismatch(with_curve(book, repeated_kwh=repeated), **LIMITS)) == 0


def test_without_curves() -> None:
    assert len(interval_sum_mismatch(panel(registers_of(USED)), **LIMITS)) == 0
