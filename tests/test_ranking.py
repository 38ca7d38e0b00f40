"""Which case comes first: the parts of its value, the lanes, and what is drawn by lot."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.findings import digest
from anomaly.frames import OUTPUTS
from anomaly.priority import BY_CAUSE, BY_CIRCUMSTANCE, CauseWorth, published, value_parts
from anomaly.vocabulary import LANES, VALUE_PARTS
from pipelines.casework import Casework
from pipelines.ranking import DISCONNECTIONS, disconnections
from rules.model import Limit, Rulebook
from tests.scan_fixture import day, installed, instant, reads, scan_tables
from tests.test_cases import RULEBOOK, finding, ticket, work


def parts_of(case: dict[str, Any]) -> dict[str, float]:
    return {one["part"]: one["amount"] for one in case["value_parts"]}


def only(done: Casework) -> dict[str, Any]:
    return dict(done.cases.row(0, named=True))


def amount(name: str) -> float:
    return RULEBOOK.setting(f"{name}_money")


def cut(account: str, at: int) -> pl.DataFrame:
    """A disconnection of an account on a day."""
    return pl.DataFrame([[account, dt.datetime.combine(day(at), dt.time(9))]], schema=DISCONNECTIONS, orient="row")


def with_setting(name: str, value: float) -> Rulebook:
    return replace(RULEBOOK, settings={**RULEBOOK.settings, name: Limit(value, "1", "test")})


class TestParts:
    def test_the_names_are_the_contracts_and_each_is_counted_once(self) -> None:
        assert sorted(VALUE_PARTS) == sorted((*BY_CAUSE, *BY_CIRCUMSTANCE))

    def test_they_add_up_to_the_priority(self) -> None:
        codes = sorted(RULEBOOK.detectors)
        rows = [finding(code, f"A{at}", kwh_at_stake=7.77 * at) for at, code in enumerate(codes)]
        tickets = pl.concat([ticket(f"t{at}", f"A{at}", urges=at) for at in range(0, 40, 7)])
        sensitive = {f"A{at}": True for at in range(0, 60, 5)}
        cases = work(*rows, accounts=60, tickets=tickets, sensitive=sensitive, price=0.531).cases
        assert len(cases) == len(codes)
        for case in cases.to_dicts():
            told = [one["part"] for one in case["value_parts"]]
            assert told == [name for name in VALUE_PARTS if name in told]
            assert sum(parts_of(case).values()) == pytest.approx(case["priority"], abs=1e-4)
            assert all(parts_of(case).values()), "a part of nothing is left out"

    def test_by_hand(self) -> None:
        """One cause of certain probability: 100 kWh at 0.5, all of it owed, harm 150, asked remotely."""
        found = value_parts(
            np.array([[1.0]]), np.array([50.0]),
            CauseWorth(np.array([1.0]), np.array([150.0]), np.array([0.0]), np.array([2.0])),
            np.array([[1.0, 3.0, 0.0, 0.0, 0.0]]), np.array([200.0, 30.0, 300.0, 150.0, 300.0]),
        )  # fmt: skip
        parts, total = published(found)
        assert dict(zip(VALUE_PARTS, parts[0].tolist(), strict=True)) == {
            "money": 50.0, "harm": 150.0, "complaint": 200.0, "urges": 90.0, "sensitive": 0.0, "doubled": 0.0,
            "disconnection": 0.0, "information": 0.0, "visit": -2.0,
        }  # fmt: skip
        assert total.tolist() == [488.0]

    def test_no_case_has_no_parts(self) -> None:
        nothing = value_parts(np.empty((0, 3)), np.empty(0), CauseWorth(*np.ones((4, 3))), np.empty((0, 5)), np.ones(5))
        assert nothing.shape == (0, len(VALUE_PARTS))


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        pytest.param({}, {}, id="nothing special"),
        pytest.param({"tickets": ticket("t", "A0")}, {"complaint": 1}, id="complaint"),
        pytest.param({"tickets": ticket("t", "A0", urges=3)}, {"complaint": 1, "urges": 3}, id="urged three times"),
        pytest.param({"tickets": ticket("t", "A0", opened=-30)}, {"complaint": 1}, id="complaint of 90 days ago"),
        pytest.param({"tickets": ticket("t", "A0", opened=-31)}, {}, id="older complaint"),
        pytest.param({"tickets": ticket("t", "A1")}, {}, id="another customer's complaint"),
        pytest.param({"tickets": pl.concat([ticket("t", "A0"), ticket("u", "A0")])}, {"complaint": 1}, id="two"),
        pytest.param({"sensitive": {"A0": True}}, {"sensitive": 1}, id="sensitive"),
        pytest.param({"sensitive": {"A0": False, "A1": True}}, {}, id="not sensitive"),
        pytest.param({"status": {"A0": "disconnected"}}, {"disconnection": 1}, id="disconnected on file"),
        pytest.param({"status": {"A0": "vacant"}}, {}, id="vacant"),
        pytest.param({"cut": cut("A0", 15)}, {"disconnection": 1}, id="disconnected 45 days ago"),
        pytest.param({"cut": cut("A0", 14)}, {}, id="disconnected earlier"),
        pytest.param({"cut": cut("A1", 50)}, {}, id="a neighbour disconnected"),
        pytest.param({"cut": cut("A0", 50), "status": {"A0": "disconnected"}}, {"disconnection": 1}, id="both, once"),
    ],
)
def test_circumstances(columns: dict[str, Any], expected: dict[str, int]) -> None:
    told = parts_of(only(work(finding("R01", "A0"), **columns)))
    assert {name: told[name] for name in BY_CIRCUMSTANCE if name in told} == {
        name: times * amount(name) for name, times in expected.items()
    }


@pytest.mark.parametrize(
    ("columns", "doubled"),
    [
        pytest.param({"measured": 20.1, "expected": 10.0}, True, id="more than twice"),
        pytest.param({"measured": 20.0, "expected": 10.0}, False, id="exactly twice"),
        pytest.param({"measured": 5.0, "expected": 0.0}, False, id="from nothing: no bill to double"),
        pytest.param({"measured": float("nan"), "expected": 10.0}, False, id="not measured"),
        pytest.param({"measured": 30.0, "expected": 10.0, "unit": "kWh"}, False, id="one day's energy"),
        pytest.param({"measured": 30.0, "expected": 10.0, "channel": "export"}, False, id="fed in"),
        pytest.param({"measured": 30.0, "expected": 10.0, "suppressed_by": "vacation"}, False, id="suppressed"),
    ],
)
def test_a_bill_more_than_doubles(columns: dict[str, Any], doubled: bool) -> None:
    """Levels are compared; what is not a level of use, or explained, doubles nothing."""
    row = {"unit": "kWh/d", **columns}
    found = work(finding("R01", "A0"), finding("J01", "A0", 50, 60, **row))
    told = parts_of(found.cases.filter(pl.col("account_id") == "A0").row(0, named=True))
    assert told.get("doubled", 0.0) == (amount("doubled") if doubled else 0.0)


def test_a_pair_counts_both_customers() -> None:
    pair = finding("R08", "A0", related_account_id="A1", related_meter_id="m-A1")
    tickets = pl.concat([ticket("t", "A0", urges=1), ticket("u", "A1", urges=2)])
    told = parts_of(only(work(pair, tickets=tickets)))
    assert (told["complaint"], told["urges"]) == (amount("complaint"), 3 * amount("urges"))
    assert parts_of(only(work(pair, sensitive={"A1": True})))["sensitive"] == amount("sensitive")


class TestLaws:
    """What must hold whatever the amounts: found by trying."""

    AMOUNT = st.floats(0, 1e4)

    @given(st.data())
    @settings(max_examples=80, deadline=None)
    def test_more_money_urges_or_a_costlier_cause_never_lower_the_value(self, data: st.DataObject) -> None:
        causes = data.draw(st.integers(2, 6))
        some = st.lists(self.AMOUNT, min_size=causes, max_size=causes).map(np.array)
        recovery = data.draw(st.lists(st.floats(0, 1), min_size=causes, max_size=causes).map(np.array))
        worth = CauseWorth(recovery, data.draw(some), data.draw(some), data.draw(some))
        weight = data.draw(st.lists(st.floats(0.01, 1), min_size=causes, max_size=causes).map(np.array))
        chance, money = weight / weight.sum(), data.draw(self.AMOUNT)
        times, amounts = np.array([1.0, 2.0, 0.0, 1.0, 0.0]), np.array([200.0, 30.0, 300.0, 150.0, 300.0])

        def value(chance: Any = chance, money: float = money, times: Any = times) -> float:
            return float(value_parts(chance[None], np.array([money]), worth, times[None], amounts).sum())

        least = value() - 1e-6
        assert value(money=money + data.draw(self.AMOUNT)) >= least
        urged = times + np.eye(5)[BY_CIRCUMSTANCE.index("urges")] * data.draw(st.integers(0, 20))
        assert value(times=urged) >= least
        net = recovery * money + worth.harm + worth.information - worth.visit
        cheap, costly = (int(at) for at in np.argsort(net)[[0, -1]])
        moved = chance[cheap] * data.draw(st.floats(0, 1))
        assert value(chance + moved * (np.eye(causes)[costly] - np.eye(causes)[cheap])) >= least

    @given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 5), st.integers(0, 5))
    @settings(max_examples=25, deadline=None)
    def test_through_the_whole_of_it(self, kwh: int, more_kwh: int, urges: int, more: int) -> None:
        def priority(stake: float, asked: int) -> float:
            row = finding("R01", "A0", kwh_at_stake=stake)
            return float(only(work(row, tickets=ticket("t", "A0", urges=asked)))["priority"])

        before = priority(float(kwh), urges)
        assert priority(float(kwh + more_kwh), urges) >= before
        assert priority(float(kwh), urges + more) >= before

    @given(st.randoms(use_true_random=False))
    @settings(max_examples=10, deadline=None)
    def test_the_order_of_rows_changes_nothing(self, shuffled: Any) -> None:
        rows = [finding("J01", f"A{at}", 50, 60, strength=50.0 - at % 7) for at in range(30)]
        rows += [finding("R01", "A30"), finding("X12", "A31", related_account_id="A32"), finding("J02", "A33")]
        asked = [ticket(f"t{at}", f"A{at}", urges=at) for at in range(4)]
        first = work(*rows, accounts=40, tickets=pl.concat(asked)).cases
        shuffled.shuffle(rows)
        shuffled.shuffle(asked)
        assert work(*rows, accounts=40, tickets=pl.concat(asked)).cases.equals(first)


class TestLanes:
    def test_danger_comes_before_any_amount(self) -> None:
        rich = finding("R01", "A0", kwh_at_stake=1e6)
        cases = work(rich, finding("X12", "A1", related_account_id="A2"), finding("G01", "A3"), price=1.0).cases
        told = cases.sort("rank").select("lane", "account_id").rows()
        assert sorted(told[:2]) == [("safety", "A1"), ("safety", "A3")]
        assert told[2] == ("ranked", "A0")
        assert cases["rank"].sort().to_list() == [1, 2, 3]

    def test_danger_needs_no_place_in_the_budget(self) -> None:
        """Crossed neutrals alone make no cause the likeliest: the case counts as a jump, and is outside the budget."""
        jumps = [finding("J01", f"A{at}", 50, 60, strength=99.0) for at in range(30)]
        done = work(*jumps, finding("X12", "B1", related_account_id="B2", strength=0.1), accounts=40)
        assert done.cases.filter(pl.col("lane") == "safety")["account_id"].to_list() == ["B1"]
        assert done.cases.filter(pl.col("lane") != "safety").height == 20

    @pytest.mark.parametrize("codes", [("J01", "J04"), ("X01",), ("R01",), ("J01",)])
    def test_a_standing_load_and_other_troubles_are_no_danger(self, codes: tuple[str, ...]) -> None:
        assert only(work(*(finding(code, "A0", measured=40.0) for code in codes)))["lane"] == "ranked"

    def test_what_is_suppressed_stands_in_no_lane(self) -> None:
        case = only(work(finding("R02", "A0")))
        assert (case["status"], case["lane"], case["rank"]) == ("suppressed", None, None)


class TestLots:
    """A tenth of the budget goes to cases beyond it."""

    ROWS = tuple(finding("J01", f"A{at}", 50, 60, strength=100.0 - at) for at in range(60))

    def open_cases(self, *rows: dict[str, Any], rulebook: Rulebook = RULEBOOK) -> pl.DataFrame:
        return work(*rows, accounts=60, rulebook=rulebook).cases.filter(pl.col("status") == "open")

    @pytest.mark.parametrize(
        ("jumps", "drawn"),
        [
            pytest.param(20, 0, id="exactly the budget"),
            pytest.param(21, 1, id="one beyond it"),
            pytest.param(22, 2, id="two beyond it"),
            pytest.param(60, 2, id="many beyond it"),
        ],
    )
    def test_the_cap_holds(self, jumps: int, drawn: int) -> None:
        told = self.open_cases(*self.ROWS[:jumps])
        assert told["lane"].to_list().count("exploration") == drawn
        assert len(told) == 20

    def test_they_are_the_least_hashes_of_those_beyond_and_stand_last(self) -> None:
        done = work(*self.ROWS, accounts=60).cases
        strength = {f"A{at}": 100.0 - at for at in range(60)}
        beyond = done.filter(pl.col("account_id").replace_strict(strength, return_dtype=pl.Float64) <= 80)
        seed = int(RULEBOOK.setting("exploration_seed"))
        lots = sorted(beyond["case_id"], key=lambda case_id: digest(f"{seed}|{case_id}"))
        drawn = done.filter(pl.col("lane") == "exploration")
        assert set(drawn["case_id"]) == set(lots[:2])
        assert sorted(drawn["rank"]) == [19, 20]

    def test_another_seed_draws_others(self) -> None:
        def drawn(rulebook: Rulebook) -> set[str]:
            return set(self.open_cases(*self.ROWS, rulebook=rulebook).filter(lane="exploration")["case_id"])

        seeds = [drawn(with_setting("exploration_seed", seed)) for seed in range(4)]
        assert len({frozenset(one) for one in seeds}) > 1

    def test_without_a_share_none_is_drawn(self) -> None:
        told = self.open_cases(*self.ROWS, rulebook=with_setting("exploration_share", 0.0))
        assert set(told["account_id"]) == {f"A{at}" for at in range(20)}
        assert told["lane"].unique().to_list() == ["ranked"]


def test_lanes_are_those_of_the_vocabulary() -> None:
    assert LANES == ("safety", "ranked", "exploration")


def test_a_disconnection_is_of_who_had_the_meter_then() -> None:
    hung = pl.DataFrame(
        {
            "meter_id": ["m", "m", "s"], "account_id": ["A0", "A1", None],
            "first_on": [day(0), day(30), day(0)], "last_on": [day(29), day(90), day(90)],
        }
    )  # fmt: skip
    at = [dt.datetime.combine(day(number), dt.time(9)) for number in (10, 40, 95, 10, 10)]
    kinds = ["disconnect", "disconnect", "disconnect", "reconnect", "disconnect"]
    events = pl.DataFrame({"meter_id": ["m", "m", "m", "m", "s"], "at": at, "kind": kinds})
    assert disconnections(hung, events).sort("at").rows() == [("A0", at[0]), ("A1", at[1])]


def test_the_whole_way_from_a_book(tmp_path: Path) -> None:
    """Two homes with the same rollback: the one with a ticket, a cut and a mark on file comes first."""
    registers = [1000.0 + 10 * at for at in range(60)]
    fallen = [*registers[:50], *(value - 400 for value in registers[50:])]
    accounts = [
        {"account_id": "A0", "sensitive": None, "status": "active", "price_per_kwh": 0.5},
        {"account_id": "A1", "sensitive": True, "status": "active", "price_per_kwh": 0.5},
    ]
    asked = {"ticket_id": "t", "account_id": "A1", "opened_at": instant(59), "kind": "meter_fault", "urges": 2}
    result = scan_tables(
        tmp_path, 59,
        register_reads=[*reads("m0", fallen), *reads("m1", fallen)],
        installations=[installed("m0", "A0"), installed("m1", "A1")],
        accounts=accounts,
        tickets=[asked],
        events=[{"meter_id": "m1", "at": instant(52), "kind": "disconnect"}],
    )  # fmt: skip
    OUTPUTS["cases"].validate(result.cases.select(OUTPUTS["cases"].column_names()))
    first, second = result.cases.sort("rank").to_dicts()
    assert (first["account_id"], second["account_id"]) == ("A1", "A0")
    told = parts_of(first)
    assert {name: told.get(name) for name in ("complaint", "urges", "sensitive", "disconnection")} == {
        "complaint": amount("complaint"), "urges": 2 * amount("urges"), "sensitive": amount("sensitive"),
        "disconnection": amount("disconnection"),
    }  # fmt: skip
    assert not set(parts_of(second)) & {*BY_CIRCUMSTANCE}
