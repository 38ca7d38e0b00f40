"""C10: which gaps of a curve matter."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.c10_missing_intervals import missing_intervals
from tests.curves import curve_panel, day_curves

LIMITS: dict[str, Any] = {"min_coverage_share": 0.98, "min_missing_days": 3, "pause_days": 7}
USED = day_curves(60)


def without(days: slice, slots: slice = slice(None)) -> np.ndarray:
    curve = USED.copy()
    curve[0, days, slots] = np.nan
    return curve


def every_fourth() -> np.ndarray:
    curve = np.full_like(USED, np.nan)
    curve[:, :, ::4] = USED[:, :, ::4]
    return curve


@pytest.mark.parametrize(
    ("curve", "start", "expected"),
    [
        pytest.param(USED, "2026-05-01", [], id="complete"),
        pytest.param(without(slice(20, 23)), "2026-05-01", [(20, 23, 144)], id="exactly three days"),
        pytest.param(without(slice(20, 22)), "2026-05-01", [], id="two days"),
        pytest.param(
            without(slice(20, 40), slice(0, 12)), "2026-05-01", [(20, 40, 240)], id="part of many days"
        ),
        pytest.param(without(slice(50, 60)), "2026-05-01", [(50, 60, 480)], id="stopped arriving"),
        pytest.param(without(slice(0, 20)), "2026-05-01", [], id="began later"),
        pytest.param(every_fourth(), "2026-05-01", [], id="every fourth value by design"),
        pytest.param(USED * np.nan, "2026-05-01", [], id="never arrived"),
        pytest.param(USED[:, :1], "2026-05-01", [], id="one day"),
        pytest.param(without(slice(14, 15), slice(2, 4)), "2026-03-15", [], id="the hour the clock skips"),
    ],
)
def test_truth_table(curve: np.ndarray, start: str, expected: list[tuple[int, int, int]]) -> None:
    book = curve_panel(curve, used=USED[:, : curve.shape[1]], start=start)
    found = missing_intervals(book, **LIMITS)
    lacking = found.facts.get("missing_intervals", np.empty(0, np.int64))
    spans = [(days - book.days[0]).astype(int).tolist() for days in (found.start, found.end)]
    assert list(zip(*spans, lacking.tolist(), strict=True)) == expected


@pytest.mark.parametrize(
    ("min_coverage_share", "fires"),
    [pytest.param(0.75, 0, id="at the limit"), pytest.param(0.76, 1, id="below it")],
)
def test_a_day_may_lack_so_much(min_coverage_share: float, fires: int) -> None:
    book = curve_panel(without(slice(20, 40), slice(0, 12)), used=USED)
    assert len(missing_intervals(book, **{**LIMITS, "min_coverage_share": min_coverage_share})) == fires


def test_registers_read_once_a_month_change_nothing() -> None:
    register = np.full((1, 61), np.nan)
    register[0, ::30] = 1000.0
    book = curve_panel(without(slice(20, 30)), register=register, read_frequency="periodic")
    assert missing_intervals(book, **LIMITS).facts["missing_intervals"].tolist() == [480]


def test_percent_present() -> None:
    found = missing_intervals(curve_panel(without(slice(20, 40), slice(0, 12)), used=USED), **LIMITS)
    assert found.facts["present_percent"][0] == pytest.approx(75.0)


def test_every_fourth_value_may_be_missing_too() -> None:
    curve = every_fourth()
    curve[0, 20:30] = np.nan
    assert missing_intervals(curve_panel(curve, used=USED), **LIMITS).facts["missing_intervals"].tolist() == [
        120
    ]
