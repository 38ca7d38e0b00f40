"""CSV files of a book, read as text: split at line ends, one text cell per field, nothing guessed, nothing
dropped.

Polars' own reader pads short lines, refuses long ones and stops at a stray quote; here each such line
becomes a row with a reason. Lines are cut vectorised; only blocks that hold a quotation mark go through
Python's `csv`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from anomaly.errors import BookError

BLOCK_BYTES = 32 * 1024 * 1024
LINE = "(line)"
"""Name of the column that carries the physical line; not a name a header can sensibly have."""
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Block:
    """Whole records of one CSV file: bytes [start, end), whose first physical line is `first_line` (header
    = 1)."""

    start: int
    end: int
    first_line: int
    lines: int


@dataclass(frozen=True)
class CsvRows:
    """`cells`: text columns as in the header plus `line`; `broken`: line, rule, reason, row of what has no
    cells."""

    cells: pl.DataFrame
    broken: pl.DataFrame


_BROKEN = {"line": pl.Int64, "rule": pl.String, "reason": pl.String, "text": pl.String}
_REASONS = {
    "blank_line": "the line is blank; delete it",
    "too_few_fields": "the line has fewer fields than the header; fill in every comma",
    "too_many_fields": "the line has more fields than the header; put text that holds a comma in quotes",
    "unclosed_quote": "a quotation mark is opened and not closed on this line; close it or remove it",
    "unreadable_line": "the line cannot be split into fields; write it as plain CSV",
}


def read_header(path: Path) -> tuple[str, ...]:
    """Column names of a CSV file. Raises BookError on an empty file, foreign encoding or a name that is
    there twice."""
    with path.open("rb") as file:
        first = file.readline().removeprefix(_BOM)
    if not first.strip():
        raise BookError(
            "the file is empty" if not first else "the first line is blank",
            where=str(path),
            todo="the first line must hold the column names; remove the file if the table has no rows",
        )
    line = _decode(first, path, 1).rstrip("\r\n")
    names = [name.strip() for name in next(csv.reader([line]))]
    names = [name or f"unnamed_{place}" for place, name in enumerate(names, 1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise BookError(f"column {', '.join(twice)} is there twice", where=str(path), todo="keep one of them")
    return tuple(names)


def split_blocks(path: Path, *, line_breaks: bool) -> Iterator[Block]:
    """Cut a file into blocks of about BLOCK_BYTES at record ends; checks that every byte is UTF-8 on the
    way."""
    with path.open("rb") as file:
        start, first_line = len(file.readline()), 2
        last = _end_of_rows(file, start)
        while start < last:
            size = BLOCK_BYTES
            while True:
                file.seek(start)
                block = file.read(min(size, last - start))
                cut = len(block) if start + len(block) == last else _last_record_end(block, line_breaks)
                if cut:
                    break
                size *= 2
            block = block[:cut]
            _decode(block, path, first_line)
            lines = block.count(b"\n") + (not block.endswith(b"\n"))
            yield Block(start, start + cut, first_line, lines)
            start, first_line = start + cut, first_line + lines


def read_block(path: Path, block: Block, header: tuple[str, ...], *, line_breaks: bool) -> CsvRows:
    """Cut one block into rows of text cells; an empty cell is null."""
    with path.open("rb") as file:
        file.seek(block.start)
        content = file.read(block.end - block.start)
    lines = pl.read_lines(io.BytesIO(content)).get_column("line").str.strip_chars_end("\r")
    if b'"' in content:
        return _rows_with_quotes(lines.to_list(), header, block.first_line, line_breaks)
    return _rows_without_quotes(lines, header, block.first_line)


def _end_of_rows(file: io.BufferedReader, start: int) -> int:
    """Where the last row ends: blank lines at the end of a file are no rows."""
    end = file.seek(0, io.SEEK_END)
    while end > start:
        begin = max(start, end - 65536)
        file.seek(begin)
        kept = len(file.read(end - begin).rstrip(b"\r\n"))
        if kept:
            return begin + kept
        end = begin
    return start


def _last_record_end(block: bytes, line_breaks: bool) -> int:
    """Offset after the last line end that closes a record; 0 if there is none. Quotes in pairs enclose line
    ends."""
    if not line_breaks or b'"' not in block:
        return block.rfind(b"\n") + 1
    codes = np.frombuffer(block, dtype=np.uint8)
    outside = np.cumsum(codes == ord('"'), dtype=np.int64) % 2 == 0
    ends = np.flatnonzero((codes == ord("\n")) & outside)
    return int(ends[-1]) + 1 if ends.size else 0


def _rows_without_quotes(lines: pl.Series, header: tuple[str, ...], first_line: int) -> CsvRows:
    width = len(header)
    table = pl.DataFrame({"text": lines}).with_row_index("line", first_line).cast({"line": pl.Int64})
    commas = lines.str.count_matches(",", literal=True)
    whole = (commas == width - 1) & (lines != "")
    if not whole.all():
        shape = (
            pl.when(pl.col("text") == "")
            .then(pl.lit("blank_line"))
            .when(pl.lit(commas) < width - 1)
            .then(pl.lit("too_few_fields"))
            .otherwise(pl.lit("too_many_fields"))
        )
        broken = table.with_columns(rule=shape).filter(~whole)
        table = table.filter(whole)
    else:
        broken = table.clear().with_columns(rule=pl.lit("", pl.String))
    cells = table.get_column("text").str.split_exact(",", width - 1).struct.unnest()
    cells.columns = list(header)
    cells = cells.with_columns(pl.when(pl.all() != "").then(pl.all()))
    broken = broken.with_columns(reason=pl.col("rule").replace_strict(_REASONS, return_dtype=pl.String))
    return CsvRows(cells.with_columns(table.get_column("line").alias(LINE)), broken.select(list(_BROKEN)))


def _rows_with_quotes(
    lines: list[str], header: tuple[str, ...], first_line: int, line_breaks: bool
) -> CsvRows:
    width = len(header)
    rows: list[list[str]] = []
    numbers: list[int] = []
    broken: list[tuple[int, str, str, str]] = []
    for place, fields, text in _records(lines, line_breaks):
        if isinstance(fields, list) and len(fields) == width:
            rows.append(fields)
            numbers.append(first_line + place)
        else:
            rule = fields if isinstance(fields, str) else _shape_of(fields, width)
            broken.append((first_line + place, rule, _REASONS[rule], text))
    cells = pl.DataFrame(rows, schema=dict.fromkeys(header, pl.String), orient="row")
    cells = cells.with_columns(pl.when(pl.all() != "").then(pl.all()))
    placed = cells.with_columns(pl.Series(LINE, numbers, dtype=pl.Int64))
    return CsvRows(placed, pl.DataFrame(broken, schema=_BROKEN, orient="row"))


def _shape_of(fields: list[str], width: int) -> str:
    if not fields:
        return "blank_line"
    return "too_few_fields" if len(fields) < width else "too_many_fields"


def _records(lines: list[str], line_breaks: bool) -> Iterator[tuple[int, list[str] | str, str]]:
    """Place of the first line, fields (or the name of what is wrong) and text of each record."""
    rows = _plain_records(lines)
    if rows is not None:
        yield from ((place, fields, lines[place]) for place, fields in enumerate(rows))
        return
    place = 0
    while place < len(lines):
        span = _record_length(lines, place) if line_breaks else 1
        text = "\n".join(lines[place : place + span])
        if text.count('"') % 2:
            yield place, "unclosed_quote", text
        else:
            yield place, _fields(text), text
        place += span


def _plain_records(lines: list[str]) -> list[list[str]] | None:
    """Every line its own record, which is the usual case; None when a quotation mark says otherwise."""
    try:
        rows = list(csv.reader(lines))
    except csv.Error:
        return None
    last_closed = not lines or lines[-1].count('"') % 2 == 0
    return rows if len(rows) == len(lines) and last_closed else None


def _record_length(lines: list[str], place: int, most_lines: int = 200) -> int:
    """Lines until the quotes are in pairs; 1 when they never are, so that a stray quote costs one line, not
    the rest."""
    quotes = 0
    for count, line in enumerate(lines[place : place + most_lines], 1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return count
    return 1


def _fields(text: str) -> list[str] | str:
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        return "unreadable_line"
    return rows[0] if len(rows) == 1 else ([] if not rows else "unreadable_line")


def _decode(block: bytes, path: Path, first_line: int) -> str:
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = first_line + block[: fault.start].count(b"\n")
        raise BookError(
            f"not UTF-8 text (line {line}); it looks like {_guess_encoding(block)}",
            where=str(path),
            todo=f"run `kwhy ingest {path.name} --into BOOK`, which converts it, or save the file as UTF-8",
        ) from fault


def _guess_encoding(block: bytes) -> str:
    if block[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16"
    try:
        block.decode("gb18030")
    except UnicodeDecodeError:
        return "another encoding"
    return "GBK (中文 Windows)"
