"""Curves that run early or late: found beside the register, or beside the position's own earlier days.

A shift is counted in intervals and is positive where the curve is late: what happened at 06:00 stands at
09:00.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anomaly.columns import Columns
from anomaly.curve_register import Balance
from anomaly.curve_shape import series_of
from anomaly.day_spans import joined_runs, span_count
from anomaly.panel import Curve

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

WEEK = 7
REFERENCE_WEEKS = 4
"""Weeks that make up the shape a week is compared with."""

CALM_WEEKS = 4
"""Weeks before that must have shown no shift of their own, each against the weeks before it."""

LEAST_FIT = 0.5
"""A shape that resembles the earlier one less than this, however shifted, is another shape."""

SAME_LEVEL = 1.2
"""A clock moves energy in time and leaves its amount alone: each week within this factor of the weeks
before.
"""

SELF_FIT_SLACK = 0.1
"""The shifted shape must resemble the earlier one nearly as well as the position resembles itself."""

LONGEST_LOOK_DAYS = 28
"""Days of a stretch that are aligned with the register; a shift shows in fewer."""


@dataclass(frozen=True, eq=False)
class Shifts(Columns):
    """Curve rows, days [first, end) of the curve, shift in intervals, days that show it, and how clearly."""

    row: Integers
    first: Integers
    end: Integers
    intervals: Integers
    days: Integers
    gain: Floats


def shifts_beside_register(
    curve: Curve, sums: Balance, *, min_intervals: int, min_days: int, min_day_share: float, pause_days: int
) -> Shifts:
    """Stretches of wrong days whose sums agree with the daily registers once the curve is moved.

    The energy between two midnights picks out the shift by itself: no history is needed, and nothing the
    customer does can imitate it. `sums` must hold single days.
    """
    row, first, end = joined_runs(sums.wrong, pause_days)
    many = span_count(sums.wrong, row, first, end) >= min_days
    row, first, end = row[many], first[many], end[many]
    if not len(row):
        return _none()
    day = first[:, None] + np.arange(LONGEST_LOOK_DAYS)
    inside = (day < end[:, None]) & sums.decided[row[:, None], np.minimum(day, curve.days - 1)]
    at = np.minimum(day, curve.days - 1)
    register, allowed = sums.register_kwh[row[:, None], at], sums.tolerance_kwh[row[:, None], at]
    energy, absent = _running_energy(curve, row)
    per_day = curve.kwh.shape[2]
    shifts = np.array([s for s in range(-per_day // 2, per_day // 2 + 1) if abs(s) >= min_intervals])
    agrees = np.empty((len(shifts), len(row)), np.int64)
    error = np.empty((len(shifts), len(row)))
    for place, shift in enumerate(shifts):
        begin = np.clip(at * per_day + shift, 0, energy.shape[1] - 1)
        stop = np.clip(begin + per_day, 0, energy.shape[1] - 1)
        moved = np.take_along_axis(energy, stop, axis=1) - np.take_along_axis(energy, begin, axis=1)
        gaps = np.take_along_axis(absent, stop, axis=1) - np.take_along_axis(absent, begin, axis=1)
        off = np.where(inside & (gaps == 0), np.abs(moved - register), np.nan)
        known = np.isfinite(off)
        with np.errstate(invalid="ignore"):
            agrees[place] = (off <= allowed).sum(axis=1)
        error[place] = np.where(known, off, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    # Ties go to the shift that fits most closely, then to the smaller one.
    order = np.lexsort((np.abs(shifts)[:, None] + 0 * error.astype(np.int64), error, -agrees), axis=0)[0]
    columns = np.arange(len(row))
    days = agrees[order, columns]
    share = days / np.maximum(inside.sum(axis=1), 1)
    found = Shifts(row, first, end, shifts[order], days, share)
    return found.take((days >= min_days) & (share >= min_day_share))


def shifts_of_shape(
    curve: Curve,
    *,
    skipped_days: int,
    min_intervals: int,
    min_days: int,
    min_gain: float,
    max_own_gain: float,
) -> Shifts:
    """Weeks whose mean day, and whose every few days, fit the weeks before only when moved, two weeks
    running.

    Correlations are taken on square roots, so that one kettle does not decide. A week between history and
    test is left out: the shift may have begun in its middle. Weeks are whole weeks after the first
    `skipped_days` of the curve, so that the caller can pin them to the calendar.
    """
    weeks = _weekly(curve, skipped_days)
    needed = REFERENCE_WEEKS + CALM_WEEKS + 3
    if weeks.shape[1] < needed:
        return _none()
    profile = weeks.mean(axis=2)
    own = np.stack([_fits(profile[:, w], profile[:, w - REFERENCE_WEEKS : w].mean(axis=1))
                    for w in range(REFERENCE_WEEKS, profile.shape[1])], axis=1)  # fmt: skip
    own_gain, own_fit = own.max(axis=2) - own[:, :, 0], own[:, :, 0]
    found = []
    for week in range(needed - 2, weeks.shape[1] - 1):
        calm = slice(week - 1 - CALM_WEEKS - REFERENCE_WEEKS, week - 1 - REFERENCE_WEEKS)
        with np.errstate(invalid="ignore"):
            quiet = own_gain[:, calm].max(axis=1) < max_own_gain
        rows = np.flatnonzero(
            quiet & np.isfinite(profile[:, week - 1 - REFERENCE_WEEKS : week + 2]).all(axis=(1, 2))
        )
        reference = profile[rows, week - 1 - REFERENCE_WEEKS : week - 1].mean(axis=1)
        usual_fit = np.median(own_fit[rows][:, calm], axis=1) if len(rows) else np.empty(0)
        limits = (min_intervals, min_days, min_gain)
        found.append(_two_weeks(weeks, rows, week, reference, usual_fit, limits))
    every = _first_of_each(Shifts.together(found))
    return replace(every, first=every.first + skipped_days, end=every.end + skipped_days)


def _two_weeks(
    weeks: Floats,
    rows: Integers,
    week: int,
    reference: Floats,
    usual_fit: Floats,
    limits: tuple[int, int, float],
) -> Shifts:
    """Rows whose weeks `week` and `week + 1` both stand shifted against `reference[n, N]`."""
    min_intervals, min_days, min_gain = limits
    per_day = weeks.shape[3]
    fits = [_fits(weeks[rows, one].mean(axis=1), reference) for one in (week, week + 1)]
    together = (fits[0] + fits[1]) / 2
    best = together.argmax(axis=1) if len(rows) else np.empty(0, np.int64)
    at = np.arange(len(rows))
    gain = np.minimum(*(fit[at, best] - fit[:, 0] for fit in fits)) if len(rows) else np.empty(0)
    shift = np.where(best > per_day // 2, best - per_day, best)
    fit = together[at, best]
    clear = (np.abs(shift) >= min_intervals) & (gain >= min_gain)
    clear &= (fit >= LEAST_FIT) & (fit >= usual_fit - SELF_FIT_SLACK)
    kept = np.flatnonzero(clear)
    kept = kept[_same_level(weeks, rows[kept], week)]
    days = np.array(
        [
            [_days_shifted(weeks[rows[k], one], reference[k], int(best[k])) for one in (week, week + 1)]
            for k in kept
        ],
        dtype=np.int64,
    ).reshape(-1, 2)
    steady = days.min(axis=1, initial=WEEK) >= min_days
    kept, days = kept[steady], days[steady]
    end = [_still_shifted(weeks[rows[k]], week + 2, reference[k], int(best[k]), min_gain) for k in kept]
    return Shifts(
        row=rows[kept],
        first=np.full(len(kept), week * WEEK),
        end=np.array(end, dtype=np.int64) * WEEK,
        intervals=shift[kept],
        days=days.sum(axis=1),
        gain=gain[kept],
    )


def _same_level(weeks: Floats, rows: Integers, week: int) -> Booleans:
    """Whether the energy of both weeks is that of the reference weeks."""
    used = (weeks[rows] ** 2).mean(axis=(2, 3))
    before = used[:, week - 1 - REFERENCE_WEEKS : week - 1].mean(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.abs(np.log(used[:, week : week + 2] / before))
    return np.asarray((change <= np.log(SAME_LEVEL)).all(axis=1))


def _days_shifted(days: Floats, reference: Floats, best: int) -> int:
    """How many of the days `[7, N]` fit the reference better when moved."""
    fit = _fits(days, np.broadcast_to(reference, days.shape))
    return int((fit[:, best] > fit[:, 0]).sum())


def _still_shifted(weeks: Floats, week: int, reference: Floats, best: int, min_gain: float) -> int:
    """First week from `week` on that no longer stands shifted by `best`; weeks without a shape count as
    shifted.
    """
    while week < len(weeks):
        fit = _fits(weeks[week].mean(axis=0)[None], reference[None])[0]
        if fit[best] - fit[0] < min_gain / 2:
            break
        week += 1
    return week


def _weekly(curve: Curve, skipped_days: int) -> Floats:
    """`[K, W, 7, N]` square roots of whole weeks, NaN where an interval is missing."""
    count = max(curve.days - skipped_days, 0) // WEEK
    whole = curve.kwh[:, skipped_days : skipped_days + count * WEEK]
    return np.sqrt(np.maximum(whole, 0.0)).reshape(len(whole), count, WEEK, curve.kwh.shape[2])


def _fits(shape: Floats, reference: Floats) -> Floats:
    """`[n, N]` correlation of `shape[n, N]` with `reference[n, N]` when moved back by 0 … N-1 intervals."""
    centred = shape - shape.mean(axis=1, keepdims=True)
    other = reference - reference.mean(axis=1, keepdims=True)
    size = np.sqrt((centred**2).sum(axis=1) * (other**2).sum(axis=1))[:, None]
    product = np.fft.irfft(np.fft.rfft(centred) * np.conj(np.fft.rfft(other)), n=shape.shape[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(size > 0, product / size, 0.0))


def _running_energy(curve: Curve, row: Integers) -> tuple[Floats, Integers]:
    """`[n, C·N + 1]` energy from the first interval on, and how many intervals were absent until then."""
    values = series_of(curve)[row]
    energy = np.zeros((len(row), values.shape[1] + 1))
    absent = np.zeros(energy.shape, np.int64)
    np.cumsum(np.nan_to_num(values), axis=1, out=energy[:, 1:])
    np.cumsum(np.isnan(values), axis=1, out=absent[:, 1:])
    return energy, absent


def _first_of_each(shifts: Shifts) -> Shifts:
    """Of the overlapping weeks of one row only the earliest."""
    order = np.lexsort((shifts.first, shifts.row))
    kept, last_row, until = np.zeros(len(order), bool), -1, -1
    for place, one in enumerate(order):
        if shifts.row[one] != last_row or shifts.first[one] >= until:
            kept[place], last_row, until = True, int(shifts.row[one]), int(shifts.end[one])
    return shifts.take(order[kept])


def _none() -> Shifts:
    nothing = np.empty(0, np.int64)
    return Shifts(nothing, nothing, nothing, nothing, nothing, np.empty(0))
