"""Evidence that can speak either way: a load-on test proves a swapped pair, or all but excludes it."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
import pytest

from anomaly.diagnosis import MOST_RATIO
from pipelines.casework import model_of
from rules.rulebook import load
from tests.test_cases import finding, work

RULEBOOK = load()
MODEL = model_of(RULEBOOK)
TEMPERING = RULEBOOK.setting("tempering_weight")
MOST_NATS = log(MOST_RATIO)
LEAST = RULEBOOK.detectors["X11"].limit_values()["min_nats"]


def ratio(code: str, measured: float, limit: float) -> float:
    """What one finding does to swapped_pair: the log likelihood ratio, not tempered."""
    rows = MODEL.log_ratios(np.array([MODEL.codes.index(code)]), np.array([measured - limit]))
    return float(rows[0, MODEL.causes.index("swapped_pair")]) / TEMPERING


@pytest.mark.parametrize(
    ("nats", "counted"),
    [(0.0, 0.0), (LEAST, LEAST), (-LEAST, -LEAST), (6.9, 6.9), (-6.9, -6.9), (20, MOST_NATS), (-20, -MOST_NATS)],
)
def test_a_load_on_test_counts_its_nats_either_way(nats: float, counted: float) -> None:
    assert ratio("X11", nats, LEAST) == pytest.approx(counted, abs=1e-4)


def test_all_other_codes_say_below_their_limit_what_they_say_at_it() -> None:
    others = [code for code, rule in RULEBOOK.detectors.items() if not rule.two_sided]
    code = np.array([MODEL.codes.index(name) for name in others])
    at, below = (MODEL.log_ratios(code, np.full(len(code), excess)) for excess in (0.0, -50.0))
    assert (at == below).all()


def told(**test: Any) -> dict[str, Any]:
    """The case of two homes with exchanged profiles and, where `measured` is given, a load-on test."""
    rows = [finding("X01", "A0", measured=20.0, limit=9.0, family="cross_wiring"), finding("J01", "A0")]
    if test:
        pair = {"related_account_id": "A0-other", "related_meter_id": "m-other", "family": "cross_wiring"}
        rows.append(finding("X11", "A0", limit=LEAST, **pair, **test))
    (case,) = work(*rows).cases.to_dicts()
    return case


def chance(case: dict[str, Any]) -> float:
    return sum(one["probability"] for one in case["causes"] if one["cause"] == "swapped_pair")


def test_a_refuted_pair_drops_clearly_and_a_confirmed_one_rises() -> None:
    refuted, before, confirmed = (chance(case) for case in (told(measured=-9.85), told(), told(measured=9.85)))
    assert refuted < before / 10
    assert before < confirmed
    odds = before / (1 - before)
    assert confirmed == pytest.approx(odds / (odds + exp(-TEMPERING * MOST_NATS)), abs=1e-4)


def test_a_test_without_a_verdict_changes_nothing() -> None:
    assert chance(told(measured=0.0)) == pytest.approx(chance(told()), abs=2e-5)


def test_the_headline_of_a_test_stands_on_the_side_it_speaks_for() -> None:
    said = "Load-on test on"
    for nats, side, empty in ((9.85, "evidence_for", "evidence_against"), (-4.0, "evidence_against", "evidence_for")):
        swap = next(one for one in told(measured=nats)["causes"] if one["cause"] == "swapped_pair")
        assert any(text.startswith(said) for text in swap[side]), nats
        assert not any(text.startswith(said) for text in swap[empty]), nats
    for one in told(measured=-4.0)["causes"]:
        if one["cause"] != "swapped_pair":
            assert not any(text.startswith(said) for text in one["evidence_against"]), one["cause"]
