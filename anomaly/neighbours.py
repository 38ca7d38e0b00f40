"""Pairs of homes that may have been taken for each other: same box, else same small area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.swap_groups import groups_of, not_compared

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


def neighbours_of(panel: Panel, row: Integers, *, max_members: int) -> tuple[Integers, Integers]:
    """(index into `row`, position of a neighbour): every home of another account in the box of each position `row[K]`.

    A home without a box, or alone in its box, is compared within its area. Groups of more than `max_members` have no
    pairs; `unjudged_alone` says which positions these are. Monthly reads will do. Sorted by index, then neighbour.
    """
    at, other = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for groups in groups_of(panel, max_members=max_members, daily_only=False):
        flat = groups.ravel()
        order = np.argsort(flat, kind="stable")
        place = np.minimum(np.searchsorted(flat[order], row), len(flat) - 1)
        mine = np.flatnonzero((flat[order][place] == row) & (row >= 0))
        members = groups[order[place[mine]] // groups.shape[1]]
        real = (members >= 0) & (members != row[mine][:, None])
        index, member = np.nonzero(real)
        at.append(mine[index])
        other.append(members[index, member])
    index, neighbour = np.concatenate(at), np.concatenate(other)
    account = panel.column("account_id")
    foreign = account[row[index]] != account[neighbour]
    index, neighbour = index[foreign], neighbour[foreign]
    order = np.lexsort((neighbour, index))
    return index[order], neighbour[order]


def best_partner(index: Integers, score: NDArray[np.float64]) -> Integers:
    """Of the candidates of each index the one with the highest score (the first of equals), as places in the arrays."""
    order = np.lexsort((np.arange(len(score)), -np.round(score, 6), index))
    first = np.append(True, np.diff(index[order]) != 0)[: len(order)]
    return np.asarray(order[first])


def difference_kwh(
    panel: Panel, first: Integers, second: Integers, since: Integers | int = 0, until: Integers | int | None = None
) -> NDArray[np.float64]:
    """`[K]` by how much the energy of two homes differs over the panel days [since, until) that are known of both."""
    day = np.arange(panel.shape[1])
    end = panel.shape[1] if until is None else until
    inside = (day >= np.reshape(since, (-1, 1))) & (day < np.reshape(end, (-1, 1)))
    return np.asarray(np.abs(np.nansum(np.where(inside, panel.kwh[first] - panel.kwh[second], 0.0), axis=1)))


def unjudged_alone(panel: Panel, *, max_members: float, **_: object) -> NDArray[np.object_]:
    """`[M]` why a position cannot be compared with neighbours: the `unjudged` hook of rules about pairs."""
    return not_compared(panel, max_members=int(max_members), daily_only=False)
