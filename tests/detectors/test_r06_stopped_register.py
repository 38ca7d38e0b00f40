"""R06: a stillness that the home's own history makes improbable."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.panels import panel, registers
from tests.reading_error_series import WEEK, found, monthly


def home(*still: tuple[int, int], days: int = 120) -> np.ndarray:
    kwh = np.array([WEEK[day % 7] for day in range(days)])
    for first, end in still:
        kwh[first:end] = 0.0
    return registers(kwh)


@pytest.mark.parametrize(
    ("register", "columns", "fires"),
    [
        pytest.param(home((100, 120)), {}, 1, id="twenty days, up to now"),
        pytest.param(home((105, 120)), {}, 1, id="at the limit"),
        pytest.param(home((106, 120)), {}, 0, id="fourteen days: a holiday"),
        pytest.param(home((80, 100)), {}, 0, id="twenty days, and moves on"),
        pytest.param(home((80, 115)), {}, 1, id="a month and more, and moves on"),
        pytest.param(home((20, 38), (100, 120)), {}, 0, id="was away as long before"),
        pytest.param(home((0, 100)), {}, 0, id="never much used"),
        pytest.param(home((100, 120)), {"status": "vacant"}, 0, id="vacant"),
        pytest.param(home((100, 120)), {"status": "closed"}, 0, id="closed"),
        pytest.param(home((100, 120)), {"status": "disconnected"}, 0, id="disconnected"),
        pytest.param(home((100, 120)), {"is_supply": True}, 0, id="a supply meter"),
        pytest.param(home((40, 60), days=60), {}, 0, id="short history"),
        pytest.param(home((10, 24), (30, 44), (60, 74), (100, 120)), {}, 0, id="often away for a fortnight"),
    ],
)
def test_fires(register: np.ndarray, columns: dict[str, Any], fires: int) -> None:
    assert len(found("R06", panel(register, **columns))) == fires


def test_a_backlog_means_late_reads() -> None:
    register = home((80, 119))
    register[0, 120:] += 39 * 10.0
    assert len(found("R06", panel(register))) == 0


@pytest.mark.parametrize(
    ("kind", "day", "fires"),
    [
        pytest.param("disconnect", "2026-04-10", 0, id="switched off"),
        pytest.param("outage_start", "2026-04-10", 0, id="outage"),
        pytest.param("disconnect", "2026-04-20", 1, id="switched off much later"),
        pytest.param("reconnect", "2026-04-10", 1, id="switched on again"),
    ],
)
def test_switched_off(kind: str, day: str, fires: int) -> None:
    at = pl.Series([day + "T08:00:00"]).str.to_datetime()
    events = pl.DataFrame({"row": [0], "meter_id": ["meter-0"], "at": at, "kind": [kind], "detail": [None]})
    assert len(found("R06", panel(home((100, 120)), events=events))) == fires


def test_missing_reads_do_not_break_a_stillness() -> None:
    register = home((100, 120))
    register[0, 108:111] = np.nan
    one = found("R06", panel(register))
    assert one.measured.tolist() == [20.0]
    assert one.facts["usual_kwh_per_day"].tolist() == pytest.approx([10.0])
    assert one.kwh_at_stake.tolist() == pytest.approx([200.0])


@pytest.mark.parametrize(("rounds", "fires"), [pytest.param(1, 1, id="one round"), pytest.param(0, 0, id="none")])
def test_reads_once_a_month(rounds: int, fires: int) -> None:
    register = monthly(12)
    if rounds:
        register[0, -30 * rounds :] = np.where(
            np.isnan(register[0, -30 * rounds :]), np.nan, register[0, -1 - 30 * rounds]
        )
    assert len(found("R06", panel(register, read_frequency="periodic"))) == fires
