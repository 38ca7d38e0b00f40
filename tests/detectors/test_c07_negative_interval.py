"""C07: negative import."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.c07_negative_interval import negative_interval
from tests.curves import curve_panel, day_curves, registers_of

LIMITS: dict[str, Any] = {"tolerance_kwh": 0.001, "pause_days": 7}
USED = day_curves(30)


def with_value(kwh: float, *days: int) -> np.ndarray:
    curve = USED.copy()
    for day in days:
        curve[0, day, 25] = kwh
    return curve


@pytest.mark.parametrize(
    ("curve", "columns", "expected"),
    [
        pytest.param(USED, {}, [], id="ordinary"),
        pytest.param(with_value(-0.5, 9), {}, [(9, 10)], id="one interval"),
        pytest.param(with_value(-0.001, 9), {}, [], id="exactly at the limit"),
        pytest.param(
            with_value(-0.01, 9), {"multiplier": 20.0}, [], id="below the limit times the multiplier"
        ),
        pytest.param(with_value(-0.5, 9, 12, 28), {}, [(9, 13), (28, 29)], id="joined within a week"),
        pytest.param(with_value(-0.5, 9), {"generation": True}, [], id="generation on file"),
        pytest.param(np.full_like(USED, np.nan), {}, [], id="all missing"),
        pytest.param(with_value(-0.5, 0)[:, :1], {}, [(0, 1)], id="one day"),
    ],
)
def test_truth_table(curve: np.ndarray, columns: dict[str, Any], expected: list[tuple[int, int]]) -> None:
    book = curve_panel(curve, register=registers_of(np.nan_to_num(curve)), **columns)
    found = negative_interval(book, **LIMITS)
    spans = ((days - book.days[0]).astype(int).tolist() for days in (found.start, found.end))
    assert list(zip(*spans, strict=True)) == expected


def test_tells_how_many_and_how_much() -> None:
    curve = with_value(-0.5, 9, 10)
    found = negative_interval(curve_panel(curve, used=USED), **LIMITS)
    assert found.facts["negative_intervals"][0] == 2
    assert found.facts["negative_kwh"][0] == pytest.approx(-1.0)
    assert found.kwh_at_stake[0] == pytest.approx(1.0)
