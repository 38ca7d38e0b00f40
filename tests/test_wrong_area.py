"""An account fed from the area next door, from the book to the case; and what a book without supply meters says."""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from anomaly.injector.build import build_town
from anomaly.injector.inject import inject
from anomaly.injector.layout import Plan
from anomaly.injector.registry import Fault
from anomaly.injector.town import Town
from pipelines.sample import load_sample, write_book
from pipelines.scan import scan
from tests.scan_fixture import assert_readable

PLAN = Plan(
    accounts=120, max_offset_weeks=4, area_size=(20, 30), curve_share=0.0, monthly_share=0.0, rate_share=0.0,
    correct_exchanges=0,
)  # fmt: skip
BALANCE_CODES = ("B01", "B02", "B03", "B04", "B05")


@cache
def town_in_order(seed: int) -> Town:
    return build_town(load_sample(), seed=seed, plan=PLAN)


def scanned(tables: dict[str, pl.DataFrame], as_of: dt.date) -> dict[str, pl.DataFrame]:
    with tempfile.TemporaryDirectory() as scratch:
        book, out = Path(scratch) / "book", Path(scratch) / "out"
        write_book(tables, book)
        scan(book, as_of, out)
        return {name: pl.read_parquet(out / f"{name}.parquet") for name in ("findings", "cases", "tasks", "coverage")}


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_the_account_is_one_open_case_that_names_both_areas(seed: int) -> None:
    town, truth = inject(town_in_order(seed), [Fault("wrong_area")], seed)
    told = truth.row(-1, named=True)
    result = scanned(town.tables(), town.as_of.item())
    (case,) = result["cases"].filter(pl.col("family") == "cross_wiring").to_dicts()
    assert (case["account_id"], case["cause"], case["status"]) == (told["account_id"], "wrong_area", "open")
    filed = town.accounts.filter(account_id=told["account_id"])["area_id"].item()
    fed = town.fed_from[told["account_id"]]
    assert case["area_id"] == filed
    for headline in (case["headline_en"], case["headline_zh"]):
        assert filed in headline
        assert fed in headline
    assert (case["needs_visit"], case["hold_bill"]) == (True, False), "the bill is right"
    assert any("exchanged inside it" in text for text in case["causes"][0]["evidence_against"])
    assert_readable(result["cases"])


@pytest.mark.parametrize("seed", [4, 5])
def test_nobody_is_accused_in_a_town_in_order(seed: int) -> None:
    town = town_in_order(seed)
    result = scanned(town.tables(), town.as_of.item())
    assert result["findings"].filter(pl.col("code").is_in(["B01", "B02", "B05"])).is_empty()
    positions = result["coverage"].filter(code="B01")["positions"].sum()
    assert positions == len(town.accounts) + len(town.rows["areas"])


@pytest.mark.parametrize(("kind", "code"), [("jump_x3", "B03"), ("over_registration", "B04")])
def test_a_changed_meter_is_told_apart_from_a_changed_life(kind: str, code: str) -> None:
    told = []
    for seed in (1, 2, 3):
        town, truth = inject(town_in_order(4), [Fault(kind, start=dt.date(2013, 10, 1))], seed)
        findings = scanned(town.tables(), town.as_of.item())["findings"]
        mine = findings.filter(pl.col("account_id") == truth["account_id"][-1], pl.col("code") > "B02")
        told += mine.filter(pl.col("code") < "B06")["code"].to_list()
    assert set(told) == {code}


def test_without_supply_meters_one_row_says_so() -> None:
    town = town_in_order(4)
    areas = town.rows["areas"].with_columns(pl.lit(None, pl.String).alias("supply_meter_id"))
    bare = replace(town, rows={**town.rows, "areas": areas}, supply_loss=None)
    result = scanned(bare.tables(), town.as_of.item())
    own = result["coverage"].filter(pl.col("code").is_in(BALANCE_CODES))
    assert own.select("code", "status", "reason", "positions").rows() == [
        (code, "insufficient_data", "no_supply_meter", len(town.accounts)) for code in BALANCE_CODES
    ]


def test_accounts_read_by_hand_leave_the_area_without_a_balance() -> None:
    town = build_town(load_sample(), seed=4, plan=replace(PLAN, monthly_share=0.2))
    result = scanned(town.tables(), town.as_of.item())
    own = result["coverage"].filter(code="B01")
    by_hand = town.accounts.filter(cycle_id="PERIODIC")["account_id"]
    told = own.filter(pl.col("account_id").is_in(by_hand.implode()))
    assert set(told["reason"]) == {"balance_incomplete"}
    assert len(told) == len(by_hand)
