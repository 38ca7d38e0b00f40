"""The ledger of a case: the prior and what each check adds to it, summing to the odds of the leading cause."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from anomaly.diagnosis import UNKNOWN, cause_model, weigh
from anomaly.ledger import ledgers
from pipelines.casework import model_of
from tests.test_cases import RULEBOOK, finding, work

MODEL = model_of(RULEBOOK)
PAIR: dict[str, Any] = {
    "related_account_id": "A1", "related_meter_id": "m-A1", "limit": 9.0, "family": "cross_wiring",
}  # fmt: skip
STORIES = {
    "pair_alone": [finding("X01", "A0", measured=24.0, **PAIR)],
    "pair_with_both_jumps": [
        finding("J01", "A0"), finding("J01", "A1", meter_id="m-A1"), finding("X01", "A0", measured=15.0, **PAIR),
    ],
    "pair_that_does_not_lead": [finding("X01", "A0", measured=9.0, **PAIR), finding("J01", "A0")],
    "misread": [finding("R07", "A0"), finding("R01", "A0"), finding("J02", "A0")],
    "beyond_the_cap": [finding("X01", "A0", measured=9e9, **PAIR)],
}  # fmt: skip


@pytest.mark.parametrize("rows", STORIES.values(), ids=STORIES)
def test_prior_and_contributions_sum_to_the_odds(rows: list[dict[str, Any]]) -> None:
    (case,) = work(*rows).cases.to_dicts()
    ledger = case["ledger"]
    (cause,) = {one["cause"] for one in ledger}
    assert cause == case["cause"] or (case["cause"] == UNKNOWN and cause != UNKNOWN)
    codes = sorted({row["code"] for row in rows})
    strongest = [max(row["measured"] - row["limit"] for row in rows if row["code"] == code) for code in codes]
    at = np.array([MODEL.codes.index(code) for code in codes])
    (chance,) = weigh(MODEL, np.zeros(len(at), np.int64), at, np.array(strongest), 1).probability
    odds = math.log(chance[MODEL.causes.index(cause)] / chance[MODEL.unknown])
    assert sum(one["log_odds"] for one in ledger) == pytest.approx(odds, abs=1e-6)
    published = {one["cause"]: one["probability"] for one in case["causes"]}
    assert published[cause] == pytest.approx(chance[MODEL.causes.index(cause)], abs=2e-6)


@pytest.mark.parametrize("rows", STORIES.values(), ids=STORIES)
def test_the_prior_comes_first_then_each_code_once_the_loudest_first(rows: list[dict[str, Any]]) -> None:
    (case,) = work(*rows).cases.to_dicts()
    prior, *codes = case["ledger"]
    assert (prior["code"], prior["side"]) == (None, "prior")
    names = [one["code"] for one in codes]
    assert set(names) <= {row["code"] for row in rows}
    assert len(names) == len(set(names))
    nats = [abs(one["log_odds"]) for one in codes]
    assert nats == sorted(nats, reverse=True)
    assert all(one["side"] == ("for" if one["log_odds"] > 0 else "against") for one in codes)
    assert all(one["log_odds"] != 0 for one in codes)


def test_every_entry_is_told_in_both_languages() -> None:
    (case,) = work(*STORIES["pair_with_both_jumps"]).cases.to_dicts()
    prior = RULEBOOK.wording["evidence"]["ledger_prior"].text
    for one in case["ledger"]:
        text = RULEBOOK.detectors[one["code"]].title if one["code"] else prior
        assert (one["text_en"], one["text_zh"]) == (text["en"], text["zh"])


def test_tempered_nats_of_hand_made_numbers() -> None:
    """Prior 1 : 100, a ratio of 50 for, one of 0.5 against, w = 0.65."""
    model = cause_model(
        {"swap": 0.01, UNKNOWN: 1.0}, {"A": {"swap": 50.0}, "B": {"swap": 0.5}, "C": {}}, {}, tempering=0.65
    )
    case, code = np.zeros(3, np.int64), np.arange(3)
    found = weigh(model, case, code, np.zeros(3), 1)
    (ledger,) = ledgers(model, found, found.probability).to_list()
    assert [(one["code"], one["side"]) for one in ledger] == [(None, "prior"), ("A", "for"), ("B", "against")]
    expected = [math.log(0.01), 0.65 * math.log(50.0), 0.65 * math.log(0.5)]
    assert [one["log_odds"] for one in ledger] == pytest.approx(expected, abs=1e-7)


def test_where_no_cause_but_the_unknown_was_weighed_the_ledger_is_empty() -> None:
    model = cause_model({"swap": 0.01, UNKNOWN: 1.0}, {"A": {"swap": 0.5}}, {}, tempering=0.65)
    found = weigh(model, np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1), 1)
    assert ledgers(model, found, found.probability).to_list() == [[]]
    none = weigh(model, np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), 0)
    assert ledgers(model, none, none.probability).to_list() == []


def test_accounts_of_a_case_are_all_that_its_findings_name() -> None:
    ring = [
        finding("X01", own, measured=24.0, limit=9.0, family="cross_wiring", related_account_id=other)
        for own, other in (("A2", "A0"), ("A0", "A1"), ("A1", "A2"))
    ]
    (case,) = work(*ring).cases.to_dicts()
    assert case["account_ids"] == ["A0", "A1", "A2"]


def test_accounts_of_a_box_incident() -> None:
    gap = [finding("Q01", f"A{at}", box_id="box") for at in (2, 0, 1)]
    (case,) = work(*gap).cases.to_dicts()
    assert (case["account_id"], case["account_ids"]) == (None, ["A0", "A1", "A2"])
