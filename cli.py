"""The front door: `kwhy`. Parse, call one pipeline, print. Heavy imports wait for a command."""

from __future__ import annotations

import datetime as dt
import io
import sys
from pathlib import Path
from typing import Any

import click

from pipelines.terminal.door import (
    FORMATS,
    PATH,
    Door,
    Manner,
    answering,
    conventions,
    give,
    remark,
    shaped,
    unexpected,
    wrote,
)

FAMILIES = ("reading_error", "jump", "cross_wiring", "grid")
FINDINGS_PRESENT = 3


@click.group(
    cls=Door, context_settings={"help_option_names": ["-h", "--help"]}, epilog="Start with: kwhy demo"
)
@click.version_option(package_name="kwhy", prog_name="kwhy")
@conventions
def cli() -> None:
    """Why did this account's kWh jump, and is it right to bill it?

    Finds reading errors and sudden jumps in meter reads, says what happened and why most likely, and writes
    the evidence and the checks to make.
    """


@cli.command()
@click.option("--out", type=PATH, default="kwhy-demo", show_default=True, help="Folder to write into.")
@answering
def demo(manner: Manner, out: Path) -> None:
    """Try it: real homes with injected faults, explained."""
    from pipelines.demo import demo_text, run_demo
    from pipelines.terminal.printing import show
    from pipelines.terminal.progress import shown_progress

    with shown_progress(manner.lang, quiet=manner.quiet) as moved:
        finished = run_demo(out, lang=manner.lang, progress=moved)
    show(demo_text(finished, manner.lang))


@cli.command()
@click.argument("book", type=PATH)
@shaped
@answering
def check(manner: Manner, book: Path, form: str | None, target: Path | None) -> None:
    """What is in BOOK, what is missing, which checks can run.

    json holds the whole report; csv, ndjson and parquet hold one row per table.
    """
    from pipelines.terminal.answers import check_answer

    give(check_answer(book, manner.lang), form, target, manner)


@cli.command()
@click.argument("book", type=PATH)
@click.option("--as-of", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD",
              help="Look back from 00:00 of this day.")  # fmt: skip
@click.option(
    "--out", required=True, type=PATH, metavar="DIR", help="Folder to write; an earlier scan is replaced."
)
@click.option("--rules", "overlays", multiple=True, type=PATH, metavar="OVERLAY.toml",
              help="Your own numbers over the standard rulebook; repeatable, the last one wins.")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Threads.")
@click.option("--fail-on", type=click.Choice(["urgent", "any"]),
              help="Exit 3 where cases are open; urgent: where a bill must be held.")  # fmt: skip
@answering
def scan(
    manner: Manner, book: Path, as_of: dt.datetime, out: Path, overlays: tuple[Path, ...], workers: int,
    fail_on: str | None,
) -> None:  # fmt: skip
    """Scan BOOK: findings, cases, tasks and coverage."""
    from pipelines.destination import scan_folder
    from pipelines.scan import scan as scan_book
    from pipelines.terminal.progress import shown_progress
    from pipelines.terminal.summary import open_cases, scan_summary

    folder = scan_folder(out, book)
    with shown_progress(manner.lang, quiet=manner.quiet) as moved:
        scan_book(book, as_of.date(), folder, overlays=overlays, workers=workers, progress=moved)
    remark(scan_summary(out, overlays, manner.lang), manner)
    if fail_on and open_cases(out, urgent=fail_on == "urgent"):
        click.get_current_context().exit(FINDINGS_PRESENT)


@cli.command()
@click.argument("book", type=PATH)
@click.option("--cycle", "cycle_id", required=True, metavar="ID", help="The billing cycle (accounts.cycle_id).")
@click.option("--end", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD",
              help="The day after the last one billed.")  # fmt: skip
@click.option("--out", "folder", required=True, type=PATH, metavar="DIR", help="Folder to write, as for scan.")
@click.option("--rules", "overlays", multiple=True, type=PATH, metavar="OVERLAY.toml",
              help="Your own numbers over the standard rulebook; repeatable, the last one wins.")  # fmt: skip
@shaped
@answering
def cycle(
    manner: Manner, book: Path, cycle_id: str, end: dt.datetime, folder: Path, overlays: tuple[Path, ...],
    form: str | None, target: Path | None,
) -> None:  # fmt: skip
    """Before bills go out: bill, note, hold or re-read."""
    from pipelines.cycle import CycleWanted
    from pipelines.destination import scan_folder
    from pipelines.scan import scan as scan_book
    from pipelines.terminal.cycle_answer import cycle_answer
    from pipelines.terminal.progress import shown_progress

    out, wanted = scan_folder(folder, book), CycleWanted(cycle_id, end.date())
    with shown_progress(manner.lang, quiet=manner.quiet) as moved:
        scan_book(book, wanted.end, out, overlays=overlays, cycle=wanted, progress=moved)
    give(cycle_answer(out, manner.lang), form, target, manner)


@cli.command()
@click.argument("folder", metavar="DIR", type=PATH)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.option("--explain", is_flag=True, help="Each with its worth, why it stands above the next, and its causes.")
@click.option("--family", type=click.Choice(FAMILIES), help="Only cases of this family.")
@click.option("--status", type=click.Choice(["open", "suppressed", "all"]), default="open", show_default=True,
              help="Open ones, those not reported (with the reason), or all.")  # fmt: skip
@shaped
@answering
def cases(manner: Manner, folder: Path, form: str | None, target: Path | None, **choice: Any) -> None:
    """List the cases of a scan, most urgent first."""
    from pipelines.terminal.answers import cases_answer

    give(cases_answer(folder, manner.lang, **choice), form, target, manner)


@cli.command()
@click.argument("folder", metavar="DIR", type=PATH)
@click.argument("who", metavar="CASE|ACCOUNT")
@shaped
@answering
def case(manner: Manner, folder: Path, who: str, form: str | None, target: Path | None) -> None:
    """Explain one case: causes, evidence, steps."""
    from pipelines.terminal.answers import case_answer

    give(case_answer(folder, who, manner.lang), form, target, manner)


@cli.command()
@click.argument("earlier", metavar="DIR_A", type=PATH)
@click.argument("later", metavar="DIR_B", type=PATH)
@shaped
@answering
def diff(manner: Manner, earlier: Path, later: Path, form: str | None, target: Path | None) -> None:
    """What changed between two scans, and why."""
    from pipelines.terminal.changes import diff_answer

    give(diff_answer(earlier, later, manner.lang), form, target, manner)


@cli.command()
@click.argument("folder", metavar="DIR", type=PATH)
@click.argument("who", metavar="CASE|ACCOUNT")
@click.option("--out", type=PATH, required=True, metavar="FILE.html", help="The page to write.")
@click.option("--book", type=PATH, help="The scanned book, if it moved; for accounts in no case.")
@click.option("--customer", is_flag=True, help="A page to hand to the customer of ACCOUNT: their own meter only.")
@answering
def evidence(manner: Manner, folder: Path, who: str, out: Path, book: Path | None, customer: bool) -> None:
    """Write the evidence page of a case or account."""
    from pipelines.terminal.pages import customer_page, evidence_page

    if customer:
        wrote(customer_page(folder, who, out, manner.lang), manner)
    else:
        wrote(evidence_page(folder, who, out, book, manner.lang), manner)


@cli.command()
@click.argument("folder", metavar="DIR", type=PATH)
@click.option("--out", type=PATH, required=True, metavar="FILE.xlsx|csv|html",
              help="xlsx, csv: the work list; html: field-check sheets to print.")  # fmt: skip
@answering
def tasks(manner: Manner, folder: Path, out: Path) -> None:
    """Write the work list, or field-check sheets."""
    from pipelines.terminal.pages import task_pages

    wrote(task_pages(folder, out, manner.lang), manner)


@cli.command()
@click.argument("book", type=PATH)
@click.option("--out", type=PATH, required=True, metavar="OVERLAY.toml", help="The overlay to write, for scan --rules.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD",
              help="Look back from 00:00 of this day. [default: the last day with reads]")  # fmt: skip
@click.option("--rules", "overlays", multiple=True, type=PATH, metavar="OVERLAY.toml",
              help="Numbers already in force over the standard rulebook; repeatable.")  # fmt: skip
@click.option("--scan", "scans", multiple=True, type=PATH, metavar="DIR",
              help="A scan whose cases the outcomes settle; repeatable.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="[default: table]")
@answering
def calibrate(
    manner: Manner, book: Path, out: Path, as_of: dt.datetime | None, overlays: tuple[Path, ...],
    scans: tuple[Path, ...], force: bool, form: str | None,
) -> None:  # fmt: skip
    """Refit limits of X01, priors and weights to BOOK.

    Boxes without meter change, works or complaint show how alike homes are by themselves; one in a hundred of them
    may be accused. Limits that too few boxes can tell stay as they are. From 200 outcomes on that confirm or refute a
    case of the scans named, priors of the causes and the weight of evidence are refitted too.
    """
    from pipelines.calibrate import calibrate as calibrate_book
    from pipelines.terminal.calibrated import calibration_answer
    from pipelines.terminal.progress import shown_progress

    day = None if as_of is None else as_of.date()
    with shown_progress(manner.lang, quiet=manner.quiet) as moved:
        found = calibrate_book(book, out, as_of=day, overlays=overlays, scans=scans, force=force, progress=moved)
    give(calibration_answer(found, manner.lang), form, None, manner)
    wrote(found.overlay, manner)


@cli.command()
@click.argument("code", required=False)
@shaped
@answering
def rules(manner: Manner, code: str | None, form: str | None, target: Path | None) -> None:
    """The rulebook: all rules, or one CODE explained."""
    from pipelines.terminal.answers import rule_answer, rules_answer

    answer = rule_answer(code, manner.lang) if code else rules_answer(manner.lang)
    give(answer, form, target, manner)


def main() -> None:
    """Run the command line. An exception nobody foresaw passes `unexpected` and ends with exit code 1."""
    sys.excepthook = unexpected
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    cli(prog_name="kwhy")


if __name__ == "__main__":
    main()
