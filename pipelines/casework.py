"""From findings to the finished cases table: causes, value, budget, rank and the words."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from anomaly.cases import Grouping, group
from anomaly.diagnosis import CauseModel, cause_model
from anomaly.tasks import LoadTest
from anomaly.vocabulary import CAUSE_FAMILY
from pipelines.case_text import Speaker
from pipelines.explained import explained_before
from pipelines.ledger import told_ledger
from pipelines.load_tests import load_tests_of, with_load_tests
from pipelines.ranking import chances_of, circumstances_of, ranked, valued, within_budget
from rules.model import Rulebook

CLOSING = ("budget", "explained_before", "only_supporting", "weak_evidence", "refuted_by_test")
"""What suppresses a whole case."""


@dataclass(frozen=True, eq=False)
class Casework:
    """Findings with their case and final status, and the cases table (both canonically sorted).

    `load_tests` are the cases in which a remote load-on test is asked for, or was made.
    """

    findings: pl.DataFrame
    cases: pl.DataFrame
    load_tests: Mapping[str, LoadTest] = field(default_factory=dict)


def make_cases(
    findings: pl.DataFrame,
    positions: pl.DataFrame,
    coverage: pl.DataFrame,
    tickets: pl.DataFrame,
    cut: pl.DataFrame,
    outcomes: pl.DataFrame,
    rulebook: Rulebook,
    as_of: dt.date,
) -> Casework:
    """Suppress what is settled, group, weigh, rank within the budget and put into words.

    `cut` are the accounts that were disconnected, and when (`pipelines.ranking.DISCONNECTIONS`).
    """
    judged = _suppressed(_once(findings), rulebook, as_of)
    model = model_of(rulebook)
    grouping = Grouping(int(rulebook.setting("merge_gap_days")), dict(CAUSE_FAMILY))
    tagged, cases = group(judged, model, grouping)
    circumstances = circumstances_of(cases, positions, tickets, cut, rulebook, as_of)
    cases = valued(cases, tagged, circumstances, model, rulebook)
    cases = _substantial(cases, tagged, model, rulebook)
    silent = rulebook.suppressors["explained_before"].limit_values()
    cases = explained_before(cases, outcomes, as_of, **silent)
    cases = within_budget(cases, accounts=positions["account_id"].drop_nulls().n_unique(), rulebook=rulebook)
    cases = ranked(cases, rulebook)
    speaker = Speaker(rulebook, as_of)
    tagged = _told_by_case(tagged, cases)
    cases = _in_words(cases, tagged, coverage, model, speaker)
    cases = _with_duties(with_load_tests(cases, tagged, model, rulebook, speaker), rulebook)
    cases = cases.with_columns(ledger=told_ledger(rulebook))
    return Casework(tagged, _published(cases, tickets), load_tests_of(cases))


def model_of(rulebook: Rulebook) -> CauseModel:
    """The rulebook's priors and likelihood ratios as arrays."""
    return cause_model(
        {name: rule.prior for name, rule in rulebook.causes.items()},
        {code: rule.causes for code, rule in rulebook.detectors.items()},
        {code: rule.growth for code, rule in rulebook.detectors.items()},
        tempering=rulebook.setting("tempering_weight"),
        two_sided=[code for code, rule in rulebook.detectors.items() if rule.two_sided],
    )


def _suppressed(findings: pl.DataFrame, rulebook: Rulebook, as_of: dt.date) -> pl.DataFrame:
    """Findings with an innocent name: a dial that turned over, and what is settled and long past.

    Evidence of crossed wires settles nothing by its age.
    """
    window = as_of - dt.timedelta(days=int(rulebook.setting("outside_window_days")))
    why = pl.when(pl.col("suppressed_by").is_not_null()).then("suppressed_by")
    why = why.when(pl.col("code") == "R02").then(pl.lit("rollover"))
    settled = pl.col("family") != "cross_wiring"
    why = why.when((pl.col("end") < window) & settled).then(pl.lit("outside_window")).otherwise(pl.lit(None, pl.String))
    return findings.with_columns(suppressed_by=why).with_columns(
        status=pl.when(pl.col("suppressed_by").is_null()).then(pl.lit("reported")).otherwise(pl.lit("suppressed"))
    )


def _once(findings: pl.DataFrame) -> pl.DataFrame:
    """Findings in one order; of two with the same id (one code, meter and start) the stronger."""
    strongest = findings.sort(
        ["finding_id", "strength", "kwh_at_stake", "end", "facts"], descending=[False, True, True, True, False]
    )
    once = strongest.unique("finding_id", keep="first", maintain_order=True)
    return once.sort("code", "account_id", "meter_id", "start", "finding_id")


def _substantial(
    cases: pl.DataFrame, findings: pl.DataFrame, model: CauseModel, rulebook: Rulebook
) -> pl.DataFrame:
    """Suppress what is no case of its own: evidence that only supports others, and too little evidence of a swap.

    A test may have left too little of it.
    """
    against = (pl.col("measured") <= -pl.col("limit")) & (pl.col("status") == "reported")
    two_sided = [code for code, rule in rulebook.detectors.items() if rule.two_sided]
    refuted = pl.col("case_id").is_in(findings.filter(pl.col("code").is_in(two_sided) & against)["case_id"].implode())
    supporting = [code for code, rule in rulebook.detectors.items() if rule.supporting]
    wiring = [at for at, cause in enumerate(model.causes) if rulebook.causes[cause].family == "cross_wiring"]
    chance = pl.Series(chances_of(cases, model)[:, wiring].sum(axis=1), dtype=pl.Float64)
    alone = pl.col("open") & (pl.col("codes").list.set_difference(supporting).list.len() == 0)
    weak = pl.col("open") & pl.col("only_wiring") & (chance < rulebook.setting("remote_test_probability"))
    why = pl.when(alone).then(pl.lit("only_supporting")).when(weak & refuted).then(pl.lit("refuted_by_test"))
    why = why.when(weak).then(pl.lit("weak_evidence"))
    return cases.with_columns(suppressed_by=why.otherwise("suppressed_by"), open=pl.col("open") & ~alone & ~weak)


def _told_by_case(findings: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """What suppresses a whole case suppresses the findings that were reported for it."""
    closed = cases.filter(pl.col("suppressed_by").is_in(CLOSING))
    told = findings.join(closed.select("case_id", why="suppressed_by"), on="case_id", how="left", maintain_order="left")
    hit = pl.col("why").is_not_null() & (pl.col("status") == "reported")
    return told.with_columns(
        suppressed_by=pl.when(hit).then("why").otherwise("suppressed_by"),
        status=pl.when(hit).then(pl.lit("suppressed")).otherwise("status"),
    ).drop("why")


def _in_words(
    cases: pl.DataFrame, findings: pl.DataFrame, coverage: pl.DataFrame, model: CauseModel, speaker: Speaker
) -> pl.DataFrame:
    """Headlines, evidence and what cannot be excluded, case by case: the text edge."""
    by_case: dict[str, list[dict[str, Any]]] = {}
    for row in findings.to_dicts():
        row["facts"] = json.loads(row["facts"])
        by_case.setdefault(row["case_id"], []).append(row)
    judged = _Judged(coverage, cases)
    told = [
        speaker.tell(case, by_case[case["case_id"]], judged.of(case["account_id"]), model)
        for case in cases.select("case_id", "account_id", "cause", "chances", "leading_finding").to_dicts()
    ]
    empty = pl.DataFrame(schema=Speaker.SCHEMA).to_arrow().schema
    return cases.hstack(pl.DataFrame(pa.Table.from_pylist(told, schema=empty)).cast(Speaker.SCHEMA))  # type: ignore[arg-type]


class _Judged:
    """Which rules were silent about an account although, or because, they could not be applied to it."""

    def __init__(self, coverage: pl.DataFrame, cases: pl.DataFrame) -> None:
        silent = coverage.filter(pl.col("status") != "evaluated").select("code", "account_id", "meter_id", "status")
        everywhere = silent.filter(pl.col("account_id").is_null() & pl.col("meter_id").is_null())
        mine = silent.join(cases.select("account_id").drop_nulls().unique(), on="account_id", how="semi")
        codes = mine.group_by("account_id").agg("code", "status")
        self._everywhere = dict(zip(everywhere["code"], everywhere["status"], strict=True))
        self._by_account = {
            account: dict(zip(code, status, strict=True))
            for account, code, status in zip(codes["account_id"], codes["code"], codes["status"], strict=True)
        }

    def of(self, account_id: str | None) -> dict[str, str]:
        """Code → status of the rules that could not be applied to the account."""
        return self._everywhere | self._by_account.get(account_id or "", {})


def _with_duties(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Whether somebody must go there, and whether the bill waits: as the leading cause asks.

    Crossed wires are visited once they are likelier than all else together; before that a load-on test is asked for
    (pipelines/load_tests.py).
    """
    names = list(rulebook.causes)
    on_site = [rulebook.causes[name].settled_at == "site" for name in names]
    hold = [rulebook.causes[name].hold_bill for name in names]
    asked = pl.col("cause").replace_strict(names, on_site, return_dtype=pl.Boolean)
    return cases.with_columns(
        needs_visit=pl.when("sends_out").then(True).when("stays_in").then(False).otherwise(asked),
        hold_bill=pl.col("cause").replace_strict(names, hold, return_dtype=pl.Boolean),
    )


def _published(cases: pl.DataFrame, tickets: pl.DataFrame) -> pl.DataFrame:
    """The contract's columns, with the customer's own tickets beside."""
    own = tickets.group_by("account_id").agg(pl.col("ticket_id").unique().sort())
    other = own.rename({"account_id": "related_account_id", "ticket_id": "other_ticket_id"})
    cases = cases.join(own, on="account_id", how="left").join(other, on="related_account_id", how="left")
    none = pl.lit([], dtype=pl.List(pl.String))
    both = pl.col("ticket_id").fill_null(none).list.concat(pl.col("other_ticket_id").fill_null(none))
    return cases.with_columns(
        ticket_ids=both.list.unique().list.sort(),
        status=pl.when("open").then(pl.lit("open")).otherwise(pl.lit("suppressed")),
    ).select(
        "case_id", "rank", "family", "cause", "probability", "causes", "causes_zh", "cannot_exclude", "account_id",
        "meter_id", "related_account_id", "related_meter_id", "area_id", "box_id", "start", "end", "kwh_at_stake",
        "money_at_stake", "priority", "value_parts", "lane", "needs_visit", "hold_bill", "ticket_ids", "headline_en",
        "headline_zh", "status", "suppressed_by", "account_ids", "ledger",
    )  # fmt: skip
