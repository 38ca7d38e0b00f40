"""Open a book: the folder of input tables (contract §2). The only door through which rows enter a scan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dataframely as dy
import polars as pl

from anomaly.errors import BookError
from anomaly.frames import BIG_TABLES, INPUTS, REQUIRED_TABLES
from pipelines.book_parts import FORMATS, Part, Source, find_files, open_file, parts_of, read_rows
from pipelines.book_rows import NO_ROWS, Note, RowCounts, Validated, no_quarantine
from pipelines.book_settings import SETTINGS_FILE, BookSettings, did_you_mean, read_settings

__all__ = ["Book", "BookSettings", "Note", "Part", "RowCounts", "Validated", "open_book"]

BATCH_ROWS = 2_000_000
"""Rows read at once from a big table; bounds memory, not results."""


def open_book(path: str | Path) -> Book:
    """Open a book: look at every file's header, read no rows.

    Raises BookError (exit code 4) when a required table or column is missing, a file is unreadable, or a
    column's type can never hold what the contract asks for.
    """
    folder = Path(path)
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "there is no such folder"
        raise BookError(
            what, where=str(folder), todo="name the folder that holds register_reads and installations"
        )
    found = {table: find_files(folder, table) for table in INPUTS}
    notes = _unknown_files(folder)
    missing = [table for table in REQUIRED_TABLES if not found[table]]
    if missing:
        stray = [Path(note.value).stem for note in notes]
        told = ", ".join(f"{table}{did_you_mean(table, stray)}" for table in missing)
        raise BookError(
            f"missing table {told}",
            where=str(folder),
            todo="add NAME.parquet, NAME.csv or a folder NAME/ of them, or let `kwhy ingest` make them",
        )
    settings = read_settings(folder)
    sources = {
        table: [open_file(folder, table, file) for file in files] for table, files in found.items() if files
    }
    _refuse_zoned_times(sources, settings)
    return Book(folder, settings, sources, notes)


class Book:
    """One opened book. Small tables are read whole and kept; big ones (BIG_TABLES) are read part by part."""

    def __init__(
        self, path: Path, settings: BookSettings, sources: dict[str, list[Source]], notes: list[Note]
    ) -> None:
        self.path = path
        self.settings = settings
        self._sources = sources
        self._parts: dict[str, tuple[Part, ...]] = {}
        self._validated: dict[str, Validated] = {}
        self._frames: dict[str, pl.DataFrame] = {}
        self._notes: dict[object, tuple[Note, ...]] = {"files": (*notes, *self._unknown_columns())}

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables present, in the contract's order."""
        return tuple(table for table in INPUTS if table in self._sources)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was read as empty, left out or counted once, of all rows read so far."""
        merged: dict[Note, int] = {}
        for batch in list(self._notes.values()):
            for note in batch:
                key = note._replace(rows=0)
                merged[key] = merged.get(key, 0) + note.rows
        return tuple(key._replace(rows=rows) for key, rows in sorted(merged.items()))

    def has(self, name: str) -> bool:
        """Whether the table is in the book (it may still have no rows)."""
        return name in self._sources

    def columns(self, name: str) -> frozenset[str]:
        """The contract's columns that at least one file of the table really has."""
        present = {column for source in self._sources.get(name, []) for column in source.columns}
        return frozenset(present & set(_schema(name).column_names()))

    def parts(self, name: str) -> tuple[Part, ...]:
        """The stretches of a table, in a fixed order; a CSV file is cut into several."""
        _schema(name)
        if name not in self._parts:
            self._parts[name] = tuple(
                part for source in self._sources.get(name, []) for part in parts_of(source)
            )
        return self._parts[name]

    def read_part(self, part: Part, offset: int = 0, length: int | None = None) -> Validated:
        """Rows [offset, offset + length) of a part, validated. Parquet row groups outside the slice are not
        read."""
        validated = read_rows(part, offset, length, self.settings.time_zone)
        self._notes[(part.file, part.block, offset, length)] = validated.notes
        return validated

    def batches(self, name: str, rows: int = BATCH_ROWS) -> Iterator[Validated]:
        """The whole table, validated, at most `rows` rows at a time."""
        for part in self.parts(name):
            if part.block is not None:
                yield self.read_part(part)
                continue
            for offset in range(0, part.rows, rows):
                yield self.read_part(part, offset, rows)

    def validated(self, name: str) -> Validated:
        """The whole table, validated and kept: every accepted row, duplicates included."""
        if name not in self._validated:
            batches = list(self.batches(name)) or [_nothing(name)]
            self._validated[name] = Validated(
                pl.concat([batch.accepted for batch in batches]),
                pl.concat([batch.quarantined for batch in batches]),
            )
        return self._validated[name]

    def frame(self, name: str) -> pl.DataFrame:
        """The accepted rows of a table in the schema's columns and types; no rows where the table is absent.

        Rows of a small table that agree in every column are counted once; of a big table all rows are given.
        """
        if name not in self._frames:
            accepted = self.validated(name).accepted
            distinct = accepted if name in BIG_TABLES else accepted.unique(maintain_order=True)
            if distinct.height < accepted.height:
                twice = accepted.height - distinct.height
                self._notes[(name, "duplicates")] = (Note("duplicate_rows", name, rows=twice),)
            self._frames[name] = distinct
        return self._frames[name]

    def release(self, *names: str) -> None:
        """Forget the rows of these tables; asked for again, they are read again."""
        for name in names:
            self._validated.pop(name, None)
            self._frames.pop(name, None)

    def counts(self, name: str) -> RowCounts:
        """Rows read, accepted and quarantined; streams a big table once."""
        if name not in BIG_TABLES or name in self._validated:
            return self.validated(name).counts
        return count_rows(self.batches(name))

    def _unknown_columns(self) -> Iterator[Note]:
        for table, sources in self._sources.items():
            known = _schema(table).column_names()
            extra = {column for source in sources for column in source.columns if column not in known}
            yield from (Note("unknown_column", table, column) for column in sorted(extra))


def count_rows(batches: Iterator[Validated]) -> RowCounts:
    """Sum of the counts of several batches."""
    total = NO_ROWS
    for batch in batches:
        total = total.plus(batch.counts)
    return total


def _schema(name: str) -> type[dy.Schema]:
    if name not in INPUTS:
        raise KeyError(f"no table '{name}' in the contract{did_you_mean(name, INPUTS)}")
    return INPUTS[name]


def _nothing(name: str) -> Validated:
    return Validated(_schema(name).create_empty(), no_quarantine())


def _unknown_files(folder: Path) -> list[Note]:
    """Files and folders that look like tables and are not: most often a misspelt name."""
    strays = []
    for entry in sorted(folder.iterdir()):
        table_like = entry.is_dir() or entry.suffix.lower() in FORMATS
        if entry.name.startswith((".", "_")) or entry.name == SETTINGS_FILE or not table_like:
            continue
        name = entry.name if entry.is_dir() else entry.stem
        if name not in INPUTS:
            strays.append(Note("unknown_file", "", value=entry.name))
    return strays


def _refuse_zoned_times(sources: dict[str, list[Source]], settings: BookSettings) -> None:
    if settings.time_zone is not None:
        return
    for source in (source for files in sources.values() for source in files if source.zoned):
        raise BookError(
            f"{', '.join(source.zoned)} carries a time zone; a book holds the utility's wall time",
            where=str(source.path),
            todo='convert it at ingest, or set the zone in book.toml: time_zone = "Asia/Shanghai"',
        )
