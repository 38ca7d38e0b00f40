"""The injector: energy is conserved, faults change only what they say, the same seed gives the same town."""

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.frames import CAUSE_FAMILY
from anomaly.injector.build import build_town
from anomaly.injector.catalogue import KINDS
from anomaly.injector.inject import inject
from anomaly.injector.layout import Plan
from anomaly.injector.registry import Fault
from anomaly.injector.town import Town
from tests.towns import homes

CLOCK_CHANGE = date(2013, 10, 27)
ACCOUNT_TABLES = ("register_reads", "interval_reads", "events", "installations", "accounts")


@cache
def full_town(seed: int = 3) -> Town:
    """A town in which every kind finds an account that can carry it."""
    plan = Plan(
        accounts=290,
        monthly_share=0.2,
        ct_share=0.25,
        rate_share=0.3,
        generation_share=0.1,
        three_phase_share=0.4,
        curve_share=0.7,
        clock_change=CLOCK_CHANGE,
    )
    return build_town(homes(40, 240, 90, seed), seed=seed, plan=plan)


@cache
def clean_tables() -> dict[str, pl.DataFrame]:
    """Tables of the full town before anything is put into it."""
    return full_town().tables()


def owners(town: Town) -> pl.DataFrame:
    """Account of every meter number, the spare ones included."""
    accounts = np.repeat(town.accounts["account_id"].to_numpy(), 2)
    return pl.DataFrame({"meter_id": town.meters.ravel(), "owner": accounts})


def rows_of_others(town: Town, table: pl.DataFrame, touched: list[str]) -> pl.DataFrame:
    """Rows that belong to none of the touched accounts (supply meters left out)."""
    if "account_id" in table.columns:
        return table.filter(pl.col("account_id").is_not_null() & ~pl.col("account_id").is_in(touched))
    return table.join(owners(town), on="meter_id").filter(~pl.col("owner").is_in(touched))


def read_energy_kwh(tables: dict[str, pl.DataFrame], meter_id: str) -> np.ndarray:
    """Differences of one meter's daily freezes."""
    reads = tables["register_reads"].filter(
        (pl.col("meter_id") == meter_id) & (pl.col("channel") == "import")
    )
    return np.diff(reads.sort("read_at")["register_kwh"].to_numpy())


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 8), days=st.integers(40, 70))
def test_registers_and_curves_conserve_energy(seed: int, count: int, days: int) -> None:
    plan = Plan(monthly_share=0.0, curve_share=1.0, correct_exchanges=0, rate_share=0.5, ct_share=0.2)
    town = build_town(homes(count, days, 30, seed), seed=seed, plan=plan)
    dials = town.dials
    shown_wh = (dials.ticks[:, -1] - dials.ticks[:, 0]) % dials.capacity_ticks * dials.tick_wh
    assert (np.abs(shown_wh - dials.use_wh.sum(axis=1)) < dials.tick_wh).all()
    assert (dials.curve_wh.sum(axis=2) == dials.use_wh[:, -30:]).all()
    with_rates = dials.rate_shares.sum(axis=1) > 0
    assert (dials.rate_ticks.sum(axis=1)[with_rates] == dials.ticks[with_rates]).all()
    assert (np.diff(dials.rate_ticks[with_rates], axis=2) >= 0).all()


def test_the_book_shows_the_energy_of_the_homes() -> None:
    series = homes(4, 60, 20, 5)
    town = build_town(series, seed=5, plan=Plan(monthly_share=0.0, ct_share=0.0, correct_exchanges=0))
    tables = town.tables()
    totals = sorted(read_energy_kwh(tables, meter).sum() for meter in town.meters[:, 0])
    assert np.allclose(totals, np.sort(series.daily_kwh.sum(axis=1)), atol=0.011)


def test_same_seed_same_town_and_another_seed_another() -> None:
    series = homes(12, 130, 40, 1)
    orders = [Fault("misread_transposed"), Fault("jump_x2"), Fault("heat_wave")]
    plan = Plan(monthly_share=0.0)
    one, again, other = (inject(build_town(series, seed=s, plan=plan), orders, s) for s in (4, 4, 5))
    assert one[1].equals(again[1])
    assert all(one[0].tables()[name].equals(table) for name, table in again[0].tables().items())
    assert not one[0].tables()["register_reads"].equals(other[0].tables()["register_reads"])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fault_changes_only_its_own_accounts(kind: str) -> None:
    town = full_town()
    changed, truth = inject(town, [Fault(kind)], seed=11)
    new = truth.tail(truth.height - town.truth.height)
    touched = pl.concat([new["account_id"], new["related_account_id"]]).drop_nulls().to_list()
    assert touched
    tables = changed.tables()
    for name in ACCOUNT_TABLES:
        before = rows_of_others(town, clean_tables()[name], touched)
        assert rows_of_others(town, tables[name], touched).equals(before), name
    assert changed.accounts["account_id"].equals(town.accounts["account_id"])
    differs = any(not tables[name].equals(clean_tables()[name]) for name in ACCOUNT_TABLES)
    assert differs or kind == "clock_change_handled"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_truth_is_complete(kind: str) -> None:
    town = full_town()
    _, truth = inject(town, [Fault(kind)], seed=12)
    for row in truth.tail(truth.height - town.truth.height).to_dicts():
        assert row["innocent"] == (row["cause"] is None)
        assert set(row["accepted"]) <= CAUSE_FAMILY.keys()
        assert row["cause"] is None or row["cause"] in row["accepted"]
        assert row["start"] < row["end"] <= town.as_of.item()
        assert row["kwh_wrong"] >= 0
        assert row["note"]


@pytest.mark.parametrize("seed", range(6))
def test_no_account_carries_two_faults(seed: int) -> None:
    town = full_town()
    single = [kind.kind for kind in KINDS.values() if kind.scope != "area" and "ct" not in kind.needs]
    _, truth = inject(town, [Fault(kind) for kind in single], seed)
    of_kind = pl.concat([truth.select("kind", who=name) for name in ("account_id", "related_account_id")])
    touched = of_kind.drop_nulls().unique()
    assert touched["who"].n_unique() == len(touched)


@pytest.mark.parametrize(
    "kind", ["misread_transposed", "misread_dropped_digit", "misread_doubled_digit_periodic"]
)
def test_a_misread_changes_one_stored_read(kind: str) -> None:
    town = full_town()
    changed, truth = inject(town, [Fault(kind)], seed=21)
    before, after = town.dials.ticks, changed.dials.ticks
    assert (before != after).sum() == 1
    row, index = np.argwhere(before != after)[0]
    wrong_kwh = abs(int(after[row, index]) - int(before[row, index])) * town.dials.tick_wh[row] / 1000
    assert truth["kwh_wrong"][-1] >= wrong_kwh - 1e-6
    assert (town.dials.dial_wh == changed.dials.dial_wh).all()


def test_a_stopped_register_leaves_the_curve_going() -> None:
    town = full_town()
    changed, truth = inject(town, [Fault("meter_stopped_with_curve")], seed=2)
    row = town.accounts["account_id"].to_list().index(truth["account_id"][-1])
    first = (np.datetime64(truth["start"][-1]) - town.days[0]).astype(int)
    assert (np.diff(changed.dials.ticks[row, first:]) == 0).all()
    assert (changed.dials.curve_wh[row] == town.dials.curve_wh[row]).all()


def test_an_exchange_conserves_energy() -> None:
    town = full_town()
    changed, truth = inject(town, [Fault("correct_exchange")], seed=8)
    account, start = truth["account_id"][-1], truth["start"][-1]
    rows = (
        changed.rows["installations"]
        .filter(pl.col("account_id") == account)
        .sort("installed_on", "removed_on")
    )
    old, new = rows.to_dicts()
    reads = changed.tables()["register_reads"].filter(pl.col("channel") == "import")
    old_reads = reads.filter(pl.col("meter_id") == old["meter_id"])["register_kwh"]
    new_reads = reads.filter(pl.col("meter_id") == new["meter_id"])["register_kwh"]
    seen_kwh = old["end_register"] - old_reads[0] + new_reads[-1] - new["start_register"]
    row = town.accounts["account_id"].to_list().index(account)
    assert old["removed_on"] == new["installed_on"] == start
    assert seen_kwh == pytest.approx(town.dials.use_wh[row].sum() / 1000, abs=0.021)


@pytest.mark.parametrize(
    "kind", ["jump_x2", "jump_plus_6_kwh", "base_load_leak", "one_day_spike", "holiday_absence"]
)
def test_real_use_keeps_register_and_curve_in_step(kind: str) -> None:
    changed, _ = inject(full_town(), [Fault(kind)], seed=31)
    dials = changed.dials
    with_curve = dials.curve_present.all(axis=(1, 2))
    sums = dials.curve_wh.sum(axis=2).astype(np.int64)
    sums[:, int((changed.clock_change - changed.days[-changed.curve_days]).astype(int))] += dials.fold_wh.sum(
        axis=1
    )
    assert (sums[with_curve] == dials.dial_wh[with_curve, -changed.curve_days :]).all()
    assert (dials.use_wh == dials.dial_wh).all()


def test_the_account_and_day_can_be_given() -> None:
    town = full_town()
    free = town.accounts.filter(pl.col("customer_class") == "residential")["account_id"][0]
    _, truth = inject(town, [Fault("misread_wrong_digit", account_id=free, start=date(2013, 10, 1))], seed=1)
    assert truth["account_id"][-1] == free
    assert truth["start"][-1] == date(2013, 10, 1)


def test_what_cannot_be_injected_is_refused_in_words() -> None:
    town = full_town()
    with pytest.raises(ValueError, match="no fault kind"):
        inject(town, [Fault("nonsense")], 1)
    with pytest.raises(ValueError, match="is not in the town"):
        inject(town, [Fault("jump_x2", account_id="none")], 1)
    with pytest.raises(ValueError, match="no free account"):
        inject(replace(town, clock_change=None), [Fault("clock_change_handled")], 1)


def test_a_box_read_by_hand_is_read_on_one_day() -> None:
    town = full_town()
    first, second = (
        inject(town, [Fault("readings_exchanged_periodic")], seed=seed)[1].row(-1, named=True)
        for seed in (1, 2)
    )
    assert (first["end"] - first["start"]).days == (second["end"] - second["start"]).days == 1
