"""Which of several candidate pairs to believe: nobody is paired twice, and others that fit as well are counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


def best_pairs(first: Integers, second: Integers, nats: Floats, *, tie_nats: float) -> tuple[Integers, Integers]:
    """(places of the pairs kept, `[K]` candidates): disjoint pairs of homes that are about each other's best.

    A partner is out of the question where another one's evidence is stronger by more than `tie_nats`. Of the others the
    strongest go first, equals in the order of the arrays. `candidates` counts, for the home of the pair that has more
    of them, the partners in question, the chosen one included: the evidence is theirs together.
    """
    if not len(first):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    score = quantised(nats)
    homes, ends = np.unique(np.stack([first, second]), return_inverse=True)
    one, other = ends.reshape(2, -1)
    best = np.full(len(homes), -np.inf)
    for end in (one, other):
        np.maximum.at(best, end, score)
    good_for = [score >= best[end] - tie_nats for end in (one, other)]
    count = np.zeros(len(homes), np.int64)
    for end, good in zip((one, other), good_for, strict=True):
        count += np.bincount(end[good], minlength=len(homes))
    open_pairs = np.flatnonzero(good_for[0] & good_for[1])
    open_pairs = open_pairs[np.lexsort((open_pairs, -score[open_pairs]))]
    kept = _disjoint(one, other, open_pairs, len(homes))
    return kept, np.maximum(count[one[kept]], count[other[kept]])


def _disjoint(one: Integers, other: Integers, ordered: Integers, homes: int) -> Integers:
    """Places of pairs taken in order, each unless an earlier one has taken a home of it; round by round."""
    kept, free = [np.empty(0, np.int64)], np.ones(homes, bool)
    while len(ordered):
        turn = np.full(homes, len(ordered))
        for end in (one, other):
            np.minimum.at(turn, end[ordered], np.arange(len(ordered)))
        leads = (turn[one[ordered]] == np.arange(len(ordered))) & (turn[other[ordered]] == np.arange(len(ordered)))
        taken = ordered[leads]
        free[one[taken]] = free[other[taken]] = False
        kept.append(taken)
        ordered = ordered[free[one[ordered]] & free[other[ordered]]]
    return np.sort(np.concatenate(kept))
