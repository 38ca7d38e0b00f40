"""Which of several candidate pairs to believe: nobody is paired twice, and others that fit as well are counted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def mutual_best(first: Integers, second: Integers, nats: Floats, *, tie_nats: float) -> tuple[Integers, Integers]:
    """(places of the pairs kept, `[K]` candidates): pairs in which each home is the other's best partner.

    `candidates` counts, for the home of the pair that has more of them, the partners whose evidence comes within
    `tie_nats` of its best one, that one included. Equals go to the pair that comes first in the arrays.
    """
    if not len(first):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    place = np.arange(len(first))
    home, pair = np.concatenate([first, second]), np.concatenate([place, place])
    score = quantised(nats)[pair]
    order = np.lexsort((pair, -score, home))
    _, leads, group = np.unique(home[order], return_index=True, return_inverse=True)
    best_pair, best_score = pair[order][leads], score[order][leads]
    as_good = np.bincount(group, weights=score[order] >= best_score[group] - tie_nats).astype(np.int64)
    chosen, times = np.unique(best_pair, return_counts=True)
    kept = chosen[times == 2]
    homes = np.unique(home)
    count = np.maximum(as_good[np.searchsorted(homes, first[kept])], as_good[np.searchsorted(homes, second[kept])])
    return kept, count
