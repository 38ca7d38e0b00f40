"""X08: complaints of two neighbours mirror each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.x08_mirrored_complaints import mirrored_complaints
from anomaly.panel import Panel
from anomaly.registry import REGISTRY, Detections
from rules.rulebook import load
from tests.cuts import tickets
from tests.panels import knowing, panel, registers

LIMITS: dict[str, Any] = dict(load().detectors["X08"].limit_values())
DAYS, CHANGE = 120, 70
LEVEL_KWH = np.array([5.0, 9.0, 7.0, 6.0])
AFTER = np.arange(DAYS) >= CHANGE


def use(*after_kwh: float) -> np.ndarray:
    """Steady days of four homes, with other levels from the day of the change on."""
    later = np.resize(np.array(after_kwh), 4) if after_kwh else LEVEL_KWH
    return np.where(AFTER, later[:, None], LEVEL_KWH[:, None])


EXCHANGED = use(9.0, 5.0, 7.0, 6.0)
HIGH, MINE = "sudden_increase", "wrong_account"


def box(kwh: np.ndarray, reported: pl.DataFrame | None, **columns: Any) -> Panel:
    return knowing(panel(registers(*kwh), **{"box_id": "box", "area_id": "area", **columns}), tickets=reported)


def found(view: Panel, **limits: Any) -> Detections:
    return mirrored_complaints(view, **{**LIMITS, **limits})


@pytest.mark.parametrize(
    ("kwh", "reported", "ratio", "pattern"),
    [
        pytest.param(EXCHANGED, tickets((0, 90, HIGH), (1, 95, MINE)), 20, "both_complained", id="both, and it moved"),
        pytest.param(EXCHANGED, tickets((0, 90, HIGH), (1, 95, "meter_fault")), 20, "both_complained", id="a fault"),
        pytest.param(use(), tickets((0, 90, MINE), (1, 95, MINE)), 20, "both_disowned", id="neither is theirs"),
        pytest.param(use(), tickets((0, 90, HIGH), (1, 95, HIGH)), None, None, id="two high bills in winter"),
        pytest.param(use(), tickets((0, 90, HIGH), (1, 95, MINE)), None, None, id="both, but nothing moved"),
        pytest.param(EXCHANGED, tickets((0, 90, MINE)), 5, "one_complained", id="one, not his own"),
        pytest.param(EXCHANGED, tickets((0, 90, HIGH)), 2, "one_complained", id="one, too high"),
        pytest.param(EXCHANGED, tickets((1, 90, HIGH)), None, None, id="too high, but it fell"),
        pytest.param(EXCHANGED, tickets((1, 90, MINE)), 5, "one_complained", id="not his own, and it fell"),
        pytest.param(EXCHANGED, tickets((0, 90, "no_power")), None, None, id="another complaint"),
        pytest.param(EXCHANGED, tickets((0, 90, MINE), (1, 95, "no_power")), 5, "one_complained", id="theirs another"),
        pytest.param(EXCHANGED, None, None, None, id="nobody complained"),
        pytest.param(EXCHANGED, tickets((0, 20, MINE)), None, None, id="complained before it moved"),
        pytest.param(EXCHANGED, tickets((0, 119, MINE)), 5, "one_complained", id="a month and a half later"),
        pytest.param(use(9.0, 9.0, 7.0, 6.0), tickets((0, 90, MINE)), None, None, id="only one moved"),
        pytest.param(use(9.0, 6.0, 7.0, 6.0), tickets((0, 90, MINE)), 5, "one_complained", id="the sum at the limit"),
        pytest.param(use(9.0, 6.1, 7.0, 6.0), tickets((0, 90, MINE)), None, None, id="the sum moved too"),
        pytest.param(use(6.5, 7.5, 7.0, 6.0), tickets((0, 90, MINE)), None, None, id="too little"),
        pytest.param(use(9.0, 5.0, 3.0, 6.0), tickets((0, 90, MINE)), 2.5, "one_complained", id="two neighbours fit"),
        pytest.param(use(9.0, 5.0, 3.0, 6.0), tickets((0, 90, HIGH)), None, None, id="two fit, a weak complaint"),
        pytest.param(
            use(9.0, 5.0, 3.0, 6.0), tickets((0, 90, HIGH), (1, 90, MINE)), 20, "both_complained", id="who complained",
        ),
        pytest.param(
            use(), tickets((0, 90, HIGH), (1, 95, HIGH), related_ticket_id=[None, "T0"]), 20, "linked", id="linked",
        ),
        pytest.param(
            use(), tickets((0, 90, HIGH), (1, 95, HIGH), related_ticket_id=["T1", None]), 20, "linked", id="and back",
        ),
        pytest.param(
            use(), tickets((0, 90, HIGH), (1, 95, "no_power"), related_ticket_id=["T1", None]), None, None,
            id="linked to another kind",
        ),
        pytest.param(
            EXCHANGED, tickets((0, 90, HIGH), (1, 95, HIGH), related_ticket_id=[None, "T0"]), 100, "both_complained",
            id="linked, and it moved",
        ),
        pytest.param(EXCHANGED, tickets((0, 90, MINE), urges=[2]), 6, "one_complained", id="urged twice"),
        pytest.param(EXCHANGED, tickets((0, 90, MINE), urges=[1]), 5, "one_complained", id="urged once"),
        pytest.param(np.full_like(EXCHANGED, np.nan), tickets((0, 90, MINE)), None, None, id="all missing"),
        pytest.param(EXCHANGED[:, :1], tickets((0, 0, MINE)), None, None, id="one day"),
    ],
)  # fmt: skip
def test_truth_table(kwh: np.ndarray, reported: pl.DataFrame | None, ratio: float | None, pattern: str | None) -> None:
    told = found(box(kwh, reported))
    assert told.measured.tolist() == ([] if ratio is None else [pytest.approx(np.log(ratio), abs=1e-6)])
    pairs = [{home, other} for home, other in zip(told.position.tolist(), told.related.tolist(), strict=True)]
    assert pairs == [{0, 1}] * len(told)
    assert told.facts.get("pattern", np.array([])).tolist() == ([] if pattern is None else [pattern])


@pytest.mark.parametrize(
    ("apart", "ratio"), [pytest.param(60, 20, id="at the limit"), pytest.param(61, None, id="later")]
)
def test_complaints_long_apart_do_not_mirror(apart: float, ratio: float | None) -> None:
    told = found(box(use(), tickets((0, 50, MINE), (1, 50 + apart, MINE))))
    assert len(told) == (ratio is not None)


def test_the_finding_tells_the_change_of_both() -> None:
    told = found(box(EXCHANGED, tickets((0, 90, HIGH), (1, 95, MINE))))
    facts = {name: values[0] for name, values in told.facts.items()}
    assert (int(told.position[0]), int(told.related[0])) in {(0, 1), (1, 0)}
    assert abs(int((facts["change_day"] - np.datetime64("2026-01-01")).astype(int)) - CHANGE) <= 4
    assert facts["change_kwh_per_day"] == pytest.approx(4.0, abs=0.6)
    assert told.kwh_at_stake[0] == pytest.approx(4.0 * (DAYS - CHANGE), rel=0.2)


def test_alone_nobody_can_be_compared() -> None:
    alone = box(EXCHANGED, tickets((0, 90, MINE)), box_id=[None, *["box"] * 3], area_id=[None, *["area"] * 3])
    assert REGISTRY["X08"].unjudged(alone, **LIMITS).tolist() == ["no_neighbours", "", "", ""]
    assert not len(found(alone))
