"""Who is sent out, who is called: what the probability of crossed wires and a load-on test mean for the tasks."""

from __future__ import annotations

from typing import Any

import pytest

from anomaly.tasks import LOAD_TEST, make_tasks
from pipelines.casework import Casework
from rules.planning import task_plan
from rules.rulebook import load
from tests.test_cases import AS_OF, finding, work

RULEBOOK = load()
LEAST = RULEBOOK.detectors["X11"].limit_values()["min_nats"]
SAID = "Load-on test on"


def pair(above: float, *more: dict[str, Any]) -> Casework:
    """A pair whose profiles were exchanged by so many nats above the limit, and more findings."""
    return work(finding("X01", "A0", measured=9.0 + above, limit=9.0, family="cross_wiring"), *more)


def load_test(nats: float) -> dict[str, Any]:
    partner = {"related_account_id": "A0-other", "related_meter_id": "m-other", "family": "cross_wiring"}
    return finding("X11", "A0", measured=nats, limit=LEAST, **partner)


def planned(done: Casework) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The one case and its tasks."""
    (case,) = done.cases.to_dicts()
    return case, make_tasks(done.cases, task_plan(RULEBOOK), AS_OF, done.load_tests).to_dicts()


def chance(case: dict[str, Any]) -> float:
    """Probability of what a load-on test can show."""
    return sum(one["probability"] for one in case["causes"] if one["cause"] in ("swapped_pair", "partial_transfer"))


def first_checks(tasks: list[dict[str, Any]]) -> list[str]:
    return [check["check"] for check in tasks[0]["checks"]]


def test_a_likely_swap_is_visited() -> None:
    case, tasks = planned(pair(50.0))
    assert chance(case) >= 0.5
    assert (case["needs_visit"], case["hold_bill"], tasks[0]["kind"]) == (True, True, "visit")
    assert first_checks(tasks)[0] == "plate"


@pytest.mark.parametrize("above", [1.0, 3.0])
def test_a_possible_swap_is_tested_by_telephone_first(above: float) -> None:
    case, tasks = planned(pair(above))
    assert 0.2 <= chance(case) < 0.5
    assert case["cause"] == "unknown", "the likeliest single answer is that nothing is known"
    assert (case["needs_visit"], tasks[0]["kind"], tasks[0]["state"]) == (False, "remote", "open")
    assert first_checks(tasks) == [LOAD_TEST]


def test_an_unlikely_swap_follows_its_leading_cause() -> None:
    case, tasks = planned(pair(0.0, finding("J02", "A0")))
    assert chance(case) < 0.2
    asked = RULEBOOK.causes[case["cause"]].settled_at == "site"
    assert (case["needs_visit"], tasks[0]["kind"] == "visit") == (asked, asked)
    assert LOAD_TEST not in first_checks(tasks) or len(first_checks(tasks)) > 1


def test_a_reading_error_with_a_hint_of_a_swap_is_settled_as_a_reading_error() -> None:
    case, _ = planned(pair(4.0, finding("R01", "A0", measured=500.0)))
    assert case["family"] == "reading_error"
    assert case["needs_visit"] == (RULEBOOK.causes[case["cause"]].settled_at == "site")


def test_a_proof_by_telephone_sends_somebody_out() -> None:
    case, tasks = planned(pair(4.0, load_test(9.85)))
    assert case["cause"] == "swapped_pair"
    assert case["needs_visit"] is True
    assert [task["state"] for task in tasks] == ["open", "done", "open", "blocked"]
    assert tasks[1]["kind"] == "remote"
    assert tasks[1]["result"].startswith(SAID)
    assert "远程加载试验" in tasks[1]["result"]
    assert tasks[0]["result"] is None


def test_a_weak_proof_sends_somebody_out_too() -> None:
    case, _ = planned(pair(0.0, load_test(1.6)))
    assert chance(case) < 0.6
    assert case["needs_visit"] is True


def test_a_refuted_swap_sends_nobody_and_the_test_is_done() -> None:
    case, tasks = planned(pair(4.0, finding("J01", "A0"), load_test(-9.85)))
    assert chance(case) < 0.02
    assert case["needs_visit"] is False
    assert (tasks[0]["kind"], tasks[0]["state"], first_checks(tasks)) == ("remote", "done", [LOAD_TEST])
    assert tasks[0]["result"].startswith(SAID)
    assert tasks[3]["state"] == "open"


def test_without_a_verdict_the_test_is_asked_for_again() -> None:
    case, tasks = planned(pair(4.0, load_test(0.0)))
    assert case["needs_visit"] is False
    assert (tasks[0]["kind"], tasks[0]["state"], first_checks(tasks)) == ("remote", "open", [LOAD_TEST])
    assert tasks[0]["result"].startswith(SAID)


def test_nobody_learns_a_neighbours_use_from_a_result() -> None:
    _, tasks = planned(pair(4.0, load_test(9.85)))
    assert "kWh" not in tasks[1]["result"]
