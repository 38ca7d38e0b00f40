"""What the rulebook says about tasks, in the plain form `anomaly.tasks` takes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from anomaly.tasks import STEPS, TaskCheck, TaskPlan
from rules.model import CheckRule, Rulebook


def task_plan(
    rulebook: Rulebook, holidays: Iterable[date] = (), extra_working_days: Iterable[date] = ()
) -> TaskPlan:
    """The plan for `anomaly.tasks.make_tasks`. `extra_working_days` are worked weekends (调休)."""
    due = [int(rulebook.setting(f"due_step_{step}_working_days")) for step in STEPS]
    return TaskPlan(
        checks={name: _task_check(check) for name, check in rulebook.checks.items()},
        steps={name: cause.steps for name, cause in rulebook.causes.items()},
        due_working_days=(due[0], due[1], due[2], due[3]),
        due_hour=int(rulebook.setting("due_hour")),
        min_probability=rulebook.setting("min_task_probability"),
        holidays=frozenset(holidays),
        extra_working_days=frozenset(extra_working_days),
    )


def _task_check(check: CheckRule) -> TaskCheck:
    return TaskCheck(
        check=check.name,
        where=check.where,
        do_en=check.do["en"],
        do_zh=check.do["zh"],
        record=check.record["en"],
        unit=check.unit,
        pass_en=check.passes["en"],
        pass_zh=check.passes["zh"],
    )
