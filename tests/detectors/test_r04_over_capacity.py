"""R04: a day or two above what the meter can carry."""

from __future__ import annotations

import numpy as np
import pytest

from tests.panels import panel, registers
from tests.reading_error_series import WEEK, daily, found, monthly, with_read

ONE_PHASE = 230 * 60 * 24 / 1000


def day_of(kwh: float, days: int = 1) -> np.ndarray:
    return registers([kwh if 30 <= day < 30 + days else WEEK[day % 7] for day in range(60)])


@pytest.mark.parametrize(
    ("register", "fires"),
    [
        pytest.param(day_of(900.0), 1, id="one day"),
        pytest.param(day_of(900.0, 2), 1, id="two days"),
        pytest.param(day_of(900.0, 3), 0, id="three days: R03"),
        pytest.param(day_of(100.0), 0, id="a high day the meter can carry"),
        pytest.param(with_read(daily(), 30, 9000.0), 0, id="a read that comes back: R07"),
        pytest.param(with_read(daily(), 30, 300.0), 0, id="back up after a read too low"),
        pytest.param(np.append(daily(30), [[9000.0]], axis=1), 1, id="the last read"),
        pytest.param(registers([900.0], start=4000.0), 1, id="one day is all there is"),
        pytest.param(day_of(900.0) * np.nan, 0, id="no read at all"),
        pytest.param(monthly(per_month=12_000.0), 0, id="read once a month: longer than a day or two"),
    ],
)
def test_fires(register: np.ndarray, fires: int) -> None:
    assert len(found("R04", panel(register))) == fires


@pytest.mark.parametrize(
    ("columns", "most_kwh"),
    [
        pytest.param({}, ONE_PHASE, id="one phase"),
        pytest.param({"phases": 3}, 3 * ONE_PHASE, id="three phases, volts to neutral"),
        pytest.param({"phases": 3, "rated_volts": 400.0}, 3**0.5 * 400 * 60 * 24 / 1000, id="volts between lines"),
        pytest.param({"rated_volts": None, "contract_kva": 2.0}, 2.0 * 24 * 10, id="contract instead of ratings"),
    ],
)
def test_the_rating_is_the_limit(columns: dict[str, object], most_kwh: float) -> None:
    most = np.floor(most_kwh * 100) / 100
    assert len(found("R04", panel(day_of(most), **columns))) == 0
    one = found("R04", panel(day_of(most + 0.02), **columns))
    assert one.limit.tolist() == pytest.approx([most_kwh])
    assert one.kwh_at_stake[0] < 0.03


def test_nothing_known_about_the_meter() -> None:
    assert len(found("R04", panel(day_of(90_000.0), rated_volts=None))) == 0


def test_a_gap_has_its_days() -> None:
    register = day_of(900.0)
    register[0, 27:31] = np.nan
    assert len(found("R04", panel(register))) == 0


def test_behind_transformers_the_dial_is_judged() -> None:
    one = found("R04", panel(day_of(900.0), multiplier=40.0))
    assert one.facts["energy_kwh"].tolist() == pytest.approx([900.0 * 40])
