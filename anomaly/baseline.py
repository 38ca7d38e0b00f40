"""What an account was expected to use: its own weekday pattern, moved with its cohort, on a log scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.statistics import MAD_TO_SIGMA, row_mad, row_median

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

WEEK_DAYS = 7
WEEKDAY_PRIOR_WEEKS = 4.0
"""A weekday's own median counts n / (n + 4) after n weeks: two Sundays do not make a pattern."""

SLOPE_PRIOR = 0.5
"""Prior weight of "moves exactly with its cohort", in squared log units summed over days.

Noise variance 0.1, inflated three times by its persistence, over a slope variance of 0.8²: assumed.
"""
SLOPE_RANGE = (-0.5, 3.0)
MAX_PERSISTENCE = 0.9
CLIP_SIGMA = 5.0


@dataclass(frozen=True, eq=False)
class Residuals:
    """Log use minus what was expected, in each position's own sigma.

    residual      `[M, N]` NaN on days without a measurement
    sigma         `[M]` day-to-day spread in log units, half own and half fleet (variances averaged)
    persistence   `[M]` lag-1 autocorrelation over the reference, between 0 and 0.9
    """

    residual: Floats
    sigma: Floats
    persistence: Floats


def measured_kwh(panel: Panel, first: int) -> Floats:
    """kWh of the days from `first` on, `[M, D - first]`; a day whose energy is a share of a gap is absent."""
    kwh = panel.kwh[:, first:].copy()
    kwh[panel.spread[:, first:]] = np.nan
    return kwh


def log_use(kwh: Floats, log_offset_kwh: float) -> Floats:
    """ln(kWh + offset), negative energy as none. The offset keeps an idle home from making huge ratios."""
    return np.log(np.maximum(kwh, 0.0) + log_offset_kwh)


def residuals(
    kwh: Floats, cohort_log: Floats | None, reference: int, *, log_offset_kwh: float, fleet_log_sigma: float
) -> Residuals:
    """Log use of `kwh[M, N]` minus cohort, own median and own weekday pattern of the first `reference` days.

    `cohort_log[M, N]` is what the cohort did those days (see `anomaly.cohort`); a home moves with it by a
    slope of its own. Source: measured on real homes by `benchmarks/jumps.py`.
    """
    log = log_use(kwh, log_offset_kwh)
    if cohort_log is not None:
        cohort = np.nan_to_num(cohort_log)
        log -= cohort
        log -= _extra_slope(log, cohort, reference)[:, None] * _smooth(cohort)
    log -= row_median(log[:, :reference])[:, None]
    _subtract_weekday_pattern(log, reference)
    own = log[:, :reference]
    centre = row_median(own)
    spread = MAD_TO_SIGMA * row_mad(own, centre)
    sigma = np.sqrt(0.5 * np.nan_to_num(spread) ** 2 + 0.5 * fleet_log_sigma**2)
    log /= sigma[:, None]
    return Residuals(log, sigma, _persistence(log[:, :reference] - (centre / sigma)[:, None]))


def _smooth(cohort: Floats) -> Floats:
    """Centred mean of a week (shorter at the borders): the season, not the single day."""
    half = WEEK_DAYS // 2
    total = np.cumsum(np.pad(cohort, ((0, 0), (1, 0))), axis=1)
    day = np.arange(cohort.shape[1])
    low, high = np.maximum(day - half, 0), np.minimum(day + half + 1, cohort.shape[1])
    return np.asarray((total[:, high] - total[:, low]) / (high - low))


def _extra_slope(log: Floats, cohort: Floats, reference: int) -> Floats:
    """How much more than its cohort each position moves with the season (heating), shrunk towards 0."""
    season = _smooth(cohort)[:, :reference]
    own = log[:, :reference]
    known = np.isfinite(own)
    count = np.maximum(known.sum(axis=1), 1)
    season = np.where(known, season, 0.0)
    season -= np.where(known, (season.sum(axis=1) / count)[:, None], 0.0)
    level = np.nan_to_num(row_median(own))
    deviation = np.clip(np.where(known, own - level[:, None], 0.0), -1.5, 1.5)
    slope = (season * deviation).sum(axis=1) / ((season**2).sum(axis=1) + SLOPE_PRIOR)
    return np.asarray(np.clip(slope, SLOPE_RANGE[0] - 1.0, SLOPE_RANGE[1] - 1.0))


def _subtract_weekday_pattern(log: Floats, reference: int) -> None:
    """Take each weekday's reference median out of all its days, in place; shrunk for short histories."""
    for weekday in range(min(WEEK_DAYS, log.shape[1])):
        own = log[:, weekday:reference:WEEK_DAYS]
        weeks = np.isfinite(own).sum(axis=1)
        pattern = np.nan_to_num(row_median(own)) * weeks / (weeks + WEEKDAY_PRIOR_WEEKS)
        log[:, weekday::WEEK_DAYS] -= pattern[:, None]


def _persistence(centred: Floats) -> Floats:
    """Lag-1 autocorrelation of `centred[M, N]`, outliers clipped, at most 0.9."""
    known = np.isfinite(centred)
    filled = np.where(known, np.clip(centred, -CLIP_SIGMA, CLIP_SIGMA), 0.0)
    pairs = np.maximum((known[:, 1:] & known[:, :-1]).sum(axis=1), 1)
    lagged = (filled[:, 1:] * filled[:, :-1]).sum(axis=1) / pairs
    variance = (filled**2).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    ratio = np.divide(lagged, variance, out=np.zeros(len(centred)), where=variance > 0)
    return np.asarray(np.clip(ratio, 0.0, MAX_PERSISTENCE))
