"""T01: rate registers that do not add up to the total."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.panel import Panel
from tests.panels import panel
from tests.reading_error_series import daily, found

TOTAL = daily()
SHARES = np.array([0.2, 0.3, 0.3, 0.2])
LATE = np.arange(61) >= 30


def rates(off: np.ndarray | float = 0.0, offset: float = 0.0) -> Panel:
    """Four rates; the first is `off` (per border) too high, the total started `offset` earlier."""
    register = SHARES[None, :, None] * (TOTAL[:, None, :] - offset)
    register[0, 0] += off
    return panel(TOTAL, rates=([0], ["import_t1", "import_t2", "import_t3", "import_t4"], register))


@pytest.mark.parametrize(
    ("of", "fires"),
    [
        pytest.param(rates(), 0, id="sum agrees"),
        pytest.param(rates(25.0 * LATE), 1, id="one rate steps away"),
        pytest.param(rates(-25.0 * LATE), 1, id="downwards"),
        pytest.param(rates(np.cumsum(2.0 * LATE)), 1, id="one rate runs faster"),
        pytest.param(rates(25.0 * (np.arange(61) == 30)), 0, id="one read"),
        pytest.param(rates(25.0 * ((np.arange(61) == 30) | (np.arange(61) == 31))), 1, id="two reads: at the limit"),
        pytest.param(rates(0.4 * LATE), 0, id="at the tolerance"),
        pytest.param(rates(0.42 * LATE), 1, id="beyond it"),
        pytest.param(rates(offset=1500.0), 0, id="the total began before the rates"),
        pytest.param(rates(np.where(LATE, np.nan, 0.0)), 0, id="rates missing"),
        pytest.param(rates(-1_000_000.0 * LATE), 0, id="a rate passed the top of its dial"),
        pytest.param(panel(TOTAL), 0, id="no rates"),
    ],
)
def test_fires(of: Panel, fires: int) -> None:
    assert len(found("T01", of)) == fires


def test_facts() -> None:
    one = found("T01", rates(25.0 * LATE))
    assert one.facts["difference_kwh"].tolist() == [25.0]
    assert one.facts["off_days"].tolist() == [31]
    assert (str(one.start[0]), str(one.end[0])) == ("2026-01-30", "2026-03-02")


def test_two_reads_with_days_between() -> None:
    off = np.where(LATE, 25.0, 0.0)
    off[(np.arange(61) > 30) & (np.arange(61) < 60)] = np.nan
    assert len(found("T01", rates(off))) == 1
