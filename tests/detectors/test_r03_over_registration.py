"""R03: a meter that keeps counting too much."""

from __future__ import annotations

import numpy as np
import pytest

from tests.panels import panel, registers
from tests.reading_error_series import WEEK, found, monthly

CAPACITY = 230 * 60 * 24 / 1000


def use(factor: float, last_days: int, days: int = 60) -> np.ndarray:
    return np.array([WEEK[day % 7] * (factor if day >= days - last_days else 1.0) for day in range(days)])


@pytest.mark.parametrize(
    ("kwh", "fires"),
    [
        pytest.param(use(12.0, 20), 1, id="twelve times the usual, up to now"),
        pytest.param(use(12.0, 3), 1, id="for three days"),
        pytest.param(use(12.0, 2), 0, id="for two days"),
        pytest.param(use(3.0, 20), 0, id="three times: real use does that"),
        pytest.param(use(5.0, 20), 0, id="five times"),
        pytest.param(np.where(np.arange(60) == 30, 400.0, use(1.0, 0)), 0, id="one day, above capacity"),
        pytest.param(np.where(np.abs(np.arange(60) - 30) <= 1, 400.0, use(1.0, 0)), 1, id="three days above capacity"),
        pytest.param(np.where(np.arange(60) < 40, 0.1, 12.0), 0, id="an empty home is lived in again"),
        pytest.param(np.append(use(12.0, 20)[:-5], WEEK[:5]), 0, id="over again by now"),
        pytest.param(use(12.0, 1, days=1), 0, id="one day"),
    ],
)
def test_fires(kwh: np.ndarray, fires: int) -> None:
    assert len(found("R03", panel(registers(kwh)))) == fires


@pytest.mark.parametrize(
    ("kwh_per_day", "fires"),
    [pytest.param(CAPACITY, 0, id="at capacity"), pytest.param(CAPACITY + 0.02, 1, id="above it")],
)
def test_capacity_is_the_limit(kwh_per_day: float, fires: int) -> None:
    of = panel(registers([300.0] * 40 + [kwh_per_day] * 4))
    assert len(found("R03", of)) == fires


def test_missing_reads_do_not_hide_it() -> None:
    register = registers(use(12.0, 20))
    register[0, 45:48] = np.nan
    assert len(found("R03", panel(register))) == 1
    assert len(found("R03", panel(register * np.nan))) == 0


@pytest.mark.parametrize(
    ("ratio", "fires"),
    [pytest.param(0.9, 0, id="below capacity"), pytest.param(1.1, 1, id="a month above it")],
)
def test_read_once_a_month_only_capacity_tells(ratio: float, fires: int) -> None:
    register = monthly(10)
    register[0, 270:] += (ratio * CAPACITY - 10) * 30
    assert len(found("R03", panel(register, read_frequency="periodic"))) == fires


def test_real_heating_leaves_the_standing_load_alone() -> None:
    kwh = use(12.0, 20)
    scaled = np.repeat(kwh[None, :, None] / 48, 48, axis=2)
    added = np.repeat(use(1.0, 0)[None, :, None] / 48, 48, axis=2)
    added[0, :, 20:30] += ((kwh - use(1.0, 0)) / 10)[:, None]
    assert len(found("R03", panel(registers(kwh), curve=(30, [0], 0, scaled)))) == 1
    assert len(found("R03", panel(registers(kwh), curve=(30, [0], 0, added)))) == 0


def test_a_change_of_the_multiplier_in_the_file_is_not_the_dial() -> None:
    of = panel(registers(use(1.0, 0)))
    of.multiplier[0, 40:] = 20.0
    of.kwh[0, 40:] *= 20.0
    assert len(found("R03", of)) == 0
