"""A02: accounts that stopped using anything."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.a02_occupied_zero import occupied_zero
from tests.panels import panel, registers

LIMITS: dict[str, Any] = {
    "min_days": 30, "max_kwh_per_day": 0.01, "min_usual_kwh_per_day": 0.5, "min_history_days": 30,
}  # fmt: skip
DAYS = 120


def resting(*spans: tuple[int, int], level: float = 6.0) -> np.ndarray:
    use = np.full(DAYS, level)
    for first, last in spans:
        use[first:last] = 0.0
    return registers(use)


def supply_event(kind: str, day: int) -> pl.DataFrame:
    at = np.datetime64("2026-01-01T12:00") + np.timedelta64(day, "D")
    return pl.DataFrame({"row": [0], "meter_id": ["meter-0"], "at": [at.item()], "kind": [kind]})


def every(step: int, register: np.ndarray) -> np.ndarray:
    return np.where(np.arange(DAYS + 1) % step == 0, register, np.nan)


@pytest.mark.parametrize(
    ("register", "columns", "fires"),
    [
        pytest.param(resting(), {}, False, id="ordinary"),
        pytest.param(resting((80, 120)), {}, True, id="forty days to the end"),
        pytest.param(resting((80, 110)), {}, True, id="exactly thirty days"),
        pytest.param(resting((80, 109)), {}, False, id="twenty-nine days"),
        pytest.param(resting((40, 60), (80, 115)), {}, False, id="rested before"),
        pytest.param(resting((20, 55)), {}, False, id="history too short"),
        pytest.param(resting((80, 120), level=0.3), {}, False, id="hardly used before"),
        pytest.param(resting((0, 120)), {}, False, id="never used"),
        pytest.param(resting((80, 120)), {"status": "vacant"}, False, id="vacant on file"),
        pytest.param(resting((80, 120)), {"status": None}, True, id="status not on file"),
        pytest.param(resting((80, 120)), {"irregular": True}, False, id="irregular on file"),
        pytest.param(
            resting((80, 120)), {"events": supply_event("disconnect", 79)}, False, id="disconnected"
        ),
        pytest.param(resting((80, 120)), {"events": supply_event("reconnect", 79)}, True, id="reconnected"),
        pytest.param(
            every(20, resting((80, 120))), {"read_frequency": "periodic"}, True, id="two bills of nothing"
        ),
        pytest.param(
            every(30, resting((85, 100))), {"read_frequency": "periodic"}, False, id="part of a month"
        ),
        pytest.param(resting() * np.nan, {}, False, id="all missing"),
        pytest.param(resting()[:, :2], {}, False, id="one day"),
    ],
)
def test_truth_table(register: np.ndarray, columns: dict[str, Any], fires: bool) -> None:
    assert len(occupied_zero(panel(register, **columns), **LIMITS)) == int(fires)


def test_days_another_rule_has_excluded_still_count() -> None:
    book = panel(resting((80, 120)))
    excluded = np.zeros(book.shape, bool)
    excluded[0, 80:] = True
    found = occupied_zero(book.without_days(excluded), **LIMITS)
    assert (found.facts["zero_days"][0], found.facts["usual_kwh_per_day"][0]) == (40, pytest.approx(6.0))
