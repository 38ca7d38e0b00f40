"""R09: what was written down at a meter exchange against the reads around it."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.panel import Panel
from tests.panels import panel, registers
from tests.reading_error_series import WEEK, found

DAY = 30
USE = np.array([WEEK[day % 7] for day in range(60)])


def exchanged(curve: bool = False, **record: Any) -> Panel:
    """Old meter up to 4299 at 00:00 of day 30, exchanged at noon at 4304; the new one starts at 1."""
    register = registers(USE, start=4000.0)
    old = float(register[0, DAY])
    register[0, DAY + 1 :] -= old + USE[DAY] / 2 - 1.0
    row = {
        "row": 0, "day": date(2026, 1, 31), "old_meter_id": "meter-0", "new_meter_id": "meter-1",
        "old_multiplier": 1.0, "new_multiplier": 1.0, "old_removed_on": date(2026, 1, 31),
        "end_register": old + USE[DAY] / 2, "start_register": 1.0, "last_old_border": DAY,
        "last_old_kwh": old, "first_new_border": DAY + 1, "first_new_kwh": 1.0 + USE[DAY] / 2,
    }  # fmt: skip
    shown = (30, [0], 0, np.repeat(USE[None, :, None] / 48, 48, axis=2)) if curve else None
    of = panel(register, exchanges=pl.DataFrame([{**row, **record}]), curve=shown)
    of.step_kwh[0, DAY + 1] = of.step_days[0, DAY + 1] = np.nan
    return of


OLD = float(registers(USE, start=4000.0)[0, DAY])


@pytest.mark.parametrize(
    ("record", "pattern"),
    [
        pytest.param({}, [], id="in order"),
        pytest.param({"end_register": OLD + 400.0}, ["end_register"], id="end too high"),
        pytest.param({"end_register": OLD - 50.0}, ["end_register"], id="end too low"),
        pytest.param({"start_register": 300.0}, ["start_register"], id="start too high"),
        pytest.param({"start_register": 0.0, "first_new_kwh": 905.0}, ["start_register"], id="start too low"),
        pytest.param({"end_register": None}, [], id="no end, read the same day"),
        pytest.param(
            {"end_register": None, "last_old_border": DAY - 4},
            ["missing_old_read"],
            id="no end, no read for days",
        ),
        pytest.param({"end_register": None, "last_old_border": DAY - 1}, [], id="no end: at the limit"),
        pytest.param(
            {"start_register": None, "first_new_border": DAY + 6},
            ["missing_new_read"],
            id="no start, no read for days",
        ),
        pytest.param({"old_removed_on": date(2026, 1, 28)}, ["gap"], id="three days without a meter"),
        pytest.param({"old_removed_on": date(2026, 1, 30)}, [], id="one day: at the limit"),
        pytest.param({"end_register": None, "start_register": None}, [], id="nothing written down, all read"),
        pytest.param({"last_old_kwh": None, "last_old_border": -1}, [], id="old meter never read"),
    ],
)
def test_fires(record: dict[str, Any], pattern: list[str]) -> None:
    assert found("R09", exchanged(**record)).facts["pattern"].tolist() == pattern


@pytest.mark.parametrize(
    ("off_kwh", "curve", "fires"),
    [
        pytest.param(25.0, False, 0, id="within a heavy day, no curve"),
        pytest.param(25.0, True, 1, id="within a heavy day, the curve knows better"),
        pytest.param(4.9, True, 0, id="within the tolerance"),
        pytest.param(5.1, True, 1, id="beyond it"),
    ],
)
def test_the_curve_decides(off_kwh: float, curve: bool, fires: int) -> None:
    record = {"end_register": OLD + USE[DAY] / 2 + off_kwh}
    assert len(found("R09", exchanged(curve, **record))) == fires


def test_facts() -> None:
    one = found("R09", exchanged(end_register=OLD + 400.0))
    assert one.facts["recorded_kwh"].tolist() == [OLD + 400.0]
    assert one.facts["found_kwh"][0] == pytest.approx(OLD + 5, abs=6)
    assert one.kwh_at_stake[0] == pytest.approx(395.0, abs=6)
    assert one.meter_id.tolist() == ["meter-0"]


def test_rollover_of_the_old_meter() -> None:
    of = exchanged(last_old_kwh=999_998.0, end_register=3.0)
    assert len(found("R09", of)) == 0
