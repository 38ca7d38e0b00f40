"""Two homes on each other's meters since ever, one of them left: the whole way from the book to the case."""

from __future__ import annotations

import dataclasses
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anomaly.injector.build import build_town
from anomaly.injector.inject import inject
from anomaly.injector.layout import Plan
from anomaly.injector.premise import FileRow
from anomaly.injector.registry import Fault
from anomaly.injector.town import Town
from pipelines.sample import load_sample, write_book
from pipelines.scan import scan
from tests.scan_fixture import assert_readable

EVERYBODY_DAILY = Plan(monthly_share=0.0, curve_share=1.0, rate_share=0.0, generation_share=0.0, ct_share=0.0)
VACANT_FOR = 45
STATIC = ("X02", "X03", "X07")


@cache
def sample_town(seed: int) -> Town:
    return build_town(load_sample(), seed=seed, plan=EVERYBODY_DAILY)


def scanned(town: Town, *without: str) -> dict[str, pl.DataFrame]:
    with tempfile.TemporaryDirectory() as scratch:
        book, out = Path(scratch) / "book", Path(scratch) / "out"
        write_book({name: rows for name, rows in town.tables().items() if name not in without}, book)
        scan(book, town.as_of.item(), out)
        return {name: pl.read_parquet(out / f"{name}.parquet") for name in ("findings", "cases", "tasks", "coverage")}


def cases_of(result: dict[str, pl.DataFrame], *accounts: str) -> list[FileRow]:
    mine = pl.col("account_id").is_in(accounts) | pl.col("related_account_id").is_in(accounts)
    return result["cases"].filter(mine).to_dicts()


@cache
def told(seed: int) -> tuple[dict[str, pl.DataFrame], FileRow]:
    town, truth = inject(sample_town(seed), [Fault("swapped_static_vacancy")], seed)
    return scanned(town), truth.row(-1, named=True)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_vacancy_gives_an_old_swap_away(seed: int) -> None:
    """Seed 1: the empty home keeps a standing load; 2 and 3: it is dark, and A02 and R06 fire at the neighbour's."""
    result, truth = told(seed)
    both = str(truth["account_id"]), str(truth["related_account_id"])
    (case,) = cases_of(result, *both)
    assert (case["account_id"], case["related_account_id"]) == both
    assert (case["cause"], case["family"], case["status"]) == ("swapped_pair", "cross_wiring", "open")
    assert case["probability"] > 0.5
    assert case["needs_visit"]
    codes = set(result["findings"].filter(pl.col("case_id") == case["case_id"])["code"])
    assert {"A01", "X02", "X03"} <= codes
    assert ("R06" in codes) == (seed > 1)
    assert ("X07" in codes) == (seed == 1), "where R06 sets the silent days aside, their curves are no evidence either"
    assert both[0] in case["headline_en"]
    assert both[1] in case["headline_en"]


def test_nobody_else_is_accused() -> None:
    for seed in (1, 2, 3):
        result, truth = told(seed)
        others = result["findings"].filter(pl.col("code").is_in(STATIC), pl.col("account_id") != truth["account_id"])
        assert set(others["account_id"]) <= {truth["related_account_id"]}


def test_the_case_says_what_speaks_for_it_and_against() -> None:
    result, truth = told(1)
    (case,) = cases_of(result, str(truth["account_id"]))
    swap = case["causes"][0]
    assert any("One exchange explains both homes" in text for text in swap["evidence_for"])
    assert any("ring at both doors" in text for text in swap["evidence_against"])
    assert any("dates that agree once can be chance" in text for text in swap["evidence_against"])
    assert_readable(result["cases"])


@cache
def boxmates(seed: int) -> tuple[str, str]:
    """Two homes of one box that use about the same, neither empty."""
    town = sample_town(seed)
    kwh = np.median(town.dials.use_wh[:, -100:], axis=1) / 1000
    homes = town.accounts.select("account_id", "box_id", kwh=pl.Series(kwh)).filter(pl.col("kwh").is_between(6, 12))
    ids = homes.filter(pl.col("box_id") == homes["box_id"][0])["account_id"]
    return str(ids[0]), str(ids[1])


def lived(
    seed: int, *, empty: str | None, silent: str | None, silent_days: tuple[int, int], vacant_for: int = VACANT_FOR
) -> Town:
    """The town with one home vacant on file for some days, and another without use from and to so many days back."""
    town = sample_town(seed)
    rows, dials = dict(town.rows), town.dials.copy()
    changed = dataclasses.replace(town, dials=dials, rows=rows)
    last = len(town.days)
    if silent is not None:
        row = town.accounts["account_id"].to_list().index(silent)
        first, end = (last - back for back in silent_days)
        gone = dials.dial_wh[row, first:end].copy()
        curve = slice(first - (last - town.curve_days), end - (last - town.curve_days))
        dials.dial_wh[row, first:end] = dials.use_wh[row, first:end] = 0
        dials.curve_wh[row, curve] = 0
        counted = np.concatenate([[0], np.cumsum(gone)]) // dials.tick_wh[row]
        fewer = np.concatenate([np.zeros(first, np.int64), counted, np.full(last - end, counted[-1])])
        dials.ticks[row] = (dials.ticks[row] - fewer) % dials.capacity_ticks[row]
    if empty is not None:
        mine = pl.col("account_id") == empty
        since = (town.days[-1] + np.timedelta64(1 - vacant_for, "D")).item()
        rows["accounts"] = town.accounts.with_columns(
            status=pl.when(mine).then(pl.lit("vacant")).otherwise("status"),
            status_since=pl.when(mine).then(pl.lit(since)).otherwise("status_since"),
        )
    return changed


def test_use_at_an_empty_home_beside_homes_that_use_stays_what_it_is() -> None:
    empty, _ = boxmates(1)
    result = scanned(lived(1, empty=empty, silent=None, silent_days=(0, 0)))
    (case,) = cases_of(result, empty)
    assert case["cause"] == "vacant_use"
    assert case["related_account_id"] is None
    assert case["probability"] > 0.5


def test_a_silent_home_beside_an_empty_silent_one_accuses_nobody() -> None:
    empty, silent = boxmates(1)
    town = lived(1, empty=None, silent=silent, silent_days=(VACANT_FOR, 0))
    dark = lived(1, empty=empty, silent=empty, silent_days=(VACANT_FOR, 0))
    row = town.accounts["account_id"].to_list().index(empty)
    for name in ("dial_wh", "use_wh", "curve_wh", "ticks"):
        getattr(town.dials, name)[row] = getattr(dark.dials, name)[row]
    result = scanned(dataclasses.replace(town, rows=dark.rows))
    assert result["findings"].filter(pl.col("code").is_in(STATIC)).is_empty()
    assert {case["family"] for case in cases_of(result, empty, silent)} <= {"jump", "reading_error"}


@pytest.mark.parametrize(
    ("vacant_for", "away"),
    [
        pytest.param(45, (30, 16), id="in the middle of the vacancy"),
        pytest.param(45, (14, 0), id="in its last two weeks"),
        pytest.param(17, (14, 0), id="for all of a short vacancy"),
        pytest.param(32, (29, 0), id="for four weeks of one"),
    ],
)
def test_a_neighbour_on_holiday_is_weak_evidence_at_most(vacant_for: int, away: tuple[int, int]) -> None:
    empty, silent = boxmates(1)
    result = scanned(lived(1, empty=empty, silent=silent, silent_days=away, vacant_for=vacant_for))
    assert result["findings"].filter(pl.col("code") == "X02").is_empty()
    told_of = cases_of(result, empty, silent)
    assert not any(case["cause"] == "swapped_pair" and case["needs_visit"] for case in told_of), "a call will do"
    swapped = [one["probability"] for case in told_of for one in case["causes"] if one["cause"] == "swapped_pair"]
    assert max(swapped, default=0.0) < 0.5


def test_a_book_without_curves_still_finds_the_pair_and_says_what_it_could_not_check() -> None:
    town, truth = inject(sample_town(2), [Fault("swapped_static_vacancy")], 2)
    result = scanned(town, "interval_reads", "events", "areas")
    (case,) = cases_of(result, str(truth["account_id"][-1]))
    assert case["cause"] == "swapped_pair"
    own = result["coverage"].filter(pl.col("code") == "X07")
    assert own["reason"].to_list() == ["table_missing:interval_reads"]
    assert own["status"].to_list() == ["insufficient_data"]
