"""Steps of a register that are more than the meter can carry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.expectation import capacity_kwh_per_day
from anomaly.odd_reads import ACTUAL_QUALITY, previous_border
from anomaly.panel import Panel
from anomaly.statistics import row_median, true_cells

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class OverCapacity:
    """Runs of steps above capacity: borders [`first`, `last`] of the steps, the read `before` them, dial kWh,
    days.
    """

    row: Integers
    before: Integers
    first: Integers
    last: Integers
    energy_kwh: Floats
    days: Floats
    capacity_kwh_per_day: Floats
    excess_kwh: Floats


def runs_over_capacity(panel: Panel, *, capacity_ratio: float, contract_ratio: float) -> OverCapacity:
    """Runs of consecutive reads whose steps exceed `capacity_ratio` times what the meter can carry.

    A step next to a backward one is a matter of wrong reads (R01, R07, R08) and is left out.
    """
    row, border = _steps_over(panel, capacity_ratio, contract_ratio)
    most = capacity_kwh_per_day(panel, row, border, contract_ratio=contract_ratio)
    before = previous_border(panel, row, border)
    starts = np.ones(len(row), bool)
    starts[1:] = (row[1:] != row[:-1]) | (before[1:] != border[:-1])
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(row)) - 1 if len(row) else first
    step, days = panel.step_kwh[row, border], panel.step_days[row, border]

    def total(values: Floats) -> Floats:
        return np.add.reduceat(values, first) if len(first) else np.empty(0)

    return OverCapacity(
        row[first], before[first], border[first], border[last], total(step), total(days), most[first],
        total(step - most * np.maximum(days, 1.0)),
    )  # fmt: skip


def median_rate_after(panel: Panel, found: OverCapacity, after_days: int) -> Floats:
    """Median kWh a day on the dial over the days after each run; NaN where no read follows."""
    column = np.arange(panel.step_kwh.shape[1])
    following = (column > found.last[:, None]) & (column <= found.last[:, None] + after_days)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = panel.step_kwh[found.row] / panel.step_days[found.row]
    return row_median(np.where(following, rate, np.nan))


def _steps_over(panel: Panel, capacity_ratio: float, contract_ratio: float) -> tuple[Integers, Integers]:
    """(row, border) of single steps above capacity, in order."""
    row, border = true_cells(panel.step_kwh > capacity_ratio * _least_capacity(panel, contract_ratio)[:, None])
    most = capacity_kwh_per_day(panel, row, border, contract_ratio=contract_ratio)
    days = panel.step_days[row, border]
    above = panel.step_kwh[row, border] > capacity_ratio * most * np.maximum(days, 1.0)
    above &= panel.register_kwh[row, border] < 10.0 ** panel.positions["register_digits"].to_numpy()[row]
    # A step from an estimate may hold the energy of all the days since the last real read (E04).
    above &= panel.quality[row, previous_border(panel, row, border)] <= ACTUAL_QUALITY
    row, border = row[above], border[above]
    rows, at = np.unique(row, return_inverse=True)
    backward = _beside_backward(panel.step_kwh[rows])[at, border] if len(rows) else np.empty(0, bool)
    return row[~backward], border[~backward]


def _beside_backward(step_kwh: Floats) -> NDArray[np.bool_]:
    """Where the read before or the read after stepped backwards."""
    beside = np.zeros(step_kwh.shape, bool)
    row, border = true_cells(np.isfinite(step_kwh))
    backward = step_kwh[row, border] < 0
    same = row[1:] == row[:-1]
    after = np.append(backward[1:] & same, False)
    before = np.append(False, backward[:-1] & same) if len(row) else backward
    beside[row, border] = (after | before)[: len(row)]
    return beside


def _least_capacity(panel: Panel, contract_ratio: float) -> Floats:
    """`[M]` the smallest capacity among the meters a position has had: enough for a first screen."""
    positions = panel.shape[0]
    least = np.full(positions, np.inf)
    index = panel.installation
    changes = np.flatnonzero((index[:, 1:] != index[:, :-1]).any(axis=0)) + 1
    for border in np.unique(np.r_[0, index.shape[1] - 1, changes]):
        rows = np.arange(positions)
        at = np.full(positions, border, np.int64)
        least = np.minimum(least, capacity_kwh_per_day(panel, rows, at, contract_ratio=contract_ratio))
    return least
