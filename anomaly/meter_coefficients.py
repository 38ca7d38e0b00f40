"""How much of what each meter of an area counts the supply meter sees: 1 where both agree.

Ridge towards 1: the losses an area has beyond the usual are laid at the doors of its meters, each reluctantly. Source:
methods.md §1.4, per-meter coefficient; from daily reads only gross errors can be told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.area_balance import AreaBalance
from anomaly.area_moves import LEAST_KNOWN_SHARE
from anomaly.loss_model import TERMS, LossPrior, LossWeights, loss_weights, ordinary_days, unusual_loss

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

NOISE_STEPS = 3
"""How often the noise is taken again from what the coefficients leave."""

SMALLEST = 1e-12

ABOVE_ZERO = 2.0
"""Standard deviations a coefficient must be above 0: an account that the area does not feed has none."""


@dataclass(frozen=True)
class CoefficientFit:
    """Which days are used, and how far a coefficient may stray: `spread` is one standard deviation around 1."""

    window_days: int
    within_days: int
    min_days: int
    outlier_mads: float
    prior: LossPrior
    spread: float


def coefficient_fit(
    *, window_days: int, within_days: int, min_days: int, outlier_mads: float, usual_loss_share: float,
    loss_spread_share: float, least_noise_share: float, coefficient_spread: float, **_: object,
) -> CoefficientFit:  # fmt: skip
    """The fit that a rule's limits ask for."""
    prior = LossPrior(usual_loss_share, loss_spread_share, least_noise_share)
    return CoefficientFit(window_days, within_days, min_days, outlier_mads, prior, coefficient_spread)


@dataclass(frozen=True, eq=False)
class Coefficients:
    """K accounts: `coefficient` is what the supply meter sees per kWh the account's meter counts.

    `known` is the share of it that the reads say (the rest is the pull towards 1), `error` its standard deviation,
    `z` how many of these it is from the median of its area. `first_day`, `end_day` span the days used.
    """

    position: Integers
    coefficient: Floats
    known: Floats
    error: Floats
    z: Floats
    kwh_per_day: Floats
    first_day: Integers
    end_day: Integers


def coefficients(area: Integers, energy_kwh: Floats, balance: AreaBalance, fit: CoefficientFit) -> Coefficients:
    """The coefficients of all accounts whose areas have days enough.

    `area[M]` is the area an account is filed under (-1: left out), `energy_kwh[M, D]` what its meter counted.
    """
    span = energy_kwh.shape[1]
    first = max(span - fit.within_days, 0)
    order = np.argsort(area, kind="stable")
    order = order[area[order] >= 0]
    areas = np.unique(area[order])
    used, weights, unusual = _models(balance, areas, slice(first, span), fit)
    parts = []
    for at in np.flatnonzero(used.sum(axis=1) >= fit.min_days):
        low, high = np.searchsorted(area[order], [areas[at], areas[at] + 1])
        rows = order[low:high]
        parts.append(_of_area(rows, energy_kwh[rows, first:], int(at), used[at], weights, unusual[at], first, fit))
    return Coefficients(*(np.concatenate(columns) for columns in zip(_nobody(), *parts, strict=True)))


def gross_errors(found: Coefficients, min_error_ratio: float, min_z: float, min_known_share: float) -> Booleans:
    """`[K]` coefficients far from 1 and from the median of their area, told by the reads, and clearly above 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gross = np.maximum(found.coefficient, 1 / found.coefficient) >= min_error_ratio
    sure = (np.abs(found.z) >= min_z) & (found.known >= min_known_share)
    return np.asarray(gross & sure & (found.coefficient > ABOVE_ZERO * found.error))


def _nobody() -> tuple[NDArray[np.float64] | Integers, ...]:
    whole, real = np.empty(0, np.int64), np.empty(0)
    return whole, real, real, real, real, real, whole, whole


def _models(
    balance: AreaBalance, areas: Integers, days: slice, fit: CoefficientFit
) -> tuple[Booleans, LossWeights, Floats]:
    """Days used, weights and unusual losses of the areas over these days."""
    loss, supply = balance.loss_kwh[areas, days], np.nan_to_num(balance.supply_kwh[areas, days])
    used = np.isfinite(loss)
    used &= np.cumsum(used[:, ::-1], axis=1)[:, ::-1] <= fit.window_days
    loss = np.nan_to_num(loss)
    used = ordinary_days(loss, supply, used, fit.prior, fit.outlier_mads)
    return used, loss_weights(loss, supply, used, fit.prior), unusual_loss(loss, supply, used, fit.prior)


def _of_area(
    rows: Integers, energy: Floats, area: int, used: Booleans, weights: LossWeights, unusual: Floats, first: int,
    fit: CoefficientFit,
) -> tuple[NDArray[np.float64] | Integers, ...]:  # fmt: skip
    """Columns of `Coefficients` for the accounts `rows` of one area, the one at `area` of `weights`."""
    known = np.isfinite(energy) & used
    enough = known.sum(axis=1) >= LEAST_KNOWN_SHARE * used.sum()
    rows, energy, known = rows[enough], energy[enough], known[enough]
    mean = np.where(known, energy, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, energy, mean[:, None]) * used
    together = weights.products(area, np.vstack([filled, unusual]))
    square, pull, whole = together[:-1, :-1], together[:-1, -1], float(together[-1, -1])
    days = int(used.sum())
    noise = np.sqrt(whole / max(days - TERMS, 1))
    for _ in range(NOISE_STEPS):
        inverse = np.linalg.inv(square + np.eye(len(rows)) * max((noise / fit.spread) ** 2, SMALLEST))
        away = inverse @ pull
        told = inverse @ square
        left = whole - 2 * float(away @ pull) + float(away @ square @ away)
        noise = np.sqrt(max(left, SMALLEST) / max(days - TERMS - float(np.trace(told)), days / 4))
    share = np.diagonal(told)
    error = noise * np.sqrt(np.maximum(np.diagonal(told @ inverse), SMALLEST))
    free = np.maximum(share, SMALLEST)
    at = np.flatnonzero(used)
    return (
        rows, 1 + away / free, share, error / free, (away - np.median(away) if len(away) else away) / error, mean,
        np.full(len(rows), first + at[0]), np.full(len(rows), first + at[-1] + 1),
    )  # fmt: skip
