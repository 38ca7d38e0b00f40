"""Innocent explanations: what each explains, what it leaves open, and where each practice of the field is kept."""

from __future__ import annotations

import datetime as dt
import importlib
from typing import Any

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.c01_interval_sum_mismatch import interval_sum_mismatch
from anomaly.detectors.j01_sustained_jump import sustained_jump
from anomaly.panel import Panel
from anomaly.registry import Detections, detections
from anomaly.suppressors.explained import ORDER, explained
from anomaly.suppressors.registry import SUPPRESSORS
from rules.rulebook import load
from tests.panels import panel, registers

RULEBOOK = load()
LIMITS = {name: rule.limit_values() for name, rule in RULEBOOK.suppressors.items()}

BY_THE_SCAN = {
    "rollover", "outside_window", "budget", "only_supporting", "weak_evidence", "refuted_by_test", "explained_before",
}  # fmt: skip
"""Suppressors of the rulebook that look at the whole scan (pipelines.casework), not at a panel."""

PRACTICES = [
    (1, "use per day between the true read times", "detectors.test_j03_periodic_jump:test_truth_table"),
    (2, "a catch-up is spread over its days", "test_suppressors:test_a_catch_up_is_no_jump"),
    (3, "split at a meter exchange", "test_meter_change:test_the_formula_with_both_reads_on_the_day"),
    (3, "split at a multiplier change", "test_meter_change:test_multiplier"),
    (4, "history belongs to the customer", "suppressor:new_customer"),
    (4, "vacant or closed on file", "suppressor:vacant"),
    (
        5, "weather, and whatever the fleet does",
        "detectors.test_j01_sustained_jump:test_what_the_cohort_did_too_is_no_jump",
    ),
    (5, "half of the area rose the same way", "suppressor:regional"),
    (6, "holidays that all share, on any date", "test_suppressors:test_a_holiday_all_share_is_no_jump"),
    (7, "same weeks last year", "suppressor:seasonal"),
    (7, "same period last year", "detectors.test_j03_periodic_jump:test_the_same_season_last_year_is_a_reference"),
    (8, "a floor in kWh beside every percentage", "detectors.test_j01_sustained_jump:test_exactly_at_each_limit"),
    (9, "supply off by an outage", "suppressor:outage"),
    (9, "supply cut off", "suppressor:disconnected"),
    (10, "generation on file: export", "detectors.test_v01_reverse_energy:test_truth_table"),
    (10, "generation on file: negative intervals", "detectors.test_c07_negative_interval:test_truth_table"),
    (11, "irregular use", "suppressor:irregular_use"),
    (12, "the utility's own work", "suppressor:planned_work"),
    (13, "clock changes", "suppressor:clock_change"),
    (
        13, "the hour a clock change skips is not due",
        "detectors.test_c09_clock_change_day:test_the_skipped_hour_left_empty_is_in_order",
    ),
    (14, "no verdict on use mostly estimated", "test_suppressors:test_jumps_need_actual_reads"),
    (15, "short history is not clean", "test_coverage:test_short_history_is_insufficient_and_never_silent"),
    (16, "explained before, with a term", "suppressor:explained_before"),
    (17, "symptoms of one story are one case", "test_cases:TestStories"),
    (18, "a load that was declared, as an outcome", "suppressor:explained_before"),
    (19, "money rose and energy did not", "test_suppressors:test_a_price_is_no_jump"),
    (
        20, "a spike that only an estimate bounds",
        "detectors.test_j02_one_day_spike:test_beside_an_estimate_it_may_be_a_true_up",
    ),
    (20, "a spike of the curve the register confirms", "detectors.test_c02_interval_spike:test_truth_table"),
]  # fmt: skip
"""The twenty suppressors of the field's practice, some in two halves: number, what it is, and what keeps it.

What the book lacks: no table says that a new load was declared. `contract_kva` has no date, `program_change` is about
the meter; whoever knows of the load enters an outcome `explained` with its term. A day's spike that the register
confirms is listed as use (the spike budget of the contract), not as an error: nothing hides it.
"""


def exists(reference: str) -> bool:
    """Whether `suppressor:NAME` or `module:name` of the tests (a method of any class of the module counts) is there."""
    where, name = reference.split(":")
    if where == "suppressor":
        return name in RULEBOOK.suppressors and (name in SUPPRESSORS or name in BY_THE_SCAN)
    module = importlib.import_module(f"tests.{where}")
    return hasattr(module, name) or any(name in vars(one) for one in vars(module).values() if isinstance(one, type))


@pytest.mark.parametrize(("number", "practice", "kept_by"), PRACTICES, ids=[practice for _, practice, _ in PRACTICES])
def test_every_practice_of_the_field_is_kept(number: int, practice: str, kept_by: str) -> None:
    assert exists(kept_by), f"{number}, {practice}: {kept_by} is not there"


def test_none_of_the_twenty_is_forgotten() -> None:
    assert {number for number, _, _ in PRACTICES} == set(range(1, 21))


def test_every_suppressor_is_in_the_rulebook_and_takes_its_limits() -> None:
    assert {one.__name__ for one in ORDER} == set(SUPPRESSORS)
    assert set(RULEBOOK.suppressors) == set(SUPPRESSORS) | BY_THE_SCAN
    for name, one in SUPPRESSORS.items():
        assert set(one.parameters) == set(LIMITS[name]), name
        assert set(one.codes) <= set(RULEBOOK.detectors), name
        assert "Cannot see" in (one.function.__doc__ or "") or name == "irregular_use", name


# ------------------------------------------------------------------ hand-made findings

DAYS, ONSET = 140, 112


def flat(before: float, after: float, *, days: int = DAYS, onset: int = ONSET) -> np.ndarray:
    return np.where(np.arange(days) < onset, before, after)


def found(book: Panel, first: int = ONSET, end: int = DAYS, row: int = 0, **numbers: float) -> Detections:
    """One finding of position `row`; use rose from 10 to 20 unless said otherwise."""
    told = {"measured": 20.0, "expected": 10.0, **numbers}
    return detections(book, np.array([row]), np.array([first]), np.array([end]), limit=1.0, **told)  # type: ignore[arg-type]


def why(book: Panel, code: str = "J01", **finding: Any) -> str | None:
    return explained(book, code, found(book, **finding), LIMITS)[0]  # type: ignore[no-any-return]


def test_nothing_explains_nothing_and_no_position() -> None:
    book = panel(registers(flat(10, 20)))
    none = found(book).take(np.zeros(1, bool))
    assert explained(book, "J01", none, LIMITS).tolist() == []
    area = detections(book, np.array([-1]), np.array([5]), np.array([6]), measured=1, expected=0, limit=1)
    assert explained(book, "J01", area, LIMITS).tolist() == [None]


FELL = {"measured": 0.0, "expected": 10.0}


@pytest.mark.parametrize(
    ("columns", "code", "numbers", "expected"),
    [
        pytest.param({"status": "vacant"}, "J01", FELL, "vacant", id="vacant"),
        pytest.param({"status": "closed"}, "R06", FELL, "vacant", id="closed"),
        pytest.param({"status": "vacant"}, "J01", {}, None, id="vacant, and use rose"),
        pytest.param({"status": "vacant", "status_since": dt.date(2026, 5, 20)}, "J01", FELL, "vacant", id="last day"),
        pytest.param({"status": "vacant", "status_since": dt.date(2026, 5, 21)}, "J01", FELL, None, id="vacant later"),
        pytest.param({"status": "vacant"}, "R01", FELL, None, id="vacant says nothing of another rule"),
        pytest.param({"status": "disconnected"}, "A02", FELL, "disconnected", id="disconnected"),
        pytest.param(
            {"status": "disconnected", "status_since": dt.date(2026, 4, 24)}, "J01", FELL, "disconnected", id="a day on"
        ),
        pytest.param(
            {"status": "disconnected", "status_since": dt.date(2026, 4, 25)}, "J01", FELL, None, id="two days on"
        ),
        pytest.param({"irregular": True}, "J01", {}, "irregular_use", id="irregular"),
        pytest.param({"irregular": True}, "R06", {}, None, id="irregular use is no stopped meter"),
        pytest.param({}, "J01", {}, None, id="nothing on file"),
    ],
)
def test_status_on_file(columns: dict[str, Any], code: str, numbers: dict[str, float], expected: str | None) -> None:
    assert why(panel(registers(flat(10, 20)), **columns), code, **numbers) == expected


# ------------------------------------------------------------------ recorded events


def events(*rows: tuple[int, int, str]) -> pl.DataFrame:
    """Events of (row, day, kind), at ten o'clock."""
    begin = dt.datetime(2026, 1, 1, 10)
    return pl.DataFrame(
        {
            "row": [row for row, _, _ in rows],
            "meter_id": [f"meter-{row}" for row, _, _ in rows],
            "at": [begin + dt.timedelta(days=day) for _, day, _ in rows],
            "kind": [kind for _, _, kind in rows],
        }
    )


@pytest.mark.parametrize(
    ("work", "code", "span", "expected"),
    [
        pytest.param((0, 51, "works"), "C06", (50, 53), "planned_work", id="at the meter"),
        pytest.param((1, 51, "works"), "C06", (50, 53), "planned_work", id="in its box"),
        pytest.param((2, 51, "works"), "C06", (50, 53), None, id="in another box"),
        pytest.param((0, 49, "works"), "Q01", (50, 56), "planned_work", id="the day before"),
        pytest.param((0, 48, "works"), "Q01", (50, 56), None, id="two days before"),
        pytest.param((0, 56, "works"), "Q01", (50, 56), "planned_work", id="the day after"),
        pytest.param((0, 57, "works"), "Q01", (50, 56), None, id="two days after"),
        pytest.param((0, 51, "works"), "Q01", (50, 57), "planned_work", id="a week"),
        pytest.param((0, 51, "works"), "Q01", (50, 58), None, id="longer than a week"),
        pytest.param((0, 51, "works"), "J02", (51, 52), None, id="energy that was counted"),
        pytest.param((0, 51, "works"), "R01", (51, 52), None, id="a register that fell"),
        pytest.param((0, 51, "outage_start"), "C06", (50, 53), "outage", id="an outage"),
        pytest.param((0, 49, "outage_start"), "C06", (50, 53), "outage", id="an outage the day before"),
        pytest.param((0, 48, "outage_start"), "C06", (50, 53), "disconnected", id="an outage that never ended"),
        pytest.param((0, 48, "outage_end"), "C06", (50, 53), None, id="an outage that ended"),
        pytest.param((1, 51, "outage_start"), "C06", (50, 53), None, id="a neighbour's outage"),
        pytest.param((0, 51, "cover_open"), "C06", (50, 53), None, id="another event"),
    ],
)
def test_events(work: tuple[int, int, str], code: str, span: tuple[int, int], expected: str | None) -> None:
    book = panel(registers(*[flat(10, 20)] * 3), box_id=["B1", "B1", "B2"], events=events(work))
    assert why(book, code, first=span[0], end=span[1]) == expected


def test_without_boxes_the_account_is_its_own_place() -> None:
    book = panel(registers(*[flat(10, 20)] * 2), events=events((1, 51, "works")))
    assert why(book, "C06", first=50, end=53) is None
    assert why(book, "C06", first=50, end=53, row=1) == "planned_work"


# ------------------------------------------------------------------ another customer


def since(day: int) -> dict[str, Any]:
    return {"customer_since": dt.date(2026, 1, 1) + dt.timedelta(days=day)}


@pytest.mark.parametrize(
    ("columns", "code", "span", "expected"),
    [
        pytest.param(since(112), "J01", (112, 140), "new_customer", id="moved in on the day"),
        pytest.param(since(83), "J01", (112, 140), "new_customer", id="29 days of one's own"),
        pytest.param(since(82), "J01", (112, 140), None, id="a month of one's own"),
        pytest.param(since(139), "J01", (112, 140), "new_customer", id="moved in yesterday"),
        pytest.param(since(120), "J01", (112, 120), None, id="moved in after it"),
        pytest.param(since(-900), "J01", (112, 140), None, id="there for years"),
        pytest.param({}, "J01", (112, 140), None, id="nobody knows since when"),
        pytest.param(since(60), "J03", (80, 140), "new_customer", id="less than one period of one's own"),
        pytest.param(since(20), "J03", (80, 140), None, id="one period of one's own"),
        pytest.param(since(112), "J02", (112, 113), None, id="a spike stands out against days after it too"),
        pytest.param(since(112), "R01", (112, 113), None, id="no excuse for a read"),
    ],
)
def test_new_customer(columns: dict[str, Any], code: str, span: tuple[int, int], expected: str | None) -> None:
    assert why(panel(registers(flat(10, 20)), **columns), code, first=span[0], end=span[1]) == expected


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        pytest.param((112, 112), "moved_house", id="both on the day"),
        pytest.param((105, 119), "moved_house", id="both within the week"),
        pytest.param((104, 112), None, id="one of them eight days before"),
        pytest.param((112, 120), None, id="one of them eight days after"),
        pytest.param((112, None), None, id="only one has a new customer"),
        pytest.param((None, None), None, id="nobody knows since when"),
    ],
)
def test_moved_house(moved: tuple[int | None, int | None], expected: str | None) -> None:
    days = [None if day is None else since(day)["customer_since"] for day in moved]
    book = panel(registers(flat(10, 20), flat(20, 10)), customer_since=days)
    pair = {"measured": 12.0, "expected": 0.0, "limit": 9.0}
    one = detections(book, np.array([0]), np.array([112]), np.array([140]), related=np.array([1]), **pair)
    assert explained(book, "X01", one, LIMITS).tolist() == [expected]
    assert explained(book, "X02", one, LIMITS).tolist() == [None], "evidence without a change of habits stays"


# ------------------------------------------------------------------ the area


def area(own: float, peers: list[float], *, before: float = 9.7, **columns: Any) -> Panel:
    """A home whose use changed by the factor `own` of kWh + 0.3, and its neighbours by theirs; from 10 to 10·factor."""
    lives = [flat(before, (before + 0.3) * factor - 0.3) for factor in (own, *peers)]
    return panel(registers(*lives), register_decimals=4, area_id=columns.pop("area_id", "TA"), **columns)


@pytest.mark.parametrize(
    ("own", "peers", "expected"),
    [
        pytest.param(1.6, [1.6] * 8, "regional", id="all alike"),
        pytest.param(0.5, [0.5] * 8, "regional", id="all fell"),
        pytest.param(1.6, [1.6] * 7, None, id="too few neighbours"),
        pytest.param(1.6, [1.6] * 4 + [1.0] * 4, "regional", id="half of them"),
        pytest.param(1.6, [1.6] * 4 + [1.0] * 5, None, id="less than half"),
        pytest.param(1.6, [0.6] * 8, None, id="they fell"),
        pytest.param(1.495, [1.15] * 8, "regional", id="exactly at both limits"),
        pytest.param(1.496, [1.15] * 8, None, id="a hair further than its area"),
        pytest.param(1.4, [1.149] * 8, None, id="an area that moved a hair less"),
        pytest.param(3.2, [1.6] * 8, None, id="twice what the area did"),
        pytest.param(2.0, [1.0] * 8, None, id="alone"),
    ],
)
def test_regional(own: float, peers: list[float], expected: str | None) -> None:
    assert why(area(own, peers)) == expected


@pytest.mark.parametrize("code", ["J01", "J02", "J03", "J04", "J05"])
def test_what_explains_a_change_explains_its_shape(code: str) -> None:
    assert why(area(1.6, [1.6] * 8), code) == "regional"
    assert why(area(1.6, [1.0] * 8, irregular=True), code) == "irregular_use"


def test_regional_knows_its_neighbours() -> None:
    nine = [1.6] * 8
    assert why(area(1.6, nine, area_id=None)) is None, "no area on file"
    assert why(area(1.6, nine, area_id=["TA"] + ["TB"] * 8)) is None, "another area"
    assert why(area(1.6, nine, is_supply=[False] * 8 + [True])) is None, "the area's own meter is no neighbour"
    book = area(1.6, nine)
    same = pl.when(pl.col("position") == 8).then(pl.lit("acc-0")).otherwise("account_id")
    one_account = panel(registers(*[flat(9.7, 15.7)] * 9), area_id="TA")
    object.__setattr__(one_account, "positions", one_account.positions.with_columns(account_id=same))
    assert why(book) == "regional"
    assert why(one_account) is None, "the account's other point is no neighbour"


def test_regional_counts_measured_neighbours_only() -> None:
    lives = [flat(9.7, 15.7)] * 9
    read = registers(*lives)
    read[8, ONSET + 1 : ONSET + 13] = np.nan
    assert why(panel(read, area_id="TA")) is None, "a gap over 13 of 28 days: its days are shares, not measured"
    assert why(panel(read, area_id="TA"), "J03") == "regional", "rules for periods live on shares"
    read = registers(*lives)
    read[8, ONSET + 1 : ONSET + 11] = np.nan
    assert why(panel(read, area_id="TA")) == "regional"


def test_regional_on_one_day() -> None:
    heat = [np.where(np.arange(DAYS) == 120, 15.7, 9.7)] * 9
    spike = np.where(np.arange(DAYS) == 120, 39.7, 9.7)
    assert why(panel(registers(*heat), area_id="TA"), "J02", first=120, end=121) == "regional"
    assert why(panel(registers(spike, *heat[1:]), area_id="TA"), "J02", first=120, end=121) is None


def test_the_order_of_positions_changes_nothing() -> None:
    factors = [1.5, 2.4, 1.3, 1.2, 1.6, 1.1, 1.9, 1.45, 1.0, 1.7]
    lives = np.stack([flat(9.7, 9.7 * factor) for factor in factors])
    order = np.random.default_rng(4).permutation(len(lives))

    def names(book: Panel) -> list[Any]:
        rows = np.arange(len(lives))
        told = detections(book, rows, np.full(10, ONSET), np.full(10, DAYS), measured=20, expected=10, limit=1)
        return explained(book, "J01", told, LIMITS).tolist()

    straight, shuffled = (names(panel(registers(*some), area_id="TA")) for some in (lives, lives[order]))
    assert [straight[at] for at in order] == shuffled
    assert len(set(straight)) == 2


# ------------------------------------------------------------------ last year

TWO_YEARS = 560
WINTER = TWO_YEARS - 28


def years(then: float, now: float, *, between: float = 10.0, before: float = 10.0) -> np.ndarray:
    """kWh + 0.3 per day: `then` in the four weeks a year before the last four, which have `now`."""
    use = np.full(TWO_YEARS, between)
    use[: WINTER - 364] = before
    use[WINTER - 364 : TWO_YEARS - 364] = then
    use[WINTER:] = now
    return use - 0.3


def last_year(use: np.ndarray, *, code: str = "J01", **columns: Any) -> str | None:
    book = panel(registers(use), register_decimals=4, **columns)
    return why(book, code, first=len(use) - 28, end=len(use), measured=20.0, expected=10.0)


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        pytest.param(years(20, 20), "seasonal", id="as last year"),
        pytest.param(years(5, 5), "seasonal", id="fell as last year"),
        pytest.param(years(20, 26), "seasonal", id="exactly 30 % above last year"),
        pytest.param(years(20, 26.01), None, id="a hair more"),
        pytest.param(years(10, 20), None, id="last year nothing happened"),
        pytest.param(years(20, 20, before=20), None, id="last year was level: this year's fall and rise is news"),
        pytest.param(years(40, 20), None, id="half of last year"),
        pytest.param(years(20, 20)[TWO_YEARS - 28 - 364 - 28 :], "seasonal", id="just four weeks before last year's"),
        pytest.param(years(20, 20)[TWO_YEARS - 28 - 364 - 27 :], None, id="not quite"),
        pytest.param(years(20, 20)[-200:], None, id="less than a year"),
    ],
)
def test_seasonal(use: np.ndarray, expected: str | None) -> None:
    assert last_year(use) == expected


def test_seasonal_is_of_one_customer_and_of_measured_days() -> None:
    moved = dt.date(2026, 1, 1) + dt.timedelta(days=WINTER - 364 - 112)
    assert last_year(years(20, 20), customer_since=moved) == "seasonal"
    assert last_year(years(20, 20), customer_since=moved + dt.timedelta(days=1)) is None
    read = registers(years(20, 20))
    read[0, WINTER - 363 : WINTER - 351] = np.nan
    assert why(panel(read, register_decimals=4), first=WINTER, end=TWO_YEARS) is None
    assert why(panel(read, register_decimals=4), "J03", first=WINTER, end=TWO_YEARS) == "seasonal"


# ------------------------------------------------------------------ clocks


def curve_book(start: str, lost_kwh: float, *, days: int = 3) -> Panel:
    """Half-hours of 0.5 kWh; on the middle day the curve's first hour lacks so much of what the register has."""
    curve = np.full((1, days, 48), 0.5)
    register = registers(np.full(days, 24.0))
    register[0, 2:] += lost_kwh
    return panel(register, start=start, curve=(30, [0], 0, curve))


@pytest.mark.parametrize(
    ("start", "lost_kwh", "expected"),
    [
        pytest.param("2026-10-24", 1.0, ["clock_change"], id="one hour on the day of the change"),
        pytest.param("2026-10-24", -1.0, ["clock_change"], id="an hour too many"),
        pytest.param("2026-10-24", 3.0, ["clock_change"], id="three times that hour"),
        pytest.param("2026-10-24", 3.1, [None], id="more than an hour can be"),
        pytest.param("2026-10-17", 1.0, [None], id="an ordinary Sunday"),
    ],
)
def test_clock_change(start: str, lost_kwh: float, expected: list[str | None]) -> None:
    book = curve_book(start, lost_kwh)
    told = interval_sum_mismatch(book, **RULEBOOK.detectors["C01"].limit_values())
    assert explained(book, "C01", told, LIMITS).tolist() == expected


def test_a_mismatch_of_several_days_is_no_clock_change() -> None:
    book = curve_book("2026-10-24", 1.0)
    assert why(book, "C01", first=1, end=3, measured=24.0, expected=25.0) is None
    assert why(panel(registers(flat(10, 20))), "C01", first=86, end=87, measured=24.0, expected=25.0) is None


# ------------------------------------------------------------------ innocent by construction


def use_of(seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.round(10 * rng.lognormal(0, 0.2, 142), 2)


def jumps_of(book: Panel) -> list[int]:
    return sustained_jump(book, **RULEBOOK.detectors["J01"].limit_values()).position.tolist()


def test_a_catch_up_is_no_jump() -> None:
    """Days that E04 accounts for are gone before jumps are looked for; E04 says that it spoils its days."""
    assert RULEBOOK.detectors["E04"].excludes_days
    use = use_of()
    use[112:127], use[127:142] = 0.0, use[112:127] + use[127:142] + 12
    book = panel(registers(use))
    spoiled = np.zeros((1, 142), bool)
    spoiled[0, 112:] = True
    assert jumps_of(book.without_days(spoiled)) == []
    assert jumps_of(panel(registers(use_of()))) == []


def test_a_holiday_all_share_is_no_jump() -> None:
    """Whatever the calendar calls it, and on whatever solar date: days on which all use half are nobody's jump."""
    use = use_of()
    use[118:142] *= 0.5
    book = panel(registers(use))
    shared = np.zeros((1, 142))
    shared[0, 118:] = np.log(0.5)
    assert jumps_of(book) == [0]
    object.__setattr__(book, "cohort_log", shared)
    assert jumps_of(book) == []


def test_jumps_need_actual_reads() -> None:
    for code in ("J01", "J02", "J03"):
        share = RULEBOOK.detectors[code].requires.actual_share
        assert share is not None
        assert share >= 0.6


def test_a_price_is_no_jump() -> None:
    """Rules about jumps count energy: a tariff of ten times the price changes no finding."""
    use = use_of()
    cheap, dear = (panel(registers(use), price_per_kwh=price) for price in (0.1, 1.0))
    assert jumps_of(cheap) == jumps_of(dear) == []
    use[112:] *= 2
    cheap, dear = (panel(registers(use), price_per_kwh=price) for price in (0.1, 1.0))
    assert jumps_of(cheap) == jumps_of(dear) == [0]
