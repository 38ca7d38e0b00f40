"""Energy of areas, added up slice by slice: supply meters on one side, customers' meters on the other."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anomaly.area_balance import AreaBalance
from anomaly.panel import Panel
from anomaly.statistics import row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

KWH_DECIMALS = 6
"""Sums are rounded to this, so that another order of addition gives the same balance."""


@dataclass(eq=False)
class AreaSums:
    """Energy of A areas over D days while slices are added one by one: all arrays `[A, D]`, kWh.

    `supplied` counts supply meters in place, `supply_gaps` those of them without a read at both ends of the day.
    """

    areas: int
    days: int
    supply_kwh: Floats = field(init=False)
    supplied: Integers = field(init=False)
    supply_gaps: Integers = field(init=False)
    delivered_kwh: Floats = field(init=False)
    known_kwh: Floats = field(init=False)
    missing_kwh: Floats = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.areas, self.days)
        self.supply_kwh, self.delivered_kwh, self.known_kwh, self.missing_kwh = (np.zeros(shape) for _ in range(4))
        self.supplied, self.supply_gaps = np.zeros(shape, np.int64), np.zeros(shape, np.int64)

    def add(self, panel: Panel, fed: Integers, delivers: Integers, sign: Floats) -> None:
        """Add the positions of one slice.

        `fed[M]` is the area a position delivers into as a supply meter, `delivers[M]` the area it is a customer of,
        -1 for neither; `sign[M]` is +1, -1, or 0 for what does not count.
        """
        net, in_place = net_kwh(panel), _in_place(panel)
        measured = np.isfinite(net) & ~panel.spread
        row = np.flatnonzero((fed >= 0) & (sign != 0))
        if len(row):
            read = measured[row] & ~_first_or_last(in_place[row])
            np.add.at(self.supply_kwh, fed[row], np.where(read, net[row], 0.0) * sign[row, None])
            np.add.at(self.supplied, fed[row], in_place[row].astype(np.int64))
            np.add.at(self.supply_gaps, fed[row], (in_place[row] & ~read).astype(np.int64))
        row = np.flatnonzero((delivers >= 0) & (sign != 0))
        if len(row):
            self._deliver(net[row], measured[row], in_place[row], delivers[row], sign[row])

    def _deliver(self, net: Floats, measured: Booleans, in_place: Booleans, area: Integers, sign: Floats) -> None:
        """A customer whose day is not measured counts with its share of the gap, else with its usual day."""
        usual = row_median(np.where(measured, net, np.nan))
        usual = np.where(np.isnan(usual), row_median(net), usual)
        usual = np.where(np.isnan(usual), _median_by(area, usual, self.areas)[area], usual)[:, None]
        value = np.where(in_place, np.where(np.isnan(net), usual, net), 0.0)
        missing = in_place & ~measured
        np.add.at(self.delivered_kwh, area, value * sign[:, None])
        np.add.at(self.known_kwh, area, np.where(missing, 0.0, np.abs(value)))
        np.add.at(self.missing_kwh, area, np.where(missing, np.maximum(np.abs(value), np.abs(usual)), 0.0))

    def balance(
        self, area_ids: NDArray[np.object_], neighbours: Integers, *, most_missing_share: float
    ) -> AreaBalance:
        """The balance of the areas; a day counts where no more than `most_missing_share` of it is not measured."""
        whole = self.known_kwh + self.missing_kwh
        complete = (whole > 0) & (self.missing_kwh <= most_missing_share * whole)
        supplied = (self.supplied > 0) & (self.supply_gaps == 0)
        return AreaBalance(
            area_ids,
            np.where(supplied, np.round(self.supply_kwh, KWH_DECIMALS), np.nan),
            np.where(complete, np.round(self.delivered_kwh, KWH_DECIMALS), np.nan),
            neighbours,
        )


def net_kwh(panel: Panel) -> Floats:
    """`[M, D]` energy taken less energy fed back; NaN where either is not known."""
    if panel.export is None:
        return panel.kwh
    net = panel.kwh.copy()
    net[panel.export.rows] -= panel.export.kwh
    return net


def _in_place(panel: Panel) -> Booleans:
    """`[M, D]` whether a meter hung there, gaps between two meters included."""
    border = np.arange(panel.shape[1] + 1)
    placed = panel.installation >= 0
    first = np.where(placed.any(axis=1), placed.argmax(axis=1), len(border))
    last = np.where(placed.any(axis=1), len(border) - 1 - placed[:, ::-1].argmax(axis=1), -1)
    return np.asarray(((border >= first[:, None]) & (border <= last[:, None]))[:, :-1])


def _first_or_last(in_place: Booleans) -> Booleans:
    """The day on which a meter was hung or taken down within the panel: it saw only part of it."""
    edge = np.zeros(in_place.shape, bool)
    edge[:, 1:] = in_place[:, 1:] != in_place[:, :-1]
    edge[:, :-1] |= in_place[:, :-1] & ~in_place[:, 1:]
    return edge & in_place


def _median_by(group: Integers, values: Floats, groups: int) -> Floats:
    """Median of the finite values of each group; 0 for a group without any."""
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.lexsort((values[known], group[known]))]
    count = np.bincount(group[order], minlength=groups)
    middle = np.minimum(np.cumsum(count) - count + count // 2, max(len(order) - 1, 0))
    return np.where(count > 0, values[order][middle], 0.0) if len(order) else np.zeros(groups)
