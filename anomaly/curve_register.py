"""The curve beside the register: where the two can be compared, and how far they may lie apart.

The register is the yardstick for every rule on intervals: what it confirms was used, however odd it looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.curve_shape import resolution_kwh
from anomaly.panel import Curve, Panel
from anomaly.statistics import previous_index

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

LAST_ACTUAL_QUALITY = 1
"""`valid` and `edited` registers were read; the qualities after them were made up."""


@dataclass(frozen=True, eq=False)
class Balance:
    """Spans between two exact registers that the curve covers completely; K positions × C days of the curve.

    A span's numbers stand on its last day, all other cells are NaN. `span_days` is its length, 1 for daily
    reads.
    """

    curve_kwh: Floats
    register_kwh: Floats
    tolerance_kwh: Floats
    span_days: Integers

    @property
    def excess_kwh(self) -> Floats:
        """`[K, C]` how much more the curve holds than the register counted."""
        return self.curve_kwh - self.register_kwh

    @property
    def wrong(self) -> Booleans:
        """`[K, C]` spans on which the two lie further apart than they may."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(self.excess_kwh) > self.tolerance_kwh)

    @property
    def decided(self) -> Booleans:
        """`[K, C]` where a span ends that can be compared."""
        return np.isfinite(self.curve_kwh) & np.isfinite(self.register_kwh)

    def daily(self) -> Balance:
        """Only the spans of one day."""
        single = self.span_days == 1
        return Balance(
            np.where(single, self.curve_kwh, np.nan), np.where(single, self.register_kwh, np.nan),
            self.tolerance_kwh, self.span_days,
        )  # fmt: skip


def balance(panel: Panel, curve: Curve, *, tolerance_steps: float, tolerance_share: float) -> Balance:
    """Compare curve and register over every span between two exact reads of one meter.

    Exact is a read at 00:00 itself that was taken, not estimated. Days with a missing or estimated interval
    decide nothing. The tolerance is the largest of `tolerance_steps` register steps times the multiplier,
    `tolerance_share` of the energy, as many steps of the curve's own resolution, and the mean interval of the
    span: the last one pays for an interval that lies across the midnight at which the register was frozen.

    Source: Californian VEE and Oracle MDM sum check (two register steps × multiplier, 1 %).
    """
    lo, hi = curve.first_day, curve.first_day + curve.days
    rows = curve.rows
    exact, before = _exact_reads(panel, rows, lo, hi)
    measured = np.where(curve.estimated.any(axis=2), np.nan, curve.day_kwh)
    curve_kwh = _over_spans(measured, before)
    register_kwh = _over_spans(panel.kwh[rows, lo:hi], before)
    comparable = exact & np.isfinite(curve_kwh) & np.isfinite(register_kwh)
    span_days = np.where(exact, np.arange(1, hi - lo + 1) - before, 0)
    step_kwh = 10.0 ** -panel.column("register_decimals")[rows][:, None] * panel.multiplier[rows, lo:hi]
    larger = np.fmax(np.abs(curve_kwh), np.abs(register_kwh))
    interval = larger / np.maximum(span_days * curve.kwh.shape[2], 1)
    tolerance = np.fmax(np.fmax(tolerance_steps * step_kwh, tolerance_share * np.abs(register_kwh)), interval)
    sums = Balance(
        np.where(comparable, curve_kwh, np.nan),
        np.where(comparable, register_kwh, np.nan),
        tolerance,
        span_days,
    )
    # Only a coarse curve needs its resolution known, and only where it seems to disagree.
    doubtful = np.flatnonzero(sums.wrong.any(axis=1))
    if len(doubtful):
        coarse = tolerance_steps * resolution_kwh(curve, panel, doubtful)[:, None]
        tolerance[doubtful] = np.fmax(tolerance[doubtful], coarse)
    return sums


def _exact_reads(panel: Panel, rows: Integers, lo: int, hi: int) -> tuple[Booleans, Integers]:
    """For the border after each curve day: is it exactly read, and at which border (from `lo`) was the one
    before.
    """
    quality, offset = panel.quality[rows, lo : hi + 1], panel.offset_days[rows, lo : hi + 1]
    exact = (quality >= 0) & (quality <= LAST_ACTUAL_QUALITY) & (offset == 0)
    meter = panel.installation[rows, lo : hi + 1]
    before = previous_index(exact)[:, :-1]
    same_meter = np.take_along_axis(meter, np.maximum(before, 0), axis=1) == meter[:, 1:]
    return exact[:, 1:] & (before >= 0) & same_meter, before


def _over_spans(day_kwh: Floats, before: Integers) -> Floats:
    """Sum of `day_kwh[K, C]` from border `before` to the border after each day; NaN if a day is missing."""
    count, days = day_kwh.shape
    absent = np.isnan(day_kwh)
    total, holes = np.zeros((count, days + 1)), np.zeros((count, days + 1), np.int64)
    np.cumsum(np.where(absent, 0.0, day_kwh), axis=1, out=total[:, 1:])
    np.cumsum(absent, axis=1, out=holes[:, 1:])
    at = np.maximum(before, 0)
    energy = total[:, 1:] - np.take_along_axis(total, at, axis=1)
    single = before == np.arange(days)
    energy = np.where(single, day_kwh, energy)
    return np.where(holes[:, 1:] == np.take_along_axis(holes, at, axis=1), energy, np.nan)
