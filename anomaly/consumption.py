"""Registers to energy: one dial at a time, steps between reads, rollover, gaps spread evenly and marked.

The law: over any span between two reads the days sum to the register difference over it, to the register's
resolution. Dials are compared as integers (ticks of 10^-decimals kWh), so no read is ever blurred.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.statistics import next_index, previous_index, row_median, true_cells

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

COMPILED_FROM_CELLS = 500_000
"""From this many cells on the compiled twins pay for loading numba."""

SPREAD_FROM_DAYS = 1.5
"""A day is marked spread when its two reads lie further apart than this: a daily read at 10:00 is not a gap."""


@dataclass(frozen=True, eq=False)
class Dials:
    """Reads of N dials on B borders (00:00 of successive days).

    ticks        `[N, B]` register in units of 10^-decimals kWh, meaningful where `present`
    offset_days  `[N, B]` how long after the border the read was taken, 0 ≤ offset < 1
    scale        `[N]` ticks per kWh; `top` `[N]` the ticks at which the dial starts again from zero
    start_border, start_ticks   `[N]` the recorded register at installation (-1: not recorded, or before the panel)
    end_border, end_ticks       `[N]` the recorded register at removal, likewise
    """

    ticks: Integers
    present: Booleans
    offset_days: NDArray[np.float32]
    scale: Floats
    top: Integers
    start_border: Integers
    start_ticks: Integers
    end_border: Integers
    end_ticks: Integers


@dataclass(frozen=True, eq=False)
class DialEnergy:
    """What N dials counted: per read (`step_*`, `rolled`: `[N, B]`) and per day (`kwh`, `spread`: `[N, B-1]`)."""

    step_kwh: Floats
    step_days: Floats
    rolled: Booleans
    kwh: Floats
    spread: Booleans


def dial_energy(dials: Dials, *, near_top_share: float, usual_multiple: float, floor_kwh_per_day: float) -> DialEnergy:
    """Energy that each dial counted, before the multiplier.

    A backward step is a rollover where the read before stood above `near_top_share` of the dial, counting
    through the top gives at most `usual_multiple` times the dial's usual day plus `floor_kwh_per_day` a day,
    and the next read goes on from there; otherwise it stays the negative energy that was read.

    Source: DL/T 698.45 event 310B and hupe1980/metering: roll over only when the width of the dial is known
    and the result is plausible, otherwise it is an anomaly and no value may be made up.
    """
    limits = (near_top_share, usual_multiple, floor_kwh_per_day)
    rolled, step_kwh, days, kwh, spread = _energy(dials, limits)
    _count_from_records(dials, limits, kwh, spread)
    return DialEnergy(step_kwh, days, rolled, kwh, spread)


def _energy(dials: Dials, limits: tuple[float, ...]) -> tuple[Booleans, Floats, Floats, Floats, Booleans]:
    """(rolled, step_kwh, step_days, kwh, spread) from the reads alone."""
    steps, spread_steps = _steps, _spread_over_days
    if dials.ticks.size >= COMPILED_FROM_CELLS:
        from anomaly.dial_kernels import spread_over_days, steps_between

        steps, spread_steps = steps_between, spread_over_days
    step, days = steps(dials.ticks, dials.present, dials.offset_days)
    row, border = _rollovers(dials, step, days, *limits)
    step[row, border] += dials.top[row]
    rolled = np.zeros(step.shape, bool)
    rolled[row, border] = True
    return rolled, *_with_days(spread_steps(step, days, dials.scale, dials.present, dials.offset_days), days)


def _with_days(spread: tuple[Floats, Floats, Booleans], days: Floats) -> tuple[Floats, Floats, Floats, Booleans]:
    return spread[0], days, spread[1], spread[2]


def _steps(ticks: Integers, present: Booleans, offset_days: NDArray[np.float32]) -> tuple[Integers, Floats]:
    """Difference to the read before, in ticks, and the days between; NaN days where there is no read before."""
    before = np.full(ticks.shape, -1, np.int64)
    before[:, 1:] = previous_index(present)[:, :-1]
    has_before = present & (before >= 0)
    at = np.maximum(before, 0)
    step = np.where(has_before, ticks - np.take_along_axis(ticks, at, axis=1), 0)
    days = (np.arange(ticks.shape[1]) - before).astype(np.float64)
    if offset_days.any():
        days += offset_days.astype(np.float64) - np.take_along_axis(offset_days, at, axis=1)
    days[~has_before] = np.nan
    return step, days


def _rollovers(
    dials: Dials, step: Integers, days: Floats, near_top_share: float, usual_multiple: float, floor_kwh: float
) -> tuple[Integers, Integers]:
    """(row, border) of the backward steps that are the dial passing its top."""
    row, border = true_cells(step < 0)
    if not len(row):
        return row, border
    affected, at = np.unique(row, return_inverse=True)
    with np.errstate(invalid="ignore"):
        forward = np.where(step[affected] >= 0, step[affected] / days[affected], np.nan)
    usual = np.nan_to_num(row_median(forward))[at]
    previous = dials.ticks[row, border] - step[row, border]
    wrapped = (step[row, border] + dials.top[row]) / days[row, border]
    last = step.shape[1] - 1
    follower = next_index(dials.present[affected])[at, np.minimum(border + 1, last)]
    has_follower = (border < last) & (follower <= last)
    after = dials.ticks[row, np.minimum(follower, last)]
    goes_on = ~has_follower | (after >= dials.ticks[row, border])
    # A read mistyped low and right again looks like going on; it comes back above where it was.
    back_up = has_follower & (after >= previous)
    bound = usual_multiple * usual + floor_kwh * dials.scale[row]
    plausible = (wrapped >= 0) & (wrapped <= bound)
    near_top = (previous >= near_top_share * dials.top[row]) & (previous < dials.top[row])
    passed = near_top & plausible & goes_on & ~back_up
    return row[passed], border[passed]


def _spread_over_days(
    step: Integers, days: Floats, scale: Floats, present: Booleans, offset_days: NDArray[np.float32]
) -> tuple[Floats, Floats, Booleans]:
    """Steps in kWh, energy per day, and which days are spread.

    Each day takes its share of the step it lies in, of two steps if it was read during the day.
    """
    step_kwh = np.where(np.isnan(days), np.nan, step / scale[:, None])
    last = step_kwh.shape[1] - 1
    if last < 1:
        empty = np.empty((len(step_kwh), max(last, 0)))
        return step_kwh, empty, empty.astype(bool)
    rate = step_kwh / days
    follower = next_index(present)[:, 1:]
    at = np.minimum(follower, last)
    kwh = np.where(follower <= last, np.take_along_axis(rate, at, axis=1), np.nan)
    long = days > SPREAD_FROM_DAYS
    spread = np.take_along_axis(long, at, axis=1)
    if offset_days.any():
        part = np.where(present, offset_days, 0.0)[:, :-1].astype(np.float64)
        early = np.where(part > 0, part * rate[:, :-1], 0.0)
        kwh = early + (1 - part) * kwh
        spread |= (part > 0) & long[:, :-1]
    return step_kwh, kwh, spread & np.isfinite(kwh)


def _count_from_records(dials: Dials, limits: tuple[float, ...], kwh: Floats, spread: Booleans) -> None:
    """Let the recorded registers at installation and removal count, for the few dials that have them.

    The start register stands at 00:00 of the installation day in place of a read then; the end register
    closes the removal day. Writes into `kwh` and `spread`.
    """
    rows = np.flatnonzero((dials.start_border >= 0) | (dials.end_border >= 0))
    if not len(rows):
        return
    ticks, present, offset = dials.ticks[rows], dials.present[rows], dials.offset_days[rows]
    borders = ticks.shape[1]
    for border, value, shift in (
        (dials.start_border[rows], dials.start_ticks[rows], 0),
        (dials.end_border[rows], dials.end_ticks[rows], 1),
    ):
        here = np.flatnonzero((border >= 0) & (border + shift < borders))
        at = border[here] + shift
        ticks[here, at], present[here, at], offset[here, at] = value[here], True, 0
    part = Dials(
        ticks, present, offset, dials.scale[rows], dials.top[rows], *([np.full(len(rows), -1, np.int64)] * 4)
    )
    _, _, _, kwh[rows], spread[rows] = _energy(part, limits)
