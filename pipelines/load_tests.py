"""Where a remote load-on test is asked for, what it said, and whether somebody still has to go there."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from anomaly.diagnosis import UNKNOWN, CauseModel
from anomaly.tasks import LoadTest
from pipelines.case_text import Speaker
from rules.model import LANGUAGES, Rulebook

CODE = "X11"
WIRING = "cross_wiring"

TESTED = ("swapped_pair", "partial_transfer")
"""What a load in one home can show; a wrong area cannot be seen that way."""


def with_load_tests(
    cases: pl.DataFrame, findings: pl.DataFrame, model: CauseModel, rulebook: Rulebook, speaker: Speaker
) -> pl.DataFrame:
    """Cases with what their load-on tests mean for the work to be done.

    `sends_out`  crossed wires have the probability `visit_probability`, or a test proved them
    `stays_in`   a test is asked for: a case led by crossed wires, or a pair led by a jump or by nothing known, in which
                 what a test can show has `remote_test_probability`; or a test refuted what nobody else has a cause for
    `test_asked`, `test_decided`, `test_result` (the headlines of the finding, null where no test was made)
    """
    wiring = _chance(model, [name for name, rule in rulebook.causes.items() if rule.family == WIRING])
    tested = _chance(model, list(TESTED))
    told = cases.join(_verdicts(cases, findings, speaker), on="case_id", how="left", maintain_order="left")
    pair = pl.col("related_account_id").is_not_null()
    proved = (pl.col("test_nats") >= pl.col("test_limit")).fill_null(False)
    refuted = (pl.col("test_nats") <= -pl.col("test_limit")).fill_null(False)
    likely = wiring >= rulebook.setting("visit_probability")
    unsure = ~likely & (tested >= rulebook.setting("remote_test_probability"))
    unsure &= (pl.col("family") == WIRING) | (pair & (pl.col("family") == "jump"))
    asked = unsure & ~proved
    return told.with_columns(
        sends_out=likely | proved,
        stays_in=asked | (refuted & ~likely & (pl.col("cause") == UNKNOWN)),
        test_asked=asked,
        test_decided=proved | refuted,
    )


def load_tests_of(cases: pl.DataFrame) -> dict[str, LoadTest]:
    """Case id → its load-on test, where one is asked for or was made."""
    some = cases.filter(pl.col("test_asked") | pl.col("test_result").is_not_null())
    columns = (some["case_id"], some["test_decided"], some["test_result"])
    return {case: LoadTest(decided, result) for case, decided, result in zip(*columns, strict=True)}


def _chance(model: CauseModel, causes: list[str]) -> pl.Expr:
    """The probability that one of the causes is true, per case."""
    places = [place for place, cause in enumerate(model.causes) if cause in causes]
    return pl.sum_horizontal(pl.col("chances").arr.get(place) for place in places)


def _verdicts(cases: pl.DataFrame, findings: pl.DataFrame, speaker: Speaker) -> pl.DataFrame:
    """Of each case's tests the one about its own pair that says most."""
    pairs = cases.select("case_id", pl.col("account_id").alias("first"), pl.col("related_account_id").alias("second"))
    made = findings.filter((pl.col("code") == CODE) & (pl.col("status") == "reported")).join(pairs, on="case_id")
    one, other = pl.col("account_id"), pl.col("related_account_id")
    own = pl.min_horizontal(one, other).eq_missing("first") & pl.max_horizontal(one, other).eq_missing(
        pl.max_horizontal("first", "second")
    )
    order = made.sort("case_id", ~own, -pl.col("measured").abs(), "finding_id").unique(
        "case_id", keep="first", maintain_order=True
    )
    texts = [_said(row, speaker) for row in order.to_dicts()]
    return order.select(
        "case_id",
        pl.col("measured").alias("test_nats"),
        pl.col("limit").alias("test_limit"),
        pl.Series("test_result", texts, dtype=pl.String),
    )


def _said(finding: dict[str, Any], speaker: Speaker) -> str:
    """The result in both languages: a task has one text for everybody who opens it."""
    row = {**finding, "facts": json.loads(finding["facts"])}
    return " / ".join(speaker.headline(row, lang) for lang in LANGUAGES)
