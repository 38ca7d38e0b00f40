"""The panel: one slice of the fleet as dense arrays, positions × days. Every detector reads from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.area_balance import AreaBalance
from anomaly.drift import FleetSpread
from anomaly.hourly import HourlyElectrical
from anomaly.statistics import row_median
from anomaly.swap_plan import Windows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


TICKETS: dict[str, Any] = {
    "row": pl.Int64, "ticket_id": pl.String, "at": pl.Datetime("us"), "kind": pl.String, "urges": pl.Int64,
    "related_ticket_id": pl.String,
}  # fmt: skip
CHANGES: dict[str, Any] = {"row": pl.Int64, "day": pl.Date, "code": pl.String}
POLLS: dict[str, Any] = {
    "row": pl.Int64, "task_id": pl.String, "meter_id": pl.String, "at": pl.Datetime("us"), "power_kw": pl.Float64,
    "asked_row": pl.Int64, "other_row": pl.Int64, "switched_on": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class RateRegisters:
    """Rate registers (尖峰平谷) of the positions that have them: `register_kwh[K, R, D+1]`, NaN where no read."""

    rows: Integers
    channels: tuple[str, ...]
    register_kwh: Floats

    def without_days(self, excluded: Booleans) -> RateRegisters:
        """The same registers, the read that ends an excluded day of `excluded[M, D]` absent: the next day goes too."""
        spoiled = excluded[self.rows]
        if not spoiled.any():
            return self
        ends = np.pad(spoiled, ((0, 0), (1, 0)))[:, None]
        return RateRegisters(self.rows, self.channels, np.where(ends, np.nan, self.register_kwh))


@dataclass(frozen=True, eq=False)
class ExportRegisters:
    """Export registers (反向有功): `register_kwh[K, D+1]` as read; `kwh[K, D]` received from the customer."""

    rows: Integers
    register_kwh: Floats
    kwh: Floats


@dataclass(frozen=True, eq=False)
class Curve:
    """Interval reads of one interval length: `kwh[K, C, N]` after multiplier, N = 1440 / minutes.

    The C days start at panel day `first_day`. `repeated_kwh[K, C]` is the energy of a repeated clock hour
    (fold 1), `estimated[K, C, N]` marks intervals that are not actual, `conflicts[K, C]` counts intervals
    that came twice with different values and without `fold` (the first in value order is kept out: NaN).
    """

    minutes: int
    rows: Integers
    first_day: int
    kwh: Floats
    repeated_kwh: Floats
    estimated: Booleans
    conflicts: Integers

    @property
    def days(self) -> int:
        """How many days the curve's window has."""
        return int(self.kwh.shape[1])

    @cached_property
    def day_kwh(self) -> Floats:
        """Energy per day `[K, C]`, NaN unless every interval of the day is there."""
        return np.asarray(self.kwh.sum(axis=2) + self.repeated_kwh)

    def without_days(self, excluded: Booleans) -> Curve:
        """The same curve, intervals of the excluded days of `excluded[M, D]` absent; itself where none is hit."""
        spoiled = excluded[self.rows, self.first_day : self.first_day + self.days]
        if not spoiled.any():
            return self
        kwh = self.kwh.copy()
        kwh[spoiled] = np.nan
        return dataclasses.replace(self, kwh=kwh)


@dataclass(frozen=True, eq=False)
class Electrical:
    """Daily means of the electrical reads: `current_a`, `voltage_v`, `power_kw`, each `[K, D]`, NaN where none."""

    rows: Integers
    current_a: Floats
    voltage_v: Floats
    power_kw: Floats


@dataclass(frozen=True, eq=False)
class Panel:
    """One slice of the fleet, M positions × D days; NaN means absent, nothing else.

    positions      one row per position, sorted by area, box, account, point (columns: pipelines.fleet)
    days           `[D]` dates; panel day d is [days[d], days[d] + 1)
    register_kwh   `[M, D+1]` the dial as read nearest after each 00:00, of the meter then in place
    offset_days    `[M, D+1]` how long after 00:00 that read was taken (0 = daily freeze)
    quality        `[M, D+1]` index into QUALITIES, -1 where there is no read
    step_kwh       `[M, D+1]` dial difference to the same meter's read before, counted through a rollover
    step_days      `[M, D+1]` days since that read
    rolled         `[M, D+1]` true where the dial passed its top on the way here
    kwh            `[M, D]` energy after multiplier, exchange and rollover; gaps spread evenly
    spread         `[M, D]` true where the day's energy is a share of a longer gap
    multiplier     `[M, D]` in force that day
    installation   `[M, D+1]` index into `installations`, of the meter in place, -1 none
    cohort_log     `[M, D]` by how much, in log kWh, the cohort (class × size) stood above its own median that day
    tickets        complaints of the slice's accounts: TICKETS, one row per position of the account
    changes        lasting changes of level that rules before found (jumps, meters that run fast): CHANGES
    polls          power polled during load-on tests: POLLS; the customer of `asked_row` had a load on or off, the
                   task names the account of `other_row` (null: none) as the partner
    balance        what supply meters and customers' meters say of each area of the fleet, None: no supply meter
    hourly         voltages and currents of the same instants, hour by hour, None: no electrical reads
    fleet_drift    how profiles change by themselves over the fleet, per kind of profile and windows; None: not known
    """

    positions: pl.DataFrame
    installations: pl.DataFrame
    days: NDArray[np.datetime64]
    register_kwh: Floats
    offset_days: NDArray[np.float32]
    quality: NDArray[np.int8]
    step_kwh: Floats
    step_days: Floats
    rolled: Booleans
    kwh: Floats
    spread: Booleans
    multiplier: Floats
    installation: NDArray[np.int32]
    exchanges: pl.DataFrame
    set_aside: pl.DataFrame
    contradictions: pl.DataFrame
    events: pl.DataFrame
    rates: RateRegisters | None = None
    export: ExportRegisters | None = None
    curves: tuple[Curve, ...] = ()
    electrical: Electrical | None = None
    cohort_log: Floats | None = None
    fleet_drift: Mapping[tuple[str, Windows], FleetSpread] | None = None
    tickets: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=TICKETS))
    changes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CHANGES))
    polls: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=POLLS))
    balance: AreaBalance | None = None
    hourly: HourlyElectrical | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(positions, days)."""
        return int(self.kwh.shape[0]), int(self.kwh.shape[1])

    def dates(self, when: NDArray[Any]) -> NDArray[np.datetime64]:
        """Day indices as dates (dates pass through); D itself is the day after the last one."""
        values = np.asarray(when)
        if values.dtype.kind == "M":
            return values.astype("datetime64[D]")
        start = self.days[0] if len(self.days) else np.datetime64("1970-01-01", "D")
        return start + values.astype(np.int64).astype("timedelta64[D]")

    def day_index(self, dates: NDArray[np.datetime64]) -> Integers:
        """Dates as day indices, clipped to the panel."""
        if not len(self.days):
            return np.zeros(len(dates), np.int64)
        index = (dates.astype("datetime64[D]") - self.days[0]).astype(np.int64)
        return np.asarray(np.clip(index, 0, len(self.days) - 1))

    def meter_on(self, rows: Integers, day: Integers) -> NDArray[np.object_]:
        """The meter in place at each (position, day); the position's latest meter where none was."""
        if not len(rows):
            return np.empty(0, dtype=object)
        meters: NDArray[np.object_] = self.positions["meter_id"][np.maximum(rows, 0)].to_numpy().astype(object)
        meters[rows < 0] = None
        found = self.installation[rows, day]
        placed = np.flatnonzero((found >= 0) & (rows >= 0))
        meters[placed] = self.installations["meter_id"][found[placed]].to_numpy()
        return meters

    def column(self, name: str) -> NDArray[Any]:
        """One column of `positions` as numpy (nulls: NaN, NaT or None)."""
        return self.positions[name].to_numpy()

    def flag(self, name: str) -> Booleans:
        """A boolean column of `positions`, null = false."""
        if name not in self._flags:
            self._flags[name] = self.positions[name].fill_null(False).to_numpy().astype(bool)
        return self._flags[name]

    @cached_property
    def _flags(self) -> dict[str, Booleans]:
        """Flags asked for before: every rule asks for the same few."""
        return {}

    @cached_property
    def made_before(self) -> dict[Hashable, Any]:
        """What was made from this panel before and is asked for by many rules, under a name of its maker's choice."""
        return {}

    @cached_property
    def usual_kwh(self) -> Floats:
        """`[M]` the median day: what the position usually uses. NaN without any day."""
        return row_median(self.kwh)

    @cached_property
    def daily(self) -> Booleans:
        """`[M]` true for positions read daily, false for those read once a month or less."""
        return np.asarray(self.positions["read_frequency"].to_numpy() == "daily")

    def without_days(self, excluded: Booleans) -> Panel:
        """The same panel with the energy of `excluded[M, D]` absent, so that a known error is not read as a jump.

        A step that reaches into an excluded day is absent too, and so are that day's intervals and rate registers. A
        day with a curve and no register keeps its curve: only an error excludes it.
        """
        if not excluded.any():
            return self
        rows = np.flatnonzero(excluded.any(axis=1))
        kwh, steps = self.kwh.copy(), self.step_kwh.copy()
        kwh[rows] = np.where(excluded[rows], np.nan, kwh[rows])
        until = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(excluded[rows], axis=1)], axis=1)
        border = np.arange(until.shape[1])
        since = border - np.ceil(np.nan_to_num(self.step_days[rows])).astype(np.int64)
        touched = until > np.take_along_axis(until, np.clip(since, 0, None), axis=1)
        steps[rows] = np.where(touched, np.nan, steps[rows])
        curves = tuple(curve.without_days(excluded) for curve in self.curves)
        rates = None if self.rates is None else self.rates.without_days(excluded)
        return dataclasses.replace(self, kwh=kwh, step_kwh=steps, curves=curves, rates=rates)
