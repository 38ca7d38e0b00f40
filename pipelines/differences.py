"""What changed between two scans, case by case, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pipelines.output import Row, ScanOutput

ROWS = {
    "change": pl.String, "case_id": pl.String, "account_id": pl.String, "related_account_id": pl.String,
    "headline_en": pl.String, "headline_zh": pl.String, "before": pl.String, "after": pl.String, "why": pl.String,
    "codes": pl.List(pl.String),
}  # fmt: skip
CHANGES = ("new", "reopened", "gone", "closed", "cause", "probability", "bill", "visit", "kwh")
"""Kinds of change in the order they are told."""

SHOWN_PROBABILITY = 0.1
SHOWN_KWH_SHARE = 0.2
"""Smaller moves of a probability, or of the energy at stake, are not told."""


def run_differences(old: ScanOutput, new: ScanOutput) -> list[tuple[str, str, str]]:
    """(name, before, after) of what the two runs themselves differ in: day, rows, rules, program."""
    names = ("as_of", "input_hash", "rulebook_version", "program_version")
    pairs = ((name, str(old.run.get(name, "")), str(new.run.get(name, ""))) for name in names)
    return [pair for pair in pairs if pair[1] != pair[2]]


def differences(old: ScanOutput, new: ScanOutput) -> pl.DataFrame:
    """One row per case and change (ROWS), the gravest first; equal outputs give none.

    A case is the same when its id is, or else when it has the same family and accounts and overlaps in time.
    """
    earlier, later = _Run.of(old), _Run.of(new)
    rows = [
        {**_who(before, after), **_why(before, after, earlier, later), "change": change, "before": was, "after": now}
        for before, after in _matched(old.cases, new.cases)
        for change, was, now in _told(before, after)
    ]
    order = pl.col("change").cast(pl.Enum(CHANGES))
    return pl.DataFrame(rows, schema=ROWS, orient="row").sort(order, "account_id", "case_id", nulls_last=True)


@dataclass(frozen=True)
class _Run:
    """Of one run: its day, (code, status) of the findings of each case, and codes of each account."""

    as_of: date
    of_case: Mapping[str, set[tuple[str, str]]]
    of_account: Mapping[str, set[str]]

    @classmethod
    def of(cls, output: ScanOutput) -> _Run:
        of_case, of_account = defaultdict(set), defaultdict(set)
        columns = ("case_id", "account_id", "related_account_id", "code", "status")
        for case_id, account, related, code, status in output.findings.select(columns).rows():
            of_case[case_id].add((code, status))
            of_account[account].add(code)
            of_account[related].add(code)
        return cls(output.as_of, of_case, of_account)

    def findings(self, case: Row | None) -> set[tuple[str, str]]:
        """(code, status) of the findings of a case of this run."""
        return self.of_case.get(case["case_id"], set()) if case else set()

    def codes(self, case: Row | None) -> set[str]:
        """Codes found at the accounts of a case, which may be of the other run."""
        accounts = (case["account_id"], case["related_account_id"]) if case else ()
        return {code for account in accounts if account for code in self.of_account.get(account, ())}


def _matched(old: pl.DataFrame, new: pl.DataFrame) -> Iterator[tuple[Row | None, Row | None]]:
    """Cases of both runs side by side; None where a run has no such case."""
    by_id = {row["case_id"]: row for row in new.sort("case_id").to_dicts()}
    left: list[Row] = []
    for row in old.sort("case_id").to_dicts():
        if row["case_id"] in by_id:
            yield row, by_id.pop(row["case_id"])
        else:
            left.append(row)
    for row in left:
        match = next((other for other in by_id.values() if _same_story(row, other)), None)
        yield row, by_id.pop(match["case_id"]) if match else None
    for row in by_id.values():
        yield None, row


def _same_story(old: Row, new: Row) -> bool:
    parties = ("family", "account_id", "related_account_id", "area_id")
    same = all(old[name] == new[name] for name in parties)
    return bool(same and old["start"] < new["end"] and new["start"] < old["end"])


def _told(before: Row | None, after: Row | None) -> Iterator[tuple[str, str, str]]:
    """(change, before, after) of one case; nothing where it was not and is not open."""
    was_open, is_open = (one is not None and one["status"] == "open" for one in (before, after))
    if is_open and not was_open:
        yield ("reopened" if before else "new"), _standing(before), _standing(after)
    elif was_open and not is_open:
        yield ("closed" if after else "gone"), _standing(before), _standing(after)
    elif before and after and is_open:
        yield from _moved(before, after)


def _moved(before: Row, after: Row) -> Iterator[tuple[str, str, str]]:
    """What moved in a case that is open in both runs."""
    chances = before["probability"], after["probability"]
    if before["cause"] != after["cause"]:
        yield "cause", before["cause"], after["cause"]
    elif abs(chances[0] - chances[1]) >= SHOWN_PROBABILITY:
        yield "probability", f"{chances[0]:.2f}", f"{chances[1]:.2f}"
    for change, column in (("bill", "hold_bill"), ("visit", "needs_visit")):
        if before[column] != after[column]:
            yield change, str(before[column]).lower(), str(after[column]).lower()
    was_kwh, is_kwh = before["kwh_at_stake"], after["kwh_at_stake"]
    if abs(was_kwh - is_kwh) >= SHOWN_KWH_SHARE * max(was_kwh, 1.0):
        yield "kwh", f"{was_kwh:.0f}", f"{is_kwh:.0f}"


def _standing(case: Row | None) -> str:
    """How a case stood in a run: its rank, or why it was not reported."""
    if case is None:
        return ""
    return str(case["suppressed_by"] or "") if case["status"] == "suppressed" else f"#{case['rank']}"


def _who(before: Row | None, after: Row | None) -> dict[str, Any]:
    case = after or before or {}
    return {name: case[name] for name in ("case_id", "account_id", "related_account_id", "headline_en", "headline_zh")}


def _why(before: Row | None, after: Row | None, old: _Run, new: _Run) -> dict[str, Any]:
    """The plainest difference between the findings of both runs, and the codes it is about."""
    had, has = old.findings(before), new.findings(after)
    spoke, speaks = ({code for code, status in one if status == "reported"} for one in (had, has))
    fresh, lost = sorted(speaks - spoke), sorted(spoke - speaks)
    if fresh:
        known_before = {code for code, _ in had} | old.codes(after)
        began_later = after is not None and after["start"] >= old.as_of
        seen = "finding_reported" if set(fresh) <= known_before else "finding_new"
        return {"why": "later_reads" if began_later else seen, "codes": fresh}
    if lost:
        still_found = {code for code, _ in has}
        elsewhere = after is None and set(lost) <= new.codes(before)
        set_aside = "finding_suppressed" if set(lost) <= still_found else "finding_gone"
        return {"why": "merged" if elsewhere else set_aside, "codes": lost}
    return {"why": "more_evidence" if old.as_of != new.as_of else "same_findings", "codes": sorted(speaks)}
