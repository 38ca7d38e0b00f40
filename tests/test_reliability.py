"""The reliability benchmark's own arithmetic: what counts as right, the bins, and the error."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks.reliability import NAMED, calibration_error, reliability, scored, told_cases
from rules.rulebook import load


def rows(*pairs: tuple[float, bool]) -> pl.DataFrame:
    chance, right = zip(*pairs, strict=True)
    return pl.DataFrame({"chance": chance, "right": right, "weight": [1.0] * len(pairs)})


@pytest.mark.parametrize(
    ("cases", "error"),
    [
        pytest.param(rows((0.75, True), (0.75, True), (0.75, True), (0.75, False)), 0.0, id="kept word"),
        pytest.param(rows((0.95, True), (0.95, False)), 0.45, id="half of the sure ones wrong"),
        pytest.param(rows((0.55, True), (0.95, False)), 0.7, id="errors of two bins do not cancel"),
        pytest.param(rows((1.0, True)), 0.0, id="certainty is in the last bin"),
    ],
)
def test_calibration_error(cases: pl.DataFrame, error: float) -> None:
    assert calibration_error(reliability(cases)) == pytest.approx(error)


def told(leading: str, accepted: list[str], **chances: float) -> dict[str, float]:
    causes = [{"cause": name, "probability": chance} for name, chance in chances.items()]
    frame = pl.DataFrame({"leading": [leading], "accepted": [accepted], "causes": [causes]})
    (row,) = scored(frame).to_dicts()
    return row


def test_brier_and_loss_of_a_right_name() -> None:
    row = told("misread", ["misread"], misread=0.8, unknown=0.2)
    assert row["right"]
    assert (row["brier"], row["loss"]) == pytest.approx((0.08, 0.2231436))


def test_of_two_right_causes_both_count_in_the_loss() -> None:
    row = told("base_load", ["base_load", "customer_use"], base_load=0.6, customer_use=0.3, unknown=0.1)
    assert row["loss"] == pytest.approx(0.1053605)


def test_a_cause_that_was_not_weighed_costs_what_one_in_a_million_does() -> None:
    row = told("customer_use", ["misread"], customer_use=0.9, unknown=0.1)
    assert not row["right"]
    assert (row["brier"], row["loss"]) == pytest.approx((1.82, 13.815511))


def test_a_named_use_has_one_right_cause_even_where_the_injector_is_milder() -> None:
    day = pl.lit("2026-03-01").str.to_date()
    kind = {"kind": "base_load_leak", "cause": "base_load", "innocent": False, "account_id": "A", "meter_id": "m"}
    faults = pl.DataFrame([{"fault": 0, **kind, "accepted": ["base_load", "customer_use"]}]).with_columns(
        start=day, end=day, related_account_id=pl.lit(None, pl.String)
    )
    finding = {"finding_id": "f", "case_id": "c", "code": "J01", "account_id": "A", "meter_id": "m"}
    none = {"related_account_id": None, "related_meter_id": None}
    findings = pl.DataFrame([{**finding, **none}], schema_overrides=dict.fromkeys(none, pl.String)).with_columns(
        start=day, end=day
    )
    weighed = [{"cause": "customer_use", "probability": 0.9}, {"cause": "base_load", "probability": 0.1}]
    case = {"case_id": "c", "rank": 1, "headline_en": "", "causes": weighed}
    case |= {"cause": "customer_use", "probability": 0.9}
    (row,) = told_cases(faults, findings, pl.DataFrame([case])).to_dicts()
    assert not row["right"]
    assert (row["group"], row["named"], row["truth"], row["codes"]) == ("jumps", "leak", "base_load", "J01")


def test_named_uses_have_causes_of_the_rulebook() -> None:
    assert {cause for _, cause in NAMED.values()} <= set(load().causes)
