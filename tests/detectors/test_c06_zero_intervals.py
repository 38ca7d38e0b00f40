"""C06: zeros that were not measured."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.c06_zero_intervals import zero_intervals
from tests.curves import curve_panel, day_curves

LIMITS: dict[str, Any] = {
    "min_hours": 24.0, "max_zero_share": 0.005, "tolerance_steps": 2, "tolerance_share": 0.01,
}  # fmt: skip
USED = day_curves(30)
NONE = np.full((1, 31), np.nan)
OUTAGE = pl.DataFrame(
    {"row": [0], "meter_id": ["meter-0"], "at": ["2026-01-10T08:00:00"], "kind": ["outage_start"]}
).with_columns(pl.col("at").str.to_datetime())


def zeros(count: int, first: int = 9 * 48 + 16) -> np.ndarray:
    curve = USED.copy()
    curve.reshape(1, -1)[0, first : first + count] = 0.0
    return curve


@pytest.mark.parametrize(
    ("curve", "used", "columns", "fires"),
    [
        pytest.param(USED, USED, {}, False, id="ordinary"),
        pytest.param(zeros(60), USED, {}, True, id="the register counts on"),
        pytest.param(zeros(48), USED, {}, True, id="exactly a day"),
        pytest.param(zeros(47), USED, {}, False, id="half an hour short"),
        pytest.param(zeros(60), zeros(60), {}, False, id="the register rests too"),
        pytest.param(zeros(60), USED, {"register": NONE}, True, id="no register, never at zero otherwise"),
        pytest.param(
            zeros(60), USED, {"register": NONE, "status": "vacant"}, False, id="no register, vacant"
        ),
        pytest.param(zeros(60), USED, {"register": NONE, "events": OUTAGE}, False, id="no register, outage"),
        pytest.param(USED * 0, USED * 0, {"register": NONE}, False, id="always at zero"),
        pytest.param(np.full_like(USED, np.nan), USED, {}, False, id="missing is not zero"),
        pytest.param(zeros(60)[:, 9:11], USED[:, 9:11], {}, True, id="two days"),
    ],
)
def test_truth_table(curve: np.ndarray, used: np.ndarray, columns: dict[str, Any], fires: bool) -> None:
    assert len(zero_intervals(curve_panel(curve, used=used, **columns), **LIMITS)) == int(fires)


def test_tells_what_the_register_counted() -> None:
    found = zero_intervals(curve_panel(zeros(48, 9 * 48), used=USED), **LIMITS)
    assert str(found.facts["zero_at"][0]) == "2026-01-10T00:00"
    assert found.facts["zero_hours"][0] == 24.0
    assert found.facts["register_kwh"][0] == pytest.approx(USED[0, 9].sum(), abs=0.02)
