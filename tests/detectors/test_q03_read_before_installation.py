"""Q03: reads from before the meter was installed."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import polars as pl
import pytest

from tests.reading_error_series import found
from tests.record_panels import EARLY, REGISTERS, all_but, aside


@pytest.mark.parametrize(
    ("tolerance_days", "fires"),
    [pytest.param(0, 1, id="none"), pytest.param(9, 1, id="below"), pytest.param(10, 0, id="at the limit")],
)
def test_fires(tolerance_days: int, fires: int) -> None:
    assert len(found("Q03", aside(EARLY), tolerance_days=tolerance_days)) == fires


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
def test_whatever_else_the_meter_sent(register: np.ndarray) -> None:
    assert found("Q03", aside(EARLY, register=register)).facts["early_days"].tolist() == [10.0]


def test_other_reasons_are_other_rules() -> None:
    assert len(found("Q03", all_but("before_installation"))) == 0


def test_of_several_installations_the_next_one_counts() -> None:
    of = aside(EARLY)
    later = of.installations.with_columns(first_on=pl.lit(date(2026, 1, 20)))
    earlier = of.installations.with_columns(first_on=pl.lit(date(2025, 6, 1)))
    of = dataclasses.replace(of, installations=pl.concat([later, earlier, of.installations]))
    assert str(found("Q03", of).facts["installed_day"][0]) == "2026-01-01"


def test_without_a_later_installation_the_reads_themselves_count() -> None:
    of = aside(EARLY)
    of = dataclasses.replace(of, installations=of.installations.clear())
    assert str(found("Q03", of).facts["installed_day"][0]) == "2026-01-01"


def test_facts() -> None:
    one = found("Q03", aside(EARLY, multiplier=20.0))
    assert one.facts["early_days"].tolist() == [10.0]
    assert str(one.facts["installed_day"][0]) == "2026-01-01"
    assert one.facts["early_reads"].tolist() == [10]
    assert (str(one.start[0]), str(one.end[0])) == ("2025-12-22", "2026-01-01")
    assert one.kwh_at_stake.tolist() == [90.0 * 20]
