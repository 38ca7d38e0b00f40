"""Two homes whose use moved by the same amount in opposite directions at about the same time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class MirrorLimits:
    """Limits of the rulebook: how far back a change is looked for, over which windows, and what counts as one."""

    back_days: int
    step_days: int
    window_days: int
    min_before_days: int
    min_after_days: int
    min_log: float
    min_change_kwh_per_day: float
    max_unbalanced_share: float


@dataclass(frozen=True, eq=False)
class Mirrored:
    """The clearest opposite change of each pair, `[K]`: its day (-1: none) and the levels of both, NaN where none."""

    day: Integers
    before: Floats
    after: Floats
    other_before: Floats
    other_after: Floats

    @property
    def found(self) -> Booleans:
        """Whether there is one."""
        return np.asarray(self.day >= 0)

    @property
    def change(self) -> Floats:
        """By how much a day the first home's use moved, kWh/d."""
        return self.after - self.before


def mirrored_change(
    panel: Panel, row: Integers, other: Integers, until: Integers, rises: Booleans, limits: MirrorLimits
) -> Mirrored:
    """Of the days up to `until[K]`, the one at which `row[K]` and `other[K]` changed most, one up and the other down.

    Means of `window_days` on both sides; both must change by `min_log` and the sum of both stay. `rises`: only
    where the first home uses more. Of equal days the first is taken.
    """
    split = until[:, None] - np.arange(limits.back_days, -1, -limits.step_days)
    before, after = _levels(panel, row, split, limits)
    other_before, other_after = _levels(panel, other, split, limits)
    change, other_change = quantised(after - before), quantised(other_after - other_before)
    moved = np.minimum(np.abs(change), np.abs(other_change))
    with np.errstate(divide="ignore", invalid="ignore"):
        own_log, other_log = np.log(after / before), np.log(other_after / other_before)
        fits = np.minimum(np.abs(own_log), np.abs(other_log)) >= limits.min_log
        fits &= (np.sign(change) * np.sign(other_change) < 0) & (moved >= limits.min_change_kwh_per_day)
        fits &= np.abs(quantised(change + other_change)) <= limits.max_unbalanced_share * np.abs(change)
        fits &= (change > 0) | ~rises[:, None]
    at = np.argmax(np.where(fits, moved, -1.0), axis=1)
    pair = np.arange(len(row))
    found = fits[pair, at]
    levels = (np.where(found, one[pair, at], np.nan) for one in (before, after, other_before, other_after))
    return Mirrored(np.where(found, split[pair, at], -1), *levels)


def _levels(panel: Panel, row: Integers, split: Integers, limits: MirrorLimits) -> tuple[Floats, Floats]:
    """`[K, S]` mean kWh per known day before and from each split on, NaN where too few are known."""
    rows, at = np.unique(row, return_inverse=True)
    kwh = panel.kwh[rows]
    known = np.isfinite(kwh)
    total = np.zeros((len(rows), panel.shape[1] + 1))
    days = np.zeros(total.shape, np.int64)
    np.cumsum(np.where(known, kwh, 0.0), axis=1, out=total[:, 1:])
    np.cumsum(known, axis=1, out=days[:, 1:])

    def mean(first: Integers, last: Integers, least: int) -> Floats:
        low, high = (np.clip(edge, 0, panel.shape[1]) for edge in (first, last))
        count = days[at[:, None], high] - days[at[:, None], low]
        energy = total[at[:, None], high] - total[at[:, None], low]
        return np.where(count >= least, np.maximum(energy, 0.0) / np.maximum(count, 1), np.nan)

    return (
        mean(split - limits.window_days, split, limits.min_before_days),
        mean(split, split + limits.window_days, limits.min_after_days),
    )
