"""Where results may go: never over somebody's own files."""

from __future__ import annotations

from pathlib import Path

from anomaly.errors import UsageError

SCAN_FILES = frozenset(
    {f"{name}.parquet" for name in ("findings", "cases", "tasks", "coverage", "quarantine", "rebills", "series")}
    | {"run.json"}
)
CYCLE_FILE = "cycle.parquet"
"""What a billing cycle leaves beside a scan's files."""

DEMO_MARK = "truth.parquet"
DEMO_FILES = frozenset({"book", DEMO_MARK, "scan", "evidence.html", "task-sheets.html", "worklist.xlsx"})
SHOWN = 3


def scan_folder(out: Path, book: Path) -> Path:
    """The folder a scan may replace, resolved: new, empty, or holding nothing but an earlier scan.

    Raises UsageError where it is the book, lies in the book, is a file, holds anything else, or one is in it.
    """
    folder, source = out.resolve(), book.resolve()
    if folder == source or source in folder.parents:
        raise UsageError(
            "the results may not go into the book itself",
            where=str(out),
            todo="name a folder outside the book",
        )
    here = Path.cwd()
    if folder == here or folder in here.parents:
        raise UsageError(
            "the folder you are in cannot be replaced",
            where=str(out),
            todo="name another folder, or leave this one",
        )
    return _replaceable(out, SCAN_FILES | {CYCLE_FILE}, "run.json", "a scan")


def demo_folder(out: Path) -> Path:
    """The folder a demo may use, resolved: new, empty, or an earlier demo's. Raises UsageError."""
    return _replaceable(out, DEMO_FILES, DEMO_MARK, "a demo")


def with_ending(target: Path, *endings: str) -> Path:
    """The file as named. Raises UsageError where its ending is none of these."""
    if target.suffix not in endings:
        raise UsageError(
            f"cannot write a {target.suffix or 'file without ending'} here",
            where=str(target),
            todo=f"name a file that ends in {' or '.join(endings)}",
        )
    return target


def _replaceable(out: Path, own: frozenset[str], mark: str, what: str) -> Path:
    folder = out.resolve()
    if folder.exists() and not folder.is_dir():
        raise UsageError("is a file, not a folder", where=str(out), todo="name a folder that is new or empty")
    entries = folder.iterdir() if folder.exists() else ()
    names = {entry.name for entry in entries if not entry.name.startswith(".")}
    foreign = sorted(names - own)
    if foreign or (names and mark not in names):
        listed = ", ".join((foreign or sorted(names))[:SHOWN])
        raise UsageError(
            f"the folder holds files that are not of {what} ({listed}); they would be lost",
            where=str(out),
            todo="name a folder that is new or empty, or move these files away",
        )
    return folder
