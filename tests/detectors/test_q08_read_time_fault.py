"""Q08: reads taken off their usual time of day."""

from __future__ import annotations

import numpy as np
import pytest

from tests.panels import panel
from tests.reading_error_series import daily, found


def late(minutes: float, reads: int, first: int = 30, usual: float = 0.0) -> np.ndarray:
    offset = np.full((1, 61), usual)
    offset[0, first : first + reads] = minutes
    return offset / 1440


@pytest.mark.parametrize(
    ("offset", "fires"),
    [
        pytest.param(late(60.0, 3), 1, id="three reads an hour late"),
        pytest.param(late(60.0, 2), 0, id="two reads"),
        pytest.param(late(5.0, 5), 0, id="at the tolerance"),
        pytest.param(late(5.1, 5), 1, id="beyond it"),
        pytest.param(late(60.0, 3, first=58), 1, id="up to now"),
        pytest.param(late(0.0, 0, usual=600.0), 0, id="always read at ten"),
        pytest.param(late(720.0, 4, usual=600.0), 1, id="usually at ten, now at noon"),
        pytest.param(np.linspace(0, 0.9, 61)[None, :], 0, id="no usual time"),
    ],
)
def test_fires(offset: np.ndarray, fires: int) -> None:
    assert len(found("Q08", panel(daily(), offset_days=offset))) == fires


def test_facts() -> None:
    one = found("Q08", panel(daily(), offset_days=late(90.0, 4)))
    assert one.facts["shift_minutes"].tolist() == pytest.approx([90.0], abs=0.1)
    assert one.facts["off_reads"].tolist() == [4]
    assert (str(one.start[0]), str(one.end[0])) == ("2026-01-31", "2026-02-04")


def test_reading_rounds_have_no_fixed_time() -> None:
    of = panel(daily(), offset_days=late(90.0, 4), read_frequency="periodic")
    assert len(found("Q08", of)) == 0
