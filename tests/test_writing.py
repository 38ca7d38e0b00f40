"""Output folders: whole or not at all, one writer at a time, nothing left lying about."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from anomaly.errors import KwhyError, LockedError
from pipelines.writing import locked, replaced
from tests.scan_fixture import day, installed, reads, scan_book, write_book

TABLES = {"register_reads": reads("M", [1.0, 2, 3, 2, 4, 5]), "installations": [installed("M", "A")]}


def names(folder: Path) -> set[str]:
    """What lies in a folder, locks apart."""
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def filled(folder: Path, text: str) -> Path:
    """A folder with one file."""
    folder.mkdir()
    (folder / "result.txt").write_text(text)
    return folder


def test_a_new_folder_appears_whole(tmp_path: Path) -> None:
    with replaced(tmp_path / "out") as fresh:
        (fresh / "result.txt").write_text("new")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "result.txt").read_text() == "new"
    assert names(tmp_path) == {"out"}


@pytest.mark.parametrize("exchange", [True, False])
def test_an_old_folder_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool) -> None:
    out = filled(tmp_path / "out", "old")
    (out / "stale.txt").write_text("old")
    if not exchange:
        monkeypatch.setattr("pipelines.writing._exchanged", lambda *_: False)
    with replaced(out) as fresh:
        (fresh / "result.txt").write_text("new")
        assert (out / "result.txt").read_text() == "old"
    assert (out / "result.txt").read_text() == "new"
    assert not (out / "stale.txt").exists()
    assert names(tmp_path) == {"out"}


def test_a_reader_with_the_old_folder_open_keeps_it(tmp_path: Path) -> None:
    out = filled(tmp_path / "out", "old")
    with (out / "result.txt").open() as reading:
        with replaced(out) as fresh:
            (fresh / "result.txt").write_text("new")
        assert reading.read() == "old"


def _broken_off(out: Path, fault: type[BaseException]) -> None:
    with replaced(out) as fresh:
        (fresh / "result.txt").write_text("half")
        raise fault


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_a_fault_midway_leaves_the_old_folder(tmp_path: Path, fault: type[BaseException]) -> None:
    out = filled(tmp_path / "out", "old")
    with pytest.raises(fault):
        _broken_off(out, fault)
    assert (out / "result.txt").read_text() == "old"
    assert names(tmp_path) == {"out"}


def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    out = filled(tmp_path / "out", "old")
    killed = (
        "import os, sys\nfrom pathlib import Path\nfrom pipelines.writing import locked, replaced\n"
        "out = Path(sys.argv[1])\n"
        "with locked(out), replaced(out) as fresh:\n"
        " (fresh / 'result.txt').write_text('half')\n os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(out)], check=False, cwd=Path(__file__).parent.parent)
    assert done.returncode == -signal.SIGKILL
    assert (out / "result.txt").read_text() == "old"
    with locked(out), replaced(out) as fresh:
        (fresh / "result.txt").write_text("new")
    assert (out / "result.txt").read_text() == "new"
    assert names(tmp_path) == {"out"}


def test_a_second_run_is_refused_at_once(tmp_path: Path) -> None:
    book = write_book(tmp_path / "book", TABLES)
    with locked(tmp_path / "out"):
        with pytest.raises(LockedError) as refused:
            scan_book(book, day(5), tmp_path / "out")
        assert refused.value.exit_code == 6
    scan_book(book, day(5), tmp_path / "out")


def test_the_lock_is_given_back_after_a_fault(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), locked(tmp_path / "out"):
        raise RuntimeError
    with locked(tmp_path / "out"):
        pass


def test_a_folder_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KwhyError, match="cannot be written"):
        scan_book(write_book(tmp_path / "book", TABLES), day(5), tmp_path / "file" / "out")


def test_a_full_disk_is_told_and_leaves_the_old_result(tmp_path: Path) -> None:
    book, out = write_book(tmp_path / "book", TABLES), tmp_path / "out"
    before = scan_book(book, day(5), out)
    script = (
        "import datetime as dt, resource, signal, sys\nfrom pathlib import Path\nfrom anomaly.errors import KwhyError\n"
        "from pipelines.scan import scan\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try:\n scan(Path(sys.argv[1]), dt.date.fromisoformat(sys.argv[2]), Path(sys.argv[3]))\n"
        "except KwhyError as error:\n sys.exit(77)\n"
    )
    big = write_book(
        tmp_path / "big",
        {
            "register_reads": [
                row
                for at in range(40)
                for row in reads(f"M{at}", [1.0 + at * (9 + day_ % 5 * 3 - 6) for day_ in range(60)])
            ],
            "installations": [installed(f"M{at}", f"A{at}") for at in range(40)],
        },
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(big), day(59).isoformat(), str(out)],
        check=False,
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 77, done.stderr
    assert pl.read_parquet(out / "findings.parquet").equals(before.findings)
    assert names(tmp_path) == {"book", "big", "out"}
