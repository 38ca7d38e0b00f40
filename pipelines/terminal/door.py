"""What all commands of `kwhy` share: how they speak, their common options, and how errors end."""

from __future__ import annotations

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


def give(answer: Answer, form: str | None, target: Path | None, manner: Manner) -> None:
    """Print the answer, or write it and say where."""
    from pipelines.terminal import printing

    printing.give(answer, form, target)
    if target is not None:
        wrote(target, manner)


def wrote(path: Path, manner: Manner) -> None:
    """Say which file was written."""
    from pipelines.terminal.words import words

    remark([words(manner.lang)("file.wrote", path=path)], manner)


def remark(lines: Iterable[str], manner: Manner) -> None:
    """Lines beside the answer, on stderr, unless nobody wants them."""
    from pipelines.terminal.printing import show

    if not manner.quiet:
        show(lines, stderr=True)


def unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say in three lines that the program is at fault; the traceback is for who asks for it."""
    from pipelines.terminal.words import error_lines, words

    if os.environ.get("KWHY_DEBUG"):
        sys.__excepthook__(kind, error, trace)
    lang = _spoken_language()
    t = words(lang)
    told = KwhyError(t("error.unexpected", what=f"{kind.__name__}: {error}"), todo=t("error.unexpected_todo"))
    click.echo("\n".join(error_lines(told, lang)), err=True)
