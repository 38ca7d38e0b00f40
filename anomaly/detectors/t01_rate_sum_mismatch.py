"""T01: the rate registers do not add up to the total."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.expectation import multiplier_at
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import row_median, runs

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

REFERENCE_READS = 15
LEAST_RATES = 2
"""One rate alone is no split of the total."""


@detector(
    "T01",
    family="reading_error",
    unit="kWh",
    source="State Grid 示值不平: |total − Σ rates| > 0.1 kWh × number of rates; Oracle MDM sum check over "
    "TOU registers",
)
def rate_sum_mismatch(panel: Panel, *, tolerance_per_rate_kwh: float, min_reads: float) -> Detections:
    """The rate registers do not add up to the total.

    Total minus sum of the rates at one instant is compared with its median over the position's first reads:
    a difference that has been there from the start (a total that began before the rates) moves no energy.

    Fires when that comparison is off by more than `tolerance_per_rate_kwh` times the number of rates on at
    least `min_reads` reads in a row, up to the last such read. Counting through the top of a dial is not a
    difference.
    The rates of a position are those that it ever delivers, two at least.
    Cannot see: energy in the wrong rate while the sum is right; a mismatch older than the book.
    """
    if panel.rates is None or not len(panel.rates.rows):
        return nothing(panel)
    rows = panel.rates.rows
    read: Booleans = np.asarray(np.isfinite(panel.rates.register_kwh).any(axis=2))
    count = read.sum(axis=1)
    gap = panel.register_kwh[rows] - np.where(read[:, :, None], panel.rates.register_kwh, 0.0).sum(axis=1)
    gap[count < LEAST_RATES] = np.nan
    gap[panel.offset_days[rows] != 0] = np.nan
    top = 10.0 ** panel.positions["register_digits"].to_numpy()[rows].astype(float)
    off = _since_first(panel, rows, gap, top)
    limit = tolerance_per_rate_kwh * count
    at, place, last, border = _runs_of_reads(off, limit, int(min_reads))
    value = off[at, border[at, last]]
    first, end = border[at, place], border[at, last]
    reads = (last - place + 1).astype(np.float64)
    return _found(panel, rows[at], first, end, value, reads, gap[at, end], limit[at])


def _since_first(panel: Panel, rows: Integers, gap: Floats, top: Floats) -> Floats:
    """Total minus sum, less what it was on the first reads of the meter in place; wrapped at the top of the
    dial.
    """
    off = np.full(gap.shape, np.nan)
    installed = panel.installation[rows]
    for ordinal in range(1 + int((np.diff(installed, axis=1) != 0).sum(axis=1).max(initial=0))):
        turn = np.cumsum(
            np.concatenate([np.zeros((len(rows), 1), bool), np.diff(installed, axis=1) != 0], axis=1), axis=1
        )
        mine = np.where(turn == ordinal, gap, np.nan)
        early = np.cumsum(np.isfinite(mine), axis=1) <= REFERENCE_READS
        reference = row_median(np.where(early, mine, np.nan))
        off = np.where(turn == ordinal, mine - reference[:, None], off)
    half = top[:, None] / 2
    return np.round((off + half) % top[:, None] - half, 4)


def _runs_of_reads(off: Floats, limit: Floats, min_reads: int) -> tuple[Integers, Integers, Integers, Integers]:
    """Runs over the reads of each row (days without one do not count): row, first and last place, borders by
    place.
    """
    present = np.isfinite(off)
    order = np.argsort(~present, axis=1, kind="stable")
    packed = np.take_along_axis(off, order, axis=1)
    with np.errstate(invalid="ignore"):
        at, place, end = runs(np.abs(packed) > limit[:, None] + 1e-9)
    keep = end - place >= min_reads
    return at[keep], place[keep], end[keep] - 1, order.astype(np.int64)


def _found(
    panel: Panel,
    row: Integers,
    first: Integers,
    last: Integers,
    value: Floats,
    reads: Floats,
    gap: Floats,
    limit: Floats,
) -> Detections:
    multiplier = multiplier_at(panel, row, last)
    return detections(
        panel,
        row,
        np.maximum(first - 1, 0),
        last,
        measured=value,
        expected=0.0,
        limit=limit,
        kwh_at_stake=np.abs(value) * multiplier,
        facts={
            "difference_kwh": np.abs(value),
            "total_less_rates_kwh": gap,
            "off_reads": reads,
            "off_days": np.maximum(last - first + 1, 1),
        },
    )
