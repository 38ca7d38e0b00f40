"""`kwhy scan` on the command line: summary, exit codes, and whose files it never touches."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from filelock import FileLock

from anomaly.errors import BookError, KwhyError, LockedError, PartialError, UsageError
from pipelines.destination import SCAN_FILES
from pipelines.terminal.summary import scan_summary
from tests.command_line import finished_scan, kwhy, small_book
from tests.readme import ROOT
from tests.report_fixture import cases, coverage


@pytest.fixture
def fake_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    def scan(book: Path, as_of: dt.date, out: Path, **_: Any) -> None:
        assert as_of == dt.date(2024, 4, 1)
        finished_scan(out)

    monkeypatch.setattr("pipelines.scan.scan", scan)


def scan_words(folder: Path, *more: str) -> list[str]:
    return ["scan", str(folder / "book"), "--as-of", "2024-04-01", "--out", str(folder / "out"), *more]


@pytest.mark.usefixtures("fake_scan")
def test_a_scan_tells_what_it_did(tmp_path: Path) -> None:
    told = kwhy(*scan_words(tmp_path))
    assert (told.exit_code, told.stdout) == (0, "")
    for words in (
        "6 accounts (7 metering points) as of 1 Apr 2024 in 1.5 s",
        "1,204 = 1,202 + 2  (later than the scan day, left out: 7)",
        "Open cases: 3",
        "reading errors: 1\n        1  Read written down wrongly\n",
        "Not reported, with the reason: 1",
        "1  Register rolled over",
        "Checks this book cannot feed: 2 of 5",
        "(A01)",
        f"kwhy cases {tmp_path / 'out'}",
    ):
        assert words in told.stderr
    in_chinese = kwhy(*scan_words(tmp_path, "--lang", "zh")).stderr
    assert "已扫描 6 户" in in_chinese
    assert "1  示数抄录错误\n" in in_chinese


def test_a_scan_tells_how_many_homes_had_neighbours(tmp_path: Path) -> None:
    folder = finished_scan(tmp_path / "out")
    rows = [
        ("X01", None, None, "evaluated", "", 4), ("X01", "A", "a", "insufficient_data", "no_neighbours", 1),
        ("X01", "B", "b", "insufficient_data", "group_too_large", 1),
        ("X01", "C", "c", "insufficient_data", "group_too_large", 1),
    ]  # fmt: skip
    pl.DataFrame(rows, coverage().schema, orient="row").write_parquet(folder / "coverage.parquet")
    said = "\n".join(scan_summary(folder, (), "en"))
    assert "exchanged homes: 4 of 7 metering points" in said
    assert said.index("2  No box is on file") < said.index("1  No neighbour to compare with")
    assert "7 个计量点中 4 个" in "\n".join(scan_summary(folder, (), "zh"))


@pytest.mark.usefixtures("fake_scan")
def test_a_quiet_scan_says_nothing(tmp_path: Path) -> None:
    told = kwhy(*scan_words(tmp_path, "--quiet"))
    assert (told.exit_code, told.stdout, told.stderr) == (0, "", "")


@pytest.mark.usefixtures("fake_scan")
@pytest.mark.parametrize(("fail_on", "code"), [("any", 3), ("urgent", 3)])
def test_open_cases_are_an_exit_code_only_where_asked_for(tmp_path: Path, fail_on: str, code: int) -> None:
    assert kwhy(*scan_words(tmp_path, "--fail-on", fail_on)).exit_code == code
    assert kwhy(*scan_words(tmp_path)).exit_code == 0


@pytest.mark.parametrize(("fail_on", "code"), [("any", 3), ("urgent", 0)])
def test_a_case_whose_bill_need_not_wait_is_not_urgent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fail_on: str, code: int
) -> None:
    harmless = cases().with_columns(hold_bill=pl.lit(False))
    monkeypatch.setattr(
        "pipelines.scan.scan", lambda book, as_of, out, **_: finished_scan(out, cases=harmless)
    )
    assert kwhy(*scan_words(tmp_path, "--fail-on", fail_on)).exit_code == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BookError("bad"), 4), (KwhyError("bad"), 4), (UsageError("bad"), 2), (PartialError("bad"), 5),
        (LockedError("bad"), 6), (KeyboardInterrupt(), 130),
    ],
)  # fmt: skip
def test_errors_have_their_exit_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def scan(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("pipelines.scan.scan", scan)
    told = kwhy(*scan_words(tmp_path))
    assert told.exit_code == code
    assert "Traceback" not in told.stderr
    assert told.stderr.strip().startswith("kwhy: ")


@pytest.mark.parametrize("debug", [False, True])
def test_an_unforeseen_error_ends_with_1_and_a_traceback_only_on_demand(tmp_path: Path, debug: bool) -> None:
    program = (
        "import pipelines.scan as s\ndef boom(*a, **k): raise RuntimeError('out of cheese')\ns.scan = boom\n"
    )
    words = scan_words(tmp_path, "--debug") if debug else scan_words(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", f"{program}import cli; cli.main()", *words],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False,
    )  # fmt: skip
    assert ran.returncode == 1
    assert ("Traceback" in ran.stderr) == debug
    assert "kwhy: unexpected error: RuntimeError: out of cheese" in ran.stderr


def test_results_never_go_into_the_book_or_over_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = small_book(tmp_path / "book")
    others, empty, here = tmp_path / "others", tmp_path / "empty", tmp_path / "here"
    for folder in (others, empty, here):
        folder.mkdir()
    (others / "letter.txt").write_text("mine", encoding="utf-8")
    monkeypatch.chdir(here)
    for out in (book, book / "out", others, others / "letter.txt", Path(), Path(".."), tmp_path):
        refused = kwhy("scan", book, "--as-of", "2024-02-01", "--out", out)
        assert refused.exit_code == 2, out
        assert "Traceback" not in refused.stderr
    assert (others / "letter.txt").read_text(encoding="utf-8") == "mine"
    assert kwhy("demo", "--out", others).exit_code == 2


@pytest.mark.usefixtures("fake_scan")
def test_an_earlier_scan_may_be_replaced_but_not_what_was_put_beside_it(tmp_path: Path) -> None:
    assert kwhy(*scan_words(tmp_path)).exit_code == 0
    assert kwhy(*scan_words(tmp_path)).exit_code == 0
    (tmp_path / "out" / "worklist.xlsx").write_bytes(b"filled in")
    refused = kwhy(*scan_words(tmp_path))
    assert refused.exit_code == 2
    assert "worklist.xlsx" in refused.stderr


def test_a_folder_another_run_is_writing_is_left_alone(tmp_path: Path) -> None:
    words = ("scan", small_book(tmp_path / "book"), "--as-of", "2024-02-09", "--out", tmp_path / "out")
    with FileLock(tmp_path / ".out.lock"):
        refused = kwhy(*words)
    assert refused.exit_code == 6
    assert not (tmp_path / "out").exists()
    assert kwhy(*words).exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == SCAN_FILES


def test_an_account_without_a_case_has_a_page_too(tmp_path: Path) -> None:
    kwhy("scan", small_book(tmp_path / "book"), "--as-of", "2024-02-09", "--out", tmp_path / "out")
    assert "No open cases" in kwhy("cases", tmp_path / "out").stdout
    page = tmp_path / "page.html"
    assert kwhy("evidence", tmp_path / "out", "A1", "--out", page).exit_code == 0
    assert "<svg" in page.read_text(encoding="utf-8")
