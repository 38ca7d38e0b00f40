"""C02: which spikes cannot be true."""

from typing import Any

import numpy as np
import pytest

from anomaly.detectors.c02_interval_spike import interval_spike
from tests.curves import curve_panel, day_curves, registers_of

LIMITS: dict[str, Any] = {
    "spike_percent": 180.0, "min_kw": 1.0, "rating_ratio": 1.2, "peak_ratio": 3.0, "min_days": 14,
    "tolerance_steps": 2, "tolerance_share": 0.01,
}  # fmt: skip
USED = day_curves(30)
NONE = np.full((1, 31), np.nan)


def spike(kwh: float, count: int = 1) -> np.ndarray:
    curve = USED.copy()
    curve[0, 9, 20 : 20 + count] = kwh
    return curve


@pytest.mark.parametrize(
    ("curve", "used", "columns", "fires"),
    [
        pytest.param(USED, USED, {}, False, id="ordinary"),
        pytest.param(spike(8.0), USED, {}, True, id="the register leaves it out"),
        pytest.param(spike(8.0), spike(8.0), {"max_amps": 100.0}, False, id="the register confirms it"),
        pytest.param(spike(40.0), spike(40.0), {}, True, id="confirmed, but more than the meter carries"),
        pytest.param(spike(40.0), spike(40.0), {"max_amps": None}, False, id="rating not on file"),
        pytest.param(spike(8.0), USED, {"register": NONE}, True, id="no register, far above every other day"),
        pytest.param(spike(1.5), USED, {"register": NONE}, False, id="no register, a kettle"),
        pytest.param(spike(8.0, count=3), USED, {}, False, id="three intervals: no spike"),
        pytest.param(np.full_like(USED, np.nan), USED, {}, False, id="all missing"),
        pytest.param(spike(8.0)[:, 9:10], USED[:, 9:10], {}, True, id="one day"),
        pytest.param(USED / 100, USED, {}, False, id="everything too low"),
    ],
)
def test_truth_table(curve: np.ndarray, used: np.ndarray, columns: dict[str, Any], fires: bool) -> None:
    found = interval_spike(curve_panel(curve, used=used, **columns), **LIMITS)
    assert len(found) == int(fires)


def test_tells_when_and_how_high() -> None:
    found = interval_spike(curve_panel(spike(8.0), used=USED), **LIMITS)
    assert str(found.facts["spike_at"][0]) == "2026-01-10T10:00"
    assert found.facts["spike_kw"][0] == 16.0
    assert found.facts["register_leaves_kw"][0] == pytest.approx(USED[0, 9, 20] * 2, abs=0.05)
    assert found.kwh_at_stake[0] == pytest.approx(8.0 - USED[0, 9, 20], abs=0.03)


def test_hourly_curves() -> None:
    used = day_curves(30, minutes=60)
    curve = used.copy()
    curve[0, 9, 3] = 20.0
    found = interval_spike(curve_panel(curve, register=registers_of(used), minutes=60), **LIMITS)
    assert found.facts["spike_kw"].tolist() == [20.0]
