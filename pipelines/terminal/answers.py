"""The answers of `kwhy check`, `cases`, `case` and `rules`, each for people and for machines."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import polars as pl

from anomaly.errors import UsageError
from anomaly.registry import load_all
from anomaly.vocabulary import LANES
from pipelines.book import open_book
from pipelines.check import check
from pipelines.check_text import render
from pipelines.listing import case_text, cases_title, explained_cases
from pipelines.output import Row, ScanOutput, open_output
from pipelines.report.edition import Edition, edition
from pipelines.report.worklist_tables import case_table
from pipelines.terminal.printing import Answer, Prose, Shown, lines_table
from pipelines.terminal.words import words
from rules.explain import explain_rule, rule_list
from rules.model import Rulebook
from rules.rulebook import load

_WITHIN_PARAGRAPH = re.compile(r"(?<!\n)\n(?!\n|\s|Fires when|Cannot see)")
"""Line ends of a docstring that mean nothing: the terminal has its own width."""


def check_answer(book: Path, lang: str) -> Answer:
    """One row per table of the contract; json holds the whole report. Raises BookError."""
    requirements = {code: rule.requires for code, rule in load().detectors.items()}
    report = check(open_book(book), requirements)
    rows = [
        {
            "table": table.name,
            "present": table.present,
            **table.counts._asdict(),
            "absent_columns": table.absent_columns,
        }
        for table in report.tables
    ]
    return Answer(pl.DataFrame(rows), partial(render, report, lang), asdict(report))


def cases_answer(
    folder: Path, lang: str, *, status: str, family: str | None, top: int | None, explain: bool
) -> Answer:
    """Cases of one status (`open`, `suppressed`, `all`) and family, best rank first, at most `top`.

    Machines get the columns of cases.parquet, people the table or, with `explain`, the reasons.
    """
    output = open_output(folder)
    wanted = pl.lit(True) if status == "all" else pl.col("status") == status
    of_family = pl.lit(True) if family is None else pl.col("family") == family
    chosen = output.cases.filter(wanted & of_family).sort(
        "rank", "kwh_at_stake", "case_id", descending=[False, True, False], nulls_last=True
    )
    shown = chosen if top is None else chosen.head(top)

    def people() -> Iterator[Shown]:
        rules = load()
        if status != "suppressed":
            yield cases_title(replace(output, cases=chosen), rules=rules, lang=lang)
        elif chosen.is_empty():
            yield words(lang)("cases.suppressed", cases=0)
        if explain:
            yield from _explained(replace(output, cases=chosen), rules, lang, top)
        else:
            yield from _tables(replace(output, cases=shown), rules, lang)

    return Answer(shown, people)


def case_answer(folder: Path, who: str, lang: str) -> Answer:
    """One case, or every case of an account; json holds its findings and tasks too. Raises NotInOutput."""
    output, rules = open_output(folder), load()
    subject = output.find(who)
    rows = output.cases.filter(pl.col("case_id").is_in([case["case_id"] for case in subject.cases]))
    findings = output.findings_of(subject.cases[0]) if subject.cases else output.findings_touching([who])
    document = {
        "account_id": subject.account_id,
        "cases": list(subject.cases),
        "findings": findings.to_dicts(),
        "tasks": output.tasks.join(rows, on="case_id", how="semi").sort("case_id", "step").to_dicts(),
    }
    return Answer(rows, lambda: [case_text(output, who, rules=rules, lang=lang)], document)


def rules_answer(lang: str) -> Answer:
    """Every rule: code, what it finds, the cause it leads to."""
    rules = load()
    listed = rule_list(rules, lang)
    rows = pl.DataFrame(listed, schema=["code", "title", "leads_to"], orient="row")

    def people() -> Iterator[Shown]:
        t = words(lang)
        yield t("rules.title", rules=len(listed))
        table = lines_table((t("rules.code"), "left"), (t("rules.name"), "fold"), (t("rules.leads"), "fold"))
        for line in listed:
            table.add_row(*line)
        yield table
        yield t("rules.hint", code=listed[0][0])

    return Answer(rows, people)


def rule_answer(code: str, lang: str) -> Answer:
    """One rule, explained. Raises UsageError for a code the rulebook does not have."""
    rules = load()
    known = code.upper()
    if known not in rules.detectors:
        near = difflib.get_close_matches(known, rules.detectors, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        todo = f"{hint}`kwhy rules` lists the {len(rules.detectors)} codes"
        raise UsageError(f"there is no rule {code}", todo=todo)
    rule = rules.detectors[known]
    row = {"code": known, "title": rule.title[lang], "explain": rule.explain[lang]}
    limits = {name: asdict(limit) for name, limit in rule.limits.items()}
    document = {**row, "causes": dict(rule.causes), "limits": limits}
    documentation = _WITHIN_PARAGRAPH.sub(" ", load_all()[known].documentation)
    return Answer(pl.DataFrame([row]), lambda: [explain_rule(rules, known, lang, documentation)], document)


def _explained(output: ScanOutput, rules: Rulebook, lang: str, top: int | None) -> Iterator[Shown]:
    """The first `top` cases in words; the last of them is still held against the one that follows."""
    text = explained_cases(output, rules=rules, lang=lang, top=top)
    yield from ["", text] if text else []
    shown = output.cases if top is None else output.cases.head(top)
    for case_id in shown.filter(pl.col("status") == "suppressed")["case_id"].to_list():
        yield "\n" + case_text(output, case_id, rules=rules, lang=lang)


def _tables(output: ScanOutput, rules: Rulebook, lang: str) -> Iterator[Shown]:
    t = words(lang)
    page = edition(lang, output.as_of, rules)
    opened = output.cases.filter(pl.col("status") == "open")
    if len(opened):
        yield from _lanes(opened, page)
        yield t("cases.hint", folder=output.folder, case=opened["case_id"][0])
    aside = case_table(output, "suppressed", page)
    if len(aside):
        yield t("cases.suppressed", cases=len(aside))
        yield _aside_table(aside, page)


def _lanes(opened: pl.DataFrame, page: Edition) -> Iterator[Shown]:
    """One table per lane, each with its name, unless all are ranked by value."""
    t = words(page.lang)
    known = opened if "lane" in opened.columns else opened.with_columns(lane=pl.lit("ranked"))
    for lane in LANES:
        some = known.filter(pl.col("lane").fill_null("ranked") == lane)
        if len(some) and (lane != "ranked" or len(some) < len(opened)):
            yield t(f"cases.lane_{lane}", cases=len(some))
        if len(some):
            yield _open_table(some, page)


def _open_table(opened: pl.DataFrame, page: Edition) -> Shown:
    """Two texts to a cell where they belong together, so that the table is readable in 80 columns."""
    t = words(page.lang)
    names = ("#", t("cases.account"), t("cases.happened"), t("cases.kwh"), t("cases.act"))
    table = lines_table(*zip(names, ("right", "left", "fold", "right", "left"), strict=True))
    for case in opened.to_dicts():
        likely = f"→ {page.f.percent(case['probability'])} {page.cause(case['cause'])}"
        story = Prose(f"{page.headline(case)}\n{likely}\n")
        act = "\n".join(_acts(case, page.lang))
        kwh = page.f.number(case["kwh_at_stake"])
        table.add_row(str(case["rank"]), _who(case), story, kwh, act)
    return table


def _aside_table(aside: pl.DataFrame, page: Edition) -> Shown:
    t = words(page.lang)
    names = (t("cases.account"), page.t("list.headline"), t("cases.kwh"), page.t("list.suppressed_by"))
    table = lines_table(*zip(names, ("left", "fold", "right", "fold"), strict=True))
    for row in aside.to_dicts():
        kwh = page.f.number(row["kwh_at_stake"])
        table.add_row(_who(row), Prose(f"{row['headline']}\n"), kwh, Prose(row["suppressed_by"] or ""))
    return table


def _who(case: Row) -> str:
    """Account or accounts, else the area, and below them the name of the case."""
    accounts = [name for name in (case["account_id"], case["related_account_id"]) if name]
    return "\n".join([*(accounts or [case["area_id"] or ""]), case["case_id"]])


def _acts(case: Row, lang: str) -> list[str]:
    """What a case asks for at once: whether its bill waits, and whether somebody has to go there."""
    t = words(lang)
    return [
        t("cases.hold" if case["hold_bill"] else "cases.bill"),
        t("cases.visit" if case["needs_visit"] else "cases.desk"),
    ]
