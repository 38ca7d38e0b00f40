"""Q04: reads from after the meter was removed."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import polars as pl
import pytest

from anomaly.panel import Panel
from tests.reading_error_series import found
from tests.record_panels import LATE, REGISTERS, all_but, aside


def removed(of: Panel, *last_on: date) -> Panel:
    """The same panel, its meter removed on these days (one installation each)."""
    rows = [of.installations.with_columns(last_on=pl.lit(day)) for day in last_on]
    return dataclasses.replace(of, installations=pl.concat([of.installations.clear(), *rows]))


@pytest.mark.parametrize(
    ("tolerance_days", "fires"),
    [pytest.param(0, 1, id="none"), pytest.param(4, 1, id="below"), pytest.param(5, 0, id="at the limit")],
)
def test_fires(tolerance_days: int, fires: int) -> None:
    of = removed(aside(LATE), date(2026, 1, 20))
    assert len(found("Q04", of, tolerance_days=tolerance_days)) == fires


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
def test_whatever_else_the_meter_sent(register: np.ndarray) -> None:
    one = found("Q04", removed(aside(LATE, register=register), date(2026, 1, 20)))
    assert one.facts["late_days"].tolist() == [5.0]


def test_other_reasons_are_other_rules() -> None:
    assert len(found("Q04", removed(all_but("after_removal"), date(2026, 1, 20)))) == 0


def test_of_several_removals_the_last_before_the_reads_counts() -> None:
    of = removed(aside(LATE), date(2025, 11, 1), date(2026, 1, 18), date(2026, 3, 1))
    assert str(found("Q04", of).facts["removed_day"][0]) == "2026-01-18"


def test_without_an_earlier_removal_the_reads_themselves_count() -> None:
    assert str(found("Q04", removed(aside(LATE))).facts["removed_day"][0]) == "2026-01-20"


def test_facts() -> None:
    one = found("Q04", removed(aside(LATE, multiplier=20.0), date(2026, 1, 20)))
    assert str(one.facts["read_day"][0]) == "2026-01-25"
    assert str(one.facts["removed_day"][0]) == "2026-01-20"
    assert one.facts["late_reads"].tolist() == [10]
    assert (str(one.start[0]), str(one.end[0])) == ("2026-01-21", "2026-01-26")
    assert one.kwh_at_stake.tolist() == [90.0 * 20]
