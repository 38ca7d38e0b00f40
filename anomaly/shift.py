"""Sustained change of level: Student-t mean-shift likelihood ratio, judged against two references.

Two references, because each has its own innocent explanation: against the whole reference the season has
moved, against the last cycle alone the account may just be back from a holiday. What holds against both is a
change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.baseline import Residuals
from anomaly.statistics import row_median

Floats = NDArray[np.float64]

IRLS_STEPS = 3


@dataclass(frozen=True)
class Split:
    """Columns [0, split) are the reference, [recent, split) its last cycle, [split, N) the current period.

    A segment with fewer than `min_days` measured days does not count.
    """

    recent: int
    split: int
    min_days: int


@dataclass(frozen=True, eq=False)
class Shift:
    """`gain[M]` in nats, ≥ 0: the likelihood ratio of a shift; `change_log[M]`: its size in log units."""

    gain: Floats
    change_log: Floats


def mean_shift(found: Residuals, split: Split, *, degrees_of_freedom: float, drift_log: float) -> Shift:
    """Likelihood ratio of a change of level at the split, the smaller one of both references.

    The ratio is that of Student-t residuals with free against common location; it is deflated by
    (1-φ)/(1+φ) for days that resemble the day before, and by the share of the change's variance that is not
    the ordinary drift of a home's level from month to month (`drift_log`, one standard deviation).
    Contradicting signs, or too few measured days, give 0.
    """
    inflation = (1 + found.persistence) / (1 - found.persistence)
    after = found.residual[:, split.split :]
    after_days = np.isfinite(after).sum(axis=1)
    level_after = student_location(after, degrees_of_freedom)
    fit_after = _log_likelihood(after, level_after, degrees_of_freedom)
    gains, changes = [], []
    for start in (0, split.recent):
        before, whole = found.residual[:, start : split.split], found.residual[:, start:]
        days = np.isfinite(before).sum(axis=1)
        level = student_location(before, degrees_of_freedom)
        common = student_location(whole, degrees_of_freedom)
        apart = _log_likelihood(before, level, degrees_of_freedom) + fit_after
        gain = np.maximum(apart - _log_likelihood(whole, common, degrees_of_freedom), 0.0) / inflation
        with np.errstate(divide="ignore", invalid="ignore"):
            noise = found.sigma**2 * inflation * (1 / after_days + 1 / days)
            gain *= noise / (noise + drift_log**2)
        enough = (days >= split.min_days) & (after_days >= split.min_days)
        gains.append(np.where(enough, gain, np.nan))
        changes.append((level_after - level) * found.sigma)
    return _smaller_of(gains, changes)


def _smaller_of(gains: list[Floats], changes: list[Floats]) -> Shift:
    """The long reference decides; the last cycle, where it is measured, may only lower the gain."""
    (long, short), (long_change, short_change) = gains, changes
    agrees = np.sign(long_change) == np.sign(short_change)
    lowered = np.where(agrees, np.minimum(long, short), 0.0)
    gain = np.where(np.isnan(short), long, lowered)
    return Shift(np.nan_to_num(gain), np.nan_to_num(long_change))


def student_location(values: Floats, degrees_of_freedom: float) -> Floats:
    """Location of Student-t values per row: three reweighted means from the median. NaN for an empty row."""
    location = row_median(values)
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    for _ in range(IRLS_STEPS):
        weight = filled - location[:, None]
        weight *= weight
        weight += degrees_of_freedom
        np.divide(1.0, weight, out=weight)
        weight *= known
        total = weight.sum(axis=1)
        weight *= filled
        location = np.divide(weight.sum(axis=1), total, out=np.full(len(values), np.nan), where=total > 0)
    return location


def _log_likelihood(values: Floats, location: Floats, degrees_of_freedom: float) -> Floats:
    """Student-t log likelihood of each row up to a constant; absent days count nothing."""
    deviation = values - location[:, None]
    deviation *= deviation
    deviation /= degrees_of_freedom
    np.log1p(deviation, out=deviation)
    return np.asarray(-(degrees_of_freedom + 1) / 2 * np.nansum(deviation, axis=1))


def split_log_likelihood(residual: Floats, split: int, degrees_of_freedom: float) -> Floats:
    """How well each row of `residual[M, N]` fits two levels that meet at `split`: highest at the onset."""
    total = np.zeros(len(residual))
    for part in (residual[:, :split], residual[:, split:]):
        total += _log_likelihood(part, student_location(part, degrees_of_freedom), degrees_of_freedom)
    return total
