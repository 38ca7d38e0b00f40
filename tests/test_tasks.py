"""Four tasks a case: step 1 first, step 4 last, the checks its causes call for, no needless visit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.frames import CAUSE_FAMILY, Tasks
from anomaly.tasks import LOAD_TEST, TASK_SCHEMA, LoadTest, TaskPlan, make_tasks, working_day_after
from rules.planning import task_plan
from rules.rulebook import load

PLAN = task_plan(load())
AS_OF = date(2013, 3, 15)  # a Friday
CASES = {
    "case_id": pl.String,
    "status": pl.String,
    "cause": pl.String,
    "causes": pl.List(pl.Struct({"cause": pl.String, "probability": pl.Float64})),
    "cannot_exclude": pl.List(pl.String),
    "needs_visit": pl.Boolean,
}


def case(
    cause: str, *, case_id: str = "c1", visit: bool = True, status: str = "open", **more: Any
) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "status": status,
        "cause": cause,
        "causes": [{"cause": name, "probability": p} for name, p in more.get("causes", {cause: 0.9}).items()],
        "cannot_exclude": more.get("cannot_exclude", []),
        "needs_visit": visit,
    }


def tasks_of(
    *cases: dict[str, Any], plan: TaskPlan = PLAN, as_of: date = AS_OF, test: LoadTest | None = None
) -> pl.DataFrame:
    return make_tasks(pl.DataFrame(list(cases), schema=CASES), plan, as_of, {} if test is None else {"c1": test})


def names(tasks: pl.DataFrame, step: int) -> list[str]:
    return [check["check"] for check in tasks.filter(pl.col("step") == step)["checks"].to_list()[0]]


def test_nothing_in_nothing_out() -> None:
    empty = tasks_of()
    assert empty.height == 0
    assert dict(empty.schema) == TASK_SCHEMA


def test_the_result_keeps_the_contract() -> None:
    tasks = tasks_of(case("swapped_pair"), case("misread", case_id="c2", visit=False))
    assert tasks.columns == Tasks.column_names()
    assert Tasks.is_valid(tasks, cast=True)


def test_four_steps_and_their_states() -> None:
    tasks = tasks_of(case("swapped_pair"))
    assert tasks["step"].to_list() == [1, 2, 3, 4]
    assert tasks["state"].to_list() == ["open", "open", "open", "blocked"]
    assert tasks["kind"].to_list() == ["visit", "remote", "desk", "desk"]
    assert tasks["task_id"].n_unique() == 4


def test_suppressed_cases_get_no_tasks() -> None:
    tasks = tasks_of(case("misread", status="suppressed"), case("misread", case_id="c2"))
    assert tasks["case_id"].unique().to_list() == ["c2"]


def test_task_ids_depend_on_case_and_step_only() -> None:
    first = tasks_of(case("misread"))["task_id"].to_list()
    again = tasks_of(case("weather", visit=False), as_of=date(2014, 1, 1))["task_id"].to_list()
    assert first == again


def test_a_visit_is_the_case_s_decision() -> None:
    assert tasks_of(case("misread", visit=True))["kind"][0] == "visit"
    assert tasks_of(case("misread", visit=False))["kind"][0] == "remote"
    assert tasks_of(case("billing_period", visit=False))["kind"][0] == "desk"


def test_without_a_visit_nothing_is_done_on_site() -> None:
    tasks = tasks_of(case("misread", visit=False, cannot_exclude=["register_rollback", "swapped_pair"]))
    on_site = {name for name, check in PLAN.checks.items() if check.where == "site"}
    for step in (1, 2, 3, 4):
        assert not on_site & set(names(tasks, step))


def test_a_site_only_cause_without_visit_is_verified_by_its_queries() -> None:
    tasks = tasks_of(case("register_rollback", visit=False))
    assert names(tasks, 1) == ["daily_freeze_query", "event_log", "exchange_record"]
    assert names(tasks, 2)


def test_checks_are_the_union_of_likely_and_not_excluded_causes() -> None:
    tasks = tasks_of(
        case("wrong_multiplier", causes={"wrong_multiplier": 0.6, "meter_stopped": 0.1, "weather": 0.09},
             cannot_exclude=["swapped_pair"])
    )  # fmt: skip
    first = names(tasks, 1)
    assert {"ct_ratio", "watt_second_test", "breaker_test"} <= set(first)
    assert "neighbour_comparison" not in first
    assert len(first) == len(set(first))
    order = list(PLAN.checks)
    assert first == sorted(first, key=order.index)
    assert "rebill_pair" not in names(tasks, 4), "advice is given on what is likely only"


def test_each_check_says_everything_in_both_languages() -> None:
    for check in tasks_of(case("swapped_pair"))["checks"].explode().to_list():
        assert all(check[key] for key in ("check", "do_en", "do_zh", "record", "unit", "pass_en", "pass_zh"))


SWAP_SHEET = [
    "plate", "register_photo", "seals", "breaker_test", "load_on_test", "circuits_one_by_one", "neutral_clamp",
    "read_both_meters",
]  # fmt: skip


def test_one_visit_for_both_doors_in_the_order_of_the_work() -> None:
    tasks = tasks_of(case("swapped_pair"))
    assert tasks["kind"][0] == "visit"
    assert names(tasks, 1) == SWAP_SHEET
    assert names(tasks, 4)[0] == "correct_record"
    assert "fix_wiring" in names(tasks, 4), "rewiring comes after both meters are read"


@pytest.mark.parametrize("cause", ["swapped_pair", "partial_transfer", "unknown", "customer_use", "base_load"])
def test_a_load_on_test_is_asked_for_before_anybody_is_sent(cause: str) -> None:
    causes = {cause: 0.5, "swapped_pair": 0.3}
    plain = tasks_of(case(cause, causes=causes, visit=False))
    tasks = tasks_of(case(cause, causes=causes, visit=False), test=LoadTest(False, None))
    assert names(tasks, 1) == [LOAD_TEST]
    assert tasks["kind"][0] == "remote"
    assert tasks["state"].to_list() == ["open", "open", "open", "blocked"]
    assert tasks["result"].to_list() == [None] * 4
    kept = {name for step in (1, 2, 3, 4) for name in names(plain, step)}
    assert {name for step in (1, 2, 3, 4) for name in names(tasks, step)} == kept | {LOAD_TEST}, "nothing else is lost"
    order = list(PLAN.checks)
    assert names(tasks, 2) == sorted(names(tasks, 2), key=order.index)


def test_a_decided_test_is_done_and_lets_step_four_begin() -> None:
    tasks = tasks_of(case("unknown", causes={"unknown": 0.9}, visit=False), test=LoadTest(True, "own meter"))
    assert tasks["state"].to_list() == ["done", "open", "open", "open"]
    assert tasks["result"].to_list() == ["own meter", None, None, None]
    assert names(tasks, 1) == [LOAD_TEST]


def test_a_test_without_a_verdict_stays_open_and_says_why() -> None:
    tasks = tasks_of(case("swapped_pair", visit=False), test=LoadTest(False, "no meter followed"))
    assert tasks["state"].to_list() == ["open", "open", "open", "blocked"]
    assert tasks["result"][0] == "no meter followed"


def test_after_a_test_that_proved_it_the_visit_is_step_one_and_the_test_a_done_query() -> None:
    tasks = tasks_of(case("swapped_pair"), test=LoadTest(True, "the other meter"))
    assert tasks["kind"].to_list() == ["visit", "remote", "desk", "desk"]
    assert tasks["state"].to_list() == ["open", "done", "open", "blocked"]
    assert (names(tasks, 1), names(tasks, 2)) == (SWAP_SHEET, [LOAD_TEST])
    assert tasks["result"].to_list() == [None, "the other meter", None, None]
    assert {"pair_comparison", "exchange_record"} <= set(names(tasks, 3))


def test_a_visit_with_an_undecided_test_keeps_it_among_its_queries() -> None:
    tasks = tasks_of(case("swapped_pair"), test=LoadTest(False, "no meter followed"))
    assert tasks.drop("result").equals(tasks_of(case("swapped_pair")).drop("result"))


def test_the_load_on_check_says_how_polls_are_written() -> None:
    check = PLAN.checks[LOAD_TEST]
    for text in (check.do_en, check.do_zh):
        assert all(word in text for word in ("polls", "task_id", "step", "on_related", "off_related"))


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        (date(2013, 3, 15), 0, date(2013, 3, 15)),
        (date(2013, 3, 15), 1, date(2013, 3, 18)),
        (date(2013, 3, 16), 1, date(2013, 3, 18)),
        (date(2013, 3, 14), 5, date(2013, 3, 21)),
    ],
)
def test_working_days_skip_weekends(start: date, days: int, expected: date) -> None:
    assert working_day_after(start, days, PLAN) == expected


def test_holidays_are_skipped_and_worked_weekends_count() -> None:
    plan = task_plan(load(), holidays=[date(2013, 3, 18)], extra_working_days=[date(2013, 3, 16)])
    assert working_day_after(AS_OF, 1, plan) == date(2013, 3, 16)
    assert working_day_after(AS_OF, 2, plan) == date(2013, 3, 19)


def test_due_times_follow_the_rulebook() -> None:
    due = tasks_of(case("misread"))["due_at"].to_list()
    assert due[0] == datetime(2013, 3, 20, 17)
    assert due[3] == datetime(2013, 3, 22, 17)


@settings(max_examples=60, deadline=None)
@given(
    cause=st.sampled_from(sorted(CAUSE_FAMILY)),
    others=st.dictionaries(st.sampled_from(sorted(CAUSE_FAMILY)), st.floats(0, 1), max_size=4),
    cannot_exclude=st.lists(st.sampled_from(sorted(CAUSE_FAMILY)), max_size=3, unique=True),
    visit=st.booleans(),
    test=st.sampled_from([None, LoadTest(False, None), LoadTest(True, "done")]),
)
def test_step_one_precedes_step_four_for_every_case(
    cause: str, others: dict[str, float], cannot_exclude: list[str], visit: bool, test: LoadTest | None
) -> None:
    tasks = tasks_of(case(cause, causes=others, cannot_exclude=cannot_exclude, visit=visit), test=test)
    assert tasks["step"].to_list() == [1, 2, 3, 4]
    waits = tasks["state"].to_list()
    assert (waits[3] == "blocked") == (waits[0] == "open")
    assert waits.count("done") == (test is not None and test.decided)
    due = tasks["due_at"].to_list()
    assert due == sorted(due)
    assert (tasks["kind"][0] == "visit") == visit
    assert all(checks for checks in tasks["checks"].to_list()), "no step is empty"
