"""How a home's day and week differ from a shop's, and how much power it draws: features per position."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.columns import Columns
from anomaly.expectation import LINE_VOLTAGE_FROM, TAIL_DEGREES
from anomaly.panel import Curve, Panel
from anomaly.statistics import row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

WORK_HOURS = (9, 17)
EVENING_HOURS = (18, 22)
DAY_MINUTES = 1440
WEEK_DAYS = 7
MONDAY_OF_EPOCH = 3
"""1 January 1970 was a Thursday, the fourth day of its week."""

HOME = ("residential",)
BUSINESS = ("commercial", "industrial", "public")
"""Agricultural customers live by other hours than either, and are not judged by theirs."""

LEAST_WORKDAYS, LEAST_WEEKEND_DAYS = 15, 6
"""Three weeks: fewer days make no week."""

OFFSET_KWH = 0.02
"""Added to the energy of hours and days before the logarithm, so that an idle evening is just small."""


@dataclass(frozen=True, eq=False)
class Shapes(Columns):
    """What K positions' days look like over a window, NaN where not known.

    `working` ln of the energy from 9 to 17 over that from 18 to 22, on workdays; `weekend` ln of a weekend day over a
    workday; `peak_kw` the largest power that was reached on as many days as asked for: of an interval, without a curve
    of a whole day.
    """

    working: Floats
    weekend: Floats
    peak_kw: Floats


@dataclass(frozen=True)
class ClassModel:
    """Mean and standard deviation of both features of homes and of businesses, and how many live like the other.

    `homelike` is the share of business accounts that use electricity as a home does (a flat above the shop, a
    stairwell), `businesslike` the share of homes that use it as a business does.
    """

    home_working: tuple[float, float]
    business_working: tuple[float, float]
    home_weekend: tuple[float, float]
    business_weekend: tuple[float, float]
    homelike: float
    businesslike: float

    def business_nats(self, shapes: Shapes) -> Floats:
        """`[K]` ln of P(shape | business account) over P(shape | residential account); 0 where no shape is known.

        Student-t in each feature. The two shares bound it: an account that is filed rightly and lives like the other
        class is no wonder.
        """
        home = _log_density(shapes.working, self.home_working) + _log_density(shapes.weekend, self.home_weekend)
        business = _log_density(shapes.working, self.business_working) + _log_density(
            shapes.weekend, self.business_weekend
        )
        as_business = np.logaddexp(np.log1p(-self.homelike) + business, np.log(self.homelike) + home)
        as_home = np.logaddexp(np.log1p(-self.businesslike) + home, np.log(self.businesslike) + business)
        return np.asarray(as_business - as_home)


def _log_density(values: Floats, mean_sd: tuple[float, float]) -> Floats:
    """Log density of a Student-t around the mean, up to a constant that all classes share; 0 where unknown."""
    mean, sd = mean_sd
    z = (values - mean) / sd
    density = -(TAIL_DEGREES + 1) / 2 * np.log1p(z * z / TAIL_DEGREES) - np.log(sd)
    return np.where(np.isfinite(values), density, 0.0)


def class_side(panel: Panel) -> NDArray[np.int8]:
    """`[M]` 0 for homes, 1 for businesses, -1 for classes that are neither, or not on file."""
    names = panel.column("customer_class").astype(object)
    return np.where(np.isin(names, HOME), 0, np.where(np.isin(names, BUSINESS), 1, -1)).astype(np.int8)


def shapes_of(panel: Panel, *, window_days: int, peak_days: int, idle_kwh_per_day: float) -> Shapes:
    """Shapes of every position over the last `window_days`; a position below `idle_kwh_per_day` has no shape."""
    count, total = panel.shape
    first = max(total - window_days, 0)
    kwh = np.where(panel.spread[:, first:], np.nan, panel.kwh[:, first:])
    on_workday = _workdays(panel.days[first:])
    shown = row_median(kwh) >= idle_kwh_per_day
    weekend = np.log(_mean(kwh, ~on_workday, LEAST_WEEKEND_DAYS) + OFFSET_KWH)
    weekend -= np.log(_mean(kwh, on_workday, LEAST_WORKDAYS) + OFFSET_KWH)
    working = np.full(count, np.nan)
    peak = _largest(kwh / 24, peak_days)
    for curve in panel.curves:
        part = slice(max(first - curve.first_day, 0), max(total - curve.first_day, 0))
        if curve.kwh.shape[1] and DAY_MINUTES % curve.minutes == 0 and curve.minutes <= 60:
            clean, made_up = curve.kwh[:, part], curve.estimated[:, part]
            if made_up.any():
                clean = np.where(made_up, np.nan, clean)
            begin = curve.first_day + part.start
            workday = _workdays(panel.days[begin : begin + clean.shape[1]])
            working[curve.rows] = _working(clean, curve, workday)
            in_curve = _largest(np.fmax.reduce(clean, axis=2) * 60 / curve.minutes, peak_days)
            peak[curve.rows] = np.where(np.isfinite(in_curve), in_curve, peak[curve.rows])
    return Shapes(np.where(shown, working, np.nan), np.where(shown, weekend, np.nan), peak)


def contract_kw(panel: Panel) -> Floats:
    """`[M]` what each connection may draw: its contract, else what its meter can carry; NaN where nothing is known."""
    names = ("contract_kva", "rated_volts", "max_amps", "phases", "multiplier")
    contract, volts, amps, phases, multiplier = (
        panel.positions[name].cast(float).fill_null(float("nan")).to_numpy() for name in names
    )
    three = phases >= 3
    factor = np.where(three & (volts >= LINE_VOLTAGE_FROM), np.sqrt(3.0), np.where(three, 3.0, 1.0))
    rated = volts * amps * factor * multiplier / 1000
    limit = np.where(contract > 0, contract, rated)
    return np.where(limit > 0, limit, np.nan)


def _workdays(days: NDArray[np.datetime64]) -> Booleans:
    return np.asarray((days.astype("datetime64[D]").astype(np.int64) + MONDAY_OF_EPOCH) % WEEK_DAYS < 5)


def _working(kwh: Floats, curve: Curve, workday: Booleans) -> Floats:
    """`[K]` ln(work hours / evening) over workdays of `kwh[K, C, N]` on which both are wholly known."""
    per_hour = 60 // curve.minutes

    def between(hours: tuple[int, int]) -> Floats:
        return np.asarray(kwh[:, :, hours[0] * per_hour : hours[1] * per_hour].sum(axis=2))

    work, evening = between(WORK_HOURS), between(EVENING_HOURS)
    known = np.isfinite(work) & np.isfinite(evening)
    both = [np.where(known, kwh_of_day, np.nan) for kwh_of_day in (work, evening)]
    at_work, at_home = (np.log(_mean(part, workday, LEAST_WORKDAYS) + OFFSET_KWH) for part in both)
    return np.asarray(at_work - at_home)


def _mean(kwh: Floats, chosen: Booleans, least: int) -> Floats:
    """`[K]` mean over the chosen, known days; NaN where these are fewer than `least`."""
    known = np.isfinite(kwh) & chosen
    count = known.sum(axis=1)
    mean = np.where(known, np.maximum(kwh, 0.0), 0.0).sum(axis=1) / np.maximum(count, 1)
    return np.where(count >= least, mean, np.nan)


def _largest(values: Floats, place: int) -> Floats:
    """`[K]` the `place`-th largest of each row, NaN where fewer are known."""
    if values.shape[1] < place:
        return np.full(len(values), np.nan)
    ordered = np.sort(np.where(np.isfinite(values), values, -np.inf), axis=1)[:, -place]
    return np.where(np.isfinite(ordered), ordered, np.nan)
