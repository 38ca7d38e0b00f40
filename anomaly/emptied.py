"""Has a home fallen empty? Then it looks like any other empty home, which is no exchange with one of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray

from anomaly.profile import (
    BIN_MINUTES,
    BIN_OFFSET_KWH,
    DAY_MINUTES,
    DAY_OFFSET_KWH,
    INTERVALS,
    LARGEST_OFFSET_KWH,
    RATES,
)  # fmt: skip

Floats = NDArray[np.float64]

BINS = DAY_MINUTES // BIN_MINUTES
HOURS_PER_BIN = BIN_MINUTES / 60

EMPTIED_SHARE = 0.5
"""A home that uses more than this share of what it used has not fallen empty (assumed: holidays leave 0.1 to 0.4)."""

FLAT_SIGMA_LOG = 0.3
LOOSE_SIGMA_LOG = 0.6
"""How flat an empty home is: its 3-hour bins and its weeks' smallest and largest days; its smallest and largest
interval and its day-to-day change (assumed: refrigerator and standby; half or twice as much changes little)."""

LEAST_SHARE = 0.7
MOST_SHARE = 1.6
"""Smallest and largest interval of an empty home over its mean one (assumed: a refrigerator that switches)."""

LEVEL_RANGE_LOG = 3.0
"""Levels of empty homes lie within a factor of 20, each as likely (assumed: 5 to 100 W)."""

DEGREES_OF_FREEDOM = 4.0


@dataclass(frozen=True, eq=False)
class Sides:
    """Window summaries of the homes of groups before and after a date.

    `before`, `after` `[G, g, F]` are relative to the group; `zero_before`, `zero_after` `[G, 1, F]` are the same of
    a home whose features are all 0, that is, of the group's median with its sign changed.
    """

    before: Floats
    after: Floats
    zero_before: Floats
    zero_after: Floats

    def some(self, groups: NDArray[np.bool_]) -> Sides:
        """Some of the groups."""
        return Sides(*(part[groups] for part in (self.before, self.after, self.zero_before, self.zero_after)))

    def members(self, place: NDArray[np.int64]) -> Sides:
        """Homes `place[G, w]` of each group; absent where -1."""
        rows = np.arange(len(place))[:, None]
        absent = (place < 0)[..., None]
        before, after = (np.where(absent, np.nan, part[rows, place]) for part in (self.before, self.after))
        return Sides(before, after, self.zero_before, self.zero_after)


def emptied_nats(sides: Sides, kind: str) -> Floats:
    """`[G, g]` ln likelihood of each home's window after the date, had it fallen empty; -inf where it did not fall.

    An empty home's day is flat at a low level which nobody knows. Lost use is what an exchange with an empty home
    and a holiday have in common: what is left to tell them apart is the level, and the other home's side.
    """
    after, before = sides.after - sides.zero_after, sides.before - sides.zero_before
    if kind == INTERVALS:
        off, free = _off_flat_bins(after), 1
        fell = _mean_of_bins(after) < EMPTIED_SHARE * _mean_of_bins(before)
    else:
        free = after.shape[-1] // 4
        off, fell = _off_flat_days(after, free), _day_kwh(after, kind) < EMPTIED_SHARE * _day_kwh(before, kind)
    return np.where(fell, _log_density(off, 2 if kind == INTERVALS else free, free), -np.inf)


def _off_flat_bins(after: Floats) -> Floats:
    """Bins, smallest and largest interval off a flat day of the same level, in sigmas.

    The largest interval is compared with an hour's: shorter ones of a flat day are smaller still, and no proof.
    """
    level = _mean_of_bins(after)[..., None]
    bins = after[..., :BINS] - np.log(level + BIN_OFFSET_KWH)
    smallest = after[..., BINS : BINS + 1] - np.log(LEAST_SHARE * BINS * level + BIN_OFFSET_KWH)
    most = np.log(MOST_SHARE * level / HOURS_PER_BIN + LARGEST_OFFSET_KWH)
    largest = np.maximum(after[..., BINS + 1 :] - most, 0.0)
    return np.concatenate([bins / FLAT_SIGMA_LOG, smallest / LOOSE_SIGMA_LOG, largest / LOOSE_SIGMA_LOG], axis=-1)


def _off_flat_days(after: Floats, channels: int) -> Floats:
    """Small and large days off the median one, and the day-to-day change off the group's, in sigmas."""
    median, small, large, changed = (after[..., at * channels : (at + 1) * channels] for at in range(4))
    return np.concatenate(
        [(small - median) / FLAT_SIGMA_LOG, (large - median) / FLAT_SIGMA_LOG, changed / LOOSE_SIGMA_LOG], axis=-1
    )


def _mean_of_bins(features: Floats) -> Floats:
    """`[G, g]` kWh of an average 3-hour bin."""
    return np.asarray(np.maximum(np.exp(features[..., :BINS]) - BIN_OFFSET_KWH, 0.0).mean(axis=-1))


def _day_kwh(features: Floats, kind: str) -> Floats:
    """`[G, g]` kWh of the median day: of all rate registers, or the total."""
    if kind == RATES:
        return np.asarray(np.maximum(np.exp(features[..., : features.shape[-1] // 4]) - BIN_OFFSET_KWH, 0.0).sum(-1))
    return np.asarray(np.maximum(np.exp(features[..., 0]) - DAY_OFFSET_KWH, 0.0))


def _log_density(off: Floats, loose: int, free: int) -> Floats:
    """Student-t log density of values off their place, `loose` of them loosely, and of `free` levels nobody knows."""
    count = off.shape[-1]
    half = (DEGREES_OF_FREEDOM + count) / 2
    constant = lgamma(half) - lgamma(DEGREES_OF_FREEDOM / 2) - count / 2 * np.log(DEGREES_OF_FREEDOM * np.pi)
    constant -= (count - loose) * np.log(FLAT_SIGMA_LOG) + loose * np.log(LOOSE_SIGMA_LOG)
    constant -= free * np.log(LEVEL_RANGE_LOG)
    return np.asarray(constant - half * np.log1p((off**2).sum(axis=-1) / DEGREES_OF_FREEDOM))
