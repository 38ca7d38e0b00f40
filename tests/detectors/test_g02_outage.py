"""G02: outages that the energy shows."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.g02_outage import outage
from tests.curves import curve_panel, day_curves
from tests.panels import panel, registers

LIMITS: dict[str, Any] = {"min_hours": 4.0}
USED = day_curves(20)


def dark(hours: float, day: int = 9, hour: int = 8) -> np.ndarray:
    curve = USED.copy()
    first = day * 48 + hour * 2
    curve.reshape(1, -1)[0, first : first + int(hours * 2)] = 0.0
    return curve


def events(*rows: tuple[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"row": [0] * len(rows), "meter_id": ["meter-0"] * len(rows), "at": [row[0] for row in rows],
         "kind": [row[1] for row in rows]}
    ).with_columns(pl.col("at").str.to_datetime())  # fmt: skip


def lasting(end: str) -> pl.DataFrame:
    return events(("2026-01-10T08:00:00", "outage_start"), (end, "outage_end"))


@pytest.mark.parametrize(
    ("curve", "event", "hours"),
    [
        pytest.param(USED, None, [], id="no event"),
        pytest.param(dark(6), lasting("2026-01-10T14:00:00"), [6.0], id="six hours"),
        pytest.param(dark(4), lasting("2026-01-10T12:00:00"), [4.0], id="exactly four hours"),
        pytest.param(dark(3.5), lasting("2026-01-10T11:30:00"), [], id="three and a half hours"),
        pytest.param(dark(40), lasting("2026-01-12T00:00:00"), [40.0], id="forty hours"),
        pytest.param(USED, lasting("2026-01-10T14:00:00"), [], id="use went on"),
        pytest.param(dark(280), events(("2026-01-10T08:00:00", "outage_start")), [256.0], id="not back yet"),
        pytest.param(
            dark(6),
            events(
                ("2026-01-10T08:00:00", "outage_start"), ("2026-01-10T09:00:00", "outage_start"),
                ("2026-01-10T14:00:00", "outage_end"),
            ),
            [6.0], id="told twice",
        ),
    ],
)  # fmt: skip
def test_truth_table(curve: np.ndarray, event: pl.DataFrame | None, hours: list[float]) -> None:
    found = outage(curve_panel(curve, events=event), **LIMITS)
    assert found.measured.tolist() == hours


def test_without_a_curve_whole_days_must_be_dark() -> None:
    use = np.full(20, 8.0)
    use[9:12] = 0.0
    event = events(("2026-01-10T00:00:00", "outage_start"), ("2026-01-13T00:00:00", "outage_end"))
    assert outage(panel(registers(use), events=event), **LIMITS).measured.tolist() == [72.0]
    short = events(("2026-01-10T08:00:00", "outage_start"), ("2026-01-10T14:00:00", "outage_end"))
    assert len(outage(panel(registers(use), events=short), **LIMITS)) == 0
