"""The README's first command, as a newcomer runs it, and what it leaves to open."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import polars as pl
import pytest

from pipelines.demo import score
from pipelines.destination import SCAN_FILES
from tests.readme import ROOT, after_installing, shell_commands


def run(words: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `kwhy …` in a folder, in a process of its own."""
    assert words[0] == "kwhy"
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "cli", *words[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", **environment},
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the README's demo was run, and what it printed."""
    folder = tmp_path_factory.mktemp("newcomer")
    began = time.perf_counter()
    ran = run(after_installing(shell_commands()[0]), folder)
    print(f"kwhy demo: {time.perf_counter() - began:.1f} s")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    return folder, ran.stdout


def test_the_demo_tells_what_and_why(demo: tuple[Path, str]) -> None:
    _, told = demo
    assert "injected into real homes for demonstration" in told
    assert re.search(r"^1\. .*(Register|meters|account|use)", told, re.MULTILINE)
    assert len(re.findall(r"^   Most likely: .+ \(.+ %\)", told, re.MULTILINE)) == 5
    assert len(re.findall(r"^   Why: .+\.$", told, re.MULTILINE)) == 5


def test_the_demo_leaves_pages_to_open(demo: tuple[Path, str]) -> None:
    folder, told = demo
    out = folder / "kwhy-demo"
    assert {path.name for path in (out / "scan").iterdir()} == SCAN_FILES
    for name in ("evidence.html", "task-sheets.html", "worklist.xlsx"):
        assert f"kwhy-demo/{name}" in told.replace(os.sep, "/")
    evidence = (out / "evidence.html").read_text(encoding="utf-8")
    assert "<svg" in evidence
    assert "<script" not in evidence
    assert zipfile.is_zipfile(out / "worklist.xlsx")


def test_what_the_demo_says_to_type_works(demo: tuple[Path, str]) -> None:
    folder, told = demo
    typed = [
        line.split("  ")[1] for line in told.splitlines() if line.startswith("  kwhy ") and "BOOK" not in line
    ]
    assert typed
    for command in typed:
        ran = run(command.split(), folder)
        assert (ran.returncode, ran.stderr) == (0, ""), command
        assert ran.stdout


def test_the_demo_can_be_run_again_in_chinese(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    before = pl.read_parquet(folder / "kwhy-demo" / "scan" / "findings.parquet")
    again = run(["kwhy", "demo"], folder, LC_ALL="zh_CN.UTF-8")
    assert again.returncode == 0, again.stderr
    assert "最可能：" in again.stdout
    assert pl.read_parquet(folder / "kwhy-demo" / "scan" / "findings.parquet").equals(before)


def test_the_demos_book_can_be_checked_and_scanned(demo: tuple[Path, str]) -> None:
    folder, _ = demo
    book = "kwhy-demo/book"
    report = json.loads(run(["kwhy", "check", book, "--format", "json"], folder).stdout)
    assert report["quarantine"] == []
    ran = run(["kwhy", "scan", book, "--as-of", "2013-11-01", "--out", "own", "--fail-on", "any"], folder)
    assert ran.returncode == 3, ran.stderr
    listed = json.loads(run(["kwhy", "cases", "own", "--format", "json"], folder).stdout)
    assert [case["rank"] for case in listed] == list(range(1, len(listed) + 1))
    page = run(["kwhy", "evidence", "own", listed[-1]["case_id"], "--out", "last.html"], folder)
    assert page.returncode == 0, page.stderr


def test_the_demos_score_is_counted_honestly() -> None:
    spans = {"start": [10, 10, 10, 10], "end": [12, 12, 12, 12]}
    truth = pl.DataFrame(
        {
            "kind": ["misread", "stopped", "natural_gap", "rollover"],
            "accepted": [["misread"], ["meter_stopped"], ["missing_reads"], []],
            "innocent": [False, False, False, True],
            "account_id": ["A", "B", "C", "D"],
            **{name: pl.Series(days).cast(pl.Date) for name, days in spans.items()},
        }
    )
    said = pl.DataFrame(
        {
            "status": ["open", "open", "suppressed", "open"],
            "account_id": ["A", "Z", "D", "A"],
            "related_account_id": [None, "B", None, None],
            "cause": ["misread", "misread", "register_rollback", "unknown"],
            "start": pl.Series([10, 11, 10, 90]).cast(pl.Date),
            "end": pl.Series([11, 12, 11, 91]).cast(pl.Date),
        }
    )
    assert score(said, truth) == {"faults": 2, "found": 2, "right": 1, "innocents": 1, "quiet": 1}
