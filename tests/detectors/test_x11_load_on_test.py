"""X11: what a remote load-on test showed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.x11_load_on_test import load_on_test, not_polled
from anomaly.panel import POLLS, Panel
from anomaly.registry import Detections
from rules.rulebook import load
from tests.panels import panel, registers

RULE = load().detectors["X11"]
LIMITS = RULE.limit_values()
BEGUN = dt.datetime(2026, 3, 1, 19, 0)
DAYS = 90
ON_OFF = (False, True, False, True, False)
SHOWN, HIDDEN = np.log(0.95 / 0.001), np.log(20)
QUIET = (0.3, 0.3, 0.3, 0.3, 0.3)
LOAD = (0.3, 2.3, 0.3, 2.3, 0.3)


def homes(count: int = 4, **columns: Any) -> Panel:
    return panel(registers(*np.ones((count, DAYS))), box_id="box", area_id="area", **columns)


def polled(
    power: dict[int, tuple[float, ...]], *, asked: int = 0, other: int | None = 1, each: int = 3,
    steps: tuple[bool, ...] = ON_OFF, begun: dt.datetime = BEGUN, task: str = "t1",
) -> pl.DataFrame:  # fmt: skip
    """Polls of a test: `power` in kW per meter (row) and minute, `each` polls a minute."""
    rows = [
        (row, task, f"meter-{row}", begun + dt.timedelta(0, 60 * minute + 20 * at + row), kw[minute], asked, other, on)
        for row, kw in power.items()
        for minute, on in enumerate(steps)
        for at in range(each)
    ]
    return pl.DataFrame(rows, schema=POLLS, orient="row")


def judged(*polls: pl.DataFrame, view: Panel | None = None, **changes: Any) -> Detections:
    known = dataclasses.replace(view or homes(), polls=pl.concat(polls))
    return load_on_test(known, **{**LIMITS, **changes})


def others(**power: tuple[float, ...]) -> dict[int, tuple[float, ...]]:
    """Meters 0 to 3, quiet unless said otherwise: `at0=…`."""
    return {row: power.get(f"at{row}", QUIET) for row in range(4)}


@pytest.mark.parametrize(
    ("power", "nats", "pattern", "pair"),
    [
        pytest.param(others(at1=LOAD), SHOWN + HIDDEN, "load_elsewhere", (0, 1), id="on the partner's meter"),
        pytest.param(others(at0=LOAD), -SHOWN - HIDDEN, "load_at_own", (0, 1), id="on the customer's own: refuted"),
        pytest.param(others(at2=LOAD), SHOWN + HIDDEN - np.log(3), "load_elsewhere", (0, 2), id="on a third meter"),
        pytest.param(others(), 0.0, "load_nowhere", (0, 1), id="no meter follows"),
        pytest.param(others(at0=LOAD, at1=LOAD), 0.0, "load_at_several", (0, 1), id="both meters follow"),
        pytest.param(
            others(at1=LOAD, at3=LOAD), SHOWN + HIDDEN - np.log(2), "load_elsewhere", (0, 1), id="two neighbours follow"
        ),
        pytest.param(
            others(at0=(0.3, 1.5, 0.2, 0.4, 1.9), at1=LOAD), SHOWN, "load_elsewhere", (0, 1), id="own meter busy"
        ),
        pytest.param(others(at1=(0.3, 2.3, 0.3, 0.3, 0.3)), 0.0, "load_nowhere", (0, 1), id="only one step shows"),
        pytest.param(others(at1=(0, 1.5, 0, 1.5, 0)), SHOWN + HIDDEN, "load_elsewhere", (0, 1), id="exactly 1.5 kW"),
        pytest.param(others(at1=(0, 1.49, 0, 1.49, 0)), 0.0, "load_nowhere", (0, 1), id="just below 1.5 kW"),
        pytest.param(others(at1=(0, 2.5, 0, 2, 0)), SHOWN + HIDDEN, "load_elsewhere", (0, 1), id="exactly 20 % apart"),
        pytest.param(others(at1=(0, 2.5, 0, 1.99, 0)), 0.0, "load_nowhere", (0, 1), id="further apart"),
        pytest.param(
            others(at1=LOAD, at0=(0, 0.2, 0, 0.2, 0)), SHOWN, "load_elsewhere", (0, 1), id="own meter not quite quiet"
        ),
        pytest.param({1: LOAD, 2: QUIET}, SHOWN, "load_elsewhere", (0, 1), id="own meter not polled"),
        pytest.param({0: QUIET, 2: QUIET}, 0.0, "load_nowhere", (0, 1), id="partner not polled, nothing seen"),
    ],
)
def test_who_followed(
    power: dict[int, tuple[float, ...]], nats: float, pattern: str, pair: tuple[int, int]
) -> None:
    found = judged(polled(power))
    assert found.facts["pattern"].tolist() == [pattern]
    assert found.measured.tolist() == pytest.approx([nats], abs=1e-5)
    assert (found.position[0], found.related[0]) == pair
    assert found.limit[0] == LIMITS["min_nats"]
    assert found.facts["asked_account_id"].tolist() == ["acc-0"]


@pytest.mark.parametrize(
    ("more", "pattern"),
    [
        pytest.param({"steps": (False, True, False, False, False)}, "load_once", id="switched on once"),
        pytest.param({"steps": (True,) * 5}, "load_once", id="never off"),
        pytest.param({"each": 1}, "polls_sparse", id="one poll a minute"),
    ],
)
def test_no_verdict_from_too_little(more: dict[str, Any], pattern: str) -> None:
    found = judged(polled(others(at1=LOAD), **more))
    assert found.facts["pattern"].tolist() == [pattern]
    assert found.measured.tolist() == [0.0]


def test_a_swinging_meter_follows_nobody() -> None:
    restless = polled(others(at1=LOAD))
    swing = pl.when(pl.col("row") == 1, pl.col("at").dt.second() < 20).then(3.0).otherwise(0.0)
    found = judged(restless.with_columns(power_kw=pl.col("power_kw") + swing))
    assert found.facts["pattern"].tolist() == ["load_nowhere"]


def test_the_customer_alone_is_asked() -> None:
    own = judged(polled(others(at0=LOAD), other=None))
    assert (own.position.tolist(), own.related.tolist()) == ([0], [-1])
    assert own.measured[0] == pytest.approx(-SHOWN)
    third = judged(polled(others(at3=LOAD), other=None))
    assert (third.position.tolist(), third.related.tolist()) == ([0], [3])


def test_tests_of_a_pair_are_added_up_both_ways() -> None:
    there = polled(others(at1=LOAD))
    back = polled(others(at0=LOAD), asked=1, other=0, begun=BEGUN + dt.timedelta(hours=1))
    both = judged(there, back)
    assert both.measured.tolist() == pytest.approx([2 * (SHOWN + HIDDEN)])
    assert both.facts["tests_count"].tolist() == [2]
    assert judged(back).position.tolist() == [0], "the smaller position tells"


def test_work_after_the_test_makes_it_void() -> None:
    view = homes()
    works = {"row": [1], "meter_id": ["meter-1"], "at": [BEGUN + dt.timedelta(days=1)], "kind": ["works"]}
    events = pl.DataFrame(works).with_columns(detail=pl.lit(None, pl.String))
    after = dataclasses.replace(view, events=events)
    found = judged(polled(others(at1=LOAD)), view=after)
    assert (found.facts["pattern"].tolist(), found.measured.tolist()) == (["wiring_changed"], [0.0])
    later = polled(others(at1=LOAD), begun=BEGUN + dt.timedelta(days=2), task="t2")
    assert judged(polled(others(at0=LOAD)), later, view=after).measured.tolist() == pytest.approx([SHOWN + HIDDEN])


def test_two_points_are_one_home_and_a_supply_meter_is_none() -> None:
    two_points = homes(4, account_id=["acc-0", "acc-0", "acc-2", None], is_supply=[False, False, False, True])
    found = judged(polled(others(at1=LOAD, at3=LOAD), other=2), view=two_points)
    assert found.facts["pattern"].tolist() == ["load_at_own"]


def test_neither_row_order_nor_repeated_rows_matter() -> None:
    polls = polled(others(at1=LOAD))
    again = judged(pl.concat([polls, polls]).sample(fraction=1.0, shuffle=True, seed=1))
    assert again.measured.tolist() == judged(polls).measured.tolist()


def test_silent_without_polls_and_told_who_was_not_polled() -> None:
    assert not len(load_on_test(homes(), **LIMITS))
    assert not len(load_on_test(panel(np.zeros((0, 5))), **LIMITS))
    known = dataclasses.replace(homes(6), polls=polled(others()))
    assert not_polled(known, **LIMITS).tolist() == [""] * 4 + ["not_polled"] * 2
    one_day = dataclasses.replace(panel(registers([1.0], [1.0])), polls=polled({0: QUIET, 1: LOAD}))
    assert load_on_test(one_day, **LIMITS).measured.tolist() == pytest.approx([SHOWN + HIDDEN])


def test_the_ratio_counts_exactly_the_nats() -> None:
    assert RULE.causes["swapped_pair"] == pytest.approx(np.exp(LIMITS["min_nats"]), rel=1e-5)
    assert RULE.growth == {"swapped_pair": 1.0}
