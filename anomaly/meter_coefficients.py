"""How much of what each meter of an area counts the supply meter sees: 1 where both agree.

Nearly all meters are in order, so one at a time is let off: the coefficient by which its kWh would have to be
multiplied for the area's loss to follow its model, and how much likelier that is. A ridge that lays the loss at all
doors at once (methods.md §1.4) finds as many and fails in areas with as many meters as days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anomaly.area_balance import AreaBalance
from anomaly.area_moves import LEAST_KNOWN_SHARE
from anomaly.loss_model import TERMS, LossPrior, LossWeights, loss_weights, ordinary_days, unusual_loss
from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

SMALLEST = 1e-12

CANDIDATES_MEASURED = 20
"""Among so many meters the null was measured; e times as many reach one nat more."""

ABOVE_ZERO = 2.0
"""Standard deviations a coefficient must be above 0: an account that the area does not feed has none."""


@dataclass(frozen=True)
class CoefficientSearch:
    """Which days are used, and when a coefficient is told: see the rule for the limits."""

    window_days: int
    within_days: int
    min_days: int
    outlier_mads: float
    prior: LossPrior
    min_nats: float
    min_error_ratio: float
    most_errors: int


def coefficient_search(
    *, usual_loss_share: float, loss_spread_share: float, least_noise_share: float, **limits: Any
) -> CoefficientSearch:
    """The search that a rule's limits ask for."""
    return CoefficientSearch(prior=LossPrior(usual_loss_share, loss_spread_share, least_noise_share), **limits)


class Coefficient(NamedTuple):
    """One meter whose coefficient is not 1, with its standard error, the evidence and the least that is told, nats."""

    position: int
    coefficient: float
    error: float
    nats: float
    limit_nats: float
    kwh_per_day: float
    first_day: int
    days: int


def wrong_coefficients(
    area: Integers, energy_kwh: Floats, balance: AreaBalance, search: CoefficientSearch
) -> list[Coefficient]:
    """Meters far from 1, by area and evidence, of the areas that have days enough.

    `area[M]` is the area an account is filed under (-1: left out), `energy_kwh[M, D]` what its meter counted.
    """
    span = energy_kwh.shape[1]
    first = max(span - search.within_days, 0)
    order = np.argsort(area, kind="stable")
    order = order[area[order] >= 0]
    areas = np.unique(area[order])
    models = _models(balance, areas, slice(first, span), search)
    found: list[Coefficient] = []
    for at in np.flatnonzero(models.used.sum(axis=1) >= search.min_days):
        low, high = np.searchsorted(area[order], [areas[at], areas[at] + 1])
        rows = order[low:high]
        found += _of_area(models, int(at), rows, energy_kwh[rows, first:], first, search)
    return found


@dataclass(frozen=True, eq=False)
class _Models:
    """Losses and supply `[A, n]` of some areas over the last days, those used, and the misfit reads have anyway."""

    loss_kwh: Floats
    supply_kwh: Floats
    used: Booleans
    floor: Floats


def _models(balance: AreaBalance, areas: Integers, days: slice, search: CoefficientSearch) -> _Models:
    loss, supply = balance.loss_kwh[areas, days], np.nan_to_num(balance.supply_kwh[areas, days])
    used = np.isfinite(loss)
    used &= np.cumsum(used[:, ::-1], axis=1)[:, ::-1] <= search.window_days
    loss = np.nan_to_num(loss)
    used = ordinary_days(loss, supply, used, search.prior, search.outlier_mads)
    count = np.maximum(used.sum(axis=1), 1)
    mean = np.where(used, supply, 0.0).sum(axis=1) / count
    return _Models(loss, supply, used, count * (search.prior.least_noise_share * mean) ** 2)


def _of_area(
    models: _Models, at: int, rows: Integers, energy: Floats, first: int, search: CoefficientSearch
) -> list[Coefficient]:
    """The wrong coefficients among the accounts `rows` of one area: the likeliest first, then the next beside it."""
    used, supply, loss = models.used[[at]], models.supply_kwh[[at]], models.loss_kwh[[at]]
    rows, filled, mean = _known_accounts(rows, energy, used[0])
    limit = search.min_nats + max(np.log(max(len(rows), 1) / CANDIDATES_MEASURED), 0.0)
    days, floor = int(used.sum()), float(models.floor[at])
    found: list[Coefficient] = []
    while len(found) < search.most_errors and len(rows):
        weights = loss_weights(loss, supply, used, search.prior)
        unusual = unusual_loss(loss, supply, used, search.prior)
        off, error, nats = _one_by_one(weights, unusual, filled, days, floor)
        nats = quantised(np.where(_gross(1 + off, error, search), nats, -np.inf))
        best = int(nats.argmax())
        crowd = np.log(np.exp(np.minimum(nats - nats[best], 0.0)).sum()) if nats[best] >= limit else np.inf
        evidence = float(nats[best] - crowd)
        if evidence < limit or int(rows[best]) in {one.position for one in found}:
            break
        # With the error out of it the noise of the loss is known better, and with that the error.
        weights = loss_weights(loss - off[best] * filled[best], supply, used, search.prior)
        off, error, _ = _one_by_one(weights, unusual, filled[[best]], days, floor)
        if not _gross(1 + off, error, search)[0]:
            break
        loss = loss - off[0] * filled[best]
        found.append(
            Coefficient(
                int(rows[best]), 1 + float(off[0]), float(error[0]), evidence, limit, float(mean[best]),
                first + int(np.argmax(used)), days,
            )
        )  # fmt: skip
    return found


def _known_accounts(rows: Integers, energy: Floats, used: Booleans) -> tuple[Integers, Floats, Floats]:
    """Accounts read on nearly all used days, their energy with the few absent days at the mean, and that mean."""
    known = np.isfinite(energy) & used
    enough = known.sum(axis=1) >= LEAST_KNOWN_SHARE * used.sum()
    rows, energy, known = rows[enough], energy[enough], known[enough]
    mean = np.where(known, energy, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return rows, np.where(known, energy, mean[:, None]) * used, mean


def _one_by_one(
    weights: LossWeights, unusual: Floats, filled: Floats, days: int, floor: float
) -> tuple[Floats, Floats, Floats]:
    """For each account alone: how far its coefficient is from 1, the standard error of that, and the evidence, nats."""
    pulled = weights.times(unusual)
    pull, size = filled @ pulled[0], np.maximum(weights.squares(filled)[0], SMALLEST)
    before = float((unusual * pulled).sum()) + floor
    after = np.maximum(before - pull**2 / size, floor)
    error = np.sqrt(after / max(days - TERMS - 1, 1) / size)
    with np.errstate(divide="ignore"):
        return pull / size, error, 0.5 * days * np.log(before / np.maximum(after, SMALLEST))


def _gross(coefficient: Floats, error: Floats, search: CoefficientSearch) -> Booleans:
    """Far enough from 1 either way, and clearly above 0."""
    with np.errstate(divide="ignore"):
        far = np.maximum(coefficient, 1 / coefficient) >= search.min_error_ratio
    return np.asarray(far & (coefficient > ABOVE_ZERO * error))
