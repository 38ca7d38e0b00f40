"""Which of several possible partners: no home is accused of being exchanged with more than one other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

EQUAL_NATS = 0.5
"""Neighbours whose evidence differs by less fit equally well."""

PLACES = 6
"""Decimals to which evidence is compared, so that another order of addition compares equal."""


def clearest_pairs(
    event: Integers, first: Integers, second: Integers, nats: Floats, *, min_nats: float
) -> tuple[Integers, Floats, Integers]:
    """(places, nats, candidates) of the pairs worth telling, from the candidates of events; -inf fits nothing.

    Candidates of one event share its evidence; no home is in two pairs, and no pair is told twice.
    """
    fits = np.flatnonzero(np.isfinite(nats))
    shared, rivals = shared_evidence(event[fits], nats[fits])
    enough = np.round(shared, PLACES) >= min_nats
    fits, shared, rivals = fits[enough], shared[enough], rivals[enough]
    kept = best_for_both(first[fits], second[fits], shared)
    return fits[kept], shared[kept], rivals[kept]


def shared_evidence(event: Integers, nats: Floats) -> tuple[Floats, Integers]:
    """(nats, candidates): evidence of each candidate of an event, less the logarithm of how many fit as well.

    Candidates that lie within EQUAL_NATS of the event's best are equally good.
    """
    if not len(event):
        return nats, np.empty(0, np.int64)
    _, number = np.unique(event, return_inverse=True)
    best = np.full(number.max() + 1, -np.inf)
    np.maximum.at(best, number, np.round(nats, PLACES))
    equal = np.bincount(number, weights=np.round(nats, PLACES) >= np.round(best[number] - EQUAL_NATS, PLACES))
    return nats - np.log(equal[number]), equal[number].astype(np.int64)


def best_for_both(first: Integers, second: Integers, nats: Floats) -> Integers:
    """Places of the pairs that are the best of both their homes, every pair once (its strongest evidence), ascending.

    Of equals that of the smaller positions is kept, of one pair's the first.
    """
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((np.arange(len(nats)), high, low, -np.round(nats, PLACES)))
    homes = np.concatenate([low[order], high[order]])
    place = np.concatenate([np.arange(len(order)), np.arange(len(order))])
    best = np.full(int(homes.max(initial=-1)) + 1, len(order))
    np.minimum.at(best, homes, place)
    at = np.arange(len(order))
    kept = (best[low[order]] == at) & (best[high[order]] == at)
    return np.sort(order[kept])
