"""What a scan says when it is done: rows, cases by cause, what was set aside, what was not checked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipelines.output import ScanOutput, open_output
from pipelines.polls import REASONS
from pipelines.report.edition import Edition, edition
from pipelines.terminal.words import words
from rules.rulebook import load

EXCHANGED_HOMES = "X01"
"""The rule that holds every home against its neighbours."""


def open_cases(folder: Path, *, urgent: bool) -> int:
    """Number of open cases of a scan; of urgent ones, whose bill must be held, where `urgent`."""
    output = open_output(folder)
    chosen = pl.col("hold_bill") if urgent else pl.lit(True)
    return output.cases.filter((pl.col("status") == "open") & chosen).height


def scan_summary(folder: Path, overlays: tuple[Path, ...], lang: str) -> Iterator[str]:
    """Lines in reading order, ending with what to do next; `overlays` are those of the scan."""
    output, rules = open_output(folder), load(*overlays)
    page, t = edition(lang, output.as_of, rules), words(lang)
    counts = output.run["counts"]
    yield t(
        "scan.title",
        accounts=page.f.number(counts["accounts"]),
        positions=page.f.number(counts["positions"]),
        day=page.f.day(output.as_of, year=True),
        seconds=f"{sum(output.run['seconds'].values()):.1f}",
    )
    yield from _rows(counts["tables"], page)
    yield from _open(output, page)
    yield from _aside(output, page)
    yield from _unchecked(output, page)
    yield ""
    yield t("scan.next")
    commands = [(f"kwhy cases {output.folder}", "scan.next_cases")]
    first = output.cases.filter(pl.col("rank") == 1)
    if len(first):
        commands.append((f"kwhy case {output.folder} {first['case_id'][0]}", "scan.next_case"))
        commands.append((f"kwhy tasks {output.folder} --out worklist.xlsx", "scan.next_tasks"))
    yield from signposts([(command, t(key)) for command, key in commands])


def signposts(pairs: list[tuple[str, str]]) -> list[str]:
    """Things to type or open, each with what it gives, in two columns."""
    width = max(len(name) for name, _ in pairs)
    return [f"  {name:{width}}  {what}" for name, what in pairs]


def _rows(tables: dict[str, dict[str, int]], page: Edition) -> Iterator[str]:
    t, number = words(page.lang), page.f.number
    yield t("scan.rows")
    width = max((len(name) for name in tables), default=0)
    for name, rows in tables.items():
        late = f"  ({t('scan.late', rows=number(rows['after_as_of']))})" if rows.get("after_as_of") else ""
        read, accepted, lost = (number(rows.get(key, 0)) for key in ("read", "accepted", "quarantined"))
        yield f"  {name:{width}}  {read} = {accepted} + {lost}{late}"
        if rows.get("unmatched"):
            yield f"  {'':{width}}  {t('scan.unmatched', rows=number(rows['unmatched']), reasons=_reasons(rows, page))}"


def _reasons(rows: dict[str, int], page: Edition) -> str:
    """Why polls belong to no test, each with its number."""
    t, number = words(page.lang), page.f.number
    counted = [(reason, rows[reason]) for reason in REASONS if rows.get(reason)]
    return page.comma.join(t(f"scan.poll_{reason}", rows=number(count)) for reason, count in counted)


def _open(output: ScanOutput, page: Edition) -> Iterator[str]:
    t, number = words(page.lang), page.f.number
    opened = output.cases.filter(pl.col("status") == "open")
    yield t("scan.open", cases=number(len(opened))) if len(opened) else t("scan.nothing_open")
    by_cause = opened.group_by("family", "cause").len().sort("len", "cause", descending=[True, False])
    totals = opened.group_by("family").len().sort("len", "family", descending=[True, False])
    for family, cases in totals.rows():
        yield "  " + t("scan.family", family=t(f"family.{family}"), cases=number(cases))
        for cause, of_cause in by_cause.filter(pl.col("family") == family).select("cause", "len").rows():
            yield f"    {number(of_cause):>5}  {page.cause(cause)}"


def _aside(output: ScanOutput, page: Edition) -> Iterator[str]:
    t, number = words(page.lang), page.f.number
    reasons = Counter(output.cases.filter(pl.col("status") == "suppressed")["suppressed_by"].to_list())
    if reasons:
        yield t("scan.suppressed", cases=number(reasons.total()))
    for name, cases in sorted(reasons.items(), key=lambda pair: (-pair[1], str(pair[0]))):
        yield f"    {number(cases):>5}  {page.suppressor(name)}"


def _unchecked(output: ScanOutput, page: Edition) -> Iterator[str]:
    t, number = words(page.lang), page.f.number
    coverage = output.coverage
    every = coverage["code"].n_unique()
    missed = coverage.filter(pl.col("status") != "evaluated")
    judged = coverage.filter((pl.col("status") == "evaluated") & (pl.col("positions") > 0))
    wholly = missed.join(judged, on="code", how="anti").sort("code")
    partly = missed.join(judged, on="code", how="semi")["code"].n_unique()
    if not len(missed):
        yield t("scan.all_checked")
        return
    if len(wholly):
        yield t("scan.unchecked", checks=number(wholly["code"].n_unique()), all=number(every))
    by_reason: dict[str, list[str]] = defaultdict(list)
    for code, reason in wholly.select("code", "reason").unique().sort("code", "reason").rows():
        by_reason[page.reason(code, reason)].append(code)
    for reason, codes in by_reason.items():
        yield "  " + t("scan.unchecked_by", reason=reason.rstrip(".。"), codes=page.comma.join(codes))
    if partly:
        yield t("scan.partly", checks=number(partly))
    yield from _compared(coverage, page)


def _compared(coverage: pl.DataFrame, page: Edition) -> Iterator[str]:
    """How many points were held against their neighbours for exchanged homes, and why the others were not."""
    t, number = words(page.lang), page.f.number
    own = coverage.filter(pl.col("code") == EXCHANGED_HOMES)
    judged = own.filter(pl.col("status") == "evaluated")["positions"].sum()
    missed = own.filter((pl.col("status") != "evaluated") & (pl.col("positions") > 0))
    reasons = missed.group_by("reason").agg(pl.col("positions").sum())
    if not len(own) or not len(missed):
        return
    yield t("scan.compared", judged=number(judged), all=number(judged + missed["positions"].sum()))
    for reason, count in reasons.sort("positions", "reason", descending=[True, False]).rows():
        yield f"    {number(count):>5}  {page.reason(EXCHANGED_HOMES, reason)}"
