"""`kwhy demo`: the bundled homes with injected faults, scanned and told in words, with pages to open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines.destination import demo_folder
from pipelines.output import Row, ScanOutput, open_output
from pipelines.report.edition import Edition, edition
from pipelines.report.evidence import write_evidence
from pipelines.report.evidence_tables import cause_lines
from pipelines.report.task_sheets import write_task_sheets
from pipelines.report.worklist import write_worklist
from pipelines.sample import demo_book, load_sample
from pipelines.scan import Progress, scan
from pipelines.terminal.summary import signposts
from pipelines.terminal.words import words
from rules.model import Rulebook
from rules.rulebook import load

TOLD = 5
NATURAL = "natural_gap"
SLACK_DAYS = 35
"""A monthly account can show a fault one reading before or after its days."""


@dataclass(frozen=True)
class Demo:
    """A finished demo: its folder as the user named it, the scan's output, and the truth beside it."""

    folder: Path
    output: ScanOutput
    truth: pl.DataFrame


def run_demo(out: Path, *, lang: str, progress: Progress | None = None) -> Demo:
    """Make the demo's book in `out`, scan it, and write the evidence page, task sheets and work list.

    Raises UsageError where `out` holds somebody's own files.
    """
    demo_folder(out)
    book = demo_book(out)
    scan(book.book, book.as_of, out / "scan", progress=progress)
    output = open_output(out / "scan")
    rules = load()
    ranked = output.cases.filter(pl.col("status") == "open").sort("rank")
    if len(ranked):
        write_evidence(output, ranked["case_id"][0], out / "evidence.html", rules=rules, lang=lang)
        write_task_sheets(output, out / "task-sheets.html", rules=rules, lang=lang)
    write_worklist(output, out / "worklist.xlsx", rules=rules, lang=lang)
    return Demo(out, output, pl.read_parquet(book.truth))


def demo_text(demo: Demo, lang: str) -> Iterator[str]:
    """The demo in words: where the reads come from, what was found and why, what to open next."""
    t, rules = words(lang), load()
    page = edition(lang, demo.output.as_of, rules)
    cases = demo.output.cases
    homes = load_sample()
    injected = demo.truth.filter(~pl.col("innocent") & (pl.col("kind") != NATURAL))
    ranked = cases.filter(pl.col("status") == "open").sort("rank")
    yield t("demo.title", homes=len(homes.home_ids), days=len(homes.days))
    yield t("demo.notice", faults=len(injected))
    yield ""
    seconds = sum(demo.output.run["seconds"].values())
    aside = cases.height - ranked.height
    yield t("demo.found", seconds=f"{seconds:.1f}", open=ranked.height, suppressed=aside)
    yield t("demo.top", cases=min(TOLD, ranked.height))
    for case in ranked.head(TOLD).to_dicts():
        yield ""
        yield from _told(case, page, rules)
    yield ""
    yield t("demo.score", **score(cases, demo.truth))
    yield ""
    yield t("demo.next")
    pages = {
        "evidence.html": "demo.evidence",
        "task-sheets.html": "demo.sheets",
        "worklist.xlsx": "demo.worklist",
    }
    left = [(str(demo.folder / name), t(key)) for name, key in pages.items() if (demo.folder / name).exists()]
    typed = [
        (f"kwhy cases {demo.folder / 'scan'} --explain", t("demo.more")),
        ("kwhy check BOOK", t("demo.own")),
    ]
    yield from signposts([*left, *typed])


def score(cases: pl.DataFrame, truth: pl.DataFrame) -> dict[str, int]:
    """Open cases held against the truth: faults with a case, with the right cause; innocents in peace."""
    opened = cases.filter(pl.col("status") == "open")
    said = pl.concat(
        [
            opened.select(name, "start", "end", said="cause").rename({name: "account_id"})
            for name in ("account_id", "related_account_id")
        ]
    )
    told = truth.filter(pl.col("kind") != NATURAL).with_row_index("fault")
    slack = dt.timedelta(days=SLACK_DAYS)
    near = (pl.col("start_right") < pl.col("end") + slack) & (pl.col("end_right") > pl.col("start") - slack)
    met = told.join(said, on="account_id").filter(near)
    right = met.filter(pl.col("said").is_in("accepted"))
    faults, innocents = told.filter(~pl.col("innocent")), told.filter("innocent")
    return {
        "faults": len(faults),
        "found": faults.join(met, on="fault", how="semi").height,
        "right": faults.join(right, on="fault", how="semi").height,
        "innocents": len(innocents),
        "quiet": innocents.join(met, on="fault", how="anti").height,
    }


def _told(case: Row, page: Edition, rules: Rulebook) -> Iterator[str]:
    t = words(page.lang)
    yield f"{case['rank']}. {page.headline(case)}"
    facts = {
        "cause": page.cause(case["cause"]),
        "probability": page.f.percent(case["probability"]),
        "bill": page.t("page.hold_bill" if case["hold_bill"] else "page.bill"),
        "place": page.t("page.visit" if case["needs_visit"] else "page.desk"),
    }
    yield "   " + t("demo.likely", **facts)
    yield "   " + t("demo.why", why=_why(case, page, rules))


def _why(case: Row, page: Edition, rules: Rulebook) -> str:
    """What speaks for the leading cause beside the headline itself; else what that cause means."""
    said = cause_lines(case, page)[0].evidence_for
    headline = page.headline(case)
    more = said[said.index(headline) + 1 :] if headline in said else []
    return more[0] if more else rules.causes[case["cause"]].explain[page.lang]
