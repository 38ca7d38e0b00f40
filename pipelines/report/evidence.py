"""The evidence page: one self-contained HTML file about one account or case."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.lookup import series_from_book
from pipelines.output import NotInOutputError, Row, ScanOutput, Subject, parties
from pipelines.report import evidence_tables
from pipelines.report.blindness import blind_spots
from pipelines.report.chart import environment
from pipelines.report.edition import Edition, edition
from pipelines.report.files import write_text
from pipelines.report.ledger_section import ledger_part
from pipelines.report.pair_section import pair_part
from pipelines.report.profile_section import profile_parts
from pipelines.report.rebill_section import rebill_parts
from pipelines.report.register_section import moments, register_parts
from pipelines.report.use_section import use_parts
from pipelines.report.why_section import why
from rules.model import Rulebook

SHAPE_FAMILIES = ("jump", "cross_wiring")


def write_evidence(
    output: ScanOutput, who: str, target: Path, *, rules: Rulebook, lang: str = "en", book: Path | None = None
) -> Path:
    """Write the evidence page of an account, case or task to `target` and return it.

    `rules` gives titles and sentences. An account the scan kept no reads of is read again from the book named
    in run.json, or from `book`. Raises KwhyError when neither knows `who`, or the book has changed since.
    """
    return write_text(target, evidence_html(output, who, rules=rules, lang=lang, book=book))


def evidence_html(
    output: ScanOutput, who: str, *, rules: Rulebook, lang: str = "en", book: Path | None = None
) -> str:
    """The evidence page as text: no script, no request to anywhere, below 150 KB."""
    subject, series = _with_reads(output, who, rules, book)
    case = subject.cases[0] if subject.cases else None
    accounts = _accounts(subject, case)
    page = edition(lang, output.as_of, rules)
    sections = _sections(output, case, accounts, series, page)
    template = environment().get_template("evidence.html.j2")
    return template.render(e=page, t=page.t, f=page.f, output=output, subject=subject, case=case, **sections)


def _with_reads(
    output: ScanOutput, who: str, rules: Rulebook, book: Path | None
) -> tuple[Subject, pl.DataFrame]:
    """Who is asked about, and the days to draw: as the scan kept them, else from the book."""
    try:
        subject = output.find(who)
    except NotInOutputError:
        return Subject(who, who, ()), series_from_book(output, who, rules, book)
    return subject, output.series_of(_accounts(subject, subject.cases[0] if subject.cases else None))


def _accounts(subject: Subject, case: Row | None) -> list[str]:
    if case:
        return parties(case)
    return [subject.account_id] if subject.account_id else []


def _sections(
    output: ScanOutput, case: Row | None, accounts: list[str], series: pl.DataFrame, page: Edition
) -> dict[str, Any]:
    findings = output.findings_of(case) if case else output.findings_touching(accounts)
    flagging = _flagging(findings)
    tasks = output.tasks.filter(pl.col("case_id") == (case["case_id"] if case else ""))
    rebills, rebill_notes = rebill_parts(output, case, page) if case else ([], [])
    return {
        "accounts": accounts,
        "ledger": ledger_part(case, page) if case else None,
        "pair": pair_part(output, case, series, page) if case else None,
        "rebills": rebills,
        "rebill_notes": rebill_notes,
        "blind": blind_spots(case, findings, series, page) if case else [],
        "open_cases": output.cases.filter(pl.col("status") == "open").height,
        "causes": evidence_tables.cause_lines(case, page) if case else [],
        "cannot_exclude": [page.cause(name) for name in case["cannot_exclude"] or []] if case else [],
        "why": why(case, page) if case else None,
        "uses": use_parts(series, spans_of(flagging), page),
        "registers": register_parts(series, moments(flagging), page),
        "profiles": profile_parts(series, _changed_on(flagging), page),
        "findings": evidence_tables.finding_rows(findings, accounts, page),
        "unchecked": evidence_tables.unchecked(output, accounts, page),
        "steps": evidence_tables.steps(tasks, page),
    }


def _flagging(findings: pl.DataFrame) -> pl.DataFrame:
    """Findings whose days are marked in the charts: the reported ones, or all where none is reported."""
    reported = findings.filter(pl.col("status") == "reported")
    return findings if reported.is_empty() else reported


def spans_of(findings: pl.DataFrame) -> Sequence[tuple[date, date]]:
    """The days of findings, half-open, each span once."""
    spans = findings.select("start", "end").unique().sort("start", "end").rows()
    return [(start, max(end, start + timedelta(days=1))) for start, end in spans]


def _changed_on(findings: pl.DataFrame) -> date | None:
    """The day from which use is compared: the start of the largest finding about use."""
    changes = findings.filter(pl.col("family").is_in(SHAPE_FAMILIES)).sort(
        "kwh_at_stake", "start", descending=[True, False], nulls_last=True
    )
    return None if changes.is_empty() else changes["start"][0]
