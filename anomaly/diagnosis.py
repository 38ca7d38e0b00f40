"""Findings to causes: tempered likelihood ratios over the causes, with an explicit unknown.

P(c | e) ∝ π_c · Π LR_k(c)^w. Findings of one case are not independent, so ratios are tempered by w; a code
speaks once however often it fired. Source: methods of naive Bayes diagnosis, tempering as in power posteriors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class CauseModel:
    """What the rulebook knows of causes: priors, tempering and log likelihood ratios `[codes, causes]`."""

    codes: tuple[str, ...]
    causes: tuple[str, ...]
    log_prior: NDArray[np.float64]
    log_ratio: NDArray[np.float64]

    @property
    def unknown(self) -> int:
        """Index of the unknown cause."""
        return self.causes.index(UNKNOWN)


def cause_model(
    priors: Mapping[str, float], ratios: Mapping[str, Mapping[str, float]], *, tempering: float
) -> CauseModel:
    """The model from plain numbers: prior per cause, likelihood ratio per code and cause (absent: 1)."""
    causes, codes = tuple(sorted(priors)), tuple(sorted(ratios))
    table = np.array([[ratios[code].get(cause, 1.0) for cause in causes] for code in codes])
    return CauseModel(codes, causes, np.log([priors[cause] for cause in causes]), tempering * np.log(table))


def probabilities(
    model: CauseModel, case: NDArray[np.int64], code: NDArray[np.int64], cases: int
) -> NDArray[np.float64]:
    """Probability of each cause, `[cases, causes]`, from (case, code) pairs; a repeated pair counts once.

    Only the unknown cause and causes that some finding of the case speaks for are weighed.
    """
    pairs = np.unique(np.stack([case, code]), axis=1) if len(case) else np.empty((2, 0), np.int64)
    score = np.tile(model.log_prior, (cases, 1))
    raised = np.zeros(score.shape, bool)
    raised[:, model.unknown] = True
    np.add.at(score, pairs[0], model.log_ratio[pairs[1]])
    np.logical_or.at(raised, pairs[0], model.log_ratio[pairs[1]] > 0)
    score = np.where(raised, score, -np.inf)
    weight = np.exp(score - score.max(axis=1, keepdims=True)) if cases else score
    return weight / weight.sum(axis=1, keepdims=True) if cases else weight


def code_index(model: CauseModel, codes: pl.Series) -> NDArray[np.int64]:
    """Rows of the model's table for a column of codes."""
    return codes.replace_strict(model.codes, list(range(len(model.codes))), return_dtype=pl.Int64).to_numpy()
