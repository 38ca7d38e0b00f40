"""A01: use where nobody should be."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from anomaly.detectors.a01_vacant_use import vacant_use
from tests.panels import panel, registers

LIMITS: dict[str, Any] = {"min_kwh": 5.0, "window_days": 30, "grace_days": 3, "min_days": 3}
DAYS = 60
SINCE = date(2026, 1, 31)


def after(kwh: float, before: float = 8.0) -> np.ndarray:
    return registers(np.where(np.arange(DAYS) < 30, before, kwh))


@pytest.mark.parametrize(
    ("register", "columns", "fires"),
    [
        pytest.param(after(2.0), {"status": "vacant"}, True, id="used"),
        pytest.param(after(2.0), {"status": "closed"}, True, id="closed and used"),
        pytest.param(after(2.0), {"status": "disconnected"}, True, id="disconnected and used"),
        pytest.param(after(0.0), {"status": "vacant"}, False, id="vacant and empty"),
        pytest.param(after(2.0), {"status": "active"}, False, id="active"),
        pytest.param(after(2.0), {"status": None}, False, id="status not on file"),
        pytest.param(after(0.1), {"status": "vacant"}, False, id="standing load"),
        pytest.param(after(2.0), {"status": "vacant", "is_supply": True}, False, id="supply meter"),
        pytest.param(
            after(2.0), {"status": "vacant", "status_since": None}, True, id="no date",
        ),
        pytest.param(
            after(2.0), {"status": "vacant", "status_since": date(2026, 2, 26)}, False, id="in grace",
        ),
        pytest.param(
            np.where(np.isin(np.arange(DAYS + 1), [0, 25, 55]), after(2.0), np.nan),
            {"status": "vacant", "read_frequency": "periodic"}, False, id="monthly: the gap began before",
        ),
        pytest.param(
            np.where(np.isin(np.arange(DAYS + 1), [0, 33, 58]), after(2.0), np.nan),
            {"status": "vacant", "read_frequency": "periodic"}, True, id="monthly: read after moving out",
        ),
        pytest.param(after(2.0) * np.nan, {"status": "vacant"}, False, id="all missing"),
        pytest.param(after(2.0)[:, :2], {"status": "vacant"}, False, id="one day"),
    ],
)  # fmt: skip
def test_truth_table(register: np.ndarray, columns: dict[str, Any], fires: bool) -> None:
    book = panel(register, **{"status_since": SINCE, **columns})
    assert len(vacant_use(book, **LIMITS)) == int(fires)


def test_tells_how_much_since_when() -> None:
    found = vacant_use(panel(after(2.0), status="vacant", status_since=SINCE), **LIMITS)
    facts = {name: values[0] for name, values in found.facts.items()}
    assert (facts["used_kwh"], facts["used_days"], str(facts["since_day"])) == (
        pytest.approx(54.0),
        27,
        "2026-01-31",
    )
