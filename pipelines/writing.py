"""Output folders are written whole: a lock per folder, a hidden sibling to write into, one exchange of names."""

from __future__ import annotations

import ctypes
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from anomaly.errors import KwhyError, LockedError

_AT_CWD = -100
_EXCHANGE = 2


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of an output folder. Raises LockedError (exit 6) at once when another run has it."""
    lock = FileLock(folder.with_name(f".{folder.name}.lock"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as held:
        raise LockedError(
            "another run is writing this folder", where=str(folder), todo="wait for it, or name another folder"
        ) from held
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A fresh folder to write into; when the block ends well it takes the name `folder`, otherwise it vanishes.

    A reader sees the whole old folder or the whole new one. Call it under the folder's lock: what a killed run
    left beside it is cleared away.
    """
    fresh = folder.with_name(f".{folder.name}.new-{os.getpid()}")
    try:
        for left in folder.parent.glob(f".{glob.escape(folder.name)}.new-*"):
            shutil.rmtree(left, ignore_errors=True)
        fresh.mkdir(parents=True)
        yield fresh
        _take_name(fresh, folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def write_table(table: pl.DataFrame, file: Path, *, row_group_size: int | None = None) -> None:
    """Write Parquet. Raises KwhyError when there is no room: Polars reports a full disk as an error of its own."""
    try:
        table.write_parquet(file, row_group_size=row_group_size)
    except (OSError, pl.exceptions.ComputeError) as error:
        raise unwritable(file.parent, error) from error


def unwritable(folder: Path, error: Exception) -> KwhyError:
    """The error for a folder that cannot be written: no space, no right, not a folder."""
    told = getattr(error, "strerror", None) or error
    return KwhyError(f"cannot be written ({told})", where=str(folder), todo="free space, or name another folder")


def _take_name(fresh: Path, folder: Path) -> None:
    if not folder.exists():
        fresh.rename(folder)
        return
    if not _exchanged(fresh, folder):
        old = folder.with_name(f".{folder.name}.old-{os.getpid()}")
        folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def _exchanged(fresh: Path, folder: Path) -> bool:
    """Swap two names in one step where the system can (Linux)."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return renameat2(_AT_CWD, os.fsencode(fresh), _AT_CWD, os.fsencode(folder), _EXCHANGE) == 0
