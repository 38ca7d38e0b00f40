"""The rebill proposal: both measured series exchanged from the change date, month by month, nothing lost on the way."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.frames import OUTPUTS
from anomaly.rebill import rebilled, ring_of
from pipelines.rebill import REBILLS, rebill_table
from rules.rulebook import load

RULEBOOK = load()
FIRST = dt.date(2026, 1, 1)
AS_OF = dt.date(2026, 3, 1)
DAYS = (AS_OF - FIRST).days
CASE = "case-1"


def date(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def series(**kwh: list[float | None]) -> pl.DataFrame:
    """Daily rows of accounts, one meter each: `m-NAME`."""
    rows = [
        {"account_id": name, "point_id": name, "meter_id": f"m-{name}", "date": date(at), "kwh": value}
        for name, values in kwh.items()
        for at, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema_overrides={"kwh": pl.Float64})


def case(*accounts: str, **more: Any) -> dict[str, Any]:
    first, second = accounts[:2]
    return {
        "case_id": CASE, "status": "open", "cause": "swapped_pair", "account_id": first, "related_account_id": second,
        "meter_id": f"m-{first}", "related_meter_id": f"m-{second}", "account_ids": sorted(accounts), **more,
    }  # fmt: skip


def link(meter_of: str, home_of: str, code: str = "X01", **facts: Any) -> dict[str, Any]:
    """A finding "the meter of `meter_of` now measures what `home_of` used"."""
    return {
        "finding_id": f"{code}-{meter_of}-{home_of}", "case_id": CASE, "code": code, "status": "reported",
        "account_id": meter_of, "related_account_id": home_of, "meter_id": f"m-{meter_of}",
        "related_meter_id": f"m-{home_of}", "measured": 20.0, "facts": json.dumps(facts, default=str),
    }  # fmt: skip


def proposal(
    rows: pl.DataFrame, one: dict[str, Any], *links: dict[str, Any], since: dt.date | None = None,
    price: float | None = None,
) -> pl.DataFrame:  # fmt: skip
    positions = pl.DataFrame(
        {"account_id": one["account_ids"], "customer_since": since, "price_per_kwh": price},
        schema_overrides={"customer_since": pl.Date, "price_per_kwh": pl.Float64},
    )
    return rebill_table(pl.DataFrame([one]), pl.DataFrame(list(links)), rows, positions, RULEBOOK, AS_OF)


def of(table: pl.DataFrame, account: str, column: str) -> list[Any]:
    return table.filter(pl.col("account_id") == account).sort("month")[column].to_list()


LOW = [3.0 + at / 100 for at in range(DAYS)]
HIGH = [11.0 + (at % 7) for at in range(DAYS)]
NAMED = {"change_day": date(10), "earliest_day": date(10), "latest_day": date(10)}
DATED = {"change_day": date(33), "earliest_day": date(28), "latest_day": date(35)}


def test_both_series_are_exchanged_from_the_change_day_month_by_month() -> None:
    table = proposal(series(A=LOW, B=HIGH), case("A", "B"), link("A", "B", **NAMED))
    assert table["month"].to_list() == [date(0), date(0), date(31), date(31)]
    assert of(table, "A", "measured_kwh") == pytest.approx([sum(LOW[10:31]), sum(LOW[31:])])
    assert of(table, "A", "proposed_kwh") == pytest.approx([sum(HIGH[10:31]), sum(HIGH[31:])])
    assert of(table, "B", "proposed_kwh") == pytest.approx([sum(LOW[10:31]), sum(LOW[31:])])
    assert of(table, "A", "from_day") == [date(10), date(31)]
    assert of(table, "A", "days_counted") == [21, 28]
    assert set(table["basis"]) == {"named_day"}
    assert of(table, "A", "high_kwh") == of(table, "A", "difference_kwh")
    without_the_day_itself = sum(HIGH[11:31]) - sum(LOW[11:31])
    assert of(table, "A", "low_kwh")[0] == pytest.approx(without_the_day_itself)


def test_a_day_that_is_not_sure_gives_a_range_also_in_the_month_before() -> None:
    table = proposal(series(A=LOW, B=HIGH), case("A", "B"), link("A", "B", **DATED))
    apart = np.array(HIGH) - np.array(LOW)
    assert of(table, "A", "difference_kwh") == pytest.approx([0.0, apart[33:].sum()])
    assert of(table, "A", "low_kwh") == pytest.approx([0.0, apart[35:].sum()])
    assert of(table, "A", "high_kwh") == pytest.approx([apart[28:31].sum(), apart[31:].sum()])
    assert of(table, "B", "low_kwh") == pytest.approx([-value for value in of(table, "A", "high_kwh")])
    assert of(table, "A", "from_day") == [None, date(33)]
    assert "29 Jan to 5 Feb" in table["note_en"][0]
    assert "1月29日至2月5日" in table["note_zh"][0]


def test_a_day_without_a_span_is_a_week_either_way() -> None:
    table = proposal(series(A=LOW, B=HIGH), case("A", "B"), link("A", "B", "X10", change_day=date(20)))
    apart = np.array(HIGH) - np.array(LOW)
    assert set(table["basis"]) == {"assumed_week"}
    assert of(table, "A", "high_kwh")[0] == pytest.approx(apart[13:31].sum())
    assert of(table, "A", "low_kwh")[0] == pytest.approx(apart[27:31].sum())


@pytest.mark.parametrize(
    ("moved_in", "start"),
    [
        pytest.param(None, 2, id="from_the_later_first_read"),
        pytest.param(dt.date(2020, 1, 1), 2, id="customer_older_than_the_reads"),
        pytest.param(date(40), 40, id="from_the_day_the_customer_moved_in"),
    ],
)
def test_an_exchange_without_a_date_counts_from_where_both_are_known(moved_in: dt.date | None, start: int) -> None:
    rows = series(A=LOW, B=[None, None, *HIGH[2:]])
    table = proposal(rows, case("A", "B"), link("A", "B", "X02"), since=moved_in)
    assert sum(of(table, "A", "proposed_kwh")) == pytest.approx(sum(HIGH[start:]))
    assert of(table, "A", "from_day")[0] == date(start)
    assert set(table["basis"]) == {"static"}
    assert all(note.startswith("No day of a change is known") for note in table["note_en"])


def test_days_without_both_reads_are_left_out_and_counted() -> None:
    low, high = list[float | None](LOW), list[float | None](HIGH)
    low[12], high[13], high[40] = None, None, float("nan")
    table = proposal(series(A=low, B=high), case("A", "B"), link("A", "B", **NAMED))
    assert of(table, "A", "days_missing") == of(table, "B", "days_missing") == [2, 1]
    assert of(table, "A", "proposed_kwh")[0] == pytest.approx(sum(HIGH[14:31]) + HIGH[10] + HIGH[11])
    assert of(table, "B", "measured_kwh") == of(table, "A", "proposed_kwh")
    assert "2 days without a read" in table["note_en"][0]


def test_in_a_ring_each_home_gets_the_meter_that_now_measures_it() -> None:
    """A's meter measures B's home, B's meter C's, C's meter A's: A is billed from C's meter, B from A's, C from B's."""
    day = date(31)
    rows = series(A=[2.0] * 31 + [5.0] * 28, B=[5.0] * 31 + [9.0] * 28, C=[9.0] * 31 + [2.0] * 28)
    ring = {"change_day": day, "earliest_day": day, "latest_day": day, "ring_count": 3}
    links = [link("A", "B", **ring), link("B", "C", **ring), link("C", "A", **ring)]
    table = proposal(rows, case("A", "B", account_ids=["A", "B", "C"]), *links)
    usual = {"A": 2.0, "B": 5.0, "C": 9.0}
    for account, kwh in usual.items():
        assert of(table, account, "proposed_kwh") == [28 * kwh], "everybody keeps their own habits"
    who = dict(zip(table["account_id"], table["related_account_id"], strict=True))
    assert who == {"A": "C", "B": "A", "C": "B"}
    assert table["measured_kwh"].sum() == table["proposed_kwh"].sum()


def test_a_ring_that_does_not_close_is_no_ring() -> None:
    assert ring_of(["A", "B", "C"], ["B", "C", "A"]) == {"A": "C", "B": "A", "C": "B"}
    assert ring_of(["A", "B"], ["B", "C"]) == {}
    assert ring_of(["A", "A", "B"], ["B", "C", "A"]) == {}
    assert ring_of([], []) == {}


def test_money_only_where_a_price_is_known() -> None:
    table = proposal(series(A=LOW, B=HIGH), case("A", "B"), link("A", "B", **NAMED), price=0.5)
    assert table["money_difference"].to_list() == pytest.approx((table["difference_kwh"] / 2).to_list(), abs=0.006)
    without = proposal(series(A=LOW, B=HIGH), case("A", "B"), link("A", "B", **NAMED))
    assert without["money_difference"].null_count() == len(without)


def test_only_the_point_with_the_exchanged_meter_is_exchanged() -> None:
    other = series(A=[100.0] * DAYS).with_columns(point_id=pl.lit("A-2"), meter_id=pl.lit("m-A-2"))
    table = proposal(
        pl.concat([series(A=LOW, B=HIGH), other]), case("A", "B"), link("A", "B", **NAMED)
    )  # fmt: skip
    assert of(table, "A", "measured_kwh")[0] == pytest.approx(sum(LOW[10:31]))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"status": "suppressed"}, id="suppressed"),
        pytest.param({"cause": "customer_use"}, id="another_cause_leads"),
        pytest.param({"related_account_id": None}, id="one_account"),
        pytest.param({"account_id": "nobody"}, id="no_series"),
    ],
)
def test_no_proposal(more: dict[str, Any]) -> None:
    table = proposal(series(A=LOW, B=HIGH), case("A", "B", **more), link("A", "B", **NAMED))
    assert table.is_empty()
    assert table.schema == OUTPUTS["rebills"].create_empty().schema == pl.Schema(REBILLS)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 5), st.integers(1, 90), st.integers(0, 10_000), st.integers(0, 95), st.integers(0, 9),
    st.integers(0, 9),
)  # fmt: skip
def test_an_exchange_gives_and_takes_nothing(
    homes: int, days: int, seed: int, change: int, back: int, ahead: int
) -> None:
    rng = np.random.default_rng(seed)
    kwh = np.where(rng.random((homes, days)) < 0.2, np.nan, rng.gamma(2.0, 4.0, (homes, days)))
    month = np.arange(days) // 30
    source = np.roll(np.arange(homes), 1)
    sums = rebilled(kwh, source, month, change=change, earliest=max(change - back, 0), latest=change + ahead)
    assert sums.measured_kwh.sum(axis=0) == pytest.approx(sums.proposed_kwh.sum(axis=0))
    assert (sums.low_kwh <= sums.difference_kwh + 1e-9).all()
    assert (sums.high_kwh >= sums.difference_kwh - 1e-9).all()
    assert (sums.counted_days + sums.missing_days).sum() == max(days - change, 0)
