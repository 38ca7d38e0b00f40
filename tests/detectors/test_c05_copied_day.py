"""C05: days copied value for value."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.c05_copied_day import copied_day
from tests.curves import curve_panel, day_curves, registers_of, with_curve

LIMITS: dict[str, Any] = {
    "min_distinct_values": 6, "min_days": 1,
    "max_chance": 0.001, "tolerance_steps": 2, "tolerance_share": 0.01,
}  # fmt: skip
USED = day_curves(30)


def copied(*pairs: tuple[int, int], of: np.ndarray = USED) -> np.ndarray:
    curve = of.copy()
    for day, original in pairs:
        curve[0, day] = curve[0, original]
    return curve


EMPTY = np.where(np.random.default_rng(2).random((1, 30, 48)) < 0.002, 0.1, 0.0)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        pytest.param(USED, [], id="ordinary"),
        pytest.param(copied((9, 8)), [(9, 10, 8)], id="yesterday"),
        pytest.param(copied((9, 8), (10, 9), (11, 10)), [(9, 12, 8)], id="three days of it"),
        pytest.param(copied((9, 2)), [(9, 10, 2)], id="a week before"),
        pytest.param(copied((9, 5)), [], id="four days before"),
        pytest.param(EMPTY, [], id="hardly any use"),
        pytest.param(np.zeros((1, 30, 48)), [], id="nothing at all"),
        pytest.param(np.round(USED, 1) * 0 + 0.1, [], id="flat"),
        pytest.param(np.full_like(USED, np.nan), [], id="all missing"),
        pytest.param(USED[:, :1], [], id="one day"),
    ],
)
def test_truth_table(curve: np.ndarray, expected: list[tuple[int, int, int]]) -> None:
    book = curve_panel(curve, register=registers_of(np.nan_to_num(curve)))
    found = copied_day(book, **LIMITS)
    spans = [found.start, found.end, found.facts.get("original_day", found.start)]
    assert list(zip(*((days - book.days[0]).astype(int).tolist() for days in spans), strict=True)) == expected


def test_a_gap_is_no_copy() -> None:
    curve = copied((9, 8))
    curve[0, 9, 4] = np.nan
    assert len(copied_day(curve_panel(curve, register=registers_of(USED)), **LIMITS)) == 0


def test_estimates_that_say_so_are_no_copies() -> None:
    book = curve_panel(copied((9, 8)), used=USED)
    assert len(copied_day(with_curve(book, estimated=np.ones(USED.shape, bool)), **LIMITS)) == 0


def test_stake_is_what_the_register_misses() -> None:
    found = copied_day(curve_panel(copied((9, 8)), used=USED), **LIMITS)
    assert found.kwh_at_stake[0] == pytest.approx(abs(USED[0, 9].sum() - USED[0, 8].sum()), abs=0.03)
