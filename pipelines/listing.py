"""What `kwhy cases --explain` and `kwhy case` print: blocks of text for people."""

from collections.abc import Iterator

import polars as pl

from pipelines.output import Row, ScanOutput, parties
from pipelines.report.blindness import blind_spots
from pipelines.report.edition import Edition, edition
from pipelines.report.evidence_tables import cause_lines, finding_rows, steps, unchecked
from pipelines.report.ledger_section import ledger_part
from pipelines.report.rebill_section import rebill_line
from pipelines.report.value_section import above_lines, value_lines
from pipelines.report.why_section import why
from rules.model import Rulebook


def cases_title(output: ScanOutput, *, rules: Rulebook, lang: str = "en") -> str:
    """The line above the table: how many cases are open, as of when."""
    page = edition(lang, output.as_of, rules)
    count = output.cases.filter(pl.col("status") == "open").height
    if not count:
        return page.t("list.nothing_open")
    return page.t("list.title_open", cases=page.f.number(count), day=page.f.day(output.as_of, year=True))


def explained_cases(output: ScanOutput, *, rules: Rulebook, lang: str = "en", top: int | None = None) -> str:
    """Open cases one below the other, each with its place and causes, and the evidence for and against."""
    page = edition(lang, output.as_of, rules)
    cases = output.cases.filter(pl.col("status") == "open").sort("rank", "case_id", nulls_last=True)
    shown = (cases if top is None else cases.head(top + 1)).to_dicts()
    above = [*above_lines(shown, page), ""]
    blocks = [
        [*_head(row, page), *_place(row, page), *([f"   {why_above}"] if why_above else []), *_causes(row, page)]
        for row, why_above in zip(shown, above, strict=bool(shown))
    ]
    return "\n\n".join("\n".join(block) for block in blocks[:top])


def case_text(output: ScanOutput, who: str, *, rules: Rulebook, lang: str = "en") -> str:
    """One case in words: headline, causes, findings, steps, what was not checked. Raises NotInOutputError."""
    page = edition(lang, output.as_of, rules)
    subject = output.find(who)
    if not subject.cases:
        caution = [page.t("page.no_case", account=who), page.t("page.no_case_caution")]
        return "\n".join([*caution, *_unchecked(output, [who], page)])
    case = subject.cases[0]
    accounts, findings = parties(case), output.findings_of(case)
    tasks = output.tasks.filter(pl.col("case_id") == case["case_id"])
    blocks = [
        [*_head(case, page), *_place(case, page), *_rebill(output, case, page)],
        _ledger(case, page),
        _causes(case, page),
        _why(case, page),
        _findings(findings, accounts, page),
        _steps(tasks, page),
        _blind(blind_spots(case, findings, output.series_of(accounts), page), page),
        _unchecked(output, accounts, page),
    ]
    others = [f"  {page.headline(other)} ({other['case_id']})" for other in subject.cases[1:]]
    if others:
        blocks.append([page.t("page.other_cases"), *others])
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _head(case: Row, page: Edition) -> list[str]:
    t = page.t
    rank = f"{case['rank']}. " if case["rank"] is not None else ""
    facts = [
        t("page.hold_bill" if case["hold_bill"] else "page.bill"),
        t("page.visit" if case["needs_visit"] else "page.desk"),
    ]
    if case["status"] == "suppressed":
        facts.insert(0, t("page.suppressed", reason=page.suppressor(case["suppressed_by"])))
    many = case["account_ids"] if len(case["account_ids"]) > 2 else []
    named = [
        (t("page.case"), case["case_id"]),
        (t("page.accounts"), page.comma.join(many)),
        (t("page.account"), None if many else case["account_id"]),
        (t("page.related_account"), None if many else case["related_account_id"]),
        (t("page.meter"), case["meter_id"]),
        (t("page.area"), case["area_id"]),
        (t("page.at_stake"), page.f.kwh(case["kwh_at_stake"])),
    ]
    return [
        f"{rank}{page.headline(case)}",
        "   " + " · ".join(f"{name} {value}" for name, value in named if value),
        "   " + " · ".join(facts),
    ]


def _place(case: Row, page: Edition) -> list[str]:
    return [f"   {line}" for line in value_lines(case, page)] if case["rank"] is not None else []


def _causes(case: Row, page: Edition) -> list[str]:
    lines = []
    for cause in cause_lines(case, page):
        lines.append(f"   {cause.probability:>6}  {cause.title}")
        lines += [f"           + {evidence}" for evidence in cause.evidence_for]
        lines += [f"           − {evidence}" for evidence in cause.evidence_against]
    open_causes = page.comma.join(page.cause(name) for name in case["cannot_exclude"] or [])
    return [*lines, f"   {page.t('causes.cannot_exclude')}: {open_causes}"] if open_causes else lines


def _ledger(case: Row, page: Edition) -> list[str]:
    """Why we think so, in ten seconds: one line per check, the sum last."""
    part = ledger_part(case, page)
    if part is None:
        return []
    lines = [f"   {nats:>6}  {f'{code} ' if code else ''}{text}" for nats, code, text in part.rows]
    heading = page.t("ledger.ask", heading=page.t("ledger.heading"), question=part.question)
    return [heading, *lines, f" = {part.total:>6}  {part.odds}", f"           {part.weight}"]


def _rebill(output: ScanOutput, case: Row, page: Edition) -> list[str]:
    line = rebill_line(output, case, page)
    return [f"   {line}"] if line else []


def _blind(sentences: list[str], page: Edition) -> list[str]:
    return [page.t("blind.heading"), *(f"   · {sentence}" for sentence in sentences)] if sentences else []


def _why(case: Row, page: Edition) -> list[str]:
    told = why(case, page)
    if told is None:
        return []
    lines = [f"   {part.kwh:>12} {part.doubt:<8} {'– ' if part.inner else ''}{part.name}" for part in told.parts]
    return [page.t("why.heading"), f"   {told.sentence}", *lines]


def _findings(findings: pl.DataFrame, accounts: list[str], page: Edition) -> list[str]:
    return [page.t("findings.heading"), *_finding_lines(findings, accounts, page)] if len(findings) else []


def _finding_lines(findings: pl.DataFrame, accounts: list[str], page: Edition) -> Iterator[str]:
    t = page.t
    for row in finding_rows(findings, accounts, page):
        about = f" ({row['about']})" if row["about"] else ""
        status = "" if row["reported"] else f"; {t('findings.suppressed')}: {row['reason']}"
        yield (
            f"   {row['code']}  {row['title']}{about}, {row['when']}: "
            f"{t('findings.measured')} {row['measured']}, "
            f"{t('findings.expected')} {row['expected']}, {t('findings.limit')} {row['limit']}{status}"
        )


def _steps(tasks: pl.DataFrame, page: Edition) -> list[str]:
    lines = [page.t("steps.heading")]
    for step in steps(tasks, page):
        details = " · ".join(part for part in (step.kind, step.state, step.due) if part) or page.t(
            "steps.no_task"
        )
        lines.append(f"   {step.number}  {step.name}: {details}")
        lines += [f"      □ {check.name}" for check in step.checks]
    return lines


def _unchecked(output: ScanOutput, accounts: list[str], page: Edition) -> list[str]:
    found = unchecked(output, accounts, page)
    lines = [
        f"   {reason} {page.comma.join(titles)}" for reasons in found.values() for reason, titles in reasons
    ]
    return [page.t("unchecked.heading"), *lines] if lines else [page.t("unchecked.none")]
