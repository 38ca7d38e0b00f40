"""Files of a book: found by name, opened once, cut into parts that are read slice by slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from anomaly.errors import BookError
from anomaly.frames import INPUTS
from pipelines.book_cells import why_unreadable
from pipelines.book_csv import LINE, Block, read_block, read_header, split_blocks
from pipelines.book_rows import Origin, Validated, broken_lines, validate_rows
from pipelines.book_settings import did_you_mean

FORMATS = (".parquet", ".csv")
# A damaged Parquet page can also surface as a panic of Polars' decoder.
_READ_FAULTS = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)


@dataclass(frozen=True)
class Source:
    """One file of one table: `columns` as in the file, `rows` where the file says so (Parquet), columns
    with a zone."""

    table: str
    path: Path
    file: str
    columns: tuple[str, ...]
    rows: int | None
    zoned: tuple[str, ...] = ()

    @property
    def format(self) -> str:
        """`parquet` or `csv`."""
        return self.path.suffix.lower().removeprefix(".")


@dataclass(frozen=True)
class Part:
    """A stretch of one file that is read on its own.

    `rows`: rows of a Parquet file; lines of a CSV stretch (an upper bound where text holds line breaks).
    """

    table: str
    path: Path
    file: str
    format: str
    rows: int
    columns: tuple[str, ...]
    block: Block | None = None


def find_files(book: Path, table: str) -> list[Path]:
    """NAME.parquet, NAME.csv and the files under NAME/, sorted; hidden files are none of ours."""
    found = [path for path in book.iterdir() if path.stem == table and _is_ours(path, book)]
    folder = book / table
    if folder.is_dir():
        found += [path for path in folder.rglob("*") if _is_ours(path, book)]
    return sorted(found, key=lambda path: path.relative_to(book).as_posix())


def open_file(book: Path, table: str, path: Path) -> Source:
    """Read a file's header. Raises BookError when it cannot be opened or misses a column every row needs."""
    file = path.relative_to(book).as_posix()
    if path.suffix.lower() == ".csv":
        header = read_header(path)
        _refuse_missing_columns(table, header, path)
        return Source(table, path, file, header, None)
    schema, rows = _parquet_header(path)
    _refuse_missing_columns(table, tuple(schema), path)
    _refuse_wrong_types(table, schema, path)
    zoned = tuple(
        name for name in INPUTS[table].column_names() if getattr(schema.get(name), "time_zone", None)
    )
    return Source(table, path, file, tuple(schema), rows, zoned)


def parts_of(source: Source) -> Iterator[Part]:
    """The stretches of one file, in order."""
    if source.rows is not None:
        yield Part(source.table, source.path, source.file, source.format, source.rows, source.columns)
        return
    for block in split_blocks(source.path, line_breaks=_line_breaks(source.table)):
        yield Part(source.table, source.path, source.file, "csv", block.lines, source.columns, block)


def read_rows(part: Part, offset: int, length: int | None, zone: str | None) -> Validated:
    """Read and validate rows [offset, offset + length) of a part."""
    if part.block is None:
        return _read_parquet(part, offset, length, zone)
    rows = read_block(part.path, part.block, part.columns, line_breaks=_line_breaks(part.table))
    cells, broken = rows.cells, rows.broken
    if offset or length is not None:
        places = pl.concat([cells.get_column(LINE), broken.get_column("line")]).sort().slice(offset, length)
        cells, broken = (
            cells.filter(pl.col(LINE).is_in(places.implode())),
            broken.filter(pl.col("line").is_in(places.implode())),
        )
    origin = Origin(part.table, part.file, cells.get_column(LINE))
    validated = validate_rows(cells.drop(LINE), origin, zone)
    if broken.is_empty():
        return validated
    lost = pl.concat([validated.quarantined, broken_lines(broken, part.table, part.file)])
    return Validated(validated.accepted, lost.sort("line"), validated.notes)


def _is_ours(path: Path, book: Path) -> bool:
    hidden = any(step.startswith((".", "_")) for step in path.relative_to(book).parts)
    return path.is_file() and path.suffix.lower() in FORMATS and not hidden


def _line_breaks(table: str) -> bool:
    return any((column.metadata or {}).get("line_breaks") for column in INPUTS[table].columns().values())


def _read_parquet(part: Part, offset: int, length: int | None, zone: str | None) -> Validated:
    wanted = [name for name in INPUTS[part.table].column_names() if name in part.columns]
    rows = pl.scan_parquet(part.path, glob=False).select(wanted).slice(offset, length)
    try:
        raw = rows.collect()
    except _READ_FAULTS as fault:
        raise _unreadable(part.path, fault) from fault
    _refuse_lost_rows(raw, part, offset, length)
    return validate_rows(raw, Origin(part.table, part.file, offset + 1), zone)


def _refuse_lost_rows(raw: pl.DataFrame, part: Part, offset: int, length: int | None) -> None:
    """The file's own row count is the promise; a file that changed while it was read must not pass for a
    short one."""
    left = max(part.rows - offset, 0)
    promised = left if length is None else min(left, length)
    if raw.height != promised:
        raise BookError(
            f"{raw.height} rows where the file promised {promised}",
            where=str(part.path),
            todo="the file changed while it was read; run again when it is at rest",
        )


def _parquet_header(path: Path) -> tuple[pl.Schema, int]:
    if path.stat().st_size == 0:
        raise BookError("the file is empty (0 bytes)", where=str(path), todo="write it again or remove it")
    try:
        rows = pl.scan_parquet(path, glob=False)
        return rows.collect_schema(), rows.select(pl.len()).collect().item()
    except _READ_FAULTS as fault:
        raise _unreadable(path, fault) from fault


def _unreadable(path: Path, fault: BaseException) -> BookError:
    first = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
    return BookError(
        f"not a readable Parquet file ({first})",
        where=str(path),
        todo="the file is damaged or was cut short; copy or export it again",
    )


def _refuse_wrong_types(table: str, schema: pl.Schema, path: Path) -> None:
    problems = [
        f"{name} is {schema[name]}: {why}"
        for name, column in INPUTS[table].columns().items()
        if name in schema and (why := why_unreadable(schema[name], column))
    ]
    if problems:
        raise BookError(
            "; ".join(problems), where=str(path), todo="write the column in its own type, or as text"
        )


def _refuse_missing_columns(table: str, columns: tuple[str, ...], path: Path) -> None:
    known = INPUTS[table].columns()
    missing = [
        name
        for name, column in known.items()
        if (column.metadata or {}).get("required") and name not in columns
    ]
    if not missing:
        return
    spare = [name for name in columns if name not in known]
    told = ", ".join(f"{name}{did_you_mean(name, spare)}" for name in missing)
    todo = "add the column, or run `kwhy ingest` with a map for this file"
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t|"):
        todo = (
            "the fields are not separated by commas; save the file as comma-separated, or run `kwhy ingest`"
        )
    raise BookError(f"missing column {told}; the file has {', '.join(columns)}", where=str(path), todo=todo)
