"""What is lost in an area by itself: a smooth function of what goes in, and the days that fall out of it.

r = c0 + c1 S + c2 S²: standing losses of the transformer, unmetered loads in step with the rest, and losses of the
cables; what is left of a day resembles what was left of the day before. Source: methods.md §1.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.statistics import MAD_TO_SIGMA, row_mad, row_median

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

TERMS = 3
"""Coefficients of the loss model."""

TRIMS = 2
"""How often outlying days are looked for; a second time after the largest are gone."""

SMALLEST = 1e-9
"""Keeps a division finite."""

MOST_PERSISTENCE = 0.9
"""A day is taken to resemble the day before by no more than this: of 30 days more cannot be known."""


@dataclass(frozen=True)
class LossPrior:
    """What is known of losses before looking at an area: shares of what goes in, and how far areas differ.

    A noise smaller than `least_noise_share` of the day is not believed: reads are rounded and not simultaneous.
    """

    usual_share: float
    spread_share: float
    least_noise_share: float


@dataclass(frozen=True, eq=False)
class LossWeights:
    """P symmetric matrices W over n days: a series v of unusual losses misfits the loss model by vᵀWv kWh².

    W is the band `own[P, n]` (diagonal) and `beside[P, n - 1]` (a day with the next) less EᵀE of `explained[P, 3, n]`;
    days not used weigh nothing.
    """

    own: Floats
    beside: Floats
    explained: Floats

    def take(self, at: NDArray[np.int64]) -> LossWeights:
        """The matrices of the chosen areas."""
        return LossWeights(self.own[at], self.beside[at], self.explained[at])

    def times(self, series: Floats) -> Floats:
        """W v for `series[P, n]`."""
        product = self.own * series
        product[:, :-1] += self.beside * series[:, 1:]
        product[:, 1:] += self.beside * series[:, :-1]
        part = self.explained @ series[..., None]
        return np.asarray(product - (self.explained.transpose(0, 2, 1) @ part)[..., 0])

    def squares(self, rows: Floats) -> Floats:
        """`[P, m]` xᵀWx of each of `rows[m, n]` in every matrix."""
        band = self.own @ (rows**2).T + 2 * self.beside @ (rows[:, :-1] * rows[:, 1:]).T
        return np.asarray(band - ((self.explained @ rows.T) ** 2).sum(axis=1))

    def products(self, at: int, rows: Floats) -> Floats:
        """`[m, m]` xᵀWy of all pairs of `rows[m, n]` in one matrix."""
        ahead = (rows[:, :-1] * self.beside[at]) @ rows[:, 1:].T
        part = rows @ self.explained[at].T
        return np.asarray((rows * self.own[at]) @ rows.T + ahead + ahead.T - part @ part.T)


def loss_weights(loss_kwh: Floats, supply_kwh: Floats, used: Booleans, prior: LossPrior) -> LossWeights:
    """How far a series of losses is from the loss model fitted to `loss_kwh[P, n]` on the days `used[P, n]`.

    The misfit is that of generalised least squares: each day less what of the day before is still in it.
    Coefficients unlike those of other areas cost something: an area that loses nothing, or twice what is usual, is a
    sign that its accounts are not its own. Series are counted from the usual loss: see `unusual_loss`.
    """
    design = _design(supply_kwh, used)
    noise, persistence = _noise(unusual_loss(loss_kwh, supply_kwh, used, prior), design, used, prior, supply_kwh)
    follows = used[:, 1:] & used[:, :-1]
    lag = np.where(follows, persistence[:, None], 0.0)
    own = used.astype(np.float64)
    own[:, 1:] -= np.where(used[:, 1:] & ~follows, persistence[:, None] ** 2, 0.0)
    own[:, :1] -= np.where(used[:, :1], persistence[:, None] ** 2, 0.0)
    own[:, :-1] += lag**2
    bare = LossWeights(own, -lag, np.zeros((len(used), TERMS, used.shape[1])))
    weighed = np.stack([bare.times(design[..., term]) for term in range(TERMS)], axis=1)
    price = np.eye(TERMS) * (noise / prior.spread_share)[:, None, None] ** 2
    half = np.linalg.inv(np.linalg.cholesky(weighed @ design + price))
    return LossWeights(own, -lag, half @ weighed)


def unusual_loss(loss_kwh: Floats, supply_kwh: Floats, used: Booleans, prior: LossPrior) -> Floats:
    """`[P, n]` loss beyond the usual share of what went in; 0 on days not used."""
    return np.where(used, loss_kwh - prior.usual_share * supply_kwh, 0.0)


def ordinary_days(
    loss_kwh: Floats, supply_kwh: Floats, used: Booleans, prior: LossPrior, outlier_mads: float
) -> Booleans:
    """The `used[P, n]` days without those whose loss falls out of the model: one misread spoils a day or two."""
    for _ in range(TRIMS):
        unusual = unusual_loss(loss_kwh, supply_kwh, used, prior)
        left = np.where(used, _left(unusual, _design(supply_kwh, used)), np.nan)
        centre = row_median(left)
        spread = row_mad(left, centre) * MAD_TO_SIGMA
        with np.errstate(invalid="ignore"):
            far = np.abs(left - centre[:, None]) > outlier_mads * np.maximum(spread, SMALLEST)[:, None]
        used = used & ~far
    return used


def _design(supply_kwh: Floats, used: Booleans) -> Floats:
    """`[P, n, 3]` terms of the model in kWh per share: the mean day, the day less the mean, and that squared."""
    mean = _mean(supply_kwh, used)[:, None]
    away = np.where(used, supply_kwh / mean - 1, 0.0)
    return np.asarray(np.stack([used.astype(np.float64), away, away**2], axis=2) * mean[..., None])


def _mean(supply_kwh: Floats, used: Booleans) -> Floats:
    total = np.where(used, supply_kwh, 0.0).sum(axis=1)
    return np.asarray(np.maximum(total / np.maximum(used.sum(axis=1), 1), SMALLEST))


def _left(values: Floats, design: Floats) -> Floats:
    """What plain least squares leave of `values[P, n]`."""
    normal = design.transpose(0, 2, 1) @ design
    normal = normal + np.eye(TERMS) * (SMALLEST * np.trace(normal, axis1=1, axis2=2) + SMALLEST)[:, None, None]
    part = np.linalg.solve(normal, design.transpose(0, 2, 1) @ values[..., None])
    return np.asarray(values - (design @ part)[..., 0])


def _noise(
    unusual: Floats, design: Floats, used: Booleans, prior: LossPrior, supply_kwh: Floats
) -> tuple[Floats, Floats]:
    """`[P]` standard deviation of what is new on a day, kWh, and how much of the day before is still in it."""
    left = _left(unusual, design)
    pairs = used[:, 1:] & used[:, :-1]
    together = np.where(pairs, left[:, 1:] * left[:, :-1], 0.0).sum(axis=1)
    alone = np.where(pairs, (left[:, 1:] ** 2 + left[:, :-1] ** 2) / 2, 0.0).sum(axis=1)
    persistence = np.clip(together / np.maximum(alone, SMALLEST), 0.0, MOST_PERSISTENCE)
    spread = np.sqrt((left**2).sum(axis=1) / np.maximum(used.sum(axis=1) - TERMS, 1))
    new = spread * np.sqrt(1 - persistence**2)
    return np.maximum(new, prior.least_noise_share * _mean(supply_kwh, used)), persistence
