"""Neighbours whose equipment, class or contract gives an exchange away, from the injector to the case."""

from __future__ import annotations

import datetime as dt
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anomaly.injector.build import build_town
from anomaly.injector.inject import inject
from anomaly.injector.layout import Plan
from anomaly.injector.registry import Fault
from anomaly.injector.town import Town
from pipelines.sample import load_sample, write_book
from pipelines.scan import scan

SEED = 2
EVERYBODY_DAILY = Plan(monthly_share=0.0, curve_share=1.0, rate_share=0.0, generation_share=0.05, ct_share=0.0)
CODES = ("X05", "X06", "X10")


@cache
def sample_town() -> Town:
    return build_town(load_sample(), seed=SEED, plan=EVERYBODY_DAILY)


@cache
def injected(*kinds: str) -> tuple[Town, pl.DataFrame]:
    town, truth = inject(sample_town(), [Fault(kind) for kind in kinds], SEED)
    return town, truth.tail(len(kinds))


def scanned(town: Town) -> dict[str, pl.DataFrame]:
    with tempfile.TemporaryDirectory() as scratch:
        book, out = Path(scratch) / "book", Path(scratch) / "out"
        write_book(town.tables(), book)
        scan(book, town.as_of.item(), out)
        return {name: pl.read_parquet(out / f"{name}.parquet") for name in ("findings", "cases", "coverage")}


@cache
def told() -> tuple[dict[str, pl.DataFrame], dict[str, dict[str, object]]]:
    """What a scan says of a town with two exchanges and two look-alikes, and the truth by kind."""
    town, truth = injected("swapped_generation", "swapped_class", "both_away", "tenants_exchange")
    return scanned(town), {str(row["kind"]): row for row in truth.to_dicts()}


def pair_of(row: dict[str, object]) -> set[object]:
    return {row["account_id"], row["related_account_id"]}


@pytest.mark.parametrize(("kind", "code"), [("swapped_generation", "X05"), ("swapped_class", "X06")])
def test_the_pair_is_found_and_nobody_else(kind: str, code: str) -> None:
    result, truth = told()
    (one,) = result["findings"].filter(pl.col("code") == code).to_dicts()
    assert pair_of(one) == pair_of(truth[kind])
    (case,) = result["cases"].filter(pl.col("case_id") == one["case_id"]).to_dicts()
    assert pair_of(case) == pair_of(truth[kind])
    (swap,) = [cause for cause in case["causes"] if cause["cause"] == "swapped_pair"]
    assert any(str(one["account_id"]) in sentence for sentence in swap["evidence_for"])


def test_a_roof_behind_the_neighbours_meter_leads_to_a_visit() -> None:
    result, _ = told()
    (one,) = result["findings"].filter(pl.col("code") == "X05").to_dicts()
    (case,) = result["cases"].filter(pl.col("case_id") == one["case_id"]).to_dicts()
    assert (case["family"], case["cause"], case["needs_visit"]) == ("cross_wiring", "swapped_pair", True)
    assert case["probability"] >= 0.5
    assert "V01" in result["findings"].filter(pl.col("case_id") == case["case_id"])["code"].to_list()
    assert any(cause["cause"] == "reverse_energy" for cause in case["causes"]), "an unregistered roof is not excluded"


def test_two_homes_away_together_and_a_town_in_order_are_left_alone() -> None:
    result, truth = told()
    away = pair_of(truth["both_away"])
    wired = result["cases"].filter(pl.col("family") == "cross_wiring")
    assert not any(pair_of(case) & away for case in wired.to_dicts())
    clean = scanned(sample_town())
    assert clean["findings"].filter(pl.col("code").is_in(CODES)).is_empty()


def test_a_town_without_exports_and_classes_says_what_it_could_not_check() -> None:
    town = sample_town()
    rows = {**town.rows, "accounts": town.accounts.drop("generation", "customer_class", "contract_kva")}
    silent = build_town(load_sample(), seed=SEED, plan=Plan(monthly_share=0.0, generation_share=0.0))
    coverage = scanned(silent)["coverage"].filter(pl.col("code") == "X05")
    assert coverage.select("status", "reason").rows() == [("not_applicable", "no_export")]
    bare = {**town.tables(), "accounts": rows["accounts"]}
    with tempfile.TemporaryDirectory() as scratch:
        write_book(bare, Path(scratch) / "book")
        scan(Path(scratch) / "book", town.as_of.item(), Path(scratch) / "out")
        findings = pl.read_parquet(Path(scratch) / "out" / "findings.parquet")
    assert findings.filter(pl.col("code").is_in(CODES)).is_empty()


def test_a_moved_circuit_keeps_the_pair_sum_and_the_curve_in_step() -> None:
    changed, truth = injected("partial_transfer")
    rows = [
        changed.accounts["account_id"].to_list().index(truth[name][0]) for name in ("account_id", "related_account_id")
    ]
    before, after = sample_town().dials, changed.dials
    assert (before.dial_wh[rows].sum(axis=0) == after.dial_wh[rows].sum(axis=0)).all()
    assert (after.use_wh[rows] == before.use_wh[rows]).all()
    moved_kwh = np.abs(after.dial_wh[rows[0]] - before.dial_wh[rows[0]]).sum() / 1000
    assert moved_kwh == pytest.approx(truth["kwh_wrong"][0], abs=0.01)
    whole = after.curve_present[rows].all(axis=2)
    sums = after.curve_wh[rows].sum(axis=2)
    assert (sums == after.dial_wh[rows][:, -changed.curve_days :])[whole].all()
    assert (after.curve_wh[rows] >= 0).all()


def test_tenants_who_exchange_flats_take_their_use_along() -> None:
    changed, truth = injected("tenants_exchange")
    start = truth["start"][0]
    names = changed.accounts["account_id"].to_list()
    rows = [names.index(truth[name][0]) for name in ("account_id", "related_account_id")]
    assert (changed.dials.use_wh[rows] == changed.dials.dial_wh[rows]).all(), "wires and files are right"
    assert changed.accounts["customer_since"].gather(rows).to_list() == [start, start]
    assert truth["innocent"][0]


def test_tenants_whose_moves_are_on_file_are_not_accused() -> None:
    changed, truth = injected("tenants_exchange")
    pair = [truth["account_id"][0], truth["related_account_id"][0]]
    result = scanned(changed)
    mine = result["findings"].filter(pl.col("code") == "X01", pl.col("account_id").is_in(pair))
    assert mine["suppressed_by"].unique().to_list() in (["moved_house"], [])
    accused = result["cases"].filter(
        pl.col("family") == "cross_wiring", pl.col("status") == "open", pl.col("account_id").is_in(pair)
    )
    assert accused.is_empty()


def test_a_registered_roof_is_measured_by_the_other_meter() -> None:
    changed, truth = injected("swapped_generation")
    rows = changed.accounts.with_row_index("row").filter(
        pl.col("account_id").is_in(list(pair_of(truth.row(0, named=True))))
    )
    mine = rows["row"].to_numpy()
    registered = rows["generation"].to_numpy()
    sent_wh = changed.dials.export_wh[mine].sum(axis=1)
    assert sorted(registered.tolist()) == [False, True]
    assert sent_wh[registered] == 0 < sent_wh[~registered]
    assert changed.dials.has_export[mine].all()
    before, after = sample_town().dials, changed.dials
    assert (before.dial_wh[mine] == after.dial_wh[mine[::-1]]).all()
    assert truth["start"][0] == dt.date.fromisoformat(str(changed.days[0]))
