"""What the reading-error rules share: slips of the pen, the usual level, capacity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly.digits import OPERATIONS, corrections, log_prior
from anomaly.expectation import capacity_kwh_per_day, usual_around
from tests.panels import panel
from tests.reading_error_series import daily, with_read


def candidates(written: int, operation: str) -> set[int]:
    one = np.array([written])
    found = corrections(one, one, np.array([6]), np.array([10**6]))
    mine = found.operation == OPERATIONS.index(operation)
    return {int(ticks) for ticks in found.ticks[0, mine] if ticks >= 0}


@given(st.integers(1000, 999_999), st.integers(0, 4))
def test_an_exchange_of_two_digits_is_found_back(true: int, place: int) -> None:
    digits = list(f"{true:06d}")
    digits[place], digits[place + 1] = digits[place + 1], digits[place]
    written = int("".join(digits))
    assert written == true or true in candidates(written, "transposed")


@given(st.integers(0, 999_999), st.integers(0, 5), st.integers(0, 9))
def test_a_wrong_digit_is_found_back(true: int, place: int, digit: int) -> None:
    digits = list(f"{true:06d}")
    digits[place] = str(digit)
    written = int("".join(digits))
    assert written == true or true in candidates(written, "wrong_digit")


@given(st.integers(10_000, 999_999), st.integers(0, 4))
def test_a_dropped_digit_is_found_back(true: int, place: int) -> None:
    text = str(true)
    assert true in candidates(int(text[:place] + text[place + 1 :]), "dropped_digit") | {
        int(text[:place] + text[place + 1 :])
    }


@given(st.integers(1, 99_999), st.integers(0, 4))
def test_a_doubled_digit_is_found_back(true: int, place: int) -> None:
    text = str(true)
    at = min(place, len(text) - 1)
    assert true in candidates(int(text[: at + 1] + text[at:]), "doubled_digit")


@given(st.integers(10, 99_999))
def test_a_decimal_shift_is_found_back(true: int) -> None:
    assert true in candidates(true * 10, "decimal_shift")


@given(st.integers(0, 999_999))
def test_no_slip_leaves_the_number_as_it_is_or_is_likelier_than_its_kind(written: int) -> None:
    one = np.array([written])
    found = corrections(one, one, np.array([6]), np.array([10**6]))
    assert (found.ticks != written).all()
    assert np.exp(log_prior(found, np.array([6]))).max() <= 1 / len(OPERATIONS)


def test_the_usual_level_does_not_see_the_fault() -> None:
    rows, border = np.array([0]), np.array([30])
    clean = usual_around(panel(daily()), rows, border, window_days=45, spread_log=0.35, skip=border + 1)
    wrong = usual_around(
        panel(with_read(daily(), 30, 43_000.0)),
        rows,
        border,
        window_days=45,
        spread_log=0.35,
        skip=border + 1,
    )
    assert wrong.kwh_per_day().tolist() == clean.kwh_per_day().tolist() == pytest.approx([10.0])
    assert clean.spread.tolist() == [0.35]


@pytest.mark.parametrize(
    ("columns", "kwh"),
    [
        pytest.param({}, 331.2, id="one phase"),
        pytest.param({"phases": 3}, 993.6, id="three phases"),
        pytest.param({"phases": None}, 331.2, id="phases not on file: one"),
        pytest.param({"max_amps": None, "contract_kva": 4.0}, 960.0, id="contract"),
        pytest.param({"max_amps": None, "contract_kva": 4.0, "multiplier": 20.0}, 48.0, id="contract is primary"),
        pytest.param({"max_amps": None}, np.inf, id="nothing known"),
    ],
)
def test_capacity(columns: dict[str, object], kwh: float) -> None:
    of = panel(daily(), **columns)
    assert capacity_kwh_per_day(of, np.array([0]), np.array([30]), contract_ratio=10.0).tolist() == pytest.approx([kwh])
