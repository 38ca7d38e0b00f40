"""G01: a lost voltage that shows in the energy."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.g01_voltage_or_current_loss import voltage_or_current_loss
from tests.panels import panel, registers

LIMITS: dict[str, Any] = {
    "min_hours": 24.0,
    "window_days": 28,
    "max_use_ratio": 0.85,
    "max_voltage_share": 0.78,
}
DAYS = 60


def use(ratio: float, first: int = 40, last: int = DAYS) -> np.ndarray:
    daily = 30 * np.random.default_rng(7).lognormal(0, 0.05, DAYS)
    daily[first:last] *= ratio
    return registers(np.round(daily, 2))


def events(*days: int, kind: str = "phase_loss") -> pl.DataFrame:
    at = [(np.datetime64("2026-01-01T00:30") + np.timedelta64(day, "D")).item() for day in days]
    return pl.DataFrame(
        {"row": [0] * len(at), "meter_id": ["meter-0"] * len(at), "at": at, "kind": [kind] * len(at)}
    )


@pytest.mark.parametrize(
    ("register", "event", "spans"),
    [
        pytest.param(use(0.67), events(40), [(40, 60)], id="a third lost"),
        pytest.param(use(0.67), events(40, kind="voltage_loss"), [(40, 60)], id="voltage"),
        pytest.param(use(0.67), events(40, kind="current_loss"), [(40, 60)], id="current"),
        pytest.param(use(0.67), events(40, kind="cover_open"), [], id="another event"),
        pytest.param(use(0.67, 40, 50), events(40), [(40, 50)], id="repaired"),
        pytest.param(use(0.67), events(40, 45, 50), [(40, 60)], id="told three times"),
        pytest.param(use(1.0), events(40), [], id="event without effect"),
        pytest.param(use(0.95), events(40), [], id="five percent less"),
        pytest.param(use(0.67), None, [], id="no event"),
        pytest.param(use(0.67) * np.nan, events(40), [], id="all missing"),
        pytest.param(use(0.67)[:, :2], events(0), [], id="one day"),
    ],
)
def test_truth_table(register: np.ndarray, event: pl.DataFrame | None, spans: list[tuple[int, int]]) -> None:
    book = panel(register, events=event)
    found = voltage_or_current_loss(book, **LIMITS)
    days = ((ends - book.days[0]).astype(int).tolist() for ends in (found.start, found.end))
    assert list(zip(*days, strict=True)) == spans


def test_tells_what_was_missed() -> None:
    found = voltage_or_current_loss(panel(use(0.67), events=events(40)), **LIMITS)
    assert found.facts["event"][0] == "phase_loss"
    assert found.facts["use_ratio"][0] == pytest.approx(0.67, abs=0.05)
    assert found.kwh_at_stake[0] == pytest.approx(20 * 10, rel=0.2)
