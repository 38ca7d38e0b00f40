"""Priors and tempering from settled cases: what moves, by how much, and how it is judged."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.refit import GRID, Settled, likeliest_tempering, losses, refit_outcomes, shrunken

PRIOR = np.array([0.3, 0.2, 0.5])
UNKNOWN = 2
SETTINGS = {"unknown": UNKNOWN, "prior_cases": 200.0, "folds": 5}


def settled(count: int, *, share: float = 0.5, weight: float = 1.0, seed: int = 1) -> Settled:
    """Cases drawn from the model itself: `share` of the named ones are of the first cause, true tempering `weight`."""
    rng = np.random.default_rng(seed)
    true = np.array([0.5 * share, 0.5 * (1 - share), 0.5])
    nats = rng.normal(0.0, 3.0, (count, 3))
    nats[:, UNKNOWN] = 0.0
    score = np.log(true) + weight * nats
    chance = np.exp(score - score.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    cause = (chance.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)
    return Settled(nats, np.ones((count, 3), bool), cause, np.ones(count, bool))


def counted(*counts: int) -> Settled:
    """Confirmed cases without evidence: so many of each cause."""
    cause = np.repeat(np.arange(3), counts)
    return Settled(np.zeros((len(cause), 3)), np.ones((len(cause), 3), bool), cause, np.ones(len(cause), bool))


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        pytest.param(counted(0, 0, 0), PRIOR, id="nobody found anything"),
        pytest.param(counted(0, 0, 9), PRIOR, id="unknown alone moves nothing"),
        pytest.param(counted(200, 0, 0), [0.4, 0.1, 0.5], id="as many cases as the shipped priors weigh: half-way"),
        pytest.param(counted(3, 2, 0), PRIOR, id="as expected"),
    ],
)
def test_priors_shrink_to_the_shipped_ones(cases: Settled, expected: object) -> None:
    after = shrunken(cases, PRIOR, UNKNOWN, 200.0)
    assert after == pytest.approx(np.asarray(expected))
    assert after.sum() == pytest.approx(PRIOR.sum())
    assert after[UNKNOWN] == PRIOR[UNKNOWN]


def test_a_refuted_case_moves_no_prior() -> None:
    cases = counted(50, 0, 0)
    refuted = Settled(cases.log_ratio, cases.raised, cases.cause, ~cases.confirmed)
    assert shrunken(refuted, PRIOR, UNKNOWN, 200.0) == pytest.approx(PRIOR)


def test_what_was_found_costs_its_probability_and_a_refuted_cause_the_rest() -> None:
    cases = counted(1, 1, 0)
    either = Settled(cases.log_ratio, cases.raised, cases.cause, np.array([True, False]))
    assert np.exp(-losses(either, PRIOR, 1.0)) == pytest.approx([0.3, 0.8])


def test_a_cause_nobody_weighed_costs_what_one_in_a_million_does() -> None:
    cases = counted(1, 0, 0)
    raised = np.array([[False, True, True]])
    assert losses(Settled(cases.log_ratio, raised, cases.cause, cases.confirmed), PRIOR, 1.0) == pytest.approx(
        [-np.log(1e-6)]
    )


@pytest.mark.parametrize("weight", [0.4, 0.65, 0.9])
def test_the_tempering_that_made_the_cases_is_found(weight: float) -> None:
    found = likeliest_tempering(settled(3000, share=0.6, weight=weight), PRIOR)
    assert found == pytest.approx(weight, abs=0.1)
    assert found in GRID


def test_cases_without_evidence_take_the_smallest_weight() -> None:
    assert likeliest_tempering(counted(5, 5, 5), PRIOR) == GRID[0]


def test_other_shares_and_weights_are_told_better_on_cases_not_fitted_to() -> None:
    found = refit_outcomes(settled(1000, share=0.95, weight=1.0), PRIOR, 0.4, **SETTINGS)
    assert found.is_better
    assert found.prior[0] > PRIOR[0] + 0.05
    assert found.tempering > 0.6


def test_right_numbers_are_hardly_bettered() -> None:
    found = refit_outcomes(settled(1000, share=0.6, weight=0.65), PRIOR, 0.65, **SETTINGS)
    assert found.loss_after == pytest.approx(found.loss_before, rel=0.02)


def test_fewer_cases_than_folds_are_refused() -> None:
    with pytest.raises(ValueError, match="4 settled cases"):
        refit_outcomes(settled(4), PRIOR, 0.65, **SETTINGS)
