"""X02: who is taken for exchanged when an empty home uses, and who is not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.x02_vacancy_exchange import vacancy_exchange
from anomaly.panel import Panel
from anomaly.registry import REGISTRY, Detections
from rules.rulebook import load
from tests.panels import panel, registers

LIMITS = load().detectors["X02"].limit_values()
DAYS = 120
LEFT_ON = dt.date(2026, 2, 15)
VACANT = "vacant"


def use(kwh: float, days: int = DAYS) -> list[float]:
    """A home of so much a day, a little more on every third."""
    return [kwh * (1.0 + 0.2 * (day % 3)) for day in range(days)]


def quiet_from(kwh: float, first: int, then: float = 0.0, days: int = DAYS) -> list[float]:
    return [value if day < first else then for day, value in enumerate(use(kwh, days))]


def box(*homes: list[float | None], status: dict[int, str] | None = None, **columns: Any) -> Panel:
    """One box of homes read daily; `status` of those that are not active, since LEFT_ON."""
    left = status or {}
    count = len(homes)
    values = {
        "box_id": "b", "area_id": "a",
        "status": [left.get(row, "active") for row in range(count)],
        "status_since": [LEFT_ON if row in left else None for row in range(count)],
        **columns,
    }  # fmt: skip
    return panel(registers(*homes), **values)


def found(known: Panel, **limits: float) -> Detections:
    return vacancy_exchange(known, **{**LIMITS, **limits})


def pairs(known: Panel, **limits: float) -> list[tuple[int, int]]:
    told = found(known, **limits)
    return list(zip(told.position.tolist(), told.related.tolist(), strict=True))


OTHERS = [use(7.0), use(9.0), use(11.0)]
LEFT_DAY = 45


@pytest.mark.parametrize(
    ("homes", "status", "expected"),
    [
        pytest.param([use(8.0), quiet_from(6.0, LEFT_DAY), *OTHERS], {0: VACANT}, [(0, 1)], id="swapped"),
        pytest.param([use(8.0), quiet_from(6.0, 0), *OTHERS], {0: VACANT}, [], id="silent before that, too"),
        pytest.param([use(8.0), quiet_from(6.0, LEFT_DAY, 0.3), *OTHERS], {0: VACANT}, [(0, 1)], id="standing load"),
        pytest.param([use(8.0), quiet_from(6.0, LEFT_DAY), *OTHERS], {0: "closed"}, [(0, 1)], id="closed"),
        pytest.param([use(8.0), quiet_from(6.0, LEFT_DAY), *OTHERS], {0: "disconnected"}, [(0, 1)], id="disconnected"),
        pytest.param([use(8.0), *OTHERS], {0: VACANT}, [], id="used, no silent neighbour"),
        pytest.param([use(8.0), quiet_from(6.0, 0), *OTHERS], {}, [], id="nobody is empty on file"),
        pytest.param([use(8.0), quiet_from(6.0, 0), *OTHERS], {0: VACANT, 1: VACANT}, [], id="both empty on file"),
        pytest.param([quiet_from(8.0, 0), quiet_from(6.0, 0), *OTHERS], {0: VACANT}, [], id="empty and at zero"),
        pytest.param([use(1.0), quiet_from(6.0, 0), *OTHERS], {0: VACANT}, [], id="empty with a standing load"),
        pytest.param([use(8.0), quiet_from(6.0, LEFT_DAY, 2.0), *OTHERS], {0: VACANT}, [], id="neighbour uses little"),
        pytest.param([use(8.0), quiet_from(6.0, 70), *OTHERS], {0: VACANT}, [], id="neighbour silent only later"),
        pytest.param([use(8.0)], {0: VACANT}, [], id="alone"),
    ],
)
def test_who_is_on_whose_meter(homes: Any, status: dict[int, str], expected: list[tuple[int, int]]) -> None:
    assert pairs(box(*homes, status=status)) == expected


def test_nothing_to_look_at() -> None:
    assert len(found(panel(np.empty((0, DAYS + 1))))) == 0
    assert len(found(panel(np.ones((2, 1)), box_id="b", status=[VACANT, "active"]))) == 0


def test_what_is_told() -> None:
    told = found(box(use(8.0), quiet_from(6.0, LEFT_DAY), *OTHERS, status={0: VACANT}))
    counted = DAYS - LEFT_DAY - 3
    assert told.facts["agreeing_days"].tolist() == [counted]
    assert told.start.tolist() == [dt.date(2026, 2, 18)]
    assert told.end.tolist() == [dt.date(2026, 5, 1)]
    assert told.facts["own_kwh_per_day"][0] == pytest.approx(9.6)
    assert told.facts["related_kwh_per_day"].tolist() == [0.0]
    assert told.facts["tried_count"].tolist() == [4]
    assert told.facts["candidates_count"].tolist() == [1]
    assert told.kwh_at_stake[0] == pytest.approx(9.6 * counted, rel=1e-3)
    assert told.limit.tolist() == [3.0]
    assert told.measured.tolist() == told.strength.tolist() == told.facts["evidence_nats"].tolist()


@pytest.mark.parametrize(
    ("days_since", "expected"),
    [pytest.param(33, [(0, 1)], id="thirty days and the grace"), pytest.param(32, [], id="a day less")],
)
def test_a_whole_month_is_needed(days_since: int, expected: list[tuple[int, int]]) -> None:
    since = dt.date(2026, 5, 1) - dt.timedelta(days=days_since)
    silent = quiet_from(6.0, DAYS - days_since)
    known = box(use(8.0), silent, *OTHERS, status={0: VACANT}, status_since=[since, *[None] * 4])
    assert pairs(known) == expected


@pytest.mark.parametrize(
    ("reads_before", "expected"),
    [pytest.param(29, [(0, 1)], id="too short to tell"), pytest.param(30, [], id="a month")],
)
def test_silence_from_before_the_home_was_left_is_another_silence(
    reads_before: int, expected: list[tuple[int, int]]
) -> None:
    since = dt.date(2026, 1, 1) + dt.timedelta(days=reads_before)
    known = box(use(8.0), quiet_from(6.0, 0), *OTHERS, status={0: VACANT}, status_since=[since, *[None] * 4])
    assert pairs(known) == expected


@pytest.mark.parametrize(
    ("busy", "expected"),
    [pytest.param(7, [(0, 1)], id="one day in ten"), pytest.param(8, [], id="more")],
)
def test_an_empty_home_may_be_visited(busy: int, expected: list[tuple[int, int]]) -> None:
    first = DAYS - 70
    silent = quiet_from(6.0, first)
    silent[first : first + busy] = [6.0] * busy
    since = dt.date(2026, 5, 1) - dt.timedelta(days=73)
    known = box(use(8.0), silent, *OTHERS, status={0: VACANT}, status_since=[since, *[None] * 4])
    assert pairs(known) == expected


def test_a_relay_inside_the_meter_says_nothing_and_one_outside_does() -> None:
    homes = (use(8.0), quiet_from(6.0, LEFT_DAY), *OTHERS)
    assert pairs(box(*homes, status={0: "disconnected"}, relay="internal")) == []
    assert pairs(box(*homes, status={0: "disconnected"}, relay="external")) == [(0, 1)]
    assert pairs(box(*homes, status={0: VACANT}, relay="internal")) == [(0, 1)]


def test_a_neighbour_without_supply_is_silent_for_its_own_reason() -> None:
    at = dt.datetime(2026, 1, 5, 9)
    off = pl.DataFrame({"row": [1], "meter_id": ["meter-1"], "at": [at], "kind": ["disconnect"]})
    homes = (use(8.0), quiet_from(6.0, 4), *OTHERS)
    assert pairs(box(*homes, status={0: VACANT}, events=off)) == []


def test_one_neighbour_is_not_accused_by_two_empty_homes() -> None:
    known = box(use(8.0), use(7.5), quiet_from(6.0, LEFT_DAY), *OTHERS, status={0: VACANT, 1: VACANT})
    told = found(known, min_nats=0.0)
    assert told.related.tolist() == [2]
    assert told.facts["candidates_count"].tolist() == [2]


def test_of_two_silent_neighbours_one_is_named_and_the_doubt_is_taken_off() -> None:
    one = found(box(use(8.0), quiet_from(6.0, LEFT_DAY), use(8.0), *OTHERS, status={0: VACANT}))
    two = found(box(use(8.0), quiet_from(6.0, LEFT_DAY), quiet_from(6.0, LEFT_DAY), *OTHERS, status={0: VACANT}))
    assert two.related.tolist() == one.related.tolist() == [1]
    assert two.facts["candidates_count"].tolist() == [2]
    assert one.measured[0] - two.measured[0] == pytest.approx(np.log(2), abs=0.1)


def test_months_add_little_and_then_nothing() -> None:
    def nats(days: int) -> float:
        homes = (use(8.0, days), quiet_from(6.0, 0, days=days), *(use(9.0, days) for _ in range(3)))
        return float(found(box(*homes, status={0: VACANT}, status_since=dt.date(2026, 1, 1))).measured[0])

    month, half_year, year = nats(34), nats(186), nats(366)
    assert half_year - month == pytest.approx(5 * LIMITS["month_nats"], abs=1e-3)
    assert year == pytest.approx(half_year)


def test_homes_read_monthly_are_judged_by_a_handful_of_reads() -> None:
    whole = registers(use(8.0), quiet_from(6.0, LEFT_DAY), *OTHERS)
    read = np.where(np.arange(DAYS + 1) % 30 == 0, whole, np.nan)
    known = panel(
        read, box_id="b", area_id="a", read_frequency="monthly", status=[VACANT, *["active"] * 4],
        status_since=[LEFT_ON, *[None] * 4],
    )  # fmt: skip
    told = found(known)
    assert told.related.tolist() == [1]
    assert told.facts["agreeing_days"].tolist() == [60]


def test_rest_that_was_taken_for_a_stopped_meter_is_still_rest() -> None:
    known = box(use(8.0), quiet_from(6.0, LEFT_DAY), *OTHERS, status={0: VACANT})
    spoiled = np.zeros(known.shape, bool)
    spoiled[1, LEFT_DAY:] = True
    assert pairs(known.without_days(spoiled)) == [(0, 1)]
    spoiled[0] = True
    assert pairs(known.without_days(spoiled)) == []


def test_without_a_date_on_file_the_last_two_months_count() -> None:
    homes = (use(8.0), quiet_from(6.0, DAYS - 60), *OTHERS)
    told = found(box(*homes, status={0: VACANT}, status_since=None))
    assert told.related.tolist() == [1]
    assert told.facts["agreeing_days"].tolist() == [60]


def test_homes_of_other_boxes_and_other_points_of_the_account_are_no_partners() -> None:
    homes = (use(8.0), quiet_from(6.0, LEFT_DAY), *OTHERS)
    assert pairs(box(*homes, status={0: VACANT}, box_id=["b", "c", "b", "b", "c"])) == []
    assert pairs(box(*homes, status={0: VACANT}, account_id=["x", "x", "y", "z", "w"])) == []


def test_what_is_typical_comes_from_the_area_or_the_rulebook() -> None:
    others = [use(kwh) for kwh in (2.0, 2.2, 1.8, 2.1, 1.9)]
    known = box(use(2.0), quiet_from(1.5, LEFT_DAY), *others, status={0: VACANT})
    assert pairs(known) == [(0, 1)]
    assert found(known).facts["typical_kwh_per_day"][0] == pytest.approx(2.34)
    assert pairs(known, least_homes=99) == []


def test_row_order_and_other_areas_change_nothing() -> None:
    homes = [use(8.0), quiet_from(6.0, LEFT_DAY), *OTHERS]
    one = found(box(*homes, status={0: VACANT}))
    both = panel(
        registers(*homes, *homes), box_id=[*["b"] * 5, *["c"] * 5], area_id=[*["a"] * 5, *["d"] * 5],
        status=[VACANT, *["active"] * 4] * 2, status_since=LEFT_ON,
    )  # fmt: skip
    told = found(both)
    assert told.position.tolist() == [0, 5]
    assert told.related.tolist() == [1, 6]
    assert told.measured.tolist() == [one.measured[0]] * 2


def test_who_cannot_be_judged() -> None:
    known = box(use(8.0), *OTHERS, status={0: VACANT}, box_id=["b", "b", "b", "c"], area_id=["a", "a", "a", "e"])
    assert REGISTRY["X02"].unjudged(known, **LIMITS).tolist() == ["", "", "", "no_neighbours"]
