"""Q01: reads that should be there are not."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from tests.panels import panel
from tests.reading_error_series import daily, found, monthly


def without(*spans: tuple[int, int]) -> np.ndarray:
    register = daily()
    for first, end in spans:
        register[0, first:end] = np.nan
    return register


@pytest.mark.parametrize(
    ("register", "columns", "gaps"),
    [
        pytest.param(without((30, 35)), {}, [5.0], id="five reads: at the limit"),
        pytest.param(without((30, 34)), {}, [], id="four reads"),
        pytest.param(without((55, 61)), {}, [6.0], id="up to now"),
        pytest.param(without((57, 61)), {}, [], id="four days up to now"),
        pytest.param(without((0, 20)), {}, [], id="before the first read of the book"),
        pytest.param(without((10, 16), (30, 37)), {}, [6.0, 7.0], id="two gaps"),
        pytest.param(without(*[(8 * k + 2, 8 * k + 8) for k in range(7)]), {}, [42.0], id="too many gaps are one"),
        pytest.param(without((40, 61)), {"status": "closed"}, [], id="closed"),
        pytest.param(without((40, 61)), {"status": "disconnected"}, [], id="disconnected"),
        pytest.param(without((40, 61)), {"status": "vacant"}, [21.0], id="vacant: the meter still reads"),
        pytest.param(daily(), {}, [], id="complete"),
        pytest.param(without((0, 61)), {}, [], id="no read at all"),
        pytest.param(daily(1), {}, [], id="one day"),
    ],
)
def test_daily(register: np.ndarray, columns: dict[str, Any], gaps: list[float]) -> None:
    assert found("Q01", panel(register, **columns)).measured.tolist() == gaps


def test_a_removed_meter_owes_no_reads() -> None:
    of = panel(without((30, 61)))
    in_place = np.where(np.arange(61) <= 30, 0, -1).astype(np.int32)[None, :]
    assert len(found("Q01", dataclasses.replace(of, installation=in_place))) == 0


@pytest.mark.parametrize(
    ("days", "fires"),
    [
        pytest.param(45, 0, id="at the limit"),
        pytest.param(46, 1, id="overdue"),
        pytest.param(20, 0, id="not due"),
    ],
)
def test_rarely_read(days: int, fires: int) -> None:
    register = np.concatenate([monthly(5), np.full((1, days), np.nan)], axis=1)
    one = found("Q01", panel(register, read_frequency="periodic"))
    assert len(one) == fires


def test_a_new_rhythm_is_not_overdue() -> None:
    register = monthly(9)
    register[0, [150, 210, 270]] = np.nan
    one = panel(np.concatenate([register, np.full((1, 20), np.nan)], axis=1), read_frequency="periodic")
    assert len(found("Q01", one)) == 0


def test_facts() -> None:
    one = found("Q01", panel(without((55, 61))))
    assert str(one.facts["last_read_day"][0]) == str(one.start[0]) == "2026-02-24"
    assert str(one.end[0]) == "2026-03-02"
    assert one.kwh_at_stake.tolist() == pytest.approx([60.0])
    assert one.facts["pattern"].tolist() == ["still_missing"]
    assert found("Q01", panel(without((30, 40)))).kwh_at_stake.tolist() == [0.0]
