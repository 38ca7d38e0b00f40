"""R11: the multiplier in the file against itself and against the use."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import polars as pl
import pytest

from anomaly.panel import Panel
from tests.panels import panel, registers
from tests.reading_error_series import WEEK, daily, found, monthly

SPLIT = 30


def rekeyed(dial_factor: float, old: float = 20.0, new: float = 40.0, split: int = SPLIT) -> Panel:
    """A meter whose multiplier changes in the file at day `split` while its dial slows by `dial_factor`."""
    use = np.array([WEEK[day % 7] / (dial_factor if day >= split else 1.0) for day in range(60)])
    of = panel(registers(use), multiplier=old)
    of.multiplier[0, split:] = new
    of.kwh[0, split:] *= new / old
    rows = pl.concat([of.installations, of.installations.with_columns(multiplier=pl.lit(new))])
    day = date(2026, 1, 1 + split) if split < 31 else date(2026, 2, split - 30)
    rows = rows.with_columns(first_on=pl.Series([date(2026, 1, 1), day]))
    return dataclasses.replace(of, installations=rows)


def unread(of: Panel, days: slice) -> Panel:
    """The same panel without energy on these days."""
    of.kwh[:, days] = np.nan
    return of


@pytest.mark.parametrize(
    ("of", "fires"),
    [
        pytest.param(rekeyed(1.0), 1, id="file changed, nothing on the wall"),
        pytest.param(rekeyed(2.0), 0, id="transformers changed, and the file with them"),
        pytest.param(rekeyed(1.9), 0, id="nearly as much"),
        pytest.param(rekeyed(1.0, 40.0, 20.0), 1, id="downwards"),
        pytest.param(rekeyed(0.5, 40.0, 20.0), 0, id="downwards and right"),
        pytest.param(rekeyed(1.0, split=58), 0, id="two days since"),
        pytest.param(rekeyed(1.0, split=57), 1, id="three days: at the limit"),
        pytest.param(rekeyed(1.0, 20.0, 20.0), 0, id="unchanged"),
        pytest.param(unread(rekeyed(1.0), slice(28, 33)), 1, id="no energy around the change"),
        pytest.param(unread(rekeyed(1.0), slice(0, 60)), 0, id="no energy at all"),
        pytest.param(unread(rekeyed(1.0), slice(0, 59)), 0, id="one day"),
    ],
)
def test_changed_on_file(of: Panel, fires: int) -> None:
    one = found("R11", of)
    assert len(one) == fires
    if fires:
        assert one.facts["pattern"].tolist() == ["changed_on_file"]
        assert one.kwh_at_stake[0] > 0


@pytest.mark.parametrize(
    ("multiplier", "source", "fires"),
    [
        pytest.param(1.0, 40.0, 0, id="primary kWh, written with multiplier 1"),
        pytest.param(40.0, 40.0, 1, id="applied twice"),
        pytest.param(40.0, 1.0, 0, id="applied here only"),
        pytest.param(40.0, None, 0, id="source silent"),
        pytest.param(40.0, 1.001, 0, id="at the tolerance"),
    ],
)
@pytest.mark.parametrize(
    "register",
    [
        pytest.param(daily(), id="read daily"),
        pytest.param(monthly(), id="read once a month"),
        pytest.param(daily(1), id="one day"),
        pytest.param(daily() * np.nan, id="no read at all"),
    ],
)
def test_applied_twice(multiplier: float, source: float | None, fires: int, register: np.ndarray) -> None:
    of = panel(register, multiplier=multiplier, source_multiplier=source)
    assert len(found("R11", of)) == fires
