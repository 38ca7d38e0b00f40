"""Priors and tempering refitted from cases that a check has settled.

A settled case is either confirmed (its cause is known) or refuted (one cause is known not to be it). Priors move from
the shipped ones by Dirichlet shrinkage, the tempering weight is the likeliest of a grid, and what both are worth is
measured on cases they were not fitted to. Source: Dirichlet-multinomial shrinkage; power posteriors; k-fold
cross-validation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anomaly.statistics import quantised

Floats = NDArray[np.float64]

GRID = np.round(np.arange(0.30, 1.001, 0.05), 2)
"""Tempering weights that are tried: 1 takes findings as independent, 0.3 takes three as one."""

LEAST_CHANCE = 1e-6
"""No case costs more than −ln of this: the published probabilities are cut off there."""


@dataclass(frozen=True, eq=False)
class Settled:
    """N settled cases: `log_ratio[N, causes]` not tempered, the causes that were `raised`, the cause looked at.

    `confirmed[N]`: the cause of index `cause[N]` was found; otherwise it was refuted.
    """

    log_ratio: Floats
    raised: NDArray[np.bool_]
    cause: NDArray[np.int64]
    confirmed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.cause)

    def take(self, at: NDArray[np.int64] | NDArray[np.bool_]) -> Settled:
        """The cases `at`."""
        return replace(self, **{name: values[at] for name, values in vars(self).items()})


@dataclass(frozen=True, eq=False)
class Refitted:
    """Priors and tempering, and the mean −ln probability of what was found: `loss_after` on cases not fitted to."""

    prior: Floats
    tempering: float
    loss_before: float
    loss_after: float

    @property
    def is_better(self) -> bool:
        """Whether cases that were not fitted to are told better than before."""
        return bool(quantised(np.array(self.loss_after)) < quantised(np.array(self.loss_before)))


def refit_outcomes(
    settled: Settled, prior: Floats, tempering: float, *, unknown: int, prior_cases: float, folds: int
) -> Refitted:
    """Priors and tempering from settled cases, judged by `folds`-fold cross-validation in the order given.

    `prior[causes]` are the priors in force, `unknown` the index of the cause whose prior stays. `prior_cases` is the
    weight of the shipped priors, in cases. Raises ValueError with fewer cases than folds.
    """
    if len(settled) < folds:
        raise ValueError(f"{len(settled)} settled cases cannot be dealt into {folds} parts")
    part = np.arange(len(settled)) % folds
    held_out = np.empty(len(settled))
    for fold in range(folds):
        kept, out = part != fold, part == fold
        fitted = _fitted(settled.take(kept), prior, unknown, prior_cases)
        held_out[out] = losses(settled.take(out), *fitted)
    found = _fitted(settled, prior, unknown, prior_cases)
    return Refitted(*found, float(losses(settled, prior, tempering).mean()), float(held_out.mean()))


def _fitted(settled: Settled, prior: Floats, unknown: int, prior_cases: float) -> tuple[Floats, float]:
    after = shrunken(settled, prior, unknown, prior_cases)
    return after, likeliest_tempering(settled, after)


def shrunken(settled: Settled, prior: Floats, unknown: int, prior_cases: float) -> Floats:
    """`[causes]` priors after the confirmed cases: (n_c + s q_c) / (N + s) of what the unknown cause leaves.

    q are the shares of the named causes before, s = `prior_cases`. A confirmed unknown cause counts for none of them.
    """
    found = np.bincount(settled.cause[settled.confirmed], minlength=len(prior)).astype(np.float64)
    found[unknown] = 0.0
    named = 1.0 - prior[unknown] / prior.sum()
    share = np.where(np.arange(len(prior)) == unknown, 0.0, prior)
    share = share / share.sum()
    after = named * (found + prior_cases * share) / (found.sum() + prior_cases)
    after[unknown] = 1.0 - named
    return np.asarray(after * prior.sum())


def likeliest_tempering(settled: Settled, prior: Floats) -> float:
    """The weight of GRID under which what was found is likeliest; of equally likely ones the smallest."""
    loss = np.array([losses(settled, prior, float(weight)).mean() for weight in GRID])
    return float(GRID[int(np.argmin(quantised(loss)))])


def losses(settled: Settled, prior: Floats, tempering: float) -> Floats:
    """`[N]` −ln of the probability of what was found: of the cause if confirmed, of all others if refuted."""
    score = np.where(settled.raised, np.log(prior) + tempering * settled.log_ratio, -np.inf)
    weight = np.exp(score - score.max(axis=1, keepdims=True))
    chance = (weight / weight.sum(axis=1, keepdims=True))[np.arange(len(settled)), settled.cause]
    found = np.where(settled.confirmed, chance, 1.0 - chance)
    return np.asarray(-np.log(np.clip(found, LEAST_CHANCE, 1.0)))
