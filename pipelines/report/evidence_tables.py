"""The tables of an evidence page: causes, findings, what was not checked, the four steps."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipelines.output import Row, ScanOutput
from pipelines.report.edition import CheckText, Edition

STEPS = (1, 2, 3, 4)
CAUSES_SHOWN = 5
UNCHECKED = ("insufficient_data", "not_applicable")


@dataclass(frozen=True)
class CauseLine:
    """One cause with its probability (text and percent for the bar) and evidence."""

    title: str
    probability: str
    percent: float
    evidence_for: list[str]
    evidence_against: list[str]


@dataclass(frozen=True)
class Step:
    """One of the four steps: its number, and the task made for it, if any."""

    number: int
    name: str
    task: Row | None
    kind: str
    state: str
    due: str
    checks: list[CheckText]


def cause_lines(case: Row, edition: Edition) -> list[CauseLine]:
    """The likeliest causes, most probable first; `causes_zh` holds the same with evidence in Chinese."""
    causes = case.get(f"causes_{edition.lang}") or case["causes"]
    ordered = sorted(causes, key=lambda cause: (-cause["probability"], cause["cause"]))
    return [
        CauseLine(
            edition.cause(cause["cause"]),
            edition.f.percent(cause["probability"]),
            round(min(max(cause["probability"], 0.0), 1.0) * 100, 1),
            cause["evidence_for"] or [],
            cause["evidence_against"] or [],
        )
        for cause in ordered[:CAUSES_SHOWN]
    ]


def finding_rows(findings: pl.DataFrame, accounts: list[str], edition: Edition) -> list[dict[str, Any]]:
    """Findings as text, in the order given."""
    return [_finding(row, accounts, edition) for row in findings.to_dicts()]


def _finding(row: Row, accounts: list[str], edition: Edition) -> dict[str, Any]:
    f = edition.f
    reason = row["suppressed_by"]
    named = [name for name in (row["account_id"], row["related_account_id"]) if name]
    return {
        "code": row["code"],
        "title": edition.code(row["code"]),
        "about": "" if named == accounts else " ↔ ".join(named),
        "when": f.span(row["start"], row["end"]),
        "measured": f.measure(row["measured"], row["unit"]),
        "expected": f.measure(row["expected"], row["unit"]),
        "limit": f.measure(row["limit"], row["unit"]),
        "stake": f.kwh(row["kwh_at_stake"]),
        "reported": row["status"] == "reported",
        "reason": edition.suppressor(reason),
        "explain": edition.suppressor_explained(reason),
    }


def unchecked(
    output: ScanOutput, account_ids: list[str], edition: Edition
) -> dict[str, list[tuple[str, list[str]]]]:
    """Checks that were not made, by status heading: reason and the titles of the checks it kept away."""
    coverage = output.coverage.filter(pl.col("status").is_in(UNCHECKED))
    of_accounts = coverage.filter(pl.col("account_id").is_in(account_ids))
    everywhere = coverage.filter(
        pl.col("code").is_in(_never_evaluated(output.coverage)), pl.col("account_id").is_null()
    )
    rows = (
        pl.concat([of_accounts, everywhere])
        .unique(["code", "status", "reason"])
        .sort("status", "reason", "code")
    )
    grouped: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows.to_dicts():
        grouped[row["status"]][edition.reason(row["code"], row["reason"])].append(
            f"{row['code']} {edition.code(row['code'])}"
        )
    return {status: list(grouped[status].items()) for status in UNCHECKED if status in grouped}


def _never_evaluated(coverage: pl.DataFrame) -> list[str]:
    """Codes that could be applied to no position at all: what the whole book lacks."""
    whole = coverage.filter(pl.col("account_id").is_null(), pl.col("meter_id").is_null())
    evaluated = pl.when(pl.col("status") == "evaluated").then(pl.col("positions")).otherwise(0).sum()
    return whole.group_by("code").agg(evaluated=evaluated).filter(pl.col("evaluated") == 0)["code"].to_list()


def steps(tasks: pl.DataFrame, edition: Edition) -> list[Step]:
    """The four steps in order, each with the task of the case if there is one."""
    by_step: Mapping[int, Row] = {
        row["step"]: row for row in tasks.sort("task_id", descending=True).to_dicts()
    }
    return [_step(number, by_step.get(number), edition) for number in STEPS]


def _step(number: int, task: Row | None, edition: Edition) -> Step:
    f, t = edition.f, edition.t
    return Step(
        number,
        t(f"steps.name_{number}"),
        task,
        t(f"steps.kind_{task['kind']}") if task else "",
        t(f"steps.state_{task['state']}") if task else "",
        t("steps.due", day=f.moment(task["due_at"])) if task else "",
        [edition.check(check) for check in (task["checks"] or [])] if task else [],
    )
