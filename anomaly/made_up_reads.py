"""Daily registers that nobody read: on a straight line, copied from the week before, or the old one repeated.

All three are judged against the position's own history: a refrigerator alone also counts the same every
day. Increments are compared in register steps; a pattern counts when the runs of that length to be expected
from the history, the run itself left out, are fewer than `max_chance`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.columns import Columns
from anomaly.day_spans import span_sum
from anomaly.panel import Curve, Panel
from anomaly.statistics import next_index, row_median, runs

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

WEEK = 7
STANDBY_NOISE = 0.01
"""Day-to-day variation of a standing load, relative; what equality to expect where the history knows no
such days.
"""

PRIOR_DAYS = 4.0
"""How many days of history that expectation is worth."""

ROUNDING_KWH = 1e-6
"""Slack of a first look in kWh; the exact comparison is in whole register steps."""

BLOCK_ROWS = 2048
"""Rows looked at together."""

LEVEL_RATIO = 1.5
"""Days within this factor of the run's own energy tell how often such days are equal."""

CURVE_AGREES = 0.05
"""A day's curve and register are one measurement within this share (or an hour's worth of a flat day)."""


@dataclass(frozen=True, eq=False)
class MadeUp(Columns):
    """Runs of made-up reads: the reads after borders `first` up to and with `last`, of positions `row`.

    `chance` is the number of such runs expected by accident in the whole history.
    """

    row: Integers
    first: Integers
    last: Integers
    chance: Floats


def daily_steps(panel: Panel, rows: Integers) -> Floats:
    """`[n, D+1]` increments of rows in register steps between reads exactly a day apart, NaN elsewhere."""
    scale = 10.0 ** panel.column("register_decimals")[rows][:, None]
    return np.where(panel.step_days[rows] == 1.0, np.rint(panel.step_kwh[rows] * scale), np.nan)


def straight_runs(panel: Panel, *, min_days: int, tolerance_steps: float, max_chance: float) -> MadeUp:
    """Runs of at least `min_days` non-zero increments whose reads lie within `tolerance_steps` of a straight
    line.

    Of each stretch of even days the longest exact line is taken; what is left of the stretch belongs to the
    history it is judged by, so that an even load, which is never exact for long, speaks against itself.
    """
    rows = _rows_with_runs(panel, lag=1, tolerance_steps=tolerance_steps, length=min_days - 1)
    steps = daily_steps(panel, rows)
    near = _near(steps, 1, tolerance_steps)
    row, first, end = runs(near)
    tellable = end - first >= min_days - 1
    tellable &= ~_too_coarse(steps, row, first, end, tolerance_steps, max_chance)
    row, first, end = row[tellable], first[tellable], end[tellable]
    if not len(row):
        return _none()
    # A run of near increments begins with the second of them: the line may start one border and one read
    # earlier.
    begin, length = _longest_line(steps, row, first - 1, end, tolerance_steps)
    kept = length >= min_days
    row, begin, length = row[kept], begin[kept], length[kept]
    chance = _chance_of_level(steps, near, row, begin, begin + length, tolerance_steps)
    found = MadeUp(rows[row], begin - 1, begin + length - 1, chance)
    return _unmeasured(panel, found.take(chance < max_chance))


def copied_runs(
    panel: Panel, *, min_days: int, tolerance_steps: float, min_distinct_values: int, max_chance: float
) -> MadeUp:
    """Runs of at least `min_days` increments equal to those seven days before, of enough different sizes."""
    rows = _rows_with_runs(panel, lag=WEEK, tolerance_steps=tolerance_steps, length=min_days)
    steps = daily_steps(panel, rows)
    same = _near(steps, WEEK, tolerance_steps)
    row, first, end = runs(same)
    long = end - first >= min_days
    row, first, end = row[long], first[long], end[long]
    if not len(row):
        return _none()
    varied = _distinct_values(steps, row, first, end, tolerance_steps) >= min_distinct_values
    row, first, end = row[varied], first[varied], end[varied]
    comparable = np.isfinite(steps[row])
    comparable[:, WEEK:] &= np.isfinite(steps[row, :-WEEK])
    chance = _chance(same[row], comparable, first, end, end - first)
    return _unmeasured(panel, MadeUp(rows[row], first - 1, end - 1, chance).take(chance < max_chance))


def _rows_with_runs(panel: Panel, *, lag: int, tolerance_steps: float, length: int) -> Integers:
    """Rows with `length` increments running near those `lag` days before, block by block for the cache."""
    kwh = tolerance_steps * 10.0 ** -panel.column("register_decimals")[:, None] + ROUNDING_KWH
    found = []
    for block in range(0, len(panel.step_kwh), BLOCK_ROWS):
        step = panel.step_kwh[block : block + BLOCK_ROWS]
        with np.errstate(invalid="ignore"):
            near = np.abs(step[:, lag:] - step[:, :-lag]) <= kwh[block : block + BLOCK_ROWS]
        joined, reached = near, 1
        while reached < length and joined.shape[1]:
            ahead = min(reached, length - reached)
            joined = joined[:, : max(joined.shape[1] - ahead, 0)] & joined[:, ahead:]
            reached += ahead
        found.append(block + np.flatnonzero(joined.any(axis=1)))
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _near(steps: Floats, lag: int, tolerance_steps: float) -> Booleans:
    """Increments that are not zero and near those `lag` days before."""
    near = np.zeros(steps.shape, bool)
    with np.errstate(invalid="ignore"):
        near[:, lag:] = (np.abs(steps[:, lag:] - steps[:, :-lag]) <= tolerance_steps) & (steps[:, lag:] > 0)
    return near


def stuck_runs(panel: Panel, *, min_days: int, max_chance: float) -> MadeUp:
    """Runs of at least `min_days` without a move of the register, at positions that seldom rest.

    A border without a read belongs to the step that leads across it, so a missing read does not end the run
    and a month's step counts all its days.
    """
    rows = np.flatnonzero((panel.step_kwh == 0).any(axis=1))
    following = next_index(panel.quality[rows] >= 0)
    reached = following < panel.step_kwh.shape[1]
    at = np.minimum(following, panel.step_kwh.shape[1] - 1)
    step = np.where(reached, np.take_along_axis(panel.step_kwh[rows], at, axis=1), np.nan)
    row, first, end = runs(step == 0)
    long = end - first >= min_days
    row, first, end = row[long], first[long], end[long]
    if not len(row):
        return _none()
    chance = _chance(step[row] == 0, np.isfinite(step[row]), first, end, end - first)
    return _unmeasured(panel, MadeUp(rows[row], first - 1, end - 1, chance).take(chance < max_chance))


def marked(panel: Panel, *patterns: MadeUp) -> Booleans:
    """`[M, D+1]` true at every read of these runs."""
    count, borders = panel.quality.shape
    mask = np.zeros((count, borders), bool)
    row = np.concatenate([pattern.row for pattern in patterns])
    rows, at = np.unique(row, return_inverse=True)
    edge = np.zeros((len(rows), borders + 1), np.int64)
    np.add.at(edge, (at, np.concatenate([pattern.first for pattern in patterns]) + 1), 1)
    np.add.at(edge, (at, np.concatenate([pattern.last for pattern in patterns]) + 1), -1)
    mask[rows] = np.cumsum(edge, axis=1)[:, :borders] > 0
    return mask


def _unmeasured(panel: Panel, pattern: MadeUp) -> MadeUp:
    """Without the runs that a load curve of the same days confirms: there the meter was read after all."""
    confirmed = np.zeros(len(pattern.row), bool)
    for curve in panel.curves:
        at = np.clip(np.searchsorted(curve.rows, pattern.row), 0, max(len(curve.rows) - 1, 0))
        mine = np.flatnonzero(curve.rows[at] == pattern.row) if len(curve.rows) else np.empty(0, np.int64)
        if len(mine):
            confirmed[mine] |= _confirmed_days(panel, curve, at[mine], pattern.take(mine))
    return pattern.take(~confirmed)


def _confirmed_days(panel: Panel, curve: Curve, at: Integers, pattern: MadeUp) -> Booleans:
    """Whether at least half of the run's days have a complete curve with the register's energy, not flat
    itself.
    """
    day = np.arange(panel.shape[1])
    window = slice(curve.first_day, curve.first_day + curve.days)
    inside = ((day >= pattern.first[:, None]) & (day < pattern.last[:, None]))[:, window]
    register = panel.kwh[pattern.row, window]
    with np.errstate(invalid="ignore"):
        agrees = np.abs(curve.day_kwh[at] - register) <= np.maximum(
            CURVE_AGREES * np.abs(register), register / 24
        )
        flat = (curve.kwh[at].max(axis=2) - curve.kwh[at].min(axis=2) <= 0) & (register > 0)
    days = (inside & agrees & ~flat).sum(axis=1)
    return np.asarray(2 * days >= pattern.last - pattern.first)


def _none() -> MadeUp:
    nothing = np.empty(0, np.int64)
    return MadeUp(nothing, nothing, nothing, np.empty(0))


def _even_share(level: Floats, tolerance_steps: float) -> Floats:
    """How often two days of a standing load of `level` register steps a day look equal."""
    return np.asarray(
        np.minimum(1.0, (2 * tolerance_steps + 1) / (5.0 * np.maximum(STANDBY_NOISE * level, 1e-9)))
    )


def _too_coarse(
    steps: Floats, row: Integers, first: Integers, end: Integers, tolerance_steps: float, max_chance: float
) -> Booleans:
    """Stretches that no line could make improbable: the register counts them in too few steps."""
    level = span_sum(steps, row, first, end) / np.maximum(end - first, 1)
    share = _even_share(level, tolerance_steps)
    hopeless = steps.shape[1] * share ** (end - first) >= max_chance
    return np.asarray((level * STANDBY_NOISE < tolerance_steps) & hopeless)


def _longest_line(
    steps: Floats, row: Integers, first: Integers, end: Integers, tolerance_steps: float
) -> tuple[Integers, Integers]:
    """For each stretch of increments [first, end): where its longest straight line begins, and how long it
    is.

    A line through rounded reads keeps every read within one step of the ray from its first read, so the
    slopes that remain possible shrink with every read; it ends where none is left.
    """
    longest = int((end - first).max(initial=0))
    place = first[:, None] + np.arange(longest)
    inside = place < end[:, None]
    size = np.where(inside, steps[row[:, None], np.minimum(place, steps.shape[1] - 1)], np.nan)
    low, high = np.full(size.shape, -np.inf), np.full(size.shape, np.inf)
    total, length, open_ = np.zeros(size.shape), np.zeros(size.shape, np.int64), inside.copy()
    for ahead in range(longest):
        width = longest - ahead
        total[:, :width] += size[:, ahead:]
        low[:, :width] = np.maximum(low[:, :width], (total[:, :width] - tolerance_steps) / (ahead + 1))
        high[:, :width] = np.minimum(high[:, :width], (total[:, :width] + tolerance_steps) / (ahead + 1))
        open_[:, width:] = False
        open_ &= low <= high
        if not open_.any():
            break
        length += open_
    at = np.argmax(length, axis=1)
    return first + at, length[np.arange(len(length)), at]


def _chance_of_level(
    steps: Floats, near: Booleans, row: Integers, first: Integers, end: Integers, tolerance_steps: float
) -> Floats:
    """Expected number of runs that long among days of about the same energy."""
    steps, near = steps[row], near[row]
    inside = _inside(steps.shape[1], first, end)
    level = row_median(np.where(inside, steps, np.nan))
    with np.errstate(invalid="ignore"):
        alike = (steps <= level[:, None] * LEVEL_RATIO) & (steps >= level[:, None] / LEVEL_RATIO)
    judged = alike & ~inside
    expected = _even_share(level, tolerance_steps)
    equal = (near & judged).sum(axis=1)
    share = (equal + PRIOR_DAYS * expected) / (judged.sum(axis=1) + PRIOR_DAYS)
    # Below a hundred register steps a day an even load and a line look alike, whatever the other days were.
    share = np.where(level * STANDBY_NOISE < tolerance_steps, np.maximum(share, expected), share)
    return np.asarray(np.isfinite(steps).sum(axis=1) * share ** (end - first - 1))


def _chance(same: Booleans, comparable: Booleans, first: Integers, end: Integers, length: Integers) -> Floats:
    """Expected number of runs that long from the share of equal days outside the run."""
    outside = comparable & ~_inside(same.shape[1], first, end)
    share = ((same & outside).sum(axis=1) + 0.5) / (outside.sum(axis=1) + 1.0)
    return np.asarray(comparable.sum(axis=1) * share**length)


def _inside(width: int, first: Integers, end: Integers) -> Booleans:
    column = np.arange(width)
    return np.asarray((column >= first[:, None]) & (column < end[:, None]))


def _distinct_values(
    steps: Floats, row: Integers, first: Integers, end: Integers, tolerance: float
) -> Integers:
    """How many clearly different increments each run holds."""
    inside = _inside(steps.shape[1], first, end)
    ordered = np.sort(np.where(inside, steps[row], np.nan), axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.diff(ordered, axis=1) > tolerance).sum(axis=1) + 1)
