"""X12: in one box, what is missing in one meter's neutral comes back through another's."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.detectors.x12_neutral_pair import neutral_pair, neutral_unknown
from anomaly.hourly import HourlyElectrical
from anomaly.panel import Panel
from anomaly.registry import Detections
from rules.rulebook import load
from tests.panels import knowing, panel, registers

LIMITS = load().detectors["X12"].limit_values()
HOMES, DAYS = 6, 14
RNG = np.random.default_rng(7)
LINE = np.round(RNG.gamma(1.2, 3.0, (HOMES, DAYS * 24)), 2)
ONE, OTHER = 1, 4


def wired(line: np.ndarray = LINE, neutral: np.ndarray | None = None, *, phases: int = 1, box: object = "B1") -> Panel:
    """Six homes of one box; the neutral carries what the line does, but for a hundredth."""
    carried = straight(line) if neutral is None else neutral
    count, hours = line.shape
    hourly = HourlyElectrical(
        np.arange(count), np.datetime64("2026-01-01", "h"), np.full(line.shape, np.nan, np.float32),
        line.astype(np.float32), carried.astype(np.float32), np.zeros(count, np.int8), np.full(count, phases > 1),
        np.full(count, -1, np.int8), np.zeros(count, np.int64),
    )  # fmt: skip
    kwh = registers(*np.full((count, max(hours // 24, 1)), 5.0))
    return knowing(panel(kwh, area_id="T1", box_id=box), hourly=hourly)


def straight(line: np.ndarray) -> np.ndarray:
    return np.round(line * (1 + RNG.normal(0, 0.01, line.shape)), 2)


def crossed(line: np.ndarray = LINE) -> np.ndarray:
    neutral = straight(line)
    neutral[[ONE, OTHER]] = neutral[[OTHER, ONE]]
    return neutral


def joined(line: np.ndarray = LINE) -> np.ndarray:
    """The neutral of ONE is broken and runs over OTHER."""
    neutral = straight(line)
    neutral[OTHER] += neutral[ONE]
    neutral[ONE] = 0.0
    return neutral


def leaking(line: np.ndarray = LINE) -> np.ndarray:
    neutral = straight(line)
    neutral[ONE] = np.maximum(neutral[ONE] - 2.0, 0.0)
    return neutral


def found(view: Panel, **limits: object) -> Detections:
    return neutral_pair(view, **{**LIMITS, **limits})


@pytest.mark.parametrize(
    ("neutral", "pattern"),
    [pytest.param(crossed(), "neutrals_crossed", id="crossed"), pytest.param(joined(), "neutrals_joined", id="joined")],
)
def test_a_mirrored_pair_is_told_once(neutral: np.ndarray, pattern: str) -> None:
    one = found(wired(neutral=neutral))
    assert one.position.tolist() == [ONE]
    assert one.related.tolist() == [OTHER]
    assert one.facts["pattern"].tolist() == [pattern]
    assert one.measured[0] > LIMITS["least_correlation"] > one.facts["chance_percent"][0] / 100
    assert one.facts["slope_ratio"][0] == pytest.approx(1.0, abs=0.05)
    assert one.kwh_at_stake.tolist() == [0.0], "the bills may be right"




ALIKE = np.tile(np.round(RNG.gamma(1.2, 3.0, (HOMES, 24)), 2), DAYS)
"""Every day the same: hours of shifted days fit as well."""


@pytest.mark.parametrize(
    ("view", "count"),
    [
        pytest.param(wired(), 0, id="all-straight"),
        pytest.param(wired(neutral=leaking()), 0, id="leakage-without-a-mirror"),
        pytest.param(wired(neutral=crossed(), box=["B1", "B1", "B1", "B2", "B2", "B2"]), 0, id="two-boxes"),
        pytest.param(wired(neutral=crossed(), box=None), 0, id="no-box-on-file"),
        pytest.param(wired(neutral=crossed(), phases=3), 0, id="three-phase-meters"),
        pytest.param(wired(neutral=np.full(LINE.shape, np.nan)), 0, id="neutral-not-read"),
        pytest.param(wired(LINE[:, :48], crossed()[:, :48]), 0, id="two-days"),
        pytest.param(wired(LINE / 100, crossed() / 100), 0, id="below-half-an-ampere"),
        pytest.param(wired(ALIKE, crossed(ALIKE)), 0, id="every-day-alike-proves-nothing"),
        pytest.param(wired(np.zeros(LINE.shape), np.zeros(LINE.shape)), 0, id="nobody-uses-anything"),
        pytest.param(panel(registers(np.ones(3))), 0, id="no-electrical-reads"),
    ],
)
def test_truth_table(view: Panel, count: int) -> None:
    assert len(found(view)) == count


def test_limits_themselves_are_silent() -> None:
    view = wired(neutral=crossed())
    one = found(view)
    assert not len(found(view, least_correlation=float(one.measured[0])))
    assert not len(found(view, most_slope_ratio=float(one.facts["slope_ratio"][0])))


def test_a_fault_older_than_a_week_is_not_told() -> None:
    neutral = crossed()
    neutral[:, -8 * 24 :] = straight(LINE)[:, -8 * 24 :]
    assert not len(found(wired(neutral=neutral)))


def test_who_is_not_judged_is_told_why() -> None:
    assert set(neutral_unknown(wired(), **LIMITS)) == {""}
    assert set(neutral_unknown(wired(box=None), **LIMITS)) == {"no_neighbours"}
    assert set(neutral_unknown(wired(neutral=np.full(LINE.shape, np.nan)), **LIMITS)) == {"no_electrical"}
    assert set(neutral_unknown(wired(LINE[:, :48], crossed()[:, :48]), **LIMITS)) == {"too_few_reads"}
    assert set(neutral_unknown(panel(registers(np.ones(3))), **LIMITS)) == {"no_electrical"}
