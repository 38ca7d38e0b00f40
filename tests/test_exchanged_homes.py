"""Two homes on each other's meters, from the book to the case: found, weighed, told, and nobody else accused."""

from __future__ import annotations

import datetime as dt
import math
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anomaly.injector.build import build_town
from anomaly.injector.inject import inject, traits_of, used_accounts
from anomaly.injector.layout import Plan
from anomaly.injector.registry import Fault
from anomaly.injector.town import Town
from pipelines.sample import load_sample, write_book
from pipelines.scan import scan
from rules.rulebook import load

RULEBOOK = load()
TABLES = ("findings", "cases", "tasks", "coverage", "series", "rebills")
SEED = 2
SWAP_DAY = dt.date(2013, 10, 10)
EVERYBODY_DAILY = Plan(monthly_share=0.0, curve_share=1.0, rate_share=0.0, generation_share=0.0, ct_share=0.0)


@cache
def sample_town(seed: int) -> Town:
    return build_town(load_sample(), seed=seed, plan=EVERYBODY_DAILY)


def scanned(town: Town, **without: None) -> dict[str, pl.DataFrame]:
    with tempfile.TemporaryDirectory() as scratch:
        book, out = Path(scratch) / "book", Path(scratch) / "out"
        tables = {name: rows for name, rows in town.tables().items() if name not in without}
        write_book(tables, book)
        scan(book, town.as_of.item(), out)
        return {name: pl.read_parquet(out / f"{name}.parquet") for name in TABLES}


def able_homes(town: Town) -> pl.DataFrame:
    """account_id, area_id, box_id and mean use of the homes that can be exchanged."""
    traits = traits_of(town)
    able = pl.Series(traits["daily"] & traits["active"]) & ~town.accounts["account_id"].is_in(used_accounts(town))
    kwh = pl.Series(town.dials.use_wh[:, -60:].mean(axis=1))
    return town.accounts.select("account_id", "area_id", "box_id").with_columns(kwh=kwh).filter(able).sort("kwh")


def unlike(town: Town) -> list[str]:
    """Of one box, the home that uses least, the middle one and the one that uses most."""
    ends = able_homes(town).group_by("box_id", maintain_order=True).agg(
        pl.col("account_id"), apart=pl.col("kwh").max() - pl.col("kwh").min()
    )  # fmt: skip
    homes = ends.sort("apart", "box_id")["account_id"].to_list()[-1]
    return [homes[0], homes[len(homes) // 2], homes[-1]]


def unlike_across(town: Town) -> list[str]:
    """The home that uses least, and the one of another box of its area that uses most."""
    homes = able_homes(town)
    least = homes.row(0, named=True)
    there = homes.filter(pl.col("area_id") == least["area_id"], pl.col("box_id") != least["box_id"])
    return [least["account_id"], there["account_id"][-1]]


def town_with(kind: str) -> Town:
    """The sample town with one exchange between unlike homes; `truth` has its rows last."""
    town = sample_town(SEED)
    least, middle, most = unlike(town)
    homes = {"swapped_ring": [least, middle, most], "swapped_across_boxes": unlike_across(town)}.get(
        kind, [least, most]
    )
    alone = Town(town.days, town.meters, town.dials, {**town.rows, "accounts": _only(town.accounts, homes)}, town.truth)
    changed, truth = inject(alone, [Fault(kind, account_id=homes[0], start=SWAP_DAY)], SEED)
    return Town(changed.days, changed.meters, changed.dials, {**changed.rows, "accounts": town.accounts}, truth)


@cache
def told(kind: str) -> tuple[dict[str, pl.DataFrame], dict[str, object]]:
    """What a scan says of a town with one exchange, and the truth."""
    town = town_with(kind)
    return scanned(town), town.truth.row(-1, named=True)


def _only(accounts: pl.DataFrame, homes: list[str]) -> pl.DataFrame:
    """The accounts with everybody else moved to a box and area of their own, so that just these can be drawn."""
    own = pl.concat_str(pl.lit("alone "), pl.col("account_id"))
    chosen = pl.col("account_id").is_in(homes)
    return accounts.with_columns(
        pl.when(chosen).then(name).otherwise(own).alias(name) for name in ("box_id", "area_id")
    )


@pytest.mark.parametrize("kind", ["swapped_pair_silent", "swapped_pair_exchange", "swapped_across_boxes"])
def test_an_exchange_is_one_case_of_both_accounts(kind: str) -> None:
    result, truth = told(kind)
    (case,) = result["cases"].filter(pl.col("family") == "cross_wiring").to_dicts()
    assert (case["account_id"], case["related_account_id"]) == (truth["account_id"], truth["related_account_id"])
    assert case["account_id"] < case["related_account_id"]
    assert None not in (case["meter_id"], case["related_meter_id"])
    assert case["meter_id"] != case["related_meter_id"]
    assert (case["cause"], case["status"]) == ("swapped_pair", "open")
    assert (case["needs_visit"], case["hold_bill"]) == (True, True)
    assert "customer_use" in case["cannot_exclude"]
    assert abs((case["start"] - truth["start"]).days) <= 7
    mine = result["findings"].filter(pl.col("case_id") == case["case_id"])
    assert (mine["code"] == "X01").sum() == 1


@pytest.mark.parametrize("kind", ["swapped_pair_silent", "swapped_pair_exchange"])
def test_the_case_says_what_speaks_for_it_and_against(kind: str) -> None:
    result, truth = told(kind)
    (case,) = result["cases"].filter(pl.col("family") == "cross_wiring").to_dicts()
    swap = case["causes"][0]
    assert str(truth["account_id"]) in " ".join(swap["evidence_for"])
    assert any("not one household with a new life" in text for text in swap["evidence_for"])
    assert any("Two families who exchange their flats" in text for text in swap["evidence_against"])
    tasks = result["tasks"].filter(pl.col("case_id") == case["case_id"]).sort("step")
    assert tasks["step"].to_list() == [1, 2, 3, 4]
    assert tasks["kind"][0] == "visit"
    checks = {check["check"] for check in tasks["checks"][0]}
    assert {"plate", "breaker_test", "load_on_test"} <= checks


@pytest.mark.parametrize("kind", ["swapped_pair_silent", "swapped_pair_exchange"])
def test_the_rebill_gives_each_home_what_it_really_used(kind: str) -> None:
    """Month by month nothing is lost; with the truth of the town at hand each home's own use is what is proposed."""
    result, truth = told(kind)
    rebills = result["rebills"]
    assert rebills["case_id"].n_unique() == 1
    pair = [str(truth["account_id"]), str(truth["related_account_id"])]
    assert sorted(set(rebills["account_id"])) == pair
    by_month = rebills.group_by("month").agg(pl.col("measured_kwh", "proposed_kwh", "difference_kwh").sum())
    assert by_month["measured_kwh"].to_list() == pytest.approx(by_month["proposed_kwh"].to_list(), abs=1e-6)
    assert by_month["difference_kwh"].abs().max() == pytest.approx(0.0, abs=1e-6)
    assert (rebills["low_kwh"] <= rebills["difference_kwh"]).all()
    assert (rebills["difference_kwh"] <= rebills["high_kwh"]).all()
    assert rebills["days_missing"].sum() == 0
    for account in pair:
        mine = rebills.filter(pl.col("account_id") == account)
        used = used_kwh(account, mine["from_day"].min())
        sums = mine.select(pl.col("measured_kwh", "low_kwh", "high_kwh").sum()).row(0, named=True)
        assert sums["measured_kwh"] + sums["low_kwh"] <= used * 1.01, account
        assert sums["measured_kwh"] + sums["high_kwh"] >= used * 0.99, account
        assert sums["measured_kwh"] != pytest.approx(used, rel=0.5), "what its own meter measured is another's"


def used_kwh(account: str, since: dt.date) -> float:
    """What a home of the untouched town really used from a day on."""
    town = sample_town(SEED)
    (row,) = (town.accounts["account_id"] == account).arg_true()
    days = town.days[: town.dials.use_wh.shape[1]] >= np.datetime64(since, "D")
    return float(town.dials.use_wh[row, days].sum()) / 1000


@pytest.mark.parametrize("kind", ["swapped_pair_silent", "swapped_pair_exchange"])
def test_the_ledger_adds_up_and_names_both_accounts(kind: str) -> None:
    result, truth = told(kind)
    (case,) = result["cases"].filter(pl.col("family") == "cross_wiring").to_dicts()
    assert {truth["account_id"], truth["related_account_id"]} <= set(case["account_ids"])
    assert case["ledger"][0]["side"] == "prior"
    assert "X01" in {entry["code"] for entry in case["ledger"]}
    chances = {one["cause"]: one["probability"] for one in case["causes"]}
    odds = sum(entry["log_odds"] for entry in case["ledger"])
    if "unknown" in chances:
        assert odds == pytest.approx(math.log(chances["swapped_pair"] / chances["unknown"]), abs=1e-3)
    assert odds > 0


def test_a_ring_names_all_three_of_its_homes() -> None:
    town = town_with("swapped_ring")
    ring = town.truth.tail(3)
    assert set(ring["kind"]) == {"swapped_ring"}
    result, _ = told("swapped_ring")
    cases = result["cases"].filter(pl.col("family") == "cross_wiring", pl.col("status") == "open")
    mine = result["findings"].filter(
        pl.col("case_id").is_in(cases["case_id"].implode()), pl.col("code") == "X01", pl.col("status") == "reported"
    )
    links = set(mine.select("account_id", "related_account_id").rows())
    assert links == set(ring.select("account_id", "related_account_id").rows())
    assert mine["case_id"].n_unique() == 1
    assert set(cases["cause"]) == {"swapped_pair"}


CURVES, EVENTS = ("C01", "table_missing:interval_reads"), ("G01", "table_missing:events")
BARE = ("interval_reads", "areas", "events", "accounts", "bills", "electrical_reads")


@pytest.mark.parametrize(
    ("tables", "columns", "reason", "unchecked"),
    [
        pytest.param(("interval_reads",), (), "", [CURVES], id="no curves"),
        pytest.param((), ("box_id",), "", [], id="no boxes"),
        pytest.param(("areas",), ("area_id",), "", [], id="no areas"),
        pytest.param(("events",), (), "", [EVENTS], id="no events"),
        pytest.param(BARE, ("area_id",), "no_neighbours", [CURVES, EVENTS], id="reads and installations alone"),
    ],
)
def test_a_book_that_lacks_something_is_scanned_and_says_what_was_not_checked(
    tables: tuple[str, ...], columns: tuple[str, ...], reason: str, unchecked: list[tuple[str, str]]
) -> None:
    town = town_with("swapped_pair_silent")
    truth = town.truth.row(-1, named=True)
    nothing = {name: pl.lit(None, pl.String).alias(name) for name in columns}
    rows = {
        name: table.with_columns(nothing[column] for column in columns if column in table.columns)
        for name, table in town.rows.items()
    }
    result = scanned(Town(town.days, town.meters, town.dials, rows, town.truth), **dict.fromkeys(tables))
    summary = result["coverage"].filter(pl.col("account_id").is_null())
    (own,) = summary.filter(pl.col("code") == "X01").to_dicts()
    assert own["reason"] == reason
    assert own["status"] == ("insufficient_data" if reason else "evaluated")
    assert own["positions"] == len(town.accounts)
    assert set(unchecked) <= set(summary.select("code", "reason").rows())
    found = result["findings"].filter(pl.col("code") == "X01").select("account_id", "related_account_id")
    assert found.rows() == ([] if reason else [(truth["account_id"], truth["related_account_id"])])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nobody_is_accused_in_a_town_in_order(seed: int) -> None:
    cases = scanned(sample_town(seed))["cases"]
    assert cases.filter(pl.col("family") == "cross_wiring").is_empty()


def test_without_boxes_and_areas_nobody_can_be_compared_and_coverage_says_so() -> None:
    town = sample_town(SEED)
    nowhere = {name: pl.lit(None, pl.String).alias(name) for name in ("area_id", "box_id")}
    rows = {
        name: table.with_columns(nowhere[column] for column in nowhere if column in table.columns)
        for name, table in town.rows.items()
    }
    lost = Town(town.days, town.meters, town.dials, rows, town.truth)
    result = scanned(lost, accounts=None, areas=None)
    own = result["coverage"].filter(pl.col("code") == "X01")
    assert own.select("status", "reason", "positions").rows() == [
        ("insufficient_data", "no_neighbours", len(town.accounts))
    ]
    assert result["findings"].filter(pl.col("code") == "X01").is_empty()
