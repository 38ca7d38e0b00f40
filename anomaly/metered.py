"""What meters counted between two moments: from whole intervals of the curve where there are some, else whole days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Curve, Panel
from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Minutes = NDArray[np.datetime64]

MINUTES_OF_DAY = 1440


@dataclass(frozen=True, eq=False)
class Counted:
    """What a position's meter counted in the known whole intervals (else days) of a span, `[K]` each.

    `kwh` over `hours` known hours, of which the meter stood still (`idle_kw` or less) for `idle_hours`. `fine` tells
    that intervals of a curve were counted, not days.
    """

    kwh: Floats
    hours: Floats
    idle_hours: Floats
    fine: Booleans

    @property
    def kw(self) -> Floats:
        """Mean power; NaN where nothing is known."""
        return quantised(np.where(self.hours > 0, self.kwh / np.where(self.hours > 0, self.hours, 1.0), np.nan))


def counted(panel: Panel, row: Integers, start: Minutes, end: Minutes, *, idle_kw: float) -> Counted:
    """Energy of `row[K]` within [start, end): by the curve where it knows as many hours as the days do."""
    best = counted_days(panel, row, start, end, idle_kw=idle_kw)
    for curve in panel.curves:
        _take_finer(panel, curve, best, row, start, end, idle_kw)
    return best


def idle_share(
    panel: Panel, row: Integers, start: Minutes, end: Minutes, *, idle_kw: float, fine: Booleans
) -> Floats:
    """Share of the time outside [start, end) that the meter of `row[K]` stood still.

    Of the intervals of a curve where `fine`, else of days; 1 where nothing is known outside.
    """
    bounds = panel.dates(np.array([0, panel.shape[1]])).astype("datetime64[m]")
    always, last = np.full(row.shape, bounds[0]), np.full(row.shape, bounds[1])
    whole = counted_days(panel, row, always, last, idle_kw=idle_kw)
    inside = counted_days(panel, row, start, end, idle_kw=idle_kw)
    for one in (whole, inside):
        one.hours[fine] = 0.0
        one.idle_hours[fine] = 0.0
    for curve in panel.curves:
        _take_finer(panel, curve, whole, row, always, last, idle_kw, among=fine)
        _take_finer(panel, curve, inside, row, start, end, idle_kw, among=fine)
    hours = whole.hours - inside.hours
    return np.where(hours > 0, (whole.idle_hours - inside.idle_hours) / np.where(hours > 0, hours, 1.0), 1.0)


def _take_finer(
    panel: Panel, curve: Curve, best: Counted, row: Integers, start: Minutes, end: Minutes, idle_kw: float,
    among: Booleans | None = None,
) -> None:  # fmt: skip
    """Write what the curve counted into `best` wherever it knows as many hours (`among`: only there)."""
    at = np.minimum(np.searchsorted(curve.rows, row), max(len(curve.rows) - 1, 0))
    theirs = curve.rows[at] == row if len(curve.rows) else np.zeros(len(row), bool)
    mine = np.flatnonzero(theirs if among is None else theirs & among)
    finer = _by_curve(panel, curve, at[mine], start[mine], end[mine], idle_kw)
    wins = (finer.hours > 0) & (finer.hours >= best.hours[mine])
    for name in ("kwh", "hours", "idle_hours", "fine"):
        getattr(best, name)[mine[wins]] = getattr(finer, name)[wins]


def _by_curve(
    panel: Panel, curve: Curve, at: Integers, start: Minutes, end: Minutes, idle_kw: float
) -> Counted:
    width, hours = curve.days * curve.kwh.shape[2], curve.minutes / 60
    origin = panel.days[curve.first_day].astype("datetime64[m]") if len(panel.days) else np.datetime64(0, "m")
    first = np.clip(-((start - origin).astype(np.int64) // -curve.minutes), 0, width)
    last = np.maximum(np.clip((end - origin).astype(np.int64) // curve.minutes, 0, width), first)
    place = first[:, None] + np.arange(int((last - first).max(initial=0)))
    inside, place = place < last[:, None], np.minimum(place, max(width - 1, 0))
    kwh = curve.kwh.reshape(len(curve.rows), width)[at[:, None], place]
    inside &= np.isfinite(kwh) & ~curve.estimated.reshape(len(curve.rows), width)[at[:, None], place]
    with np.errstate(invalid="ignore"):
        idle = inside & (kwh <= idle_kw * hours)
    return Counted(
        np.where(inside, kwh, 0.0).sum(axis=1),
        inside.sum(axis=1) * hours,
        idle.sum(axis=1) * hours,
        np.ones(len(at), bool),
    )


def counted_days(panel: Panel, row: Integers, start: Minutes, end: Minutes, *, idle_kw: float) -> Counted:
    """By the days alone: those whose two reads were taken within the span (not: whose days begin and end in it)."""
    rows, place = np.unique(row, return_inverse=True)
    kwh, borders = day_kwh(panel, rows), _read_at(panel, rows)
    inside = (borders[place, :-1] >= start[:, None]) & (borders[place, 1:] <= end[:, None])
    inside &= np.isfinite(kwh)[place]
    with np.errstate(invalid="ignore"):
        idle = (kwh <= idle_kw * 24)[place]
    return Counted(
        np.where(inside, kwh[place], 0.0).sum(axis=1),
        inside.sum(axis=1) * 24.0,
        (inside & idle).sum(axis=1) * 24.0,
        np.zeros(len(row), bool),
    )


def day_kwh(panel: Panel, rows: Integers) -> Floats:
    """`[K, D]` energy per day from the register itself, where one meter has both reads, else the panel's own days.

    Days that a rule excluded from comparisons are here all the same; shares of a longer gap are not.
    """
    register, meter = panel.register_kwh[rows], panel.installation[rows]
    moved = np.diff(register, axis=1) * panel.multiplier[rows]
    read = np.isfinite(moved) & (moved >= 0) & (meter[:, 1:] == meter[:, :-1])
    derived = np.where(panel.spread[rows], np.nan, panel.kwh[rows])
    return np.asarray(np.where(read, moved, derived))


def _read_at(panel: Panel, rows: Integers) -> Minutes:
    """`[K, D + 1]` when the read nearest after each midnight was taken."""
    midnight = np.append(panel.days, panel.days[-1:] + np.timedelta64(1, "D")).astype("datetime64[m]")
    late = np.rint(panel.offset_days[rows] * MINUTES_OF_DAY).astype(np.int64)
    return np.asarray(midnight + late.astype("timedelta64[m]"))
