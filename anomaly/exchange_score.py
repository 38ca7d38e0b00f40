"""Did homes of a group exchange their profiles at a date? Scores for every pair, and for chains of three and more.

The statement "home i now runs on the meter that home j had" is compared with "home i stayed as it was, fell empty,
or became like any home of the fleet": the second half keeps a household with a new life, and two that leave for the
holidays, from looking like an exchange.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from anomaly.drift import FleetSpread

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

RATIO_CAP_NATS = 12.0
"""Student-t pair ratio is told up to here: beyond, single tails decide (methods.md §1.1)."""

MOVED_OFFSET = 0.1
"""Times F, added to distances before their logarithm is taken (methods.md §1.1)."""


CHAIN_COST_NATS = 4.0
"""What a chain must prove more for every home beyond two: in a box of twelve there are seven times as many chains
of three as pairs, and they are rarer (assumed: ten times)."""


GAIN_DECIMALS = 6
"""Gains are rounded before they are compared, so that another slicing of the fleet finds the same."""

NEAR_NATS = 1e-5
"""What rounding may take from a pair's score."""

MOST_SPARE_NATS = 300.0
"""Beyond it every distance is near enough; keeps the exponential finite."""


@dataclass(frozen=True)
class Newcomer:
    """What happens to a home without an exchange, and the t degrees of freedom of drift and of homes.

    `chance` that it becomes any other home within the windows, `emptied_chance` that it falls empty.
    """

    chance: float
    emptied_chance: float
    degrees_of_freedom: float
    homes_degrees_of_freedom: float


@dataclass(frozen=True, eq=False)
class Fit:
    """How well each home's window after the date fits each home's window before it.

    distance    `[G, g, g]` D(i, j): after of i against before of j, in squared drift sigmas; NaN where absent
    cross       `[G, g, g]` ln likelihood of after i, had i's meter measured j before
    own         `[G, g]` ln likelihood of after i, had nothing been exchanged
    """

    distance: Floats
    cross: Floats
    own: Floats
    features: int

    @property
    def gain(self) -> Floats:
        """`[G, g, g]` by how much "i now measures j" beats "i was not exchanged", in nats; -inf where absent."""
        gain = np.round(self.cross - self.own[:, :, None], GAIN_DECIMALS)
        gain[~np.isfinite(gain)] = -np.inf
        places = np.arange(gain.shape[1])
        gain[:, places, places] = -np.inf
        return np.asarray(gain)


@dataclass(frozen=True, eq=False)
class Links:
    """Exchanges found: in `group`, the meter of member `member` now measures what `source` measured before.

    A pair is two links; a chain of n is n links of the same `exchange` (numbered over all groups). `nats` is the
    log likelihood ratio of the whole exchange, `size` its number of members.
    """

    group: Integers
    exchange: Integers
    member: Integers
    source: Integers
    size: Integers
    nats: Floats


def fit(
    before: Floats, after: Floats, fleet: FleetSpread, newcomer: Newcomer, emptied: Floats | None = None
) -> Fit:
    """Fit of `[G, g, F]` window summaries after a date to those before it; absent homes are NaN.

    `emptied[G, g]` is the ln likelihood of each home's window after, had it fallen empty; None: nobody asks.
    """
    white = fleet.drift.whitener.T
    distance = _distances(after @ white, before @ white)
    features = before.shape[-1]
    cross = drift_nats(distance, features, fleet, newcomer)
    own = _own(np.diagonal(cross, axis1=1, axis2=2), after, fleet, newcomer, emptied)
    return Fit(distance, cross, own, features)


def drift_nats(distance: Floats, features: int, fleet: FleetSpread, newcomer: Newcomer) -> Floats:
    """ln likelihood of a window that lies so far (in squared drift sigmas) off where the home was before."""
    return _log_t(distance, features, newcomer.degrees_of_freedom, fleet.drift.log_determinant)


def _own(stayed: Floats, after: Floats, fleet: FleetSpread, newcomer: Newcomer, emptied: Floats | None) -> Floats:
    """`[G, g]` ln likelihood of each home's window after, had nothing been exchanged."""
    moved = (after - fleet.homes.centre) @ fleet.homes.whitener.T
    anybody = _log_t(
        (moved**2).sum(axis=-1), after.shape[-1], newcomer.homes_degrees_of_freedom, fleet.homes.log_determinant
    )
    with np.errstate(invalid="ignore"):
        own = np.logaddexp(np.log1p(-newcomer.chance) + stayed, np.log(newcomer.chance) + anybody)
        if emptied is not None:
            own = np.logaddexp(np.log1p(-newcomer.emptied_chance) + own, np.log(newcomer.emptied_chance) + emptied)
    return np.asarray(own)


def within_reach(
    before: Floats, after: Floats, fleet: FleetSpread, newcomer: Newcomer, emptied: Floats | None, limit_nats: Floats
) -> Booleans:
    """`[G, g]` homes that are in a pair of at least `limit_nats[G]`: what `fit` would find, without every pair's score.

    What a home can gain at most is what it would by landing exactly where another was. From it follows how near to
    each other's place both homes of a pair must lie; only pairs that do are scored.
    """
    white = fleet.drift.whitener.T
    was, now = before @ white, after @ white
    features = before.shape[-1]
    stayed = drift_nats(((now - was) ** 2).sum(axis=-1), features, fleet, newcomer)
    own = _own(stayed, after, fleet, newcomer, emptied)
    at_most = np.where(np.isfinite(own), drift_nats(np.zeros(1), features, fleet, newcomer) - own, -np.inf)
    spare = at_most + at_most.max(axis=1, initial=-np.inf)[:, None] - limit_nats[:, None]
    dof = newcomer.degrees_of_freedom
    furthest = np.where(spare >= 0, dof * np.expm1(2 * np.clip(spare, 0, MOST_SPARE_NATS) / (dof + features)), -1.0)
    distance = _distances(now, was)
    near = distance <= furthest[:, :, None]
    group, one, other = np.nonzero(near & near.transpose(0, 2, 1) & np.triu(np.ones(near.shape[1:], bool), 1))
    cross = drift_nats(distance[group, one, other], features, fleet, newcomer)
    cross += drift_nats(distance[group, other, one], features, fleet, newcomer)
    told = cross - own[group, one] - own[group, other] >= limit_nats[group] - NEAR_NATS
    reached = np.zeros(own.shape, bool)
    reached[group[told], one[told]] = reached[group[told], other[told]] = True
    return reached


def pair_nats(gain: Floats) -> Floats:
    """`[G, g, g]` symmetric: log likelihood ratio of "i and j exchanged" against "neither did"."""
    return np.asarray(gain + gain.transpose(0, 2, 1))


def both_moved(distance: Floats, features: int) -> Floats:
    """`[..., g, g]` MM: ln of how far the nearer of both moved from itself over how far the worse lies off the other.

    Above zero both left themselves and both landed on each other. Source: methods.md §1.1.
    """
    offset = MOVED_OFFSET * features
    own = np.diagonal(distance, axis1=-2, axis2=-1)
    left = np.log(np.minimum(own[..., :, None], own[..., None, :]) + offset)
    return np.asarray(left - np.log(np.maximum(distance, distance.swapaxes(-1, -2)) + offset))


def capped_ratio(distance: Floats, features: int, degrees_of_freedom: float) -> Floats:
    """`[..., g, g]` LLR_t = ρ(D_ii) + ρ(D_jj) - ρ(D_ij) - ρ(D_ji), at most RATIO_CAP_NATS. Source: methods.md §1.1."""
    rho = (degrees_of_freedom + features) / 2 * np.log1p(distance / degrees_of_freedom)
    own = np.diagonal(rho, axis1=-2, axis2=-1)
    ratio = own[..., :, None] + own[..., None, :] - rho - rho.swapaxes(-1, -2)
    return np.asarray(np.minimum(ratio, RATIO_CAP_NATS))


def exchanges(gain: Floats, limit_nats: Floats) -> Links:
    """Disjoint exchanges of each group above `limit_nats[G]`, best first; chains of three or more where they win.

    `gain[G, g, g]` is `Fit.gain`. Chains are looked for only in groups whose homes, each with its best partner,
    could reach the limit, and are kept only if the chain is likelier than every pair of its members.
    """
    in_chains = _chains(gain, limit_nats)
    left = gain.copy()
    left[in_chains.group, in_chains.member, :] = -np.inf
    left[in_chains.group, :, in_chains.member] = -np.inf
    return _together(in_chains, _pairs(left, limit_nats))


def _distances(after: Floats, before: Floats) -> Floats:
    """`[G, g, g]` squared distances of whitened summaries."""
    squares = (after**2).sum(axis=2)[:, :, None] + (before**2).sum(axis=2)[:, None, :]
    return np.asarray(np.maximum(squares - 2 * after @ before.transpose(0, 2, 1), 0.0))


def _log_t(distance: Floats, features: int, degrees_of_freedom: float, log_determinant: float) -> Floats:
    """Log density of a multivariate Student-t at squared Mahalanobis distance."""
    half = (degrees_of_freedom + features) / 2
    constant = lgamma(half) - lgamma(degrees_of_freedom / 2)
    constant -= (features * np.log(degrees_of_freedom * np.pi) + log_determinant) / 2
    return np.asarray(constant - half * np.log1p(distance / degrees_of_freedom))


def best_pairs(nats: Floats) -> tuple[Floats, Integers, Integers]:
    """The likeliest pair of each group of `nats[G, g, g]`: (nats, i, j) with i < j; the first on a tie."""
    groups, members, _ = nats.shape
    upper = np.triu(np.ones((members, members), bool), 1)
    flat = np.where(upper, nats, -np.inf).reshape(groups, -1)
    at = flat.argmax(axis=1)
    return flat[np.arange(groups), at], at // members, at % members


def _pairs(gain: Floats, limit_nats: Floats) -> Links:
    """Disjoint pairs above the limit, the likeliest of each group first."""
    nats = pair_nats(gain)
    remaining = np.arange(len(nats))
    parts = [(remaining[:0], np.empty(0), remaining[:0], remaining[:0])]
    while len(remaining):
        best, one, other = best_pairs(nats[remaining])
        keep = best >= limit_nats[remaining]
        remaining, best, one, other = remaining[keep], best[keep], one[keep], other[keep]
        parts.append((remaining, best, one, other))
        for taken in (one, other):
            nats[remaining, taken, :] = -np.inf
            nats[remaining, :, taken] = -np.inf
    group, ratio, one, other = (np.concatenate(column) for column in zip(*parts, strict=True))
    number = np.arange(len(group))
    return Links(
        np.repeat(group, 2), np.repeat(number, 2), np.stack([one, other], axis=1).ravel(),
        np.stack([other, one], axis=1).ravel(), np.full(2 * len(group), 2), np.repeat(ratio, 2),
    )  # fmt: skip


def _chains(gain: Floats, limit_nats: Floats) -> Links:
    """Cycles of three or more homes by assignment, in the few groups where they could reach the limit."""
    best = np.maximum(gain.max(axis=2, initial=0.0), 0.0)
    hopeful = (best > 0).sum(axis=1) >= 3
    hopeful &= best.sum(axis=1) >= limit_nats + CHAIN_COST_NATS
    partner = pair_nats(gain).max(axis=2, initial=-np.inf)
    rows: list[tuple[int, int, int, int, int]] = []
    found: list[float] = []
    number = 0
    for place in np.flatnonzero(hopeful):
        for cycle, nats in _cycles(gain[place]):
            if nats < limit_nats[place] or partner[place, cycle].max() >= nats:
                continue
            sources = cycle[1:] + cycle[:1]
            rows += [(int(place), number, *link, len(cycle)) for link in zip(cycle, sources, strict=True)]
            found += [nats] * len(cycle)
            number += 1
    group, exchange, member, source, size = np.array(rows, dtype=np.int64).reshape(-1, 5).T
    return Links(group, exchange, member, source, size, np.array(found))


def _cycles(gain: Floats) -> list[tuple[list[int], float]]:
    """Cycles of three and more in the likeliest assignment of one group, with their nats less their cost."""
    cost = np.where(np.isfinite(gain), -gain, 1e6)
    np.fill_diagonal(cost, 0.0)
    _, chosen = linear_sum_assignment(cost)
    seen, found = np.zeros(len(chosen), bool), []
    for start in range(len(chosen)):
        cycle, at = [], start
        while not seen[at]:
            seen[at] = True
            cycle.append(int(at))
            at = chosen[at]
        if len(cycle) >= 3:
            nats = float(gain[cycle, chosen[cycle]].sum())
            found.append((cycle, nats - CHAIN_COST_NATS * (len(cycle) - 2)))
    return found


def _together(chains: Links, pairs: Links) -> Links:
    """Links of both, exchanges numbered on."""
    shift = int(chains.exchange.max(initial=-1)) + 1
    both = {name: np.concatenate([values, getattr(pairs, name)]) for name, values in vars(chains).items()}
    both["exchange"][len(chains.exchange) :] += shift
    return Links(**both)
