"""Calling `kwhy` in tests, and a finished scan to call it on."""

from __future__ import annotations

import datetime as dt
import json
from itertools import accumulate
from pathlib import Path

import polars as pl
from click.testing import CliRunner, Result

from cli import cli
from tests.report_fixture import RUN, write_output


def kwhy(*words: object, **environment: str) -> Result:
    return CliRunner(env={"LC_ALL": "C.UTF-8", **environment}).invoke(cli, [str(word) for word in words])


def finished_scan(folder: Path, **replaced: pl.DataFrame) -> Path:
    """The fixture's output with a run.json like a scan's."""
    write_output(folder, **replaced)
    reads = {"read": 1204, "accepted": 1202, "quarantined": 2, "after_as_of": 7}
    counts = {
        "accounts": 6,
        "positions": 7,
        "tables": {"register_reads": reads, "accounts": {"read": 6, "accepted": 6}},
    }
    run = {**RUN, "counts": counts, "seconds": {"read": 0.5, "detect": 1.0}}
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return folder


def small_book(folder: Path) -> Path:
    """A book of one account read daily for forty days."""
    folder.mkdir(parents=True)
    days = [dt.datetime(2024, 1, 1) + dt.timedelta(days=day) for day in range(40)]
    registers = list(accumulate([100.0, *(6 + 0.53 * (day * day % 11) for day in range(39))]))
    reads = {"meter_id": "007", "read_at": days, "register_kwh": registers}
    pl.DataFrame(reads).write_csv(folder / "register_reads.csv")
    pl.DataFrame(
        {"meter_id": ["007"], "account_id": ["A1"], "installed_on": [dt.date(2023, 1, 1)]}
    ).write_csv(folder / "installations.csv")
    return folder
