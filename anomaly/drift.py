"""How far homes drift from themselves, and how far they differ from each other: covariances from the fleet.

Both are kept as integer counts over fixed bins, pair of features by pair of features, so that parts of a fleet
add up to the same covariance however it was cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anomaly.statistics import MAD_TO_SIGMA

Floats = NDArray[np.float64]

BINS = 81
DRIFT_BIN_LOG = 0.05
LEVEL_BIN_LOG = 0.12
"""Bin widths in log units: drift is counted up to a factor of 7, differences between homes up to 130."""

WINSOR_MADS = 3.0
SHRINK = 0.8
"""Σ = 0.8 Σ + 0.2 diag Σ, from values winsorised at 3 MAD (methods.md §1.1, measured on real homes)."""

MIN_SIGMA_LOG = 0.02
"""A feature that never moves (a rate nobody uses) neither proves nor disproves anything."""

MIN_HOMES_PER_FEATURE = 10


@dataclass(frozen=True, eq=False)
class Spread:
    """Robust centre and covariance of F features, and what whitening needs."""

    centre: Floats
    covariance: Floats

    @cached_property
    def whitener(self) -> Floats:
        """W with Wᵀ W = Σ⁻¹ (lower triangular): multiply features from the left."""
        return np.asarray(np.linalg.inv(np.linalg.cholesky(self.covariance)))

    @cached_property
    def log_determinant(self) -> float:
        """ln det Σ."""
        return float(np.linalg.slogdet(self.covariance)[1])


@dataclass(frozen=True, eq=False)
class FleetSpread:
    """What one kind of profile does by itself.

    `drift` is from the window before to the window after of the same home; `homes` is between homes of a group.
    """

    drift: Spread
    homes: Spread


@dataclass(frozen=True, eq=False)
class PairCounts:
    """`counts[P, BINS, BINS]` over the P = F(F+1)/2 pairs of features (own pairs too), and the bin width."""

    counts: NDArray[np.int64]
    features: int
    bin_log: float

    def __add__(self, other: PairCounts) -> PairCounts:
        """Counts of two parts of a fleet together."""
        return PairCounts(self.counts + other.counts, self.features, self.bin_log)

    def spread(self) -> Spread:
        """Winsorised and shrunk covariance around the median of each feature."""
        first, second = np.triu_indices(self.features)
        middle = (np.arange(BINS) - BINS // 2) * self.bin_log
        single = self.counts[first == second].sum(axis=2)
        centre = _weighted_median(np.broadcast_to(middle, single.shape), single)
        away = np.abs(middle - centre[:, None])
        reach = WINSOR_MADS * MAD_TO_SIGMA * _weighted_median(away, single)
        reach = np.maximum(reach, self.bin_log)[:, None]
        clipped = np.clip(middle - centre[:, None], -reach, reach)
        total = np.einsum("pxy,px,py->p", self.counts, clipped[first], clipped[second])
        covariance = np.zeros((self.features, self.features))
        covariance[first, second] = covariance[second, first] = total / np.maximum(single.sum(axis=1)[0], 1)
        diagonal = np.maximum(np.diag(covariance), MIN_SIGMA_LOG**2)
        return Spread(centre, SHRINK * covariance * _off(self.features) + np.diag(diagonal))


@dataclass(frozen=True, eq=False)
class FleetCounts:
    """Counts for one kind of profile and one pair of window lengths; parts of a fleet add up."""

    drift: PairCounts
    homes: PairCounts

    def __add__(self, other: FleetCounts) -> FleetCounts:
        """Counts of two parts of a fleet together."""
        return FleetCounts(self.drift + other.drift, self.homes + other.homes)

    @property
    def samples(self) -> int:
        """How many pairs of windows were counted."""
        return int(self.drift.counts[0].sum())

    def fleet_spread(self) -> FleetSpread | None:
        """The covariances, or None where too few homes were counted to tell."""
        if self.samples < MIN_HOMES_PER_FEATURE * self.drift.features:
            return None
        return FleetSpread(self.drift.spread(), self.homes.spread())


def fleet_counts(before: Floats, after: Floats) -> FleetCounts:
    """Counts of `[..., F]` window summaries before and after a date; homes with an absent feature do not count."""
    features = before.shape[-1]
    before, after = before.reshape(-1, features), after.reshape(-1, features)
    known = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1)
    return FleetCounts(
        _pair_counts((after - before)[known], DRIFT_BIN_LOG), _pair_counts(after[known], LEVEL_BIN_LOG)
    )


def _pair_counts(values: Floats, bin_log: float) -> PairCounts:
    half = BINS // 2
    bins = np.clip(np.rint(values / bin_log), -half, half).astype(np.int64).T + half
    first, second = np.triu_indices(values.shape[1])
    counts = np.empty((len(first), BINS, BINS), np.int64)
    for place, (one, other) in enumerate(zip(first, second, strict=True)):
        cells = bins[one] * BINS + bins[other]
        counts[place] = np.bincount(cells, minlength=BINS * BINS).reshape(BINS, BINS)
    return PairCounts(counts, values.shape[1], bin_log)


def _weighted_median(values: Floats, weights: NDArray[np.int64]) -> Floats:
    """Median of each row of `values[F, B]` with integer `weights[F, B]`; 0 without weight."""
    order = np.argsort(values, axis=1, kind="stable")
    upto = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    at = (upto * 2 < upto[:, -1:]).sum(axis=1).clip(max=values.shape[1] - 1)
    found = np.take_along_axis(np.take_along_axis(values, order, axis=1), at[:, None], axis=1)[:, 0]
    return np.where(upto[:, -1] > 0, found, 0.0)


def _off(features: int) -> Floats:
    """1 off the diagonal, 0 on it."""
    return 1.0 - np.eye(features)
