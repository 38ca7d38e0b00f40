"""R01: a register that falls and goes on from there."""

from __future__ import annotations

import numpy as np
import pytest

from tests.panels import panel
from tests.reading_error_series import daily, found, with_read

HOME = daily()
AFTER = np.arange(61) >= 30


def fallen(kwh: float) -> np.ndarray:
    return HOME - kwh * AFTER


@pytest.mark.parametrize(
    ("register", "pattern"),
    [
        pytest.param(fallen(1234.0), ["fell_back"], id="falls and goes on"),
        pytest.param(fallen(25.0), ["fell_back"], id="falls by two days' use"),
        pytest.param(fallen(4270.0), ["restarted"], id="starts anew near zero"),
        pytest.param(with_read(HOME, 30, 3400.0), [], id="one misread read comes back"),
        pytest.param(with_read(HOME, 30, 4380.0), [], id="one read too high"),
        pytest.param(with_read(HOME, 30, 2619.47), [], id="one read that nothing explains, and back"),
        pytest.param(with_read(HOME[:, :31], 30, 3400.0), ["fell_back"], id="last read: the next decides"),
        pytest.param(HOME, [], id="sound"),
    ],
)
def test_a_fall_that_stays(register: np.ndarray, pattern: list[str]) -> None:
    assert found("R01", panel(register)).facts["pattern"].tolist() == pattern


@pytest.mark.parametrize(
    ("fall_kwh", "fires"),
    [
        pytest.param(0.01, 0, id="at the limit"),
        pytest.param(0.02, 1, id="beyond it"),
        pytest.param(0.0, 0, id="none"),
    ],
)
def test_the_resolution_is_the_limit(fall_kwh: float, fires: int) -> None:
    still = np.full((1, 61), 4000.0)
    assert len(found("R01", panel(still - fall_kwh * AFTER))) == fires


def test_facts_and_stake() -> None:
    one = found("R01", panel(fallen(1234.0), multiplier=40.0))
    step = 1234.0 - float(HOME[0, 30] - HOME[0, 29])
    assert one.facts["drop_kwh"].tolist() == pytest.approx([step])
    assert one.kwh_at_stake.tolist() == pytest.approx([40 * step])
    assert one.facts["previous_kwh"].tolist() == [HOME[0, 29]]
    assert str(one.start[0]), str(one.end[0]) == ("2026-01-30", "2026-01-31")


@pytest.mark.parametrize(
    ("real_kwh", "fires"),
    [pytest.param(4295.0, 0, id="above the last real read"), pytest.param(4250.0, 1, id="below it")],
)
def test_an_estimate_that_was_too_high_is_no_rollback(real_kwh: float, fires: int) -> None:
    register = HOME[:, :32].copy()
    register[0, 29:31] = (4500.0, 4520.0)
    register[0, 31] = real_kwh
    quality = np.zeros((1, 32), int)
    quality[0, 29:31] = 3
    assert len(found("R01", panel(register, quality=quality))) == fires


def test_rollover_is_not_told() -> None:
    turning = np.mod(daily(start=99_700.0), 100_000)
    assert len(found("R01", panel(turning, register_digits=5))) == 0


def test_reads_once_a_month() -> None:
    register = np.full((1, 151), np.nan)
    register[0, ::30] = (4000.0, 4300.0, 4600.0, 2400.0, 2700.0, 3000.0)
    assert len(found("R01", panel(register, read_frequency="periodic"))) == 1
