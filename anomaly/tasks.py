"""The four steps of every open case as tasks: 1 verify, 2 query AMI data, 3 analyse the cause, 4 advise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

STEPS = (1, 2, 3, 4)
DESK, VISIT, REMOTE = "desk", "visit", "remote"
ON_SITE = "site"

LOAD_TEST = "remote_load_on"
"""The check that decides at little cost whether two accounts are exchanged; see `make_tasks`."""

CHECK_DTYPE = pl.Struct(
    {
        name: pl.String()
        for name in ("check", "do_en", "do_zh", "record", "unit", "pass_en", "pass_zh")
    }
)  # fmt: skip
TASK_SCHEMA: dict[str, Any] = {
    "task_id": pl.String(),
    "case_id": pl.String(),
    "step": pl.Int32(),
    "kind": pl.String(),
    "state": pl.String(),
    "due_at": pl.Datetime("us"),
    "assignee": pl.String(),
    "checks": pl.List(CHECK_DTYPE),
    "result": pl.String(),
}


@dataclass(frozen=True)
class TaskCheck:
    """One check as it stands on a task. `where` is `site`, `desk` or `remote`."""

    check: str
    where: str
    do_en: str
    do_zh: str
    record: str
    unit: str
    pass_en: str
    pass_zh: str

    def row(self) -> dict[str, str]:
        """The check as the tasks table holds it."""
        return {field.name: str(getattr(self, field.name)) for field in CHECK_DTYPE.fields}


@dataclass(frozen=True)
class TaskPlan:
    """What the rulebook says about tasks.

    `checks` is in the order of the field sheet. `steps` maps each cause to its check names of steps 1 to 4;
    every check of steps 2 to 4 is done without a visit. `due_working_days` counts from as-of, one number
    per step, not falling. Monday to Friday are working days except `holidays`; `extra_working_days` are
    worked although they are neither.
    """

    checks: Mapping[str, TaskCheck]
    steps: Mapping[str, Sequence[Sequence[str]]]
    due_working_days: tuple[int, int, int, int]
    due_hour: int
    min_probability: float
    holidays: frozenset[date] = frozenset()
    extra_working_days: frozenset[date] = frozenset()


@dataclass(frozen=True)
class LoadTest:
    """A remote load-on test of a case: still to be made, or made (again, where it did not decide) with this result."""

    decided: bool
    result: str | None


def make_tasks(
    cases: pl.DataFrame, plan: TaskPlan, as_of: date, load_tests: Mapping[str, LoadTest] | None = None
) -> pl.DataFrame:
    """Four tasks for each open case, in the order of the cases; suppressed cases get none.

    `cases` needs case_id, status, cause, causes (list of cause and probability), cannot_exclude and
    needs_visit. The result has the columns and types of the contract's tasks table. Step 1 is open and
    comes first: step 4 is blocked until it is done, and is due no earlier. Raises KeyError for a cause the
    plan does not know: a bug.

    `load_tests` maps a case to its load-on test, which is then a task of its own: step 1 where nobody is sent; step 2
    of a visit, once it has been decided, its other queries going to step 3. Decided, its task is done.
    """
    open_cases = cases.filter(pl.col("status") == "open")
    due = _due_times(plan, as_of)
    columns = ("case_id", "cause", "causes", "cannot_exclude", "needs_visit")
    sheets: dict[tuple[str, ...], int] = {}
    sheets_of: dict[tuple[Any, ...], list[list[str]]] = {}
    rows: list[tuple[Any, ...]] = []
    for case_id, cause, causes, cannot_exclude, needs_visit in zip(
        *(open_cases[name].to_list() for name in columns), strict=True
    ):
        likely = _likely_causes(cause, causes or [], plan.min_probability)
        test = (load_tests or {}).get(case_id)
        test_step = _test_step(test, bool(needs_visit))
        story = (*likely, "|", *(cannot_exclude or []), needs_visit, test_step)
        if story not in sheets_of:
            checks = _checks_of_steps(likely, cannot_exclude or [], bool(needs_visit), plan)
            sheets_of[story] = _with_own_test(checks, test_step, plan)
        done = test_step if test is not None and test.decided else None
        for step, names in zip(STEPS, sheets_of[story], strict=True):
            sheet = sheets.setdefault(tuple(names), len(sheets))
            kind = _kind(step, bool(needs_visit), names, plan)
            result = test.result if test is not None and step == test_step else None
            rows.append(
                (task_id_of(case_id, step), case_id, step, kind, _state(step, done), due[step - 1], sheet, result)
            )
    return _tasks(rows, [[plan.checks[name].row() for name in names] for names in sheets])


def _tasks(rows: list[tuple[Any, ...]], sheets: list[list[dict[str, str]]]) -> pl.DataFrame:
    """The tasks table; the last cell of a row is the number of its sheet, for many cases share their checks."""
    plain = {name: dtype for name, dtype in TASK_SCHEMA.items() if name not in ("assignee", "checks", "result")}
    tasks = pl.DataFrame(rows, schema={**plain, "sheet": pl.UInt32(), "result": pl.String()}, orient="row")
    checks = pl.Series("checks", sheets, dtype=TASK_SCHEMA["checks"])
    return tasks.with_columns(
        checks[tasks["sheet"]],
        assignee=pl.lit(None, pl.String),
    ).select(*TASK_SCHEMA)


def working_day_after(start: date, working_days: int, plan: TaskPlan) -> date:
    """The date `working_days` working days after `start`; `start` itself is not counted."""
    day = start
    while working_days > 0:
        day += timedelta(days=1)
        worked = day in plan.extra_working_days or (day.weekday() < 5 and day not in plan.holidays)
        working_days -= worked
    return day


def _due_times(plan: TaskPlan, as_of: date) -> list[datetime]:
    at = time(hour=plan.due_hour)
    return [datetime.combine(working_day_after(as_of, days, plan), at) for days in plan.due_working_days]


def _likely_causes(leading: str, causes: Sequence[Mapping[str, Any]], min_probability: float) -> list[str]:
    likely = [weighed["cause"] for weighed in causes if weighed["probability"] >= min_probability]
    return list(dict.fromkeys([leading, *likely]))


def _checks_of_steps(
    likely: Sequence[str], cannot_exclude: Sequence[str], needs_visit: bool, plan: TaskPlan
) -> list[list[str]]:
    """Check names per step, in the order of the sheet, none twice in a case.

    Causes that cannot be excluded yet add checks to steps 1 to 3 only: advice is given on what is likely,
    not on what has merely not been ruled out. Where nobody is sent, step 1 leaves out what is done on site;
    should nothing remain, the queries of step 2 verify the case at the desk.
    """
    open_causes = list(dict.fromkeys([*likely, *cannot_exclude]))
    wanted = [_union(open_causes if step < STEPS[-1] else likely, step, plan) for step in STEPS]
    if not needs_visit:
        wanted[0] = [name for name in wanted[0] if plan.checks[name].where != ON_SITE] or wanted[1]
    seen: set[str] = set(wanted[0])
    steps = [wanted[0]]
    for names in wanted[1:]:
        fresh = [name for name in names if name not in seen]
        steps.append(fresh or names[:1])
        seen.update(fresh)
    return steps


def _test_step(test: LoadTest | None, needs_visit: bool) -> int | None:
    """The step that a case's load-on test is, None where it is one check among others."""
    if test is None:
        return None
    if not needs_visit:
        return STEPS[0]
    return STEPS[1] if test.decided else None


def _with_own_test(checks: list[list[str]], test_step: int | None, plan: TaskPlan) -> list[list[str]]:
    """The steps with the load-on test alone in its step; what stood there moves on to the next."""
    if test_step is None:
        return checks
    without = [[name for name in names if name != LOAD_TEST] for names in checks]
    place = test_step - 1
    moved = {*without[place], *without[place + 1]}
    without[place + 1] = [name for name in plan.checks if name in moved]
    without[place] = [LOAD_TEST]
    return without


def _state(step: int, done: int | None) -> str:
    """Step 4 waits for step 1; `done` is the step that needs nobody any more."""
    if step == done:
        return "done"
    return "blocked" if step == STEPS[-1] and done != STEPS[0] else "open"


def _union(causes: Sequence[str], step: int, plan: TaskPlan) -> list[str]:
    wanted = {name for cause in causes for name in plan.steps[cause][step - 1]}
    return [name for name in plan.checks if name in wanted]


def _kind(step: int, needs_visit: bool, names: Sequence[str], plan: TaskPlan) -> str:
    if step == STEPS[0] and needs_visit:
        return VISIT
    return REMOTE if any(plan.checks[name].where == REMOTE for name in names) else DESK


def task_id_of(case_id: str, step: int) -> str:
    """The id of a case's task: a short hash of case and step, the same in every scan."""
    return hashlib.sha256(f"{case_id}|{step}".encode()).hexdigest()[:16]
