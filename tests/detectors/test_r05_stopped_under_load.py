"""R05: no count while electricity flows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.panels import panel, registers
from tests.reading_error_series import WEEK, found

USE = np.array([WEEK[day % 7] for day in range(40)])
FLAT = np.where(np.arange(40) >= 30, 0.0, USE)


def curve(kwh: np.ndarray) -> tuple[int, list[int], int, np.ndarray]:
    return (30, [0], 0, np.repeat(kwh[None, :, None] / 48, 48, axis=2))


@pytest.mark.parametrize(
    ("counted", "shown", "fires"),
    [
        pytest.param(FLAT, USE, 1, id="stands still, the curve goes on"),
        pytest.param(FLAT, FLAT, 0, id="stands still, and so does the curve"),
        pytest.param(np.where(np.arange(40) == 39, 0.0, USE), USE, 1, id="one day"),
        pytest.param(np.append(FLAT[:39], USE[30:].sum()), USE, 0, id="made up at once: late reads"),
        pytest.param(FLAT, np.where(np.arange(40) >= 30, 0.1, USE), 1, id="at the least load"),
        pytest.param(FLAT, np.where(np.arange(40) >= 30, 0.0999, USE), 0, id="below it"),
        pytest.param(FLAT, np.where(np.arange(40) >= 30, np.nan, USE), 0, id="curve missing"),
        pytest.param(USE, USE, 0, id="sound"),
    ],
)
def test_against_the_curve(counted: np.ndarray, shown: np.ndarray, fires: int) -> None:
    one = found("R05", panel(registers(counted), curve=curve(shown)))
    assert len(one) == fires
    if fires and shown is USE:
        assert one.kwh_at_stake[0] == pytest.approx(USE[counted == 0].sum())


@pytest.mark.parametrize(
    ("amps", "fires"),
    [
        pytest.param(2.0, 1, id="two amps"),
        pytest.param(0.1, 0, id="at the limit"),
        pytest.param(np.nan, 0, id="none"),
    ],
)
def test_against_the_current(amps: float, fires: int) -> None:
    one = found("R05", panel(registers(FLAT), electrical=([0], np.full((1, 40), amps))))
    assert len(one) == fires
    if fires:
        assert one.facts["load_kwh"][0] == pytest.approx(2.0 * 230 * 24 / 1000 * 10)


def test_estimates_that_repeat_a_register_are_not_a_stop() -> None:
    quality = np.where(np.arange(41) > 30, 3, 0)[None, :]
    assert len(found("R05", panel(registers(FLAT), curve=curve(USE), quality=quality))) == 0


def test_a_coarse_register_may_rest() -> None:
    small = np.full(40, 0.3)
    of = panel(registers(small, start=1000.0), curve=curve(small), register_decimals=0)
    assert len(found("R05", of)) == 0
