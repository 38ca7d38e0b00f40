"""Findings become cases: one story, one case; pairs, boxes, budgets, ranks, and what a case says."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any, ClassVar

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.findings import SCHEMA, digest
from anomaly.frames import CAUSE_FAMILY, INPUTS, OUTPUTS
from anomaly.tasks import make_tasks
from pipelines.casework import Casework, make_cases
from pipelines.detect import COVERAGE
from pipelines.ranking import DISCONNECTIONS
from rules.model import Rulebook
from rules.planning import task_plan
from rules.rulebook import load
from tests.scan_fixture import assert_readable, day

RULEBOOK = load()
AS_OF = day(60)


def _value(name: str) -> Any:
    """A value of the kind that the ending of a fact's name asks for."""
    if name in RULEBOOK.wording:
        return next(iter(RULEBOOK.wording[name]))
    if name.endswith(("_text", "_id")):
        return "12 ↔ 21"
    if name.endswith("_day") and not name.endswith("_per_day"):
        return "2026-02-20"
    return "2026-02-20 10:00:00" if name.endswith("_at") else 7.0


FACTS = {name: _value(name) for section in RULEBOOK.wording.values() for one in section.values() for name in one.facts}
"""Every fact that any sentence quotes."""

PAIR_CODES = {
    code for code, one in RULEBOOK.wording["headline"].items() if "{related_account_id}" in one.text["en"]
} | {"R08"}
"""Rules about two accounts."""


def finding(code: str, account: str | None, first: int = 45, last: int = 46, **columns: Any) -> dict[str, Any]:
    """One row as `findings_frame` makes it."""
    family = {"J": "jump", "G": "grid", "X": "cross_wiring"}.get(code[0], "reading_error")
    row: dict[str, Any] = {
        "code": code,
        "family": family,
        "account_id": account,
        "meter_id": f"m-{account}",
        "start": day(first),
        "end": day(last),
        "measured": 3.0,
        "expected": 0.0,
        "limit": 1.0,
        "unit": "kWh",
        "strength": 3.0,
        "kwh_at_stake": 100.0,
        "channel": "import",
        "facts": json.dumps(FACTS),
        **columns,
    }
    if code in PAIR_CODES:
        row = {"related_account_id": f"{account}-other", "related_meter_id": "m-other", **row}
    key = (code, row["account_id"], row["meter_id"], row.get("related_account_id"), row["channel"], row["start"])
    return {name: row.get(name) for name in SCHEMA} | {"finding_id": digest(repr(key))}


def work(
    *rows: dict[str, Any],
    accounts: int = 5,
    price: float | None = None,
    tickets: pl.DataFrame | None = None,
    cut: pl.DataFrame | None = None,
    outcomes: pl.DataFrame | None = None,
    rulebook: Rulebook = RULEBOOK,
    **on_file: dict[str, Any],
) -> Casework:
    """Cases of these findings in a fleet of accounts A0, A1 …; `on_file` holds columns of some of them."""
    names = [*(f"A{at}" for at in range(accounts)), None]
    positions = pl.DataFrame(
        {
            "account_id": names,
            "price_per_kwh": [price if name else None for name in names],
            **{column: [on_file.get(column, {}).get(name) for name in names] for column in ("sensitive", "status")},
        },
        schema={"account_id": pl.String, "price_per_kwh": pl.Float64, "sensitive": pl.Boolean, "status": pl.String},
    )
    return make_cases(
        pl.DataFrame(list(rows), schema=SCHEMA, orient="row"),
        positions,
        pl.DataFrame(schema=COVERAGE),
        INPUTS["tickets"].create_empty() if tickets is None else tickets,
        pl.DataFrame(schema=DISCONNECTIONS) if cut is None else cut,
        INPUTS["outcomes"].create_empty() if outcomes is None else outcomes,
        rulebook,
        AS_OF,
    )


def ticket(ticket_id: str, account: str, opened: int = 55, urges: int | None = None) -> pl.DataFrame:
    """One ticket of an account."""
    row = {
        "ticket_id": ticket_id, "account_id": account, "opened_at": dt.datetime.combine(day(opened), dt.time(9)),
        "kind": "sudden_increase", "urges": urges,
    }  # fmt: skip
    schema = INPUTS["tickets"].create_empty().schema
    return pl.DataFrame([{name: row.get(name) for name in schema}], schema=schema)


def test_no_findings_no_cases() -> None:
    done = work()
    assert len(done.cases) == 0
    assert len(done.findings) == 0
    for table, rows in (("cases", done.cases), ("tasks", make_tasks(done.cases, task_plan(RULEBOOK), AS_OF))):
        schema = OUTPUTS[table]
        assert rows.select(schema.column_names()).schema == schema.create_empty().schema


class TestStories:
    def test_findings_of_an_account_a_week_apart_are_one_case(self) -> None:
        done = work(finding("R01", "A0", 30, 31), finding("R07", "A0", 38, 39), finding("R01", "A1", 38, 39))
        assert done.cases["account_id"].sort().to_list() == ["A0", "A1"]
        assert done.findings.group_by("account_id").agg(pl.col("case_id").n_unique())["case_id"].to_list() == [1, 1]

    def test_longer_apart_they_are_two(self) -> None:
        done = work(finding("R01", "A0", 20, 21), finding("R01", "A0", 50, 51))
        assert len(done.cases) == 2

    def test_two_stories_of_one_family_and_month_are_one(self) -> None:
        done = work(finding("R01", "A0", 32, 33), finding("R01", "A0", 50, 51))
        assert done.cases.select("start", "end").rows() == [(day(32), day(51))]

    def test_what_speaks_of_one_pairs_wires_is_one_case_however_far_apart(self) -> None:
        strong = {"measured": 30.0, "limit": 9.0}
        done = work(
            finding("X01", "A0", 5, 6, **strong),
            finding("X01", "A0", 55, 60, **strong),
            finding("X01", "A1", 55, 60, **strong),
        )
        assert sorted(done.cases["account_id"]) == ["A0", "A1"]
        assert done.cases.filter(pl.col("account_id") == "A0").select("start", "end").rows() == [(day(5), day(60))]

    def test_a_home_has_one_partner_the_likeliest(self) -> None:
        """X03 says A0 and A1, X02 says A1 and A2, more loudly: the second pair takes A1 and its other findings."""
        done = work(
            finding("X02", "A1", related_account_id="A2", unit="nat", measured=9.0, limit=4.0),
            finding("X03", "A0", related_account_id="A1", unit="nat", measured=3.0, limit=2.0),
            finding("J01", "A1"),
        )
        told = {(row["account_id"], row["related_account_id"]): row for row in done.cases.to_dicts()}
        assert set(told) == {("A1", "A2"), ("A0", "A1")}
        assert told["A0", "A1"]["suppressed_by"] == "only_supporting"
        mine = done.findings.filter(pl.col("case_id") == told["A1", "A2"]["case_id"])
        assert sorted(mine["code"]) == ["J01", "X02"]

    def test_a_ring_of_three_is_one_case(self) -> None:
        ring = [("A0", "A1"), ("A1", "A2"), ("A2", "A0")]
        loud = {"unit": "nat", "measured": 30.0, "limit": 9.0}
        done = work(*(finding("X01", one, related_account_id=other, **loud) for one, other in ring))
        assert len(done.cases) == 1
        assert done.cases["account_ids"].to_list() == [["A0", "A1", "A2"]]

    def test_other_pairs_findings_stay_apart(self) -> None:
        done = work(finding("R08", "A0", 5, 6), finding("R08", "A0", 50, 51))
        assert done.findings["case_id"].n_unique() == 2

    def test_a_pair_is_one_row_with_the_smaller_account_first(self) -> None:
        pair = finding("R08", "A3", related_account_id="A1", related_meter_id="m-A1")
        for rows in (
            [pair],
            [pair, finding("R01", "A1", kwh_at_stake=9e6, strength=1e6)],
            [pair, finding("R07", "A3")],
        ):
            done = work(*rows)
            (case,) = done.cases.to_dicts()
            assert (case["account_id"], case["related_account_id"]) == ("A1", "A3")
            assert (case["meter_id"], case["related_meter_id"]) == ("m-A1", "m-A3")

    def test_a_pair_in_spring_does_not_tie_the_two_for_ever(self) -> None:
        pair = finding("R08", "A0", 20, 21, related_account_id="A1", related_meter_id="m-A1")
        done = work(pair, finding("R01", "A0", 50, 51), finding("R01", "A1", 50, 51))
        told = done.cases.select("account_id", "related_account_id").sort(
            "account_id", "related_account_id", nulls_last=True
        )
        assert told.rows() == [("A0", "A1"), ("A0", None), ("A1", None)]

    @pytest.mark.parametrize(("accounts", "cases"), [pytest.param(2, 2, id="two"), pytest.param(3, 1, id="three")])
    def test_one_gap_of_a_whole_box_is_one_case(self, accounts: int, cases: int) -> None:
        done = work(*(finding("Q01", f"A{at}", 40, 45, box_id="BX", area_id="T") for at in range(accounts)))
        assert len(done.cases) == cases
        if cases == 1:
            case = done.cases.row(0, named=True)
            assert (case["account_id"], case["meter_id"], case["box_id"]) == (None, None, "BX")

    def test_a_meter_of_nobody_and_an_area_have_cases_too(self) -> None:
        done = work(finding("Q05", None, meter_id="X"), finding("Q05", None, meter_id="Y"))
        assert sorted(done.cases["meter_id"]) == ["X", "Y"]
        assert done.cases["account_id"].null_count() == 2

    def test_of_two_findings_with_one_id_the_stronger_stays(self) -> None:
        done = work(finding("R01", "A0", strength=2.0), finding("R01", "A0", strength=9.0))
        assert done.findings["strength"].to_list() == [9.0]


class TestIdentity:
    def test_the_id_does_not_change_when_the_beginning_leaves_the_window(self) -> None:
        early, late = finding("R01", "A0", 5, 14), finding("R01", "A0", 20, 40)
        (before,) = work(early, late).cases["case_id"]
        (after,) = work(early, finding("R01", "A0", 20, 59)).cases["case_id"]
        assert before == after

    def test_the_id_names_family_account_and_month(self) -> None:
        ids = {
            work(row).cases["case_id"].item()
            for row in (
                finding("R01", "A0"),
                finding("R07", "A0"),
                finding("R01", "A1"),
                finding("J01", "A0"),
                finding("R01", "A0", 20, 30),
            )
        }
        assert len(ids) == 4

    def test_row_order_changes_nothing(self) -> None:
        rows = [
            finding("R01", "A0"),
            finding("R07", "A0", 47, 48),
            finding("J01", "A1", 20, 60),
            finding("Q01", "A2", 50, 58),
            finding("R08", "A3", related_account_id="A4", related_meter_id="m-A4"),
            finding("R02", "A4", 10, 11),
        ]
        one, other = work(*rows), work(*rows[::-1])
        assert one.cases.equals(other.cases)
        assert one.findings.equals(other.findings)


class TestSuppression:
    def test_rollover_is_suppressed_and_named(self) -> None:
        (case,) = work(finding("R02", "A0")).cases.to_dicts()
        assert (case["status"], case["suppressed_by"], case["rank"]) == ("suppressed", "rollover", None)

    @pytest.mark.parametrize(
        ("last", "status"), [pytest.param(15, "open", id="at-the-edge"), pytest.param(14, "suppressed", id="before")]
    )
    def test_what_ended_45_days_ago_is_outside_the_window(self, last: int, status: str) -> None:
        done = work(finding("R01", "A0", 3, last))
        assert done.cases["status"].to_list() == [status]
        assert done.findings["suppressed_by"].to_list() == [None if status == "open" else "outside_window"]

    def test_a_suppressed_finding_joins_an_open_case(self) -> None:
        done = work(finding("R02", "A0", 44, 45), finding("R01", "A0", 46, 47))
        assert done.cases.select("status", "suppressed_by").rows() == [("open", None)]
        assert sorted(done.findings["status"]) == ["reported", "suppressed"]

    @pytest.mark.parametrize(
        ("code", "accounts", "allowed"),
        [
            pytest.param("J01", 100, 20, id="sustained-floor"),
            pytest.param("J01", 2500, 25, id="sustained-share"),
            pytest.param("J02", 100, 10, id="spike-floor"),
            pytest.param("J02", 6000, 12, id="spike-share"),
        ],
    )
    def test_the_budget_of_jumps(self, code: str, accounts: int, allowed: int) -> None:
        rows = [finding(code, f"A{at}", 50, 60, strength=100.0 - at, kwh_at_stake=float(at)) for at in range(30)]
        done = work(*rows, accounts=accounts)
        is_open = done.cases.filter(pl.col("status") == "open")
        # A tenth of the budget is drawn by lot from those beyond it, and takes the last places.
        drawn = is_open.filter(pl.col("lane") == "exploration")
        assert (len(is_open), len(drawn)) == (allowed, allowed // 10)
        strongest = {f"A{at}" for at in range(allowed - allowed // 10)}
        assert set(is_open.filter(pl.col("lane") == "ranked")["account_id"]) == strongest
        assert set(drawn["account_id"]) <= {f"A{at}" for at in range(allowed, 30)}
        beyond = done.cases.filter(pl.col("status") == "suppressed")
        assert beyond["suppressed_by"].unique().to_list() == ["budget"]
        assert beyond["rank"].null_count() == len(beyond) == 30 - allowed
        told = done.findings.filter(pl.col("suppressed_by") == "budget")
        assert set(told["case_id"]) == set(beyond["case_id"])

    def test_reading_errors_have_no_budget(self) -> None:
        done = work(*(finding("R01", f"A{at}") for at in range(60)), accounts=60)
        assert (done.cases["status"] == "open").sum() == 60


class TestCauses:
    @given(st.sets(st.sampled_from(sorted(RULEBOOK.detectors)), min_size=1, max_size=6))
    @settings(max_examples=60, deadline=None)
    def test_probabilities_add_up_to_one_at_most_and_the_first_leads(self, codes: set[str]) -> None:
        for case in work(*(finding(code, "A0") for code in sorted(codes)), accounts=1).cases.to_dicts():
            weighed = [one["probability"] for one in case["causes"]]
            assert sum(weighed) <= 1 + 1e-9
            assert weighed == sorted(weighed, reverse=True)
            assert (case["cause"], case["probability"]) == (case["causes"][0]["cause"], weighed[0])
            assert case["family"] == CAUSE_FAMILY[case["cause"]]
            assert case["cause"] not in case["cannot_exclude"]

    def test_a_code_speaks_once_however_often_it_fired(self) -> None:
        once = work(finding("R01", "A0")).cases["probability"].item()
        often = work(*(finding("R01", "A0", 45 + at, 46 + at) for at in range(6))).cases["probability"].item()
        assert once == often

    def test_an_exchange_of_homes_leads_as_soon_as_it_is_well_above_its_limit(self) -> None:
        """The jumps of both homes, one up and one down, are what an exchange predicts."""
        jumps = [finding("J01", "A0"), finding("J01", "A1", meter_id="m-A1")]
        pair = {"related_account_id": "A1", "related_meter_id": "m-A1", "limit": 9.0, "family": "cross_wiring"}
        at_limit, above, far_above = (
            work(*jumps, finding("X01", "A0", measured=9.0 + more, **pair)).cases.row(0, named=True)
            for more in (0.0, 4.0, 60.0)
        )
        swapped = {one["cause"]: one["probability"] for one in at_limit["causes"]}["swapped_pair"]
        assert 0.2 <= swapped < 0.5
        assert not at_limit["needs_visit"], "a call and a test load first"
        assert (above["family"], above["cause"]) == ("cross_wiring", "swapped_pair")
        assert above["probability"] < far_above["probability"] < 0.95
        assert (above["account_id"], above["related_account_id"]) == ("A0", "A1")

    def test_evidence_grows_with_its_strongest_finding_only(self) -> None:
        def chance(*above: float) -> float:
            rows = [
                finding("X01", "A0", 45 + at, 50 + at, measured=9.0 + more, limit=9.0, related_account_id="A1")
                for at, more in enumerate(above)
            ]
            causes = work(*rows).cases["causes"].item().to_list()
            return next(float(one["probability"]) for one in causes if one["cause"] == "swapped_pair")

        assert chance(0.0) < chance(5.0) < chance(50.0) == chance(500.0)
        assert chance(0.0, 5.0) == chance(5.0, 5.0) == chance(5.0)
        assert chance(-3.0) == chance(0.0)

    def test_each_code_alone_renders_in_both_languages(self) -> None:
        done = work(
            *(finding(code, f"A{at}", box_id=None) for at, code in enumerate(sorted(RULEBOOK.detectors))), accounts=50
        )
        assert len(done.cases) == len(RULEBOOK.detectors)
        assert_readable(done.cases)

    def test_every_code_speaks_for_its_causes_family(self) -> None:
        """A rule of errors of reading, alone, must not leave the first place to a jump it never spoke of."""
        for code, rule in RULEBOOK.detectors.items():
            assert code in ("R02", "K01") or max(rule.causes.values()) > 1, code


class TestValue:
    def test_no_money_without_a_price(self) -> None:
        assert work(finding("R01", "A0")).cases["money_at_stake"].to_list() == [None]
        assert work(finding("R01", "A0"), price=0.5).cases["money_at_stake"].to_list() == [50.0]
        assert work(finding("Q05", None, meter_id="X"), price=0.5).cases["money_at_stake"].to_list() == [None]

    def test_ranks_have_no_holes_and_follow_priority(self) -> None:
        rows = [finding("R01", f"A{at}", kwh_at_stake=float(at % 4)) for at in range(8)] + [finding("R02", "A9")]
        cases = work(*rows, accounts=10).cases
        ranked = cases.filter(pl.col("rank").is_not_null()).sort("rank")
        assert ranked["rank"].to_list() == list(range(1, 9))
        assert ranked["rank"].dtype == pl.Int32
        assert ranked.sort(["priority", "case_id"], descending=[True, False])["case_id"].equals(ranked["case_id"])
        assert cases.filter(pl.col("status") == "suppressed")["rank"].to_list() == [None]

    def test_tickets_of_both_accounts_of_a_pair(self) -> None:
        asked = [ticket("t2", "A0"), ticket("t1", "A1"), ticket("t1", "A1"), ticket("t9", "A2")]
        tickets = pl.concat(asked)
        pair = finding("R08", "A0", related_account_id="A1", related_meter_id="m-A1")
        assert work(pair, tickets=tickets).cases["ticket_ids"].to_list() == [["t1", "t2"]]
        assert work(finding("R01", "A4"), tickets=tickets).cases["ticket_ids"].to_list() == [[]]


class TestTasks:
    CODES = tuple(sorted(RULEBOOK.detectors))

    def test_four_steps_for_each_open_case_and_none_for_others(self) -> None:
        done = work(*(finding(code, f"A{at}") for at, code in enumerate(self.CODES)), accounts=50)
        tasks = make_tasks(done.cases, task_plan(RULEBOOK), AS_OF)
        open_cases = done.cases.filter(pl.col("status") == "open")
        assert tasks.group_by("case_id").agg(pl.col("step").sort())["step"].to_list() == [[1, 2, 3, 4]] * len(
            open_cases
        )
        assert set(tasks["case_id"]) == set(open_cases["case_id"])
        first, last = (tasks.filter(pl.col("step") == step).sort("case_id") for step in (1, 4))
        assert (first["due_at"] <= last["due_at"]).all()
        assert set(first["state"]) == {"open"}
        assert set(last["state"]) == {"blocked"}
        assert (tasks["due_at"] > dt.datetime.combine(AS_OF, dt.time())).all()
        assert (tasks["checks"].list.len() > 0).all()
        OUTPUTS["tasks"].validate(tasks)

    def test_what_the_desk_can_settle_gets_no_visit(self) -> None:
        done = work(*(finding(code, f"A{at}") for at, code in enumerate(self.CODES)), accounts=50)
        tasks = make_tasks(done.cases, task_plan(RULEBOOK), AS_OF)
        visited = set(tasks.filter(pl.col("kind") == "visit")["case_id"])
        assert visited == set(done.cases.filter(pl.col("needs_visit") & (pl.col("status") == "open"))["case_id"])


class TestTooLittle:
    """Evidence that opens no case of its own is kept, and says so."""

    @pytest.fixture
    def faint(self) -> Rulebook:
        """The rulebook with X01 saying next to nothing."""
        quiet = replace(RULEBOOK.detectors["X01"], causes={"swapped_pair": 2.0}, growth={})
        return replace(RULEBOOK, detectors={**RULEBOOK.detectors, "X01": quiet})

    @pytest.fixture
    def supporting(self) -> Rulebook:
        """The rulebook with X01 as mere support."""
        quiet = replace(RULEBOOK.detectors["X01"], supporting=True)
        return replace(RULEBOOK, detectors={**RULEBOOK.detectors, "X01": quiet})

    def test_a_faint_hint_of_a_swap_opens_nothing(self, faint: Rulebook) -> None:
        done = work(finding("X01", "A0"), rulebook=faint)
        assert done.cases.select("status", "suppressed_by", "rank").rows() == [("suppressed", "weak_evidence", None)]
        assert done.findings.select("status", "suppressed_by").rows() == [("suppressed", "weak_evidence")]

    def test_beside_another_finding_the_hint_is_told(self, faint: Rulebook) -> None:
        done = work(finding("X01", "A0"), finding("J01", "A0"), rulebook=faint)
        assert done.cases["status"].to_list() == ["open"]
        assert done.findings["status"].to_list() == ["reported", "reported"]

    def test_support_alone_opens_nothing_however_strong(self, supporting: Rulebook) -> None:
        done = work(finding("X01", "A0", measured=40.0, limit=9.0), rulebook=supporting)
        assert done.cases["suppressed_by"].to_list() == ["only_supporting"]
        assert done.findings["suppressed_by"].to_list() == ["only_supporting"]

    def test_support_counts_in_the_case_of_another(self, supporting: Rulebook) -> None:
        done = work(finding("X01", "A0", measured=40.0, limit=9.0), finding("J01", "A0"), rulebook=supporting)
        assert done.cases.select("status", "cause").rows() == [("open", "swapped_pair")]


def outcome(cause: str, decided: int, **columns: Any) -> pl.DataFrame:
    """One result of a check at account A0."""
    row = {
        "case_id": "another", "account_id": "A0", "related_account_id": None, "cause": cause, "result": "explained",
        "decided_on": day(decided), "valid_until": None, "note": None, **columns,
    }  # fmt: skip
    return INPUTS["outcomes"].create_empty().vstack(pl.DataFrame([row], INPUTS["outcomes"].create_empty().schema))


class TestExplainedBefore:
    """An explanation holds for its term, unless something new is found."""

    QUIET: ClassVar = [("suppressed", "explained_before")]
    OPEN: ClassVar = [("open", None)]

    @pytest.mark.parametrize(
        ("decided", "columns", "expected"),
        [
            pytest.param(50, {}, QUIET, id="explained ten days ago"),
            pytest.param(50, {"result": "refuted"}, QUIET, id="the cause was refuted"),
            pytest.param(50, {"result": "inconclusive"}, OPEN, id="nothing came of it"),
            pytest.param(50, {"account_id": "A1"}, OPEN, id="another account"),
            pytest.param(50, {"related_account_id": "A1"}, OPEN, id="a pair it is one of"),
            pytest.param(50, {"valid_until": day(59)}, OPEN, id="no longer valid"),
            pytest.param(50, {"valid_until": day(60)}, QUIET, id="valid to this day"),
            pytest.param(38, {}, QUIET, id="decided a week before the finding starts"),
            pytest.param(37, {}, OPEN, id="decided longer before it"),
            pytest.param(-1, {"valid_until": None}, OPEN, id="61 days ago"),
        ],
    )
    def test_truth_table(self, decided: int, columns: dict[str, Any], expected: list[tuple[str, str | None]]) -> None:
        done = work(finding("R01", "A0", 45, 46), outcomes=outcome("register_rollback", decided, **columns))
        assert done.cases.select("status", "suppressed_by").rows() == expected

    def test_another_cause_is_another_matter(self) -> None:
        done = work(finding("R01", "A0"), outcomes=outcome("misread", 50))
        assert done.cases["status"].to_list() == ["open"]

    def test_an_outcome_that_names_the_case_settles_it_whatever_the_cause(self) -> None:
        case_id = work(finding("R01", "A0")).cases["case_id"].item()
        done = work(finding("R01", "A0"), outcomes=outcome("misread", 50, case_id=case_id))
        assert done.cases["suppressed_by"].to_list() == ["explained_before"]
        assert done.findings["suppressed_by"].to_list() == ["explained_before"]

    def test_a_complaint_after_the_decision_reopens_it(self) -> None:
        asked = finding("K01", "A0", 59, 60, family="jump")
        done = work(finding("R01", "A0"), asked, outcomes=outcome("register_rollback", 50))
        assert done.cases["status"].to_list() == ["open"]


class TestComplaints:
    """Who asks gets a case."""

    def test_a_complaint_without_any_finding_is_a_case_of_unknown_cause(self) -> None:
        done = work(finding("K01", "A0", family="jump"))
        assert done.cases.select("cause", "family", "status").rows() == [("unknown", "jump", "open")]
        assert_readable(done.cases)

    def test_a_complaint_is_outside_the_budget(self) -> None:
        jumps = [finding("J01", f"B{at}", strength=9.0) for at in range(20)]
        done = work(*jumps, finding("K01", "A0", family="jump"), finding("J01", "A0", strength=0.1), accounts=30)
        assert done.cases.filter(pl.col("suppressed_by") == "budget").is_empty()

    def test_a_finding_says_more_than_the_complaint(self) -> None:
        done = work(finding("K01", "A0", family="jump"), finding("R01", "A0"))
        (case,) = done.cases.to_dicts()
        assert case["cause"] == "register_rollback"
