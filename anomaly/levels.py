"""Sustained changes of level: how much more or less is used per day, how sure that is, and since when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.baseline import residuals
from anomaly.shift import Split, mean_shift, split_log_likelihood
from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Scale:
    """The scale on which use is compared (limits of the rulebook, see `[detector.J01.limits]`).

    idle_share, unused_share    a home idle on a share of days between the two is compared on its active days
    """

    log_offset_kwh: float
    fleet_log_sigma: float
    drift_log: float
    degrees_of_freedom: float
    idle_share: float
    unused_share: float


@dataclass(frozen=True, eq=False)
class Levels:
    """Mean kWh per day, `[M]` each: the reference, what it would be today, the current period, the change.

    `expected` is the whole reference moved with the cohort. `change` is the smaller of the differences to the
    whole reference and to its last cycle, 0 where they contradict each other; `ratio` likewise, 1 for none.
    NaN where one of the segments is not measured well enough.
    """

    before: Floats
    expected: Floats
    after: Floats
    change: Floats
    ratio: Floats


def levels(kwh: Floats, cohort_log: Floats | None, split: Split, *, log_offset_kwh: float) -> Levels:
    """Levels of `kwh[M, N]` on both sides of the split, always per measured day."""
    after, after_days, after_cohort = _mean(kwh, cohort_log, split.split, kwh.shape[1])
    changes, ratios, expected, before = [], [], [], []
    for start in (0, split.recent):
        mean, days, cohort = _mean(kwh, cohort_log, start, split.split)
        moved = (mean + log_offset_kwh) * np.exp(after_cohort - cohort)
        moved[(days < split.min_days) | (after_days < split.min_days)] = np.nan
        changes.append(after + log_offset_kwh - moved)
        ratios.append((after + log_offset_kwh) / moved)
        expected.append(np.maximum(moved - log_offset_kwh, 0.0))
        before.append(mean)
    short_unknown = np.isnan(changes[1])
    change = np.where(short_unknown, changes[0], _nearer_zero(changes[0], changes[1]))
    logs = np.log(np.maximum(ratios[0], 1e-9)), np.log(np.maximum(ratios[1], 1e-9))
    ratio = np.exp(np.where(short_unknown, logs[0], _nearer_zero(*logs)))
    return Levels(before[0], expected[0], after, quantised(change), quantised(ratio))


def _mean(kwh: Floats, cohort_log: Floats | None, start: int, end: int) -> tuple[Floats, Integers, Floats]:
    """Mean of the measured days in [start, end), their number, and the cohort's mean over the same days."""
    part = kwh[:, start:end]
    known = np.isfinite(part)
    days = known.sum(axis=1)
    divisor = np.maximum(days, 1)
    mean = np.where(known, part, 0.0).sum(axis=1) / divisor
    if cohort_log is None:
        return np.maximum(mean, 0.0), days, np.zeros(len(kwh))
    cohort = np.where(known, np.nan_to_num(cohort_log[:, start:end]), 0.0).sum(axis=1) / divisor
    return np.maximum(mean, 0.0), days, cohort


def _nearer_zero(one: Floats, other: Floats) -> Floats:
    """The smaller of two changes, 0 where their signs differ."""
    smaller = np.where(np.abs(one) < np.abs(other), one, other)
    return np.where(np.sign(one) == np.sign(other), smaller, 0.0)


@dataclass(frozen=True, eq=False)
class Onset:
    """Of the rows looked at: `gain[K]` in nats, `change_log[K]`, and the onset as a column of kwh."""

    gain: Floats
    change_log: Floats
    onset: Integers


def evidence(
    kwh: Floats,
    cohort_log: Floats | None,
    split: Split,
    scale: Scale,
    *,
    min_gain: float,
    candidates: Integers,
) -> Onset:
    """How sure the change at the split is and, where the gain reaches `min_gain`, when it began.

    `candidates` are columns in ascending order. Onsets of rows below `min_gain` are the split itself.
    """
    found = residuals(
        _active_days(kwh, split.split, scale), cohort_log, split.split,
        log_offset_kwh=scale.log_offset_kwh, fleet_log_sigma=scale.fleet_log_sigma,
    )  # fmt: skip
    shift = mean_shift(found, split, degrees_of_freedom=scale.degrees_of_freedom, drift_log=scale.drift_log)
    gain = quantised(shift.gain)
    onset = np.full(len(kwh), split.split)
    sure = np.flatnonzero(gain >= min_gain)
    if len(sure) and len(candidates):
        residual = found.residual[sure]
        fits = [split_log_likelihood(residual, int(day), scale.degrees_of_freedom) for day in candidates]
        best = np.argmax(np.round(np.stack(fits, axis=1), 6), axis=1)
        onset[sure] = candidates[best]
    return Onset(gain, shift.change_log, onset)


def _active_days(kwh: Floats, reference: int, scale: Scale) -> Floats:
    """A home that is often idle is compared on the days it was used; a home never used, on all its days."""
    with np.errstate(invalid="ignore"):
        idle = kwh < scale.log_offset_kwh
    days = np.maximum(np.isfinite(kwh[:, :reference]).sum(axis=1), 1)
    share = idle[:, :reference].sum(axis=1) / days
    often = (share >= scale.idle_share) & (share < scale.unused_share)
    if not often.any():
        return kwh
    return np.where(idle & often[:, None], np.nan, kwh)
