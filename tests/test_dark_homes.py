"""Homes exchanged ever since, told by where the supply went off: from the book to the case of both accounts."""

from __future__ import annotations

from functools import cache

import polars as pl
import pytest

from anomaly.injector.inject import inject
from anomaly.injector.registry import Fault
from tests.test_exchanged_homes import sample_town, scanned

KINDS = ("swapped_cut_external", "swapped_cut_call", "swapped_outage", "cut_internal_relay")
SEEDS = (3, 5)
BY_EVENTS = ("X04", "X08", "X09")


@cache
def told(seed: int) -> tuple[dict[str, pl.DataFrame], dict[str, dict[str, object]]]:
    """What a scan says of a town with one pair of each kind, and the truth of each."""
    town, truth = inject(sample_town(seed), [Fault(kind) for kind in KINDS], seed)
    return scanned(town), {str(row["kind"]): row for row in truth.tail(len(KINDS)).to_dicts()}


def of_pair(table: pl.DataFrame, truth: dict[str, object]) -> pl.DataFrame:
    pair = [truth["account_id"], truth["related_account_id"]]
    return table.filter(pl.col("account_id").is_in(pair) & pl.col("related_account_id").is_in(pair))


def swap_probability(case: dict[str, list[dict[str, float]]]) -> float:
    return sum(one["probability"] for one in case["causes"] if one["cause"] == "swapped_pair")  # type: ignore[misc]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_breaker_of_one_in_the_others_line_leads_the_case(seed: int) -> None:
    result, truth = told(seed)
    (case,) = of_pair(result["cases"], truth["swapped_cut_external"]).to_dicts()
    assert (case["cause"], case["status"], case["needs_visit"]) == ("swapped_pair", "open", True)
    assert any("stood still just then" in text for text in case["causes"][0]["evidence_for"])
    assert any("went on counting" in text for text in case["causes"][0]["evidence_for"])
    assert any("breaker test" in text for text in case["causes"][0]["evidence_against"])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_neighbour_who_calls_is_enough_to_ask(seed: int) -> None:
    result, truth = told(seed)
    (case,) = of_pair(result["cases"], truth["swapped_cut_call"]).to_dicts()
    assert case["status"] == "open"
    assert swap_probability(case) >= 0.2
    assert case["ticket_ids"]


@pytest.mark.parametrize("seed", SEEDS)
def test_one_outage_next_door_is_kept_as_evidence_but_leads_nothing(seed: int) -> None:
    result, truth = told(seed)
    (found,) = of_pair(result["findings"], truth["swapped_outage"]).to_dicts()
    assert found["code"] == "X09"
    cases = of_pair(result["cases"], truth["swapped_outage"]).filter(pl.col("cause") == "swapped_pair")
    assert cases.is_empty()


@pytest.mark.parametrize("seed", SEEDS)
def test_an_internal_relay_at_zero_and_a_neighbour_on_holiday_accuse_nobody(seed: int) -> None:
    result, truth = told(seed)
    innocent = truth["cut_internal_relay"]
    pair = [innocent["account_id"], innocent["related_account_id"]]
    mine = pl.col("account_id").is_in(pair) | pl.col("related_account_id").is_in(pair)
    assert result["findings"].filter(mine & pl.col("code").is_in(BY_EVENTS)).is_empty()
    assert result["cases"].filter(mine & (pl.col("family") == "cross_wiring")).is_empty()


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_else_is_accused(seed: int) -> None:
    result, truth = told(seed)
    accounts = {row[name] for row in truth.values() for name in ("account_id", "related_account_id")}
    told_of = result["findings"].filter(pl.col("code").is_in(BY_EVENTS))
    assert set(told_of["account_id"]) | set(told_of["related_account_id"]) <= accounts
