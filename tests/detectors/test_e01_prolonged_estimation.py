"""E01: how long without a real read."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.e01_prolonged_estimation import prolonged_estimation
from tests.panels import panel, registers

LIMITS: dict[str, Any] = {"min_days": 5, "min_cycles": 2}
DAYS = 40
REGISTER = registers(np.round(10 + np.sin(np.arange(DAYS)), 2))


def marked(first: int, last: int, quality: int = 3) -> list[list[int]]:
    return [[quality if first <= border < last else 0 for border in range(DAYS + 1)]]


def every(step: int) -> np.ndarray:
    sparse = np.full_like(REGISTER, np.nan)
    sparse[:, ::step] = REGISTER[:, ::step]
    return sparse


@pytest.mark.parametrize(
    ("register", "quality", "columns", "expected"),
    [
        pytest.param(REGISTER, marked(0, 0), {}, [], id="all real"),
        pytest.param(REGISTER, marked(20, 25), {}, [(19, 24)], id="exactly five days"),
        pytest.param(REGISTER, marked(20, 24), {}, [], id="four days"),
        pytest.param(REGISTER, marked(20, 41), {}, [(19, 40)], id="still estimated"),
        pytest.param(REGISTER, marked(20, 30, quality=4), {}, [(19, 29)], id="questionable"),
        pytest.param(REGISTER, marked(20, 30, quality=2), {}, [], id="derived"),
        pytest.param(REGISTER, marked(0, 41), {}, [(0, 40)], id="never a real read"),
        pytest.param(every(10), marked(10, 41), {"read_frequency": "periodic"}, [(0, 40)], id="four cycles"),
        pytest.param(every(10), marked(20, 21), {"read_frequency": "periodic"}, [], id="one cycle"),
        pytest.param(REGISTER * np.nan, marked(20, 30), {}, [], id="all missing"),
        pytest.param(REGISTER[:, :2], [[0, 3]], {}, [], id="one day"),
    ],
)
def test_truth_table(
    register: np.ndarray, quality: list[list[int]], columns: dict[str, Any], expected: list[tuple[int, int]]
) -> None:
    book = panel(register, quality=quality, **columns)
    found = prolonged_estimation(book, **LIMITS)
    spans = ((days - book.days[0]).astype(int).tolist() for days in (found.start, found.end))
    assert list(zip(*spans, strict=True)) == expected


def test_names_the_last_real_read() -> None:
    found = prolonged_estimation(panel(REGISTER, quality=marked(20, 30)), **LIMITS)
    assert str(found.facts["last_actual_day"][0]) == "2026-01-20"
    assert (found.facts["estimated_days"][0], found.facts["estimated_reads"][0]) == (10, 10)
