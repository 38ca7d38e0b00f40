"""C08: curves that run early or late."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.c08_clock_shift import clock_shift
from tests.curves import curve_panel, day_curves, registers_of

LIMITS: dict[str, Any] = {
    "min_shift_minutes": 60, "min_shape_shift_minutes": 120,
    "min_days": 5, "min_day_share": 0.7, "min_gain": 0.2,
    "max_own_gain": 0.2, "tolerance_steps": 2, "tolerance_share": 0.01,
}  # fmt: skip
USED = day_curves(120)
ONSET = 91


def shifted(intervals: int, first: int = ONSET, last: int = 120, of: np.ndarray = USED) -> np.ndarray:
    curve = of.copy()
    part = curve[0, first:last].reshape(-1)
    curve[0, first:last] = np.roll(part, intervals).reshape(last - first, -1)
    return curve


def other_habits() -> np.ndarray:
    """From the onset on the home uses nearly everything at midday."""
    curve = USED.copy()
    curve[0, ONSET:] = np.round(curve[0, ONSET:].sum(axis=1, keepdims=True) / 60, 3)
    curve[0, ONSET:, 24:30] *= 4
    return curve


@pytest.mark.parametrize(
    ("curve", "register", "minutes"),
    [
        pytest.param(USED, True, [], id="ordinary"),
        pytest.param(shifted(6), True, [180], id="three hours late, beside the register"),
        pytest.param(shifted(-6), True, [-180], id="three hours early"),
        pytest.param(shifted(24), True, [720], id="twelve hours"),
        pytest.param(shifted(1), True, [], id="half an hour is below the limit"),
        pytest.param(shifted(6, 91, 95), True, [], id="four days only"),
        pytest.param(shifted(6, 112), True, [180], id="eight days beside the register"),
        pytest.param(shifted(6), False, [180], id="three hours late, beside itself"),
        pytest.param(shifted(-8), False, [-240], id="four hours early, beside itself"),
        pytest.param(shifted(2), False, [], id="one hour, beside itself: people do that"),
        pytest.param(other_habits(), False, [], id="other habits"),
        pytest.param(USED * 0 + 0.2, False, [], id="flat"),
        pytest.param(np.full_like(USED, np.nan), True, [], id="all missing"),
        pytest.param(shifted(6)[:, :1], True, [], id="one day"),
    ],
)
def test_truth_table(curve: np.ndarray, register: bool, minutes: list[int]) -> None:
    counted = registers_of(USED[:, : curve.shape[1]])
    book = curve_panel(curve, register=counted if register else counted * np.nan)
    assert clock_shift(book, **LIMITS).facts.get("shift_minutes", np.empty(0)).tolist() == minutes


@pytest.mark.parametrize(
    ("limits", "fires"),
    [
        pytest.param({"min_shift_minutes": 180}, 1, id="as far: at the limit"),
        pytest.param({"min_days": 5}, 1, id="as long: at the limit"),
        pytest.param({"min_days": 6}, 0, id="not so long"),
    ],
)
def test_limits_beside_the_register(limits: dict[str, Any], fires: int) -> None:
    """Of the eight days, five disagree with the register by more than its resolution."""
    book = curve_panel(shifted(6, 112), register=registers_of(USED))
    assert len(clock_shift(book, **{**LIMITS, **limits})) == fires


def test_missing_days_do_not_end_a_shift() -> None:
    curve = shifted(6)
    curve[0, 100:103] = np.nan
    found = clock_shift(curve_panel(curve, register=registers_of(USED)), **LIMITS)
    assert found.facts["shift_minutes"].tolist() == [180]


def test_registers_read_once_a_month_are_none_to_compare_with() -> None:
    register = np.full((1, 121), np.nan)
    register[0, ::30] = registers_of(USED)[0, ::30]
    found = clock_shift(curve_panel(shifted(6), register=register, read_frequency="periodic"), **LIMITS)
    assert found.facts["shift_minutes"].tolist() == [180]
    assert found.facts["register_days"].tolist() == [0]


def test_other_use_at_the_same_time_is_no_clock() -> None:
    curve = shifted(8)
    curve[0, ONSET:] *= 0.5
    book = curve_panel(curve, register=np.full((1, 121), np.nan))
    assert len(clock_shift(book, **LIMITS)) == 0


def test_weeks_are_those_of_the_calendar() -> None:
    """The same shift seen from a panel that begins three days later starts on the same day."""
    starts = []
    for skipped, start in ((0, "2026-01-01"), (3, "2026-01-04")):
        curve = shifted(8)[:, skipped:]
        found = clock_shift(
            curve_panel(curve, register=np.full((1, 121 - skipped), np.nan), start=start), **LIMITS
        )
        starts.append(str(found.start[0]))
    assert starts[0] == starts[1]
