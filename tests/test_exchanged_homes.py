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


def unlike(town: Town) -> tuple[str, str]:
    """Of one box, the home that uses most and the one that uses least."""
    traits = traits_of(town)
    able = pl.Series(traits["daily"] & traits["active"]) & ~town.accounts["account_id"].is_in(used_accounts(town))
    kwh = pl.Series(town.dials.use_wh[:, -60:].mean(axis=1))
    use = town.accounts.select("account_id", "box_id").with_columns(kwh=kwh).filter(able)
    ends = use.sort("kwh").group_by("box_id").agg(
        pl.col("account_id").first().alias("least"), pl.col("account_id").last().alias("most"),
        apart=pl.col("kwh").max() - pl.col("kwh").min(),
    )  # fmt: skip
    least, most = ends.sort("apart", "box_id").select("least", "most").row(-1)
    return str(least), str(most)


@cache
def told(kind: str) -> tuple[dict[str, pl.DataFrame], dict[str, object]]:
    """What a scan says of a town with one exchange, and the truth."""
    town = sample_town(SEED)
    homes = unlike(town)
    others = town.accounts["account_id"].is_in(homes)
    alone = Town(
        town.days, town.meters, town.dials, {**town.rows, "accounts": _only_pair(town.accounts, others)}, town.truth
    )
    changed, truth = inject(alone, [Fault(kind, account_id=homes[0], start=SWAP_DAY)], SEED)
    whole = Town(changed.days, changed.meters, changed.dials, {**changed.rows, "accounts": town.accounts}, truth)
    return scanned(whole), truth.row(-1, named=True)


def _only_pair(accounts: pl.DataFrame, pair: pl.Series) -> pl.DataFrame:
    """The accounts with everybody else moved to a box of their own, so that just this pair can be drawn."""
    own = pl.concat_str(pl.lit("alone "), pl.col("account_id"))
    return accounts.with_columns(box_id=pl.when(pair).then("box_id").otherwise(own))


@pytest.mark.parametrize("kind", ["swapped_pair_silent", "swapped_pair_exchange"])
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
