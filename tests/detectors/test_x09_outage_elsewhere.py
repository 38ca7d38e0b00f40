"""X09: one home had no power, and a neighbour's meter noted the outage."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.x09_outage_elsewhere import outage_elsewhere
from anomaly.panel import Panel
from anomaly.registry import REGISTRY, Detections
from rules.rulebook import load
from tests.cuts import box, events, half_hours, tickets, without

LIMITS: dict[str, Any] = dict(load().detectors["X09"].limit_values())
BEGIN, END = 40.5, 40.75
LIVES = half_hours()
NEIGHBOUR_DARK = without(LIVES, 1, BEGIN, END)
NOTED = ((1, BEGIN, "outage_start"), (1, END, "outage_end"))
CALL = tickets((0, 40.6, "no_power"))
SEEN, LOGGED = np.log(30), np.log(10)


def found(view: Panel, **limits: Any) -> Detections:
    return outage_elsewhere(view, **{**LIMITS, **limits})


@pytest.mark.parametrize(
    ("kwh", "happened", "reported", "nats"),
    [
        pytest.param(NEIGHBOUR_DARK, NOTED, CALL, SEEN, id="noted by the neighbour's meter"),
        pytest.param(NEIGHBOUR_DARK, (), CALL, SEEN, id="seen in the neighbour's curve"),
        pytest.param(NEIGHBOUR_DARK, NOTED, tickets((0, 40.0, "no_power")), SEEN, id="only the day of the call"),
        pytest.param(NEIGHBOUR_DARK, NOTED, tickets((0, 41.0, "no_power")), SEEN, id="called six hours after it"),
        pytest.param(NEIGHBOUR_DARK, NOTED, tickets((0, 41.05, "no_power")), None, id="called long after it"),
        pytest.param(NEIGHBOUR_DARK, NOTED, tickets((0, 40.4, "no_power")), None, id="called before it"),
        pytest.param(NEIGHBOUR_DARK, NOTED, tickets((0, 40.6, "other")), None, id="another complaint"),
        pytest.param(NEIGHBOUR_DARK, NOTED, None, None, id="nobody called"),
        pytest.param(LIVES, (), CALL, None, id="nobody was dark"),
        pytest.param(LIVES, NOTED, CALL, None, id="noted, but the meter counted on"),
        pytest.param(without(NEIGHBOUR_DARK, 0, BEGIN, END), NOTED, CALL, None, id="caller's meter stood still"),
        pytest.param(
            NEIGHBOUR_DARK, (*NOTED, (0, BEGIN, "outage_start"), (0, END, "outage_end")), CALL, None,
            id="noted by the caller's meter too",
        ),
        pytest.param(
            NEIGHBOUR_DARK, (*NOTED, (0, 40.4, "disconnect"), (0, 40.9, "reconnect")), CALL, None,
            id="the caller was disconnected",
        ),
        pytest.param(
            NEIGHBOUR_DARK, (*NOTED, (1, 40.4, "disconnect"), (1, 40.9, "reconnect")), CALL, None,
            id="the neighbour was disconnected: another rule's",
        ),
        pytest.param(
            NEIGHBOUR_DARK, NOTED, tickets((0, 40.6, "no_power"), (1, 40.6, "no_power")), None, id="both called",
        ),
        pytest.param(NEIGHBOUR_DARK, (*NOTED, (2, 40.51, "outage_start")), CALL, SEEN, id="noted by one more"),
        pytest.param(
            NEIGHBOUR_DARK, (*NOTED, (2, 40.51, "outage_start"), (3, 40.51, "outage_start")), CALL, None,
            id="noted by three",
        ),
        pytest.param(NEIGHBOUR_DARK, ((0, 40.4, "works"), *NOTED), None, np.log(10), id="works at that meter"),
        pytest.param(
            NEIGHBOUR_DARK, (*((home, 40.4, "works") for home in (0, 2, 3)), *NOTED), None, None,
            id="works at the box",
        ),
        pytest.param(NEIGHBOUR_DARK, ((0, 40.0 - 1 / 3, "works"), *NOTED), None, None, id="works long before"),
        pytest.param(np.full_like(LIVES, np.nan), NOTED, CALL, np.log(10), id="no reads: the log alone"),
        pytest.param(LIVES[:, :1], ((1, 0.5, "outage_start"),), tickets((0, 0.6, "no_power")), None, id="one day"),
    ],
)  # fmt: skip
def test_truth_table(kwh: np.ndarray, happened: Any, reported: pl.DataFrame | None, nats: float | None) -> None:
    if nats is not None and len([kind for _, _, kind in happened if kind == "outage_start"]) == 0:
        assert not len(found(box(kwh, events(*happened), reported, curve=False))), "days do not show it"
    told = found(box(kwh, events(*happened), reported))
    rows = list(zip(told.position, told.related, np.round(told.measured, 6), strict=True))
    assert rows == ([] if nats is None else [(0, 1, pytest.approx(nats, abs=1e-5))])


def test_three_dark_homes_are_no_individual_outage() -> None:
    kwh = without(without(NEIGHBOUR_DARK, 2, BEGIN, END), 3, BEGIN, END)
    assert not len(found(box(kwh, events(), CALL)))
    two = found(box(without(NEIGHBOUR_DARK, 2, BEGIN, END), events(), CALL))
    assert two.measured.tolist() == [pytest.approx(np.log(15), abs=1e-5)]
    assert two.facts["candidates_count"].tolist() == [2]


def test_by_days_a_log_of_hours_proves_less() -> None:
    told = found(box(NEIGHBOUR_DARK, events(*NOTED), CALL, curve=False))
    assert told.measured.tolist() == [pytest.approx(LOGGED, abs=1e-5)]
    long = ((1, 40.25, "outage_start"), (1, 43.25, "outage_end"))
    told = found(box(without(LIVES, 1, 40.25, 43.25), events(*long), CALL, curve=False))
    assert told.measured.tolist() == [pytest.approx(SEEN, abs=1e-5)]


def test_a_curve_that_is_often_idle_shows_no_outage() -> None:
    idle = NEIGHBOUR_DARK.copy()
    idle[1, ::2, :4] = 0.0
    assert not len(found(box(idle, events(), CALL)))
    assert len(found(box(idle, events(*NOTED), CALL)))


def test_the_limit_itself_counts() -> None:
    view = box(NEIGHBOUR_DARK, events(*NOTED), CALL)
    assert len(found(view, min_nats=round(SEEN, 6)))
    assert not len(found(view, min_nats=round(SEEN, 6) + 1e-5))


def test_the_finding_tells_both_sides() -> None:
    told = found(box(NEIGHBOUR_DARK, events(*NOTED), CALL))
    facts = {name: values[0] for name, values in told.facts.items()}
    assert (str(facts["outage_at"]), facts["outage_hours"], facts["pattern"]) == (
        "2026-02-10T12:00", 6.0, "customer_called",
    )  # fmt: skip
    assert (str(told.start[0]), str(told.end[0])) == ("2026-02-10", "2026-03-02")
    works = found(box(NEIGHBOUR_DARK, events((0, 40.4, "works"), *NOTED)))
    assert works.facts["pattern"].tolist() == ["worked_at_home"]


def test_alone_nobody_can_be_compared() -> None:
    alone = box(LIVES, events(*NOTED), CALL, box_id=[None, *["box"] * 4], area_id=[None, *["area"] * 4])
    assert REGISTRY["X09"].unjudged(alone, **LIMITS).tolist() == ["no_neighbours", "", "", "", ""]
    assert not len(found(alone))
