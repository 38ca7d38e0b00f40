"""Who of the neighbours is the partner: one for each home, and the doubt that several leave taken off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.neighbours import best_partner, neighbours_of
from anomaly.occupancy import is_status
from anomaly.panel import Panel
from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

AS_GOOD_NATS = 1.0
"""A candidate within a factor e of the best is as good."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Pairs to be looked at: `index[P]` into the asking rows, `partner[P]` positions; `tried[K]` per asking row."""

    index: Integers
    partner: Integers
    tried: Integers


@dataclass(frozen=True, eq=False)
class Chosen:
    """The pairs kept: `place[K]` into what was offered, with their nats and how many fitted about as well."""

    place: Integers
    nats: Floats
    candidates: Integers

    def from_nats(self, least: float) -> Chosen:
        """Those that reach so many nats."""
        keep = self.nats >= least
        return Chosen(self.place[keep], self.nats[keep], self.candidates[keep])


def active_neighbours(panel: Panel, rows: Integers, *, max_members: float) -> Candidates:
    """Neighbours of `rows` that are active on file."""
    index, partner = neighbours_of(panel, rows, max_members=int(max_members))
    keep = is_status(panel, "active")[partner]
    index, partner = index[keep], partner[keep]
    return Candidates(index, partner, np.bincount(index, minlength=len(rows)))


def settled(asking: Integers, partner: Integers, nats: Floats, tried: Integers) -> Chosen:
    """Of pairs that fit, the best for each home on either side.

    Off the nats go ln(`tried`), for a swap may be with any of so many neighbours, and ln of how many fit about as
    well from either side, for only one of them can be right.
    """
    once = _once(asking, partner, nats)
    asking, partner, nats = asking[once], partner[once], quantised(nats[once])
    rivals = _as_good(asking, nats) * _as_good(partner, nats)
    left = quantised(nats - np.log(np.maximum(tried[once], 1)) - np.log(rivals))
    mine = best_partner(asking, left)
    place = np.sort(mine[best_partner(partner[mine], left[mine])])
    return Chosen(once[place], left[place], rivals[place])


def _once(asking: Integers, partner: Integers, nats: Floats) -> Integers:
    """Of offers for the same two homes the best (the first of equals)."""
    order = np.lexsort((-quantised(nats), partner, asking))
    again = (np.diff(asking[order]) == 0) & (np.diff(partner[order]) == 0)
    return np.sort(order[np.append(True, ~again)[: len(order)]])


def _as_good(side: Integers, nats: Floats) -> Integers:
    """For each pair, how many pairs of the same home come within AS_GOOD_NATS of that home's best."""
    if not len(side):
        return np.empty(0, np.int64)
    _, group = np.unique(side, return_inverse=True)
    most = np.full(group.max() + 1, -np.inf)
    np.maximum.at(most, group, nats)
    return np.maximum(np.bincount(group, weights=nats >= most[group] - AS_GOOD_NATS)[group], 1).astype(np.int64)
