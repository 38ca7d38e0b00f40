"""Accounts filed under one area and fed by another: their energy is missing from one loss and sits in the other.

Move-LR(j) = n ln(SSE before / SSE after): the squared residuals of both areas' loss models over n days, with account
j's energy moved from the one sum to the other, coefficient exactly 1. Source: methods.md §1.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anomaly.area_balance import AreaBalance
from anomaly.loss_model import LossPrior, LossWeights, loss_weights, ordinary_days, unusual_loss
from anomaly.panel import Panel
from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

LEAST_KNOWN_SHARE = 0.8
"""An account with less of the window measured is not moved; its few absent days count as its mean."""

CANDIDATES_MEASURED = 20
"""Among so many candidates the null was measured; e times as many reach one nat more."""


@dataclass(frozen=True)
class MoveSearch:
    """How moves are looked for: the last `window_days` days that count in both areas, of the last `within_days`."""

    window_days: int
    within_days: int
    min_days: int
    outlier_mads: float
    prior: LossPrior
    min_nats: float
    lowest_loss_share: float
    most_moves: int


def move_search(
    *, usual_loss_share: float, loss_spread_share: float, least_noise_share: float, **limits: Any
) -> MoveSearch:
    """The search that a rule's limits ask for."""
    return MoveSearch(prior=LossPrior(usual_loss_share, loss_spread_share, least_noise_share), **limits)


@dataclass(frozen=True, eq=False)
class Moves:
    """K accounts that fit another area better: columns of length K, in order of area and evidence.

    `loss_before` and `loss_after` are `[K, 2]`: lost share of what went in, of the area on file and of the other.
    """

    position: Integers
    area: Integers
    other: Integers
    nats: Floats
    limit_nats: Floats
    rivals: Integers
    first_day: Integers
    days: Integers
    kwh_per_day: Floats
    loss_before: Floats
    loss_after: Floats


@dataclass(eq=False)
class _Pairs:
    """P pairs of an area and one next to it over the n last days, both arrays `[P, 2, n]` in that order.

    `weights` say for either side how far a series of losses is from the loss model; `floor[P, 2]` is the misfit that
    reads of this precision have anyway, kWh².
    """

    area: Integers
    other: Integers
    used: Booleans
    supply_kwh: Floats
    loss_kwh: Floats
    weights: tuple[LossWeights, LossWeights]
    floor: Floats


def find_moves(area: Integers, energy_kwh: Floats, balance: AreaBalance, search: MoveSearch) -> Moves:
    """The accounts that another area feeds, one at a time per area until none fits better.

    `area[M]` is the area each account is filed under (-1: not moved), `energy_kwh[M, D]` what it drew, NaN if unknown;
    all accounts of an area must be there.
    """
    span = energy_kwh.shape[1]
    recent = slice(max(span - search.within_days, 0), span)
    order = np.argsort(area, kind="stable")
    order = order[area[order] >= 0]
    pairs = _pairs(balance, np.unique(area[order]), recent, search)
    found: list[Move] = []
    for filed in np.unique(pairs.area):
        low, high = np.searchsorted(area[order], [filed, filed + 1])
        rows = order[low:high]
        found += _moves_of(pairs, int(filed), rows, energy_kwh[rows, recent], recent.start, search)

    def whole(name: str) -> Integers:
        return np.array([getattr(one, name) for one in found], dtype=np.int64)

    def real(name: str) -> Floats:
        return np.array([getattr(one, name) for one in found], dtype=np.float64)

    return Moves(
        position=whole("position"),
        area=whole("area"),
        other=whole("other"),
        nats=real("nats"),
        limit_nats=real("limit_nats"),
        rivals=whole("rivals"),
        first_day=whole("first_day"),
        days=whole("days"),
        kwh_per_day=real("kwh_per_day"),
        loss_before=real("loss_before").reshape(-1, 2),
        loss_after=real("loss_after").reshape(-1, 2),
    )


def movable_areas(panel: Panel, balance: AreaBalance) -> Integers:
    """`[M]` index of the area of each point that counts towards an account; -1 for all else."""
    counts = ~panel.flag("is_supply") & (panel.column("point_role") == "add")
    return np.where(counts, areas_of(panel, balance), -1)


def areas_of(panel: Panel, balance: AreaBalance) -> Integers:
    """`[M]` index of the area with a supply meter each position is filed under, -1 where there is none."""
    return balance.index_of(panel.column("area_id").astype(object))


def usable_days(balance: AreaBalance, areas: Integers, days: slice) -> Booleans:
    """`[K, n]` days on which the balance of these areas is known."""
    return np.isfinite(balance.loss_kwh[areas, days])


def _pairs(balance: AreaBalance, areas: Integers, days: slice, search: MoveSearch) -> _Pairs:
    """Pairs with enough days that count in both; the loss models of both, fitted as filed."""
    near = balance.neighbours[np.isin(balance.neighbours[:, 0], areas)]
    both = usable_days(balance, near[:, 0], days) & usable_days(balance, near[:, 1], days)
    latest = np.cumsum(both[:, ::-1], axis=1)[:, ::-1]
    used = both & (latest <= search.window_days)
    supply = np.nan_to_num(balance.supply_kwh[near, days])
    loss = np.nan_to_num(balance.loss_kwh[near, days])
    for side in (0, 1):
        used = used & ordinary_days(loss[:, side], supply[:, side], used, search.prior, search.outlier_mads)
    enough = used.sum(axis=1) >= search.min_days
    near, used, supply, loss = near[enough], used[enough], supply[enough], loss[enough]
    own, other = (loss_weights(loss[:, side], supply[:, side], used, search.prior) for side in (0, 1))
    count = used.sum(axis=1)[:, None]
    mean = np.where(used[:, None], supply, 0.0).sum(axis=2) / np.maximum(count, 1)
    floor = count * (search.prior.least_noise_share * mean) ** 2
    return _Pairs(near[:, 0], near[:, 1], used, supply, loss, (own, other), floor)


class Move(NamedTuple):
    """One row of `Moves`."""

    position: int
    area: int
    other: int
    nats: float
    limit_nats: float
    rivals: int
    first_day: int
    days: int
    kwh_per_day: float
    loss_before: Floats
    loss_after: Floats


def _moves_of(
    pairs: _Pairs, filed: int, rows: Integers, energy: Floats, first_day: int, search: MoveSearch
) -> list[Move]:
    """Moves out of one area: the likeliest first, then the next one with that one made."""
    at = np.flatnonzero(pairs.area == filed)
    known = np.isfinite(energy)
    used = pairs.used[at]
    enough = known.astype(np.float64) @ used.T.astype(np.float64) >= LEAST_KNOWN_SHARE * used.sum(axis=1)
    mean = np.nansum(energy, axis=1) / np.maximum(known.sum(axis=1), 1)
    filled = np.where(known, energy, mean[:, None])
    moved = np.zeros(pairs.loss_kwh[at].shape)
    limit = search.min_nats + max(np.log(max(enough.sum(), 1) / CANDIDATES_MEASURED), 0.0)
    found: list[Move] = []
    while len(found) < search.most_moves and len(at):
        nats = quantised(np.where(enough.T, _gains(pairs, at, filled, moved, search), -np.inf))
        nats[:, np.isin(rows, [one.position for one in found])] = -np.inf
        pair, member = divmod(int(nats.argmax()), len(rows))
        best = float(nats[pair, member])
        crowd = float(np.exp(np.minimum(nats - best, 0.0)).sum()) if best >= limit else np.inf
        evidence = best - float(np.log(crowd))
        if evidence < limit:
            break
        told = _Told(int(rows[member]), evidence, limit, round(crowd))
        found.append(_one_move(pairs, int(at[pair]), told, filled[member], moved[pair], first_day))
        energy_moved = np.where(used, filled[member], 0.0)
        moved[:, 0] += energy_moved
        moved[pair, 1] -= energy_moved[pair]
    return found


class _Told(NamedTuple):
    """Which account moves, on what evidence, against which limit, and how many explain it about as well."""

    position: int
    nats: float
    limit_nats: float
    rivals: int


def _gains(pairs: _Pairs, at: Integers, filled: Floats, moved: Floats, search: MoveSearch) -> Floats:
    """Move-LR `[pairs, members]` in nats; -inf where it does not improve both areas, or leaves one without any loss.

    (v ± x)ᵀW(v ± x) = vᵀWv ± 2 xᵀWv + xᵀWx, so that all accounts of an area are scored by matrix products.
    """
    used, supply = pairs.used[at], pairs.supply_kwh[at]
    loss = pairs.loss_kwh[at] + moved
    days = used.sum(axis=1)[:, None]
    nats = np.zeros((len(at), len(filled)))
    better = np.ones(nats.shape, bool)
    for side, sign in ((0, 1.0), (1, -1.0)):
        weights, floor = pairs.weights[side].take(at), pairs.floor[at, side][:, None]
        unusual = unusual_loss(loss[:, side], supply[:, side], used, search.prior)
        pull = weights.times(unusual)
        before = (unusual * pull).sum(axis=1)[:, None] + floor
        change = 2 * sign * pull @ filled.T + weights.squares(filled)
        nats += 0.5 * days * np.log(before / np.maximum(before + change, floor))
        better &= change < 0
    lost = np.where(used, loss[:, 1], 0.0).sum(axis=1)[:, None] - used.astype(np.float64) @ filled.T
    better &= lost >= search.lowest_loss_share * np.where(used, supply[:, 1], 0.0).sum(axis=1)[:, None]
    return np.where(better, nats, -np.inf)


def _one_move(pairs: _Pairs, at: int, told: _Told, filled: Floats, moved: Floats, first_day: int) -> Move:
    """One move as it is told: `moved[2, n]` is what earlier moves shifted."""
    used = np.flatnonzero(pairs.used[at])
    supplied = pairs.supply_kwh[at][:, used].sum(axis=1)
    before = (pairs.loss_kwh[at] + moved)[:, used].sum(axis=1)
    energy = float(filled[used].sum())
    after = before + np.array([energy, -energy])
    return Move(
        position=told.position,
        area=int(pairs.area[at]),
        other=int(pairs.other[at]),
        nats=told.nats,
        limit_nats=told.limit_nats,
        rivals=told.rivals,
        first_day=int(used[0]) + first_day,
        days=len(used),
        kwh_per_day=energy / len(used),
        loss_before=before / supplied,
        loss_after=after / supplied,
    )
