"""The front door: `kwhy`. Parse, call one pipeline, print. Heavy imports wait for a command."""

from __future__ import annotations

import datetime as dt
import io
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from anomaly.errors import KwhyError

if TYPE_CHECKING:
    from types import TracebackType

    from pipelines.terminal.printing import Answer

FORMATS = ("table", "csv", "json", "ndjson", "parquet")
FAMILIES = ("reading_error", "jump", "cross_wiring", "grid")
FINDINGS_PRESENT = 3
INTERRUPTED = 130
PATH = click.Path(path_type=Path)
"""No `exists`: a missing book or folder is answered by the pipeline, with what to do about it."""
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass
class Manner:
    """How to speak: the language, and whether to keep quiet on stderr."""

    lang: str
    quiet: bool = False


class Door(click.Group):
    """The group of all commands: errors become three lines and an exit code, never a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order people meet them, not of the alphabet."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Let --lang and --quiet of the group and of a command write to one place."""
        ctx.obj = Manner(_spoken_language())
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KwhyError as error:
            from pipelines.terminal.words import error_lines

            click.echo("\n".join(error_lines(error, ctx.obj.lang)), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            from pipelines.terminal.words import words

            click.echo(f"\nkwhy: {words(ctx.obj.lang)('error.interrupted')}", err=True)
            ctx.exit(INTERRUPTED)


def _spoken_language() -> str:
    """`zh` where the environment speaks Chinese, else `en`."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def _keep(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    if value:
        setattr(ctx.obj, str(option.name), value)


def _debug(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        os.environ["KWHY_DEBUG"] = "1"


def _kept(
    name: str, text: str, callback: Callable[..., None] = _keep, **more: Any
) -> Callable[[Command], Command]:
    return click.option(name, help=text, callback=callback, expose_value=False, **more)


def conventions(command: Command) -> Command:
    """The options every command has."""
    choice = click.Choice(["en", "zh"])
    lang = _kept(
        "--lang", "Language of the answer. [default: from LC_ALL or LANG]", type=choice, is_eager=True
    )
    quiet = _kept("--quiet", "No progress, hints or summaries on stderr.", is_flag=True)
    debug = _kept("--debug", "Show the traceback of an unexpected error.", _debug, is_flag=True)
    return lang(quiet(debug(command)))


def answering(command: Command) -> Command:
    """A command with the options every command has; its first argument is the manner to speak in."""
    return conventions(click.pass_obj(command))  # type: ignore[return-value]


def shaped(command: Command) -> Command:
    """The options of a command whose answer can be had in several forms."""
    form = click.option("--format", "form", type=click.Choice(FORMATS), help="[default: table]")
    text = "Write to a file; its ending gives the format."
    return form(click.option("-o", "target", type=PATH, metavar="FILE", help=text)(command))


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

    _give(check_answer(book, manner.lang), form, target, manner)


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
    _remark(scan_summary(out, overlays, manner.lang), manner)
    if fail_on and open_cases(out, urgent=fail_on == "urgent"):
        click.get_current_context().exit(FINDINGS_PRESENT)


@cli.command()
@click.argument("folder", metavar="DIR", type=PATH)
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the first N.")
@click.option("--explain", is_flag=True, help="Each with its causes and the evidence for and against.")
@click.option("--family", type=click.Choice(FAMILIES), help="Only cases of this family.")
@click.option("--status", type=click.Choice(["open", "suppressed", "all"]), default="open", show_default=True,
              help="Open ones, those not reported (with the reason), or all.")  # fmt: skip
@shaped
@answering
def cases(manner: Manner, folder: Path, form: str | None, target: Path | None, **choice: Any) -> None:
    """List the cases of a scan, most urgent first."""
    from pipelines.terminal.answers import cases_answer

    _give(cases_answer(folder, manner.lang, **choice), form, target, manner)


@cli.command()
@click.argument("folder", metavar="DIR", type=PATH)
@click.argument("who", metavar="CASE|ACCOUNT")
@shaped
@answering
def case(manner: Manner, folder: Path, who: str, form: str | None, target: Path | None) -> None:
    """Explain one case: causes, evidence, steps."""
    from pipelines.terminal.answers import case_answer

    _give(case_answer(folder, who, manner.lang), form, target, manner)


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
        _wrote(customer_page(folder, who, out, manner.lang), manner)
    else:
        _wrote(evidence_page(folder, who, out, book, manner.lang), manner)


@cli.command()
@click.argument("folder", metavar="DIR", type=PATH)
@click.option("--out", type=PATH, required=True, metavar="FILE.xlsx|csv|html",
              help="xlsx, csv: the work list; html: field-check sheets to print.")  # fmt: skip
@answering
def tasks(manner: Manner, folder: Path, out: Path) -> None:
    """Write the work list, or field-check sheets."""
    from pipelines.terminal.pages import task_pages

    _wrote(task_pages(folder, out, manner.lang), manner)


@cli.command()
@click.argument("code", required=False)
@shaped
@answering
def rules(manner: Manner, code: str | None, form: str | None, target: Path | None) -> None:
    """The rulebook: all rules, or one CODE explained."""
    from pipelines.terminal.answers import rule_answer, rules_answer

    answer = rule_answer(code, manner.lang) if code else rules_answer(manner.lang)
    _give(answer, form, target, manner)


def _give(answer: Answer, form: str | None, target: Path | None, manner: Manner) -> None:
    from pipelines.terminal.printing import give

    give(answer, form, target)
    if target is not None:
        _wrote(target, manner)


def _wrote(path: Path, manner: Manner) -> None:
    from pipelines.terminal.words import words

    _remark([words(manner.lang)("file.wrote", path=path)], manner)


def _remark(lines: Iterable[str], manner: Manner) -> None:
    from pipelines.terminal.printing import show

    if not manner.quiet:
        show(lines, stderr=True)


def _unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in three lines that the program is at fault; the traceback is for who asks for it."""
    from pipelines.terminal.words import error_lines, words

    if os.environ.get("KWHY_DEBUG"):
        sys.__excepthook__(kind, error, trace)
    lang = _spoken_language()
    t = words(lang)
    told = KwhyError(t("error.unexpected", what=f"{kind.__name__}: {error}"), todo=t("error.unexpected_todo"))
    click.echo("\n".join(error_lines(told, lang)), err=True)


def main() -> None:
    """Run the command line. An exception nobody foresaw passes `_unexpected` and ends with exit code 1."""
    sys.excepthook = _unexpected
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    cli(prog_name="kwhy")


if __name__ == "__main__":
    main()
