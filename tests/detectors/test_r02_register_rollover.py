"""R02: the dial passes its top."""

from __future__ import annotations

import numpy as np
import pytest

from tests.panels import panel, registers
from tests.reading_error_series import daily, found, monthly, with_read

TURNING = np.mod(daily(start=99_700.0), 100_000)


def turning_in_a_gap() -> np.ndarray:
    register = TURNING.copy()
    register[0, 28:33] = np.nan
    return register


def turning_from(kwh: float) -> np.ndarray:
    """A large meter whose dial passes its top on the step after this read."""
    return np.mod(registers([10_500.0] * 10, start=kwh - 5 * 10_500), 100_000)


@pytest.mark.parametrize(
    ("register", "digits", "fires"),
    [
        pytest.param(TURNING, 5, 1, id="passes the top of five digits"),
        pytest.param(TURNING, 6, 0, id="six digits: a rollback"),
        pytest.param(daily(start=99_000.0), 5, 0, id="near the top, not over it"),
        pytest.param(with_read(daily(start=95_000.0), 30, 0.0), 5, 0, id="one read at zero"),
        pytest.param(turning_from(90_000.0), 5, 1, id="from nine tenths of the dial: at the limit"),
        pytest.param(turning_from(89_999.99), 5, 0, id="from just below it"),
        pytest.param(turning_in_a_gap(), 5, 1, id="while reads were missing"),
        pytest.param(TURNING * np.nan, 5, 0, id="no read at all"),
        pytest.param(np.array([[99_998.0, 2.0]]), 5, 1, id="one day, a few kWh through the top"),
        pytest.param(np.array([[99_990.0, 2.0]]), 5, 0, id="one day, more than a meter without history may count"),
        pytest.param(np.mod(monthly(start=99_000.0), 100_000), 5, 1, id="read once a month"),
    ],
)
def test_fires(register: np.ndarray, digits: int, fires: int) -> None:
    assert len(found("R02", panel(register, register_digits=digits))) == fires


def test_facts() -> None:
    one = found("R02", panel(TURNING, register_digits=5, multiplier=20.0))
    assert one.facts["previous_kwh"][0] > 99_980
    assert one.facts["read_kwh"][0] < 20
    assert one.measured[0] == one.facts["energy_kwh"][0]
    assert 8 * 20 <= one.measured[0] <= 12 * 20
    assert one.kwh_at_stake.tolist() == [0.0]
