"""R02: the dial passes its top."""

from __future__ import annotations

import numpy as np
import pytest

from tests.panels import panel
from tests.reading_error_series import daily, found, with_read

TURNING = np.mod(daily(start=99_700.0), 100_000)


@pytest.mark.parametrize(
    ("register", "digits", "fires"),
    [
        pytest.param(TURNING, 5, 1, id="passes the top of five digits"),
        pytest.param(TURNING, 6, 0, id="six digits: a rollback"),
        pytest.param(daily(start=99_000.0), 5, 0, id="near the top, not over it"),
        pytest.param(with_read(daily(start=95_000.0), 30, 0.0), 5, 0, id="one read at zero"),
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
