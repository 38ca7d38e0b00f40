"""Accounts filed under one area and fed by another: their energy is missing from one loss and sits in the other.

Move-LR(j) = n ln(SSE before / SSE after): the squared residuals of both areas' loss models over n days, with account
j's energy moved from the one sum to the other, coefficient exactly 1. Source: methods.md §1.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.area_balance import AreaBalance
from anomaly.loss_model import LossPrior, loss_weights, ordinary_days, unusual_loss
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

    `weights[P, 2, n, n]` say how far a series of losses is from the loss model (see `loss_weights`); `floor[P, 2]` is
    the misfit that reads of this precision have anyway, kWh².
    """

    area: Integers
    other: Integers
    used: Booleans
    supply_kwh: Floats
    loss_kwh: Floats
    weights: Floats
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
    columns = [np.array([one[at] for one in found]) for at in range(11)]
    whole = (0, 1, 2, 5, 6, 7)
    shaped = [column.astype(np.int64) if at in whole else column for at, column in enumerate(columns)]
    shaped[9:] = [column.reshape(-1, 2) for column in shaped[9:]]
    return Moves(*shaped)


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
    weights = [loss_weights(loss[:, side], supply[:, side], used, search.prior) for side in (0, 1)]
    count = used.sum(axis=1)[:, None]
    mean = np.where(used[:, None], supply, 0.0).sum(axis=2) / np.maximum(count, 1)
    floor = count * (search.prior.least_noise_share * mean) ** 2
    return _Pairs(near[:, 0], near[:, 1], used, supply, loss, np.stack(weights, axis=1), floor)


Move = tuple[int, int, int, float, float, int, int, int, float, Floats, Floats]


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
        nats = _gains(pairs, at, filled, moved, search)
        nats = quantised(np.where(enough.T, nats, -np.inf))
        for row in found:
            nats[:, np.flatnonzero(rows == row[0])] = -np.inf
        pair, member = np.unravel_index(int(nats.argmax()), nats.shape)
        best = float(nats[pair, member])
        if not best >= limit:
            break
        crowd = float(np.exp(np.minimum(nats - best, 0.0)).sum())
        evidence = best - np.log(crowd)
        if evidence < limit:
            break
        found.append(
            _one_move(pairs, int(at[pair]), int(rows[member]), filled[member], moved[pair], evidence, limit, first_day,
                      round(crowd))
        )  # fmt: skip
        energy_moved = np.where(used, filled[member], 0.0)
        moved[:, 0] += energy_moved
        moved[pair, 1] -= energy_moved[pair]
    return found


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
        weights, floor = pairs.weights[at, side], pairs.floor[at, side][:, None]
        unusual = unusual_loss(loss[:, side], supply[:, side], used, search.prior)[..., None]
        pull = weights @ unusual
        before = (unusual * pull).sum(axis=(1, 2))[:, None] + floor
        change = 2 * sign * (filled @ pull)[..., 0] + ((filled @ weights) * filled).sum(axis=2)
        nats += 0.5 * days * np.log(before / np.maximum(before + change, floor))
        better &= change < 0
    lost = np.where(used, loss[:, 1], 0.0).sum(axis=1)[:, None] - used.astype(np.float64) @ filled.T
    better &= lost >= search.lowest_loss_share * np.where(used, supply[:, 1], 0.0).sum(axis=1)[:, None]
    return np.where(better, nats, -np.inf)


def _one_move(
    pairs: _Pairs, at: int, row: int, filled: Floats, moved: Floats, evidence: float, limit: float, first_day: int,
    rivals: int,
) -> Move:  # fmt: skip
    """One move as it is told."""
    used = np.flatnonzero(pairs.used[at])
    supplied = pairs.supply_kwh[at][:, used].sum(axis=1)
    before = (pairs.loss_kwh[at] + moved)[:, used].sum(axis=1)
    energy = float(filled[used].sum())
    after = before + np.array([energy, -energy])
    return (
        row, int(pairs.area[at]), int(pairs.other[at]), evidence, limit, rivals, int(used[0]) + first_day,
        len(used), energy / len(used), before / supplied, after / supplied,
    )  # fmt: skip
