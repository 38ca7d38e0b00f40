"""Days that belong together: runs of marked days, joined across short pauses, and sums over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.statistics import runs

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


def joined_runs(marked: Booleans, pause: int) -> tuple[Integers, Integers, Integers]:
    """Runs of true in each row of `marked[M, N]`, joined where at most `pause` cells lie between: (row,
    first, end).

    The end is exclusive, the order that of rows and cells.
    """
    row, first, end = runs(marked)
    if not len(row) or pause <= 0:
        return row, first, end
    apart = np.append(True, (row[1:] != row[:-1]) | (first[1:] - end[:-1] > pause))
    last = np.append(np.flatnonzero(apart)[1:] - 1, len(row) - 1)
    return row[apart], first[apart], end[last]


def span_sum(values: Floats, row: Integers, first: Integers, end: Integers) -> Floats:
    """Sum of the finite `values[M, N]` over each span (row, first, end)."""
    rows, at = np.unique(row, return_inverse=True)
    own = values[rows]
    total = np.zeros((own.shape[0], own.shape[1] + 1))
    np.cumsum(np.where(np.isfinite(own), own, 0.0), axis=1, out=total[:, 1:])
    return np.asarray(total[at, end] - total[at, first])


def span_count(marked: Booleans, row: Integers, first: Integers, end: Integers) -> Integers:
    """How many cells of `marked[M, N]` are true in each span."""
    rows, at = np.unique(row, return_inverse=True)
    total = np.zeros((len(rows), marked.shape[1] + 1), np.int64)
    np.cumsum(marked[rows], axis=1, out=total[:, 1:])
    return np.asarray(total[at, end] - total[at, first])


def span_extreme(values: Floats, row: Integers, first: Integers, end: Integers, *, largest: bool) -> Floats:
    """Largest (or smallest) finite value of each span, spans being few; NaN where a span has none."""
    if not len(row):
        return np.empty(0)
    sign = 1.0 if largest else -1.0
    rows, at = np.unique(row, return_inverse=True)
    own = values[rows]
    flat = np.append(np.where(np.isfinite(own), sign * own, -np.inf).ravel(), -np.inf)
    edges = np.stack([at * own.shape[1] + first, at * own.shape[1] + end], axis=1).ravel()
    found = np.maximum.reduceat(flat, edges)[::2]
    return np.where(np.isfinite(found), sign * found, np.nan)
