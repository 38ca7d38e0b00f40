"""C09: the hour of the clock change."""

from typing import Any

import numpy as np
import pytest

from anomaly.clock_changes import change_days
from anomaly.detectors.c09_clock_change_day import clock_change_day
from tests.curves import curve_panel, day_curves, with_curve

LIMITS: dict[str, Any] = {
    "noise_ratio": 3.0, "hour_ratio": 3.0, "window_days": 14, "tolerance_steps": 2, "tolerance_share": 0.01,
}  # fmt: skip
DAYS, CHANGE = 30, 14
AUTUMN, SPRING = "2026-10-11", "2026-03-15"
CURVE = day_curves(DAYS)


def used(hour_kwh: float, day: int = CHANGE) -> np.ndarray:
    counted = CURVE.copy()
    counted[0, day, 2] += hour_kwh
    return counted


HOUR = float(CURVE[0, CHANGE, 2:4].sum())


@pytest.mark.parametrize(
    ("counted", "start", "fires"),
    [
        pytest.param(CURVE, AUTUMN, False, id="clock kept through the year"),
        pytest.param(used(HOUR), AUTUMN, True, id="repeated hour thrown away"),
        pytest.param(used(-HOUR), SPRING, True, id="skipped hour filled"),
        pytest.param(used(HOUR, 16), AUTUMN, False, id="on another day"),
        pytest.param(used(HOUR), "2026-06-01", False, id="in June"),
        pytest.param(used(20 * HOUR), AUTUMN, False, id="more than any hour"),
    ],
)
def test_truth_table(counted: np.ndarray, start: str, fires: bool) -> None:
    assert len(clock_change_day(curve_panel(CURVE, used=counted, start=start), **LIMITS)) == int(fires)


def test_a_marked_repeated_hour_is_in_order() -> None:
    repeated = np.zeros((1, DAYS))
    repeated[0, CHANGE] = HOUR
    book = with_curve(curve_panel(CURVE, used=used(HOUR), start=AUTUMN), repeated_kwh=repeated)
    assert len(clock_change_day(book, **LIMITS)) == 0


def test_the_skipped_hour_left_empty_is_in_order() -> None:
    curve = CURVE.copy()
    curve[0, CHANGE, 2:4] = np.nan
    assert len(clock_change_day(curve_panel(curve, used=CURVE, start=SPRING), **LIMITS)) == 0


@pytest.mark.parametrize(
    ("contested", "fires"),
    [pytest.param(2, True, id="one hour twice"), pytest.param(5, False, id="more than an hour"), (0, False)],
)
def test_two_values_for_one_hour(contested: int, fires: bool) -> None:
    curve = CURVE.copy()
    curve[0, CHANGE, 2 : 2 + contested] = np.nan
    conflicts = np.zeros((1, DAYS), np.int64)
    conflicts[0, CHANGE] = contested
    book = with_curve(curve_panel(curve, used=CURVE, start=AUTUMN), conflicts=conflicts)
    found = clock_change_day(book, **LIMITS)
    assert len(found) == int(fires)
    if fires:
        assert (found.facts["found_intervals"][0], found.facts["due_intervals"][0]) == (46, 50)


@pytest.mark.parametrize(
    ("day", "change"),
    [
        ("2013-10-27", True), ("2013-03-31", True),
        ("2026-03-08", True), ("2026-11-01", True), ("2026-04-05", True),
        ("2026-10-04", True), ("2026-09-27", True), ("2026-10-26", False), ("2026-06-28", False),
    ],
)  # fmt: skip
def test_the_calendar(day: str, change: bool) -> None:
    assert change_days(np.array([day], "datetime64[D]")).tolist() == [change]
