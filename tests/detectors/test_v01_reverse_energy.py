"""V01: export where none is expected."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.v01_reverse_energy import reverse_energy
from tests.panels import panel, registers

LIMITS: dict[str, Any] = {"min_kwh_per_day": 1.0, "min_days": 2, "pause_days": 14}
DAYS = 60


def sent(values: dict[int, float]) -> np.ndarray:
    daily = np.zeros(DAYS)
    for day, kwh in values.items():
        daily[day] = kwh
    return registers(daily, start=0.0)


FROM_30 = sent(dict.fromkeys(range(30, 60), 5.0))
ALWAYS = sent(dict.fromkeys(range(60), 5.0))


@pytest.mark.parametrize(
    ("export", "columns", "fires"),
    [
        pytest.param(sent({}), {}, False, id="nothing"),
        pytest.param(FROM_30, {}, True, id="from a day on"),
        pytest.param(FROM_30, {"generation": True}, False, id="generation on file"),
        pytest.param(ALWAYS, {}, True, id="always, file says no generation"),
        pytest.param(ALWAYS, {"generation": None}, False, id="always, file says nothing"),
        pytest.param(FROM_30, {"generation": None}, True, id="began, file says nothing"),
        pytest.param(FROM_30, {"is_supply": True}, False, id="supply meter"),
        pytest.param(sent({30: 5.0}), {}, False, id="one day"),
        pytest.param(sent({30: 1.0, 31: 1.0}), {}, False, id="exactly at the limit"),
        pytest.param(sent({30: 1.1, 31: 1.1}), {}, True, id="two days above it"),
        pytest.param(sent({30: 5.0, 32: 5.0}), {}, False, id="never two days running"),
        pytest.param(FROM_30 * np.nan, {}, False, id="all missing"),
    ],
)
def test_truth_table(export: np.ndarray, columns: dict[str, Any], fires: bool) -> None:
    book = panel(registers(np.full(DAYS, 8.0)), export=([0], export), **columns)
    assert len(reverse_energy(book, **LIMITS)) == int(fires)


def test_tells_how_much() -> None:
    found = reverse_energy(panel(registers(np.full(DAYS, 8.0)), export=([0], FROM_30)), **LIMITS)
    assert found.channel == "export"
    assert (found.facts["export_kwh"][0], found.facts["export_days"][0]) == (150.0, 30)


def test_without_export_registers() -> None:
    assert len(reverse_energy(panel(registers(np.full(DAYS, 8.0))), **LIMITS)) == 0
