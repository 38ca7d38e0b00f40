"""Days that an error has spoiled are gone for every rule about use: energy, intervals and rate registers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from anomaly.detectors.x01_profile_exchange import profile_exchange
from anomaly.panel import Panel
from anomaly.profile import profile_days
from anomaly.registry import Detections
from anomaly.swap_plan import Plan, Windows
from anomaly.swap_scan import drift_counts
from rules.rulebook import load
from tests.lives import DAYS, exchanged, lives, town
from tests.panels import panel, registers

LIMITS = load().detectors["X01"].limit_values()
PLAN = Plan(Windows(8, 4), Windows(4, 2), 26)
LIVES = lives(30, 12)
SWAP_DAY = 100
ROWS = np.arange(3)


def three_homes() -> Panel:
    """Half-days of 1 and 2 kWh, rates a third and two thirds; the last home has curves but no read from day 5 on."""
    kwh = np.broadcast_to([1.0, 2.0], (3, 10, 2))
    read = registers(*np.full((3, 10), 3.0))
    rates = np.stack([read / 3, 2 * read / 3], axis=1)
    read[2, 6:] = np.nan
    return panel(read, curve=(720, (0, 2), 2, kwh[:2, :8]), rates=((0, 1, 2), ("import_t1", "import_t3"), rates))


def days_of(*cells: tuple[int, int]) -> np.ndarray:
    excluded = np.zeros((3, 10), bool)
    for row, day in cells:
        excluded[row, day] = True
    return excluded


def test_an_excluded_day_is_absent_everywhere() -> None:
    book = three_homes().without_days(days_of((0, 4), (2, 3)))
    assert np.isnan(book.kwh[0]).tolist() == [day == 4 for day in range(10)]
    absent = np.isnan(book.curves[0].kwh).all(axis=2)
    assert np.argwhere(absent).tolist() == [[0, 2], [1, 1]]
    assert np.isnan(book.curves[0].day_kwh).tolist() == absent.tolist()
    rates = profile_days(book, "rates", ROWS, 0, 10)
    absent_rates = np.isnan(rates).any(axis=2)
    assert np.argwhere(absent_rates).tolist() == [[0, 4], [0, 5], [2, 3], [2, 4]], "the next day's first read is bad"


def test_a_day_with_a_curve_and_no_register_keeps_its_curve() -> None:
    book = three_homes().without_days(days_of((0, 4)))
    assert np.isnan(book.kwh[2, 6:]).all()
    assert np.isfinite(book.curves[0].kwh[1]).all()


def test_what_is_not_hit_is_not_copied() -> None:
    book = three_homes()
    nothing = book.without_days(days_of())
    assert nothing is book
    other = book.without_days(days_of((1, 0)))
    assert other.curves[0] is book.curves[0], "home 1 has no curve"
    assert other.rates is not book.rates
    before_curves = book.without_days(days_of((0, 1)))
    assert before_curves.curves[0] is book.curves[0], "day 1 is before the curves"


def judged(kwh: np.ndarray, shown: np.ndarray, excluded: np.ndarray) -> Detections:
    """What X01 says of homes whose registers and curves show `shown`; drift is that of the homes in order."""
    spreads = {key: one.fleet_spread() for key, one in drift_counts(town(kwh, 12), PLAN, max_members=64).items()}
    fleet = {key: one for key, one in spreads.items() if one is not None}
    return profile_exchange(dataclasses.replace(town(shown, 12).without_days(excluded), fleet_drift=fleet), **LIMITS)


def spoilt(kwh: np.ndarray, row: int, days: np.ndarray, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The homes with `source` shown on some days of one of them, and these days marked as an error's."""
    shown, excluded = kwh.copy(), np.zeros(kwh.shape[:2], bool)
    shown[row, days] = source
    excluded[row, days] = True
    return shown, excluded


@pytest.mark.parametrize(
    "days",
    [
        pytest.param(np.arange(SWAP_DAY + 2, SWAP_DAY + 5), id="three days after the swap"),
        pytest.param(np.arange(SWAP_DAY - 8, SWAP_DAY - 5), id="three days before it"),
        pytest.param(np.arange(SWAP_DAY - 1, SWAP_DAY + 1), id="the swap's own days"),
        pytest.param(np.arange(SWAP_DAY - 50, SWAP_DAY + 50, 7), id="one day of every week"),
    ],
)
def test_a_swap_with_misreads_in_its_windows_is_found(days: np.ndarray) -> None:
    shown, excluded = spoilt(exchanged(LIVES, 38, 45, SWAP_DAY), 38, days, LIVES[38, days] * 500)
    found = judged(LIVES, shown, excluded)
    assert found.position.tolist() == [38]
    assert found.related.tolist() == [45]


def test_a_meter_with_spoiled_days_is_not_accused() -> None:
    """Three weeks of both homes were written into each other's files, and another rule has said so."""
    days = np.arange(DAYS - 30, DAYS - 9)
    shown, excluded = spoilt(LIVES, 38, days, LIVES[45, days])
    mirrored, also = spoilt(shown, 45, days, LIVES[38, days])
    assert not len(judged(LIVES, mirrored, excluded | also))
