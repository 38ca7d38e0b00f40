"""J03: billing period out of line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.baseline import log_use
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import MAD_TO_SIGMA, quantised, row_mad, row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

YEAR_DAYS = 365.25
SAME_SEASON_DAYS = 20
"""A period counts as "the same month last year" when its middle lies this near to one year before."""

SMALLEST_SHOWN_KWH_PER_DAY = 0.1
STUDENT_DEGREES_OF_FREEDOM = 4.0


@dataclass(frozen=True, eq=False)
class _Periods:
    """The last P periods of each periodic position, newest last, NaN where absent: `[K, P]` each."""

    use: Floats
    log: Floats
    end: Integers
    days: Floats


@detector(
    "J03",
    family="jump",
    unit="kWh/d",
    source="Iglewicz and Hoaglin: robust z over 3.5; spread shrunk to the month-to-month spread of homes",
)
def periodic_jump(
    panel: Panel,
    *,
    log_offset_kwh: float,
    spread_log: float,
    reference_periods: int,
    min_reference_periods: int,
    min_period_days: float,
    min_z: float,
    min_ratio: float,
    min_ratio_to_each: float,
    min_change_kwh_per_day: float,
) -> Detections:
    """Billing period out of line.

    For positions read once a month or less: use per day between two reads, over the exact time between them,
    of the last period against the `reference_periods` before it and the same season last year, on
    ln(kWh + `log_offset_kwh`) after the cohort's change. Scale: ½·(1.4826·MAD)² + ½·`spread_log`².

    Fires when |z| reaches `min_z`, use per day changed by `min_ratio` and by `min_change_kwh_per_day` or
    more, and by `min_ratio_to_each` from every single one of the periods it is compared with.
    Cannot see: when within the period the change began, or a change in a home with fewer than
    `min_reference_periods` earlier periods.
    """
    row = np.flatnonzero(~panel.daily & ~panel.flag("is_supply"))
    if not len(row):
        return nothing(panel)
    periods = _periods(panel, row, log_offset_kwh, min_period_days)
    if periods.log.shape[1] < 2:
        return nothing(panel)
    reference = _reference(periods, reference_periods)
    centre = row_median(reference)
    own = MAD_TO_SIGMA * row_mad(reference, centre)
    current = periods.log[:, -1]
    z = quantised((current - centre) / np.sqrt(0.5 * own**2 + 0.5 * spread_log**2))
    # What the reference would be now: its centre, moved with the cohort as the current period is.
    after = periods.use[:, -1]
    shift = log_use(after, log_offset_kwh) - current
    before = np.maximum(np.exp(centre + shift) - log_offset_kwh, 0.0)
    change = quantised(after - before)
    ratio = quantised((after + log_offset_kwh) / (before + log_offset_kwh))
    with np.errstate(invalid="ignore"):
        fires = (np.abs(z) >= min_z) & (np.abs(change) >= min_change_kwh_per_day)
        fires &= (ratio >= min_ratio) | (ratio <= 1 / min_ratio)
    fires &= np.isfinite(reference).sum(axis=1) >= min_reference_periods
    fires &= quantised(_beyond(current, reference)) >= quantised(np.log([min_ratio_to_each]))
    at = np.flatnonzero(fires)
    return _told(panel, row[at], periods, at, before[at], z[at], min_ratio, min_change_kwh_per_day)


def _periods(panel: Panel, row: Integers, log_offset_kwh: float, min_period_days: float) -> _Periods:
    """Use per day of each step between reads; steps with an excluded or unknown day are absent."""
    steps, lengths = panel.step_kwh[row], panel.step_days[row]
    at, border = np.nonzero(np.isfinite(steps) & (lengths >= min_period_days))
    days = lengths[at, border]
    start = np.maximum(border - np.ceil(days).astype(np.int64), 0)
    kwh = np.cumsum(np.pad(np.isnan(panel.kwh[row]), ((0, 0), (1, 0))), axis=1)
    clean = kwh[at, border] == kwh[at, start]
    clean &= panel.multiplier[row[at], np.maximum(border - 1, 0)] == panel.multiplier[row[at], start]
    at, border, days, start = at[clean], border[clean], days[clean], start[clean]
    use = np.maximum(steps[at, border], 0.0) * panel.multiplier[row[at], border - 1] / days
    log = log_use(use, log_offset_kwh)
    if panel.cohort_log is not None:
        total = np.cumsum(np.pad(np.nan_to_num(panel.cohort_log[row]), ((0, 0), (1, 0))), axis=1)
        log -= (total[at, border] - total[at, start]) / np.maximum(border - start, 1)
    return _newest_last(len(row), at, border, use, log, days)


def _newest_last(
    count: int, at: Integers, border: Integers, use: Floats, log: Floats, days: Floats
) -> _Periods:
    """Ragged periods as arrays, aligned at the newest."""
    per_row = np.bincount(at, minlength=count)
    width = int(per_row.max(initial=0))
    place = np.arange(len(at)) - np.repeat(np.cumsum(per_row) - per_row, per_row) + width - per_row[at]

    def aligned(values: Floats) -> Floats:
        table = np.full((count, width), np.nan)
        table[at, place] = values
        return table

    ends = np.zeros((count, width), np.int64)
    ends[at, place] = border
    return _Periods(aligned(use), aligned(log), ends, aligned(days))


def _reference(periods: _Periods, reference_periods: int) -> Floats:
    """Log use of the periods the last one is compared with, NaN elsewhere: `[K, P-1]`."""
    earlier = periods.log[:, :-1].copy()
    middle = periods.end - np.nan_to_num(periods.days) / 2
    year_ago = np.abs(middle[:, -1:] - middle[:, :-1] - YEAR_DAYS) <= SAME_SEASON_DAYS
    recent = np.zeros(earlier.shape, bool)
    recent[:, max(earlier.shape[1] - reference_periods, 0) :] = True
    earlier[~(recent | year_ago)] = np.nan
    return earlier


def _beyond(current: Floats, reference: Floats) -> Floats:
    """How far `current[K]` lies outside the range of its row of `reference[K, P]`; below 0 inside."""
    known = np.isfinite(reference)
    highest = np.where(known, reference, -np.inf).max(axis=1)
    lowest = np.where(known, reference, np.inf).min(axis=1)
    return np.asarray(np.nan_to_num(np.maximum(current - highest, lowest - current), nan=0.0, posinf=0.0))


def _told(
    panel: Panel,
    row: Integers,
    periods: _Periods,
    at: Integers,
    before: Floats,
    z: Floats,
    ratio: float,
    floor: float,
) -> Detections:
    after, end, days = periods.use[at, -1], periods.end[at, -1], periods.days[at, -1]
    change = np.abs(after - before)
    gain = (STUDENT_DEGREES_OF_FREEDOM + 1) / 2 * np.log1p(z**2 / STUDENT_DEGREES_OF_FREEDOM)
    return detections(
        panel,
        row,
        np.maximum(end - np.ceil(days).astype(np.int64), 0),
        end,
        measured=after,
        expected=before,
        limit=np.maximum(floor, (ratio - 1) * before),
        kwh_at_stake=change * days,
        strength=gain * change,
        facts={
            "before_kwh_per_day": before,
            "after_kwh_per_day": after,
            "change_ratio": after / np.maximum(before, SMALLEST_SHOWN_KWH_PER_DAY),
            "period_days": days,
            "z": z,
        },
    )
