"""R10: everything the meter shows is suddenly multiplied."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.panel import Panel
from tests.panels import panel, registers
from tests.reading_error_series import WEEK, found

DAYS, SPLIT = 90, 60
SHAPE = np.array([0.5, 0.4, 0.3, 0.4, 1.0, 1.6, 1.4, 2.4]).repeat(6) / 48


def stepped(factor: float, *, evenly: bool = True, works: bool = False, curve: bool = True, **columns: Any) -> Panel:
    use = np.array([WEEK[day % 7] for day in range(DAYS)])
    intervals = use[:, None] * SHAPE
    late = np.arange(DAYS) >= SPLIT
    added = intervals * (factor - 1)
    if not evenly:
        added = np.where(np.arange(48) >= 42, added.sum(axis=1, keepdims=True) / 6, 0.0)
    intervals = intervals + np.where(late[:, None], added, 0.0)
    at = pl.Series([datetime(2026, 3, 2, 10)])
    events = pl.DataFrame({"row": [0], "meter_id": ["meter-0"], "at": at, "kind": ["works"], "detail": [None]})
    multiplier = columns.get("multiplier", 40.0)
    return panel(
        registers(intervals.sum(axis=1)), curve=(30, [0], 0, multiplier * intervals[None]) if curve else None,
        events=events if works else None, **{"multiplier": multiplier, **columns},
    )  # fmt: skip


def unread(of: Panel, days: slice) -> Panel:
    """The same panel without energy on these days."""
    of.kwh[:, days] = np.nan
    of.curves[0].kwh[:, days] = np.nan
    return of


@pytest.mark.parametrize(
    ("of", "fires"),
    [
        pytest.param(stepped(2.0), 1, id="behind transformers, all hours alike"),
        pytest.param(stepped(0.5), 1, id="and downwards"),
        pytest.param(stepped(2.0, evenly=False), 0, id="a new load in the evening"),
        pytest.param(stepped(2.0, evenly=False, works=True, curve=False), 1, id="no curve, work on record"),
        pytest.param(stepped(1.2), 0, id="too small"),
        pytest.param(stepped(2.0, multiplier=1.0), 0, id="a direct meter doubles: real use"),
        pytest.param(stepped(3.0, multiplier=1.0, works=True), 0, id="a direct meter triples"),
        pytest.param(stepped(10.0, multiplier=1.0, works=True), 1, id="a direct meter: one decimal place"),
        pytest.param(stepped(10.0, multiplier=1.0), 0, id="the same, nobody was there: a runaway (R03)"),
        pytest.param(stepped(1.0), 0, id="no step"),
        pytest.param(stepped(2.0, is_supply=True), 0, id="a supply meter"),
        pytest.param(stepped(2.0, read_frequency="periodic"), 0, id="read once a month"),
        pytest.param(unread(stepped(2.0), slice(57, 64)), 1, id="a week around the step is missing"),
        pytest.param(unread(stepped(2.0), slice(0, DAYS)), 0, id="no energy at all"),
        pytest.param(panel(registers([10.0]), multiplier=40.0), 0, id="one day"),
    ],
)
def test_fires(of: Panel, fires: int) -> None:
    assert len(found("R10", of)) == fires


@pytest.mark.parametrize(
    ("days_later", "fires"),
    [
        pytest.param(0, 0, id="the same day"),
        pytest.param(3, 0, id="as late as a record may be"),
        pytest.param(4, 1, id="another matter"),
    ],
)
def test_a_change_on_file_is_judged_elsewhere(days_later: int, fires: int) -> None:
    of = stepped(2.0)
    of.multiplier[0, SPLIT + days_later :] = 80.0
    assert len(found("R10", of)) == fires


def test_the_smallest_ratio_is_a_limit() -> None:
    of = stepped(2.0)
    assert len(found("R10", of, min_ratio=1.99)) == 1
    assert len(found("R10", of, min_ratio=2.01)) == 0


def test_facts() -> None:
    one = found("R10", stepped(2.0, works=True))
    assert one.facts["change_ratio"].tolist() == pytest.approx([2.0], rel=0.02)
    assert one.facts["near_ratio"].tolist() == [2.0]
    assert one.facts["pattern"].tolist() == ["work_on_record"]
    assert str(one.start[0]) == "2026-03-02"
    assert one.facts["before_kwh_per_day"].tolist() == pytest.approx([400.0])
    assert one.kwh_at_stake.tolist() == pytest.approx([400.0 * 30])
    assert found("R10", stepped(2.0)).facts["pattern"].tolist() == ["no_work_on_record"]
