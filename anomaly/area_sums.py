"""Energy of areas, added up slice by slice: supply meters on one side, customers' meters on the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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
    """Energy of A areas over the last n of D days while slices are added one by one: all arrays `[A, n]`, kWh.

    `supplied` counts supply meters in place, `supply_gaps` those of them without a read at both ends of the day.
    """

    areas: int
    span: int
    days: int
    supply_kwh: Floats = field(init=False)
    supplied: Integers = field(init=False)
    supply_gaps: Integers = field(init=False)
    delivered_kwh: Floats = field(init=False)
    known_kwh: Floats = field(init=False)
    missing_kwh: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.days = min(self.days, self.span)
        shape = (self.areas, self.days)
        self.supply_kwh, self.delivered_kwh, self.known_kwh, self.missing_kwh = (np.zeros(shape) for _ in range(4))
        self.supplied, self.supply_gaps = np.zeros(shape, np.int64), np.zeros(shape, np.int64)

    def add(self, panel: Panel, fed: Integers, delivers: Integers, sign: Floats) -> None:
        """Add the positions of one slice.

        `fed[M]` is the area a position delivers into as a supply meter, `delivers[M]` the area it is a customer of,
        -1 for neither; `sign[M]` is +1, -1, or 0 for what does not count.
        """
        recent = slice(self.span - self.days, self.span)
        net, in_place = net_kwh(panel)[:, recent], _in_place(panel)[:, recent]
        measured = np.isfinite(net) & ~panel.spread[:, recent]
        row = np.flatnonzero((fed >= 0) & (sign != 0))
        if len(row):
            read = measured[row] & ~_first_or_last(in_place[row])
            _add(self.supply_kwh, fed[row], np.where(read, net[row], 0.0) * sign[row, None])
            _add(self.supplied, fed[row], in_place[row].astype(np.int64))
            _add(self.supply_gaps, fed[row], (in_place[row] & ~read).astype(np.int64))
        row = np.flatnonzero((delivers >= 0) & (sign != 0))
        if len(row):
            self._deliver(net[row], measured[row], in_place[row], delivers[row], sign[row])

    def _deliver(self, net: Floats, measured: Booleans, in_place: Booleans, area: Integers, sign: Floats) -> None:
        """A customer whose day is not measured counts with its share of the gap, else with its usual day."""
        missing = in_place & ~measured
        some = np.flatnonzero(missing.any(axis=1))
        usual = np.zeros(len(net))
        usual[some] = row_median(np.where(measured[some], net[some], np.nan))
        never = some[np.isnan(usual[some])]
        usual[never] = row_median(net[never])
        never = never[np.isnan(usual[never])]
        usual[never] = self._mean_home(net, measured, area)[area[never]]
        value = np.where(in_place, np.where(np.isnan(net), usual[:, None], net), 0.0)
        _add(self.delivered_kwh, area, value * sign[:, None])
        _add(self.known_kwh, area, np.where(missing, 0.0, np.abs(value)))
        _add(self.missing_kwh, area, np.where(missing, np.maximum(np.abs(value), np.abs(usual)[:, None]), 0.0))

    def _mean_home(self, net: Floats, measured: Booleans, area: Integers) -> Floats:
        """`[A]` mean measured day of the homes given: what a home that was never read may use."""
        total, days = np.zeros((self.areas, 1)), np.zeros((self.areas, 1))
        _add(total, area, np.abs(np.where(measured, net, 0.0)).sum(axis=1, keepdims=True))
        _add(days, area, measured.sum(axis=1, keepdims=True).astype(np.float64))
        return np.asarray((total / np.maximum(days, 1.0))[:, 0])

    def balance(self, area_ids: NDArray[np.object_], neighbours: Integers, *, most_missing_share: float) -> AreaBalance:
        """The balance of the areas; a day counts where no more than `most_missing_share` of it is not measured."""
        whole = self.known_kwh + self.missing_kwh
        complete = (whole > 0) & (self.missing_kwh <= most_missing_share * whole)
        supplied = (self.supplied > 0) & (self.supply_gaps == 0)
        earlier = np.full((self.areas, self.span - self.days), np.nan)
        supply = np.where(supplied, np.round(self.supply_kwh, KWH_DECIMALS), np.nan)
        delivered = np.where(complete, np.round(self.delivered_kwh, KWH_DECIMALS), np.nan)
        return AreaBalance(area_ids, np.hstack([earlier, supply]), np.hstack([earlier, delivered]), neighbours)


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


def _add(sums: NDArray[Any], group: Integers, values: NDArray[Any]) -> None:
    """Add the rows of `values` to the rows `group` of `sums`, in order."""
    order = np.argsort(group, kind="stable")
    begins = np.flatnonzero(np.append(True, np.diff(group[order]) != 0))
    sums[group[order][begins]] += np.add.reduceat(values[order], begins, axis=0)
