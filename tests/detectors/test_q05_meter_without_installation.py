"""Q05: reads from a meter that is installed nowhere."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reading_error_series import found
from tests.record_panels import ORPHAN, REGISTERS, all_but, aside


@pytest.mark.parametrize(
    ("min_reads", "fires"),
    [pytest.param(1, 1, id="any"), pytest.param(12, 1, id="at the limit"), pytest.param(13, 0, id="too few")],
)
def test_fires(min_reads: int, fires: int) -> None:
    assert len(found("Q05", aside(ORPHAN), min_reads=min_reads)) == fires


@pytest.mark.parametrize("register", REGISTERS.values(), ids=REGISTERS)
def test_whatever_the_other_meters_sent(register: np.ndarray) -> None:
    assert len(found("Q05", aside(ORPHAN, register=register))) == 1


def test_a_book_of_strays_only() -> None:
    assert len(found("Q05", aside(ORPHAN, register=np.empty((0, 31))))) == 1


def test_other_reasons_are_other_rules() -> None:
    assert len(found("Q05", all_but("no_installation"))) == 0


def test_every_stray_meter_is_one_finding() -> None:
    assert found("Q05", aside(ORPHAN, {**ORPHAN, "meter_id": "other"})).meter_id.tolist() == ["other", "stray"]


def test_facts() -> None:
    one = found("Q05", aside(ORPHAN))
    assert one.position.tolist() == [-1]
    assert one.meter_id.tolist() == ["stray"]
    assert one.facts["orphan_reads"].tolist() == [12]
    assert one.facts["counted_kwh"].tolist() == one.kwh_at_stake.tolist() == [90.0]
