"""Answers of the command line: text and tables for people, csv, json, ndjson and parquet for machines."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from anomaly.errors import UsageError
from pipelines.report.files import write_whole
from pipelines.terminal.wrapping import NARROWEST, wrapped

FORMATS = ("table", "csv", "json", "ndjson", "parquet")
SUFFIXES = {".csv": "csv", ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".parquet": "parquet",
            ".txt": "table"}  # fmt: skip
_HEADLINE = re.compile(r"\d+\. ")
FILE_WIDTH = 110
"""Columns of a table that goes into a file, where no terminal says how wide it may be."""

Shown = str | Table


@dataclass(frozen=True)
class Answer:
    """One answer: its rows, what people read, and what json holds where that is more than the rows."""

    rows: pl.DataFrame
    people: Callable[[], Iterable[Shown]]
    document: Any = None


def give(answer: Answer, form: str | None, target: Path | None) -> None:
    """Print the answer, or write it to `target`, whose ending gives the form where none is named.

    Raises UsageError for an ending that names no form, and for parquet onto a terminal.
    """
    chosen = form or _form_of(target)
    if chosen == "parquet" and target is None and sys.stdout.isatty():
        raise UsageError(
            "parquet is not for reading on a terminal", todo="name a file with -o, or send it into a pipe"
        )
    if chosen == "table" and target is None:
        show(answer.people())
        return
    content = _table_text(answer) if chosen == "table" else _machine(answer, chosen)
    if target is not None:
        write_whole(target, lambda path: path.write_bytes(content))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def show(parts: Iterable[Shown], *, stderr: bool = False) -> None:
    """Print lines and tables; lines are broken at words on a terminal, and left whole in a pipe or file."""
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    for part in parts:
        if isinstance(part, Table):
            console.print(part)
        else:
            _write(console, part)


def _write(console: Console, text: str) -> None:
    """Lines of text; on a terminal broken at words, and bold where they are a case's headline."""
    for line in text.split("\n"):
        style = "bold" if _HEADLINE.match(line) else None
        shown = wrapped(line, console.width) if console.is_terminal else line
        console.print(shown, soft_wrap=True, style=style)


@dataclass(frozen=True)
class Prose:
    """Sentences in a table cell, broken between Chinese characters too."""

    text: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(wrapped(self.text, options.max_width))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        longest = max(cell_len(line) for line in self.text.split("\n"))
        return Measurement(min(longest, NARROWEST), longest)


def lines_table(*headings: tuple[str, str]) -> Table:
    """An empty table without rules; each heading is a name and how its column is set: left, right, fold."""
    table = Table(title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, how in headings:
        table.add_column(
            name, justify="right" if how == "right" else "left", overflow="fold", no_wrap=how == "left"
        )
    return table


def _form_of(target: Path | None) -> str:
    if target is None:
        return "table"
    if target.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"the ending {target.suffix or '(none)'} names no format",
            where=str(target),
            todo=f"use one of {', '.join(SUFFIXES)}, or say --format",
        )
    return SUFFIXES[target.suffix.lower()]


def _machine(answer: Answer, form: str) -> bytes:
    rows = answer.rows.with_columns(pl.col(pl.Float32, pl.Float64).fill_nan(None))
    buffer = io.BytesIO()
    if form == "csv":
        _flat(rows).write_csv(buffer)
    elif form == "ndjson":
        rows.write_ndjson(buffer)
    elif form == "parquet":
        rows.write_parquet(buffer)
    else:
        document = rows.to_dicts() if answer.document is None else answer.document
        text = json.dumps(document, ensure_ascii=False, indent=1, default=str, allow_nan=False)
        buffer.write(f"{text}\n".encode())
    return buffer.getvalue()


def _flat(rows: pl.DataFrame) -> pl.DataFrame:
    """Lists and structs as JSON text: a CSV cell holds one value."""
    nested = [name for name, dtype in rows.schema.items() if dtype.is_nested()]
    texts = [
        pl.Series(
            name, [json.dumps(value, ensure_ascii=False, default=str) for value in rows[name].to_list()]
        )
        for name in nested
    ]
    return rows.with_columns(texts)


def _table_text(answer: Answer) -> bytes:
    paper = io.StringIO()
    console = Console(
        file=paper, width=FILE_WIDTH, highlight=False, markup=False, emoji=False, color_system=None
    )
    for part in answer.people():
        console.print(part, soft_wrap=isinstance(part, str))
    return paper.getvalue().encode()
