"""Reads that are wrong alone: which ones might be, and what explains them best.

One mistyped read makes two odd steps, one up and one down. The rules on rollback (R01), on misread reads
(R07) and on exchanged reads (R08) all have to tell such a read from a register that really fell, so they
ask here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.columns import Columns
from anomaly.curve_energy import energy_between, noise_kwh, residual_kwh
from anomaly.expectation import (
    LEAST_STEPS,
    WIDE_SPREAD_LOG,
    Usual,
    capacity_kwh_per_day,
    multiplier_at,
    near_value_log_likelihood,
    step_log_likelihood,
    usual_around,
)
from anomaly.panel import Panel
from anomaly.statistics import next_index, row_median, true_cells

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ACTUAL_QUALITY = 1
"""`valid` and `edited` in QUALITIES: a worse read was made up, and a made-up number is not misread."""

CURVE_SHARE = 0.01
"""Curve and register may differ by one percent before the curve is said to disagree."""

RUNAWAY_SHARE = 0.3
"""Where the step before was this share of capacity already, the last one is not a single wrong read."""

PAIR_LEAST_KWH = 1.0
PAIR_NOISE = 6.0
"""A read that only the curve shows to be wrong must be off by 1 kWh and by six times the usual difference."""

CANCEL_SHARE = 0.2
AROUND_DAYS = 7
"""One wrong read is as much too high as too low for its two steps, and leaves the days around them alone."""


@dataclass(frozen=True, eq=False)
class OddReads(Columns):
    """K reads that may be wrong alone, each with the reads of the same dial before and after it.

    `before`, `after` are borders (`after` is -1 where no read follows yet); registers in kWh on the dial,
    `days_*` between the reads; `known_*` the energy the load curve shows (NaN: no curve) to within
    `tolerance_kwh`.
    """

    row: Integers
    border: Integers
    before: Integers
    after: Integers
    read_kwh: Floats
    before_kwh: Floats
    after_kwh: Floats
    days_before: Floats
    days_after: Floats
    known_before: Floats
    known_after: Floats
    tolerance_kwh: Floats
    usual: Usual
    capacity: Floats
    scale: Floats
    digits: Integers
    top: Integers

    def log_likelihood(self, register_kwh: Floats, *, impossible_chance: float) -> Floats:
        """Log-likelihood of both steps if the register `[K]` or `[K, C]` had been this one."""
        extra = (...,) + (None,) * (np.ndim(register_kwh) - 1)
        up = np.round(register_kwh - self.before_kwh[extra], 6)
        down = np.round(self.after_kwh[extra] - register_kwh, 6)
        first = self._step(up, self.days_before[extra], self.known_before, impossible_chance)
        second = self._step(down, self.days_after[extra], self.known_after, impossible_chance)
        beyond_dial = np.where(register_kwh >= (self.top / self.scale)[extra], np.log(impossible_chance), 0.0)
        return np.asarray(first + np.where((self.after >= 0)[extra], second, 0.0) + beyond_dial)

    def by_curve(self, register_kwh: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether the curve confirms the step before, and the step after, with the register `[K]`."""
        up, down = register_kwh - self.before_kwh, self.after_kwh - register_kwh
        with np.errstate(invalid="ignore"):
            first = np.abs(up - self.known_before) <= self.tolerance_kwh
            second = np.abs(down - self.known_after) <= self.tolerance_kwh
        return first, second

    def _step(self, step: Floats, days: Floats, known: Floats, impossible_chance: float) -> Floats:
        """Log-likelihood of one step: against the curve where there is one, else against the usual use."""
        extra = (...,) + (None,) * (np.ndim(step) - 1)
        usual = step_log_likelihood(step, days, self.usual, self.capacity, impossible_chance=impossible_chance)
        # The curve is believed only if it agrees with the two steps taken together.
        off = np.abs(self.after_kwh - self.before_kwh - self.known_before - self.known_after)
        believed = (off <= 3 * self.tolerance_kwh) & np.isfinite(off)
        by_curve = near_value_log_likelihood(step, np.nan_to_num(known), self.tolerance_kwh)
        return np.where(believed[extra], np.where(step < 0, np.log(impossible_chance), 0.0) + by_curve, usual)


def odd_reads(
    panel: Panel, *, resolution_kwh: float, spread_log: float, window_days: int, contract_ratio: float
) -> OddReads:
    """Every read that could be wrong alone.

    Screened over the whole panel: the reads on both sides of a backward step, reads that the curve
    contradicts once up and once down, last reads above the meter's capacity, and for positions read once a
    month or less reads with a large step on one side and a small one on the other.
    """
    row, border = _screened(panel, resolution_kwh, spread_log, window_days, contract_ratio)
    quality = panel.quality[row, border]
    actual = (quality >= 0) & (quality <= ACTUAL_QUALITY) & np.isfinite(panel.step_kwh[row, border])
    row, border = row[actual], border[actual]
    after = _following(panel, row, border)
    rolled = _rolled(panel, row, border) | ((after >= 0) & _rolled(panel, row, np.maximum(after, 0)))
    row, border, after = row[~rolled], border[~rolled], after[~rolled]
    return _described(panel, row, border, after, spread_log, window_days, contract_ratio)


def _screened(
    panel: Panel, resolution_kwh: float, spread_log: float, window_days: int, contract_ratio: float
) -> tuple[Integers, Integers]:
    """(row, border) of all reads worth a closer look, sorted, each once."""
    row, border = true_cells(panel.step_kwh < -resolution_kwh)
    suspects = [(row, border), (row, previous_border(panel, row, border))]
    suspects.append(_beyond_dial(panel))
    suspects.append(_contradicted_by_curve(panel))
    suspects.append(_last_reads_over_capacity(panel, contract_ratio))
    suspects.append(_periodic_outliers(panel, spread_log, window_days))
    width = panel.step_kwh.shape[1]
    cells = np.unique(np.concatenate([row * width + border for row, border in suspects if len(row)] or [row]))
    return cells // max(width, 1), cells % max(width, 1)


def previous_border(panel: Panel, row: Integers, border: Integers) -> Integers:
    """Border of the read that the step at `border` counts from."""
    days = panel.step_days[row, border] - panel.offset_days[row, border]
    return np.clip(border - np.ceil(np.round(days, 4)).astype(np.int64), 0, None)


def _rolled(panel: Panel, row: Integers, border: Integers) -> NDArray[np.bool_]:
    """Whether the dial passed its top on the way to this read. From a read above the top it cannot have: then
    the energy across the turn would be less than what the dial shows after it.
    """
    step, read = panel.step_kwh[row, border], panel.register_kwh[row, border]
    return np.asarray(panel.rolled[row, border] & (step >= read))


def _as_read_kwh(panel: Panel, row: Integers, border: Integers) -> Floats:
    """The step to this read as the dial shows it, without any rollover."""
    top = 10.0 ** panel.positions["register_digits"].to_numpy()[row]
    return np.asarray(panel.step_kwh[row, border] - np.where(panel.rolled[row, border], top, 0.0))


def _following(panel: Panel, row: Integers, border: Integers) -> Integers:
    """Border of the next read of the same dial, -1 where none."""
    width = panel.step_kwh.shape[1]
    if not len(row):
        return np.empty(0, np.int64)
    rows, at = np.unique(row, return_inverse=True)
    following = next_index(np.isfinite(panel.step_kwh[rows]))
    after = np.where(border + 1 < width, following[at, np.minimum(border + 1, width - 1)], width)
    exists = after < width
    safe = np.where(exists, after, 0)
    days = np.where(exists, panel.step_days[row, safe], 1.0)
    gap = days - panel.offset_days[row, safe] + panel.offset_days[row, border]
    return np.where(exists & (np.round(gap) == safe - border), after, -1)


def _beyond_dial(panel: Panel) -> tuple[Integers, Integers]:
    """Reads that have more digits than the dial."""
    top = 10.0 ** panel.positions["register_digits"].to_numpy()
    row, border = true_cells(panel.register_kwh >= top[:, None])
    return row, border


def _contradicted_by_curve(panel: Panel) -> tuple[Integers, Integers]:
    """Reads whose two steps miss the curve by the same amount, once up and once down."""
    rows, borders = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for curve in panel.curves:
        off = residual_kwh(panel, curve) * np.nan_to_num(
            panel.multiplier[curve.rows, curve.first_day : curve.first_day + curve.days], nan=1.0
        )
        with np.errstate(invalid="ignore"):
            opposite = (off[:, :-1] * off[:, 1:] < 0) & (
                np.minimum(np.abs(off[:, :-1]), np.abs(off[:, 1:])) >= PAIR_LEAST_KWH
            )
            cancels = np.abs(off[:, :-1] + off[:, 1:]) <= CANCEL_SHARE * np.abs(off[:, :-1])
            # Amid days that disagree as well, it is the curve that is wrong and not this read.
            around = np.pad(np.abs(off), ((0, 0), (1, 1)), constant_values=np.nan)
            alone = ~(np.fmax(around[:, :-3], around[:, 3:]) > CANCEL_SHARE * np.abs(off[:, :-1]))
        at, day = true_cells(opposite & cancels & alone)
        noise = noise_kwh(panel, curve.rows[at]) * panel.multiplier[curve.rows[at], curve.first_day + day]
        noise = np.fmax(noise, _noise_around(off, at, day))
        keep = np.abs(off[at, day]) >= PAIR_NOISE * np.nan_to_num(noise)
        rows.append(curve.rows[at[keep]].astype(np.int64))
        borders.append((curve.first_day + day[keep] + 1).astype(np.int64))
    return np.concatenate(rows), np.concatenate(borders)


def _noise_around(off: Floats, at: Integers, day: Integers) -> Floats:
    """Median distance of register and curve over the days around each pair of days `day` and `day + 1`."""
    apart = np.arange(off.shape[1]) - day[:, None]
    near = (np.abs(apart) <= AROUND_DAYS) & (apart != 0) & (apart != 1)
    return row_median(np.where(near, np.abs(off[at]), np.nan))


def _last_reads_over_capacity(panel: Panel, contract_ratio: float) -> tuple[Integers, Integers]:
    """Last reads of a position that step above what the meter can carry."""
    width = panel.step_kwh.shape[1]
    finite = np.isfinite(panel.step_kwh)
    row = np.flatnonzero(finite.any(axis=1))
    border = width - 1 - np.argmax(finite[row, ::-1], axis=1)
    most = capacity_kwh_per_day(panel, row, border, contract_ratio=contract_ratio)
    days = np.maximum(panel.step_days[row, border], 1.0)
    above = panel.step_kwh[row, border] > most * days
    before = previous_border(panel, row, border)
    with np.errstate(invalid="ignore"):
        running_away = panel.step_kwh[row, before] > RUNAWAY_SHARE * most * panel.step_days[row, before]
    alone = above & ~running_away
    return row[alone], border[alone]


def _periodic_outliers(panel: Panel, spread_log: float, window_days: int) -> tuple[Integers, Integers]:
    """Reads of rarely read positions with a far too large step on one side and a small one on the other."""
    rows = np.flatnonzero(~panel.daily)
    at, border = true_cells(np.isfinite(panel.step_kwh[rows]))
    row = rows[at]
    usual = usual_around(panel, row, border, window_days=window_days, spread_log=spread_log)
    z = usual.z(panel.step_kwh[row, border], panel.step_days[row, border])
    next_z = np.full(len(row), np.nan)
    if len(row) > 1:
        same = row[1:] == row[:-1]
        next_z[:-1] = np.where(same, z[1:], np.nan)
    with np.errstate(invalid="ignore"):
        odd = (z * next_z < 0) & (np.maximum(np.abs(z), np.abs(next_z)) >= 2.0) & (usual.steps >= LEAST_STEPS)
    return row[odd], border[odd].astype(np.int64)


def _described(
    panel: Panel, row: Integers, border: Integers, after: Integers, spread_log: float, window_days: int,
    contract_ratio: float,
) -> OddReads:  # fmt: skip
    """The reads with everything that is known about the steps on both sides."""
    before = previous_border(panel, row, border)
    safe = np.maximum(after, 0)
    read = panel.register_kwh[row, border]
    step, days = _as_read_kwh(panel, row, border), panel.step_days[row, border]
    next_step = np.where(after >= 0, _as_read_kwh(panel, row, safe), 0.0)
    next_days = np.where(after >= 0, panel.step_days[row, safe], 1.0)
    decimals = panel.positions["register_decimals"].to_numpy()[row].astype(np.int64)
    digits = panel.positions["register_digits"].to_numpy()[row].astype(np.int64) + decimals
    scale = np.power(10.0, decimals).astype(np.float64)
    usual = usual_around(panel, row, border, window_days=window_days, spread_log=spread_log, skip=safe)
    usual = _or_skipped_step(usual, step + next_step, days + np.where(after >= 0, next_days, 0.0), spread_log)
    known_before = energy_between(panel, row, before, border)
    known_after = np.where(after >= 0, energy_between(panel, row, border, safe), np.nan)
    noise = np.nan_to_num(noise_kwh(panel, row))
    whole = np.nan_to_num(known_before + known_after)
    return OddReads(
        row, border, before, after, read, read - step, np.where(after >= 0, read + next_step, np.nan),
        days, next_days, known_before, known_after,
        np.maximum(np.maximum(2 / scale, CURVE_SHARE * whole), 3 * noise),
        usual, capacity_kwh_per_day(panel, row, border, contract_ratio=contract_ratio), scale, digits,
        np.power(10, digits),
    )  # fmt: skip


def _or_skipped_step(usual: Usual, skipped_kwh: Floats, days: Floats, spread_log: float) -> Usual:
    """Where a position has too few steps for a level of its own, the step that skips the read stands in."""
    own = usual.steps >= LEAST_STEPS
    with np.errstate(invalid="ignore", divide="ignore"):
        stand_in = np.log(np.maximum(skipped_kwh, 0.0) / np.maximum(days, 1.0) + usual.floor)
    return Usual(
        np.where(own, usual.centre, stand_in), np.where(own, usual.spread, max(WIDE_SPREAD_LOG, spread_log)),
        usual.floor, usual.steps, usual.idle,
    )  # fmt: skip


def multiplier_of(panel: Panel, odd: OddReads) -> Floats:
    """Multiplier in force at each read."""
    return multiplier_at(panel, odd.row, odd.border)
