"""Findings to causes: tempered likelihood ratios over the causes, with an explicit unknown.

P(c | e) ∝ π_c · Π LR_k(c)^w. Findings of one case are not independent, so ratios are tempered by w; a code
speaks once, as loudly as its strongest finding, however often it fired. Source: methods of naive Bayes diagnosis,
tempering as in power posteriors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

UNKNOWN = "unknown"

MOST_RATIO = 10_000.0
"""Where a growing likelihood ratio stops, so that no single finding drowns all other evidence."""


@dataclass(frozen=True, eq=False)
class CauseModel:
    """What the rulebook knows of causes: priors, tempering and log likelihood ratios `[codes, causes]`.

    `log_growth` is what a finding says more for each unit above its limit, up to `log_most`; 0 where all findings of a
    code say the same. `two_sided[codes]`: below its limit a finding says less, and far below, down to `-log_most`, it
    speaks against the cause; of all other codes a finding says what it says at the limit.
    """

    codes: tuple[str, ...]
    causes: tuple[str, ...]
    log_prior: NDArray[np.float64]
    log_ratio: NDArray[np.float64]
    log_growth: NDArray[np.float64]
    two_sided: NDArray[np.bool_]
    log_most: float

    @property
    def unknown(self) -> int:
        """Index of the unknown cause."""
        return self.causes.index(UNKNOWN)

    def log_ratios(self, code: NDArray[np.int64], excess: NDArray[np.float64]) -> NDArray[np.float64]:
        """`[findings, causes]` tempered log likelihood ratios of findings so far above their limits, in their units."""
        plain, growth = self.log_ratio[code], self.log_growth[code]
        above = np.where(self.two_sided[code], excess, np.maximum(excess, 0.0))
        grown = np.clip(plain + growth * above[:, None], -self.log_most, np.maximum(plain, self.log_most))
        return np.asarray(np.where(growth > 0, grown, plain))


def cause_model(
    priors: Mapping[str, float],
    ratios: Mapping[str, Mapping[str, float]],
    growth: Mapping[str, Mapping[str, float]],
    *,
    tempering: float,
    two_sided: Collection[str] = (),
) -> CauseModel:
    """The model from plain numbers: prior per cause, likelihood ratio per code and cause (absent: 1).

    `growth` says per code and cause by how many units above the limit the ratio grows e-fold (absent: it does not);
    that of the codes of `two_sided` shrinks below the limit in the same way.
    """
    causes, codes = tuple(sorted(priors)), tuple(sorted(ratios))
    table = np.array([[ratios[code].get(cause, 1.0) for cause in causes] for code in codes])
    per_unit = [[1.0 / growth.get(code, {}).get(cause, np.inf) for cause in causes] for code in codes]
    return CauseModel(
        codes,
        causes,
        np.log([priors[cause] for cause in causes]),
        tempering * np.log(table),
        tempering * np.array(per_unit),
        np.array([code in two_sided for code in codes], dtype=bool),
        tempering * float(np.log(MOST_RATIO)),
    )


@dataclass(frozen=True, eq=False)
class Weighed:
    """Cases weighed: `probability[cases, causes]`, and who moved it from the prior.

    `raised[cases, causes]` are the causes that were weighed at all. Row by row, `case` and `code` (indices) spoke once
    with `log_ratio[rows, causes]`, tempered natural logarithms (nats).
    """

    probability: NDArray[np.float64]
    raised: NDArray[np.bool_]
    case: NDArray[np.int64]
    code: NDArray[np.int64]
    log_ratio: NDArray[np.float64]


def weigh(
    model: CauseModel, case: NDArray[np.int64], code: NDArray[np.int64], excess: NDArray[np.float64], cases: int
) -> Weighed:
    """Probability of each cause from the case, code and excess over the limit of findings.

    A repeated pair of case and code counts once, with its largest excess.
    Only the unknown cause and causes that some finding of the case speaks for are weighed.
    """
    loudest = np.lexsort((-excess, code, case))
    case, code, excess = case[loudest], code[loudest], excess[loudest]
    once = np.append(True, (np.diff(case) != 0) | (np.diff(code) != 0))[: len(case)]
    case, code, ratio = case[once], code[once], model.log_ratios(code[once], excess[once])
    score = np.tile(model.log_prior, (cases, 1))
    raised = np.zeros(score.shape, bool)
    raised[:, model.unknown] = True
    np.add.at(score, case, ratio)
    np.logical_or.at(raised, case, ratio > 0)
    score = np.where(raised, score, -np.inf)
    weight = np.exp(score - score.max(axis=1, keepdims=True)) if cases else score
    return Weighed(weight / weight.sum(axis=1, keepdims=True) if cases else weight, raised, case, code, ratio)


def code_index(model: CauseModel, codes: pl.Series) -> NDArray[np.int64]:
    """Rows of the model's table for a column of codes."""
    return codes.replace_strict(model.codes, list(range(len(model.codes))), return_dtype=pl.Int64).to_numpy()
