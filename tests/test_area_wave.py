"""A whole area uses more: no flood of cases, and whoever uses more than the area is still found."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anomaly.injector.build import build_town
from anomaly.injector.inject import close_premises, inject, open_premise
from anomaly.injector.layout import Plan
from anomaly.injector.registry import Fault
from anomaly.injector.town import Town
from pipelines.sample import load_sample, write_book
from pipelines.terminal.summary import scan_summary
from tests.scan_fixture import Result, scan_book, standard_rulebook

WAVE_DAYS, WAVE, OWN = 28, 1.6, 2.0


@pytest.fixture(scope="module")
def ordinary() -> Town:
    """Sixty real London homes as a town of 240 accounts."""
    return build_town(load_sample(), seed=2, plan=Plan(accounts=240, max_offset_weeks=4))


def scanned(town: Town, folder: Path) -> Result:
    write_book(town.tables(), folder / "book")
    return scan_book(folder / "book", dt.date.fromisoformat(str(town.as_of)), folder / "out")


def open_jumps(result: Result) -> int:
    return result.cases.filter(pl.col("status") == "open", pl.col("family") == "jump").height


def long_wave(town: Town) -> tuple[Town, list[str], str]:
    """The town with its largest area at 1.6 times for four weeks, and one home of it at twice that."""
    town = dataclasses.replace(town, dials=town.dials.copy())
    area = town.accounts["area_id"].value_counts().sort("count", "area_id", descending=True)["area_id"][0]
    rows = np.flatnonzero((town.accounts["area_id"] == area).to_numpy())
    daily = rows[(town.accounts["read_frequency"] == "daily").to_numpy()[rows]]
    usual = np.array([open_premise(town, int(row)).usual_kwh() for row in daily])
    more = int(daily[np.argsort(usual)[len(usual) // 2]])
    premises = [open_premise(town, int(row)) for row in rows]
    for premise in premises:
        factor = WAVE * OWN if premise.row == more else WAVE
        premise.use(len(town.days) - WAVE_DAYS, len(town.days), factor=factor)
    names = town.accounts["account_id"].to_list()
    closed = close_premises(town, premises, pl.DataFrame(schema=town.truth.schema))
    return closed, [names[row] for row in rows], names[more]


def test_no_flood(ordinary: Town, tmp_path: Path) -> None:
    usual = open_jumps(scanned(ordinary, tmp_path / "usual"))
    heat, _ = inject(ordinary, [Fault("heat_wave")], 5)
    assert open_jumps(scanned(heat, tmp_path / "heat")) <= 2 * max(usual, 1)
    wave, area, more = long_wave(ordinary)
    result = scanned(wave, tmp_path / "wave")
    assert open_jumps(result) <= 2 * max(usual, 1)
    told = result.findings.filter(pl.col("code").is_in(["J01", "J02", "J03"]), pl.col("account_id").is_in(area))
    regional = told.filter(pl.col("suppressed_by") == "regional")
    assert len(regional) > 0
    assert regional["status"].unique().to_list() == ["suppressed"]
    assert told.filter(pl.col("account_id") == more)["status"].to_list() == ["reported"]
    aside = result.cases.filter(pl.col("suppressed_by") == "regional")
    assert result.run["counts"]["cases_suppressed_by"]["regional"] == len(aside) > 0
    for lang, title in standard_rulebook().suppressors["regional"].title.items():
        lines = scan_summary(tmp_path / "wave" / "out", (), lang)
        assert [line.split()[0] for line in lines if title in line] == [str(len(aside))]
