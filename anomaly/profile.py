"""Daily profiles: what a home's day looks like, whatever the weather was, and its weekly summaries.

Everything is on a log scale and relative to the neighbours of the same group on the same day, so that cold
spells, holidays and weekends, which all of them share, drop out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Curve, Panel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

INTERVALS, DAILY_MINIMUM, RATES, DAILY = "intervals", "daily_minimum", "rates", "daily"
KINDS = (INTERVALS, RATES, DAILY_MINIMUM, DAILY)
"""Kinds of profile, the most telling first (power: `benchmarks/wiring.py`)."""

RATE_CHANNELS = ("import_t1", "import_t2", "import_t3", "import_t4")
"""A rate register a position does not have counts as 0 kWh."""

BIN_OFFSET_KWH = 0.05
LARGEST_OFFSET_KWH = 0.02
DAY_OFFSET_KWH = 0.3
"""Added before the logarithm, so that an idle stretch is small and not infinitely small (methods.md §1.1)."""

BIN_MINUTES = 180
DAY_MINUTES = 1440
WEEK_DAYS = 7
MIN_WEEK_DAYS = 4
"""A week with fewer measured days has no summary."""

CHANGE_OFFSET_LOG = 0.05
"""Added to the day-to-day change before its logarithm: below 5 % days count as equal."""


def interval_features(kwh: Floats) -> Floats:
    """`[..., N]` interval energies of a day → `[..., 10]`: eight 3-hour bins, smallest × N, largest, as logs.

    NaN where any interval is absent. N must be a multiple of eight.
    """
    count = kwh.shape[-1]
    in_bin = count * BIN_MINUTES // DAY_MINUTES
    bins = kwh[..., ::in_bin].copy()
    for place in range(1, in_bin):
        bins += kwh[..., place::in_bin]
    with np.errstate(invalid="ignore"):
        smallest, largest = _folded(kwh, np.minimum) * count, _folded(kwh, np.maximum)
    values = [
        log_kwh(bins, BIN_OFFSET_KWH), log_kwh(smallest, BIN_OFFSET_KWH), log_kwh(largest, LARGEST_OFFSET_KWH)
    ]  # fmt: skip
    return np.concatenate(values, axis=-1)


def daily_features(kwh: Floats, smallest_kwh: Floats | None = None) -> Floats:
    """`[...]` energy of a day, and its smallest interval scaled up to a day if known → `[..., 1 or 2]` logs."""
    values = [log_kwh(kwh, DAY_OFFSET_KWH)]
    if smallest_kwh is not None:
        values.append(log_kwh(smallest_kwh, BIN_OFFSET_KWH))
    return np.stack(values, axis=-1)


def rate_features(kwh: Floats) -> Floats:
    """`[..., R]` energy of a day per rate register → logs of the same shape."""
    return log_kwh(kwh, BIN_OFFSET_KWH)


def log_kwh(kwh: Floats, offset_kwh: float) -> Floats:
    """ln(kWh + offset); a negative energy counts as none."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.log(np.maximum(kwh, 0.0) + offset_kwh))


def profile_days(panel: Panel, kind: str, rows: Integers, first: int, end: int) -> Floats:
    """`[n, end - first, F]` features of the days [first, end) of positions `rows`; NaN where not measured.

    A day whose energy is a share of a longer gap is not measured. Without the channel `kind` needs, F is 0.
    """
    if kind == INTERVALS:
        curve = _fine_curve(panel)
        return _nothing(rows, first, end) if curve is None else _interval_days(curve, rows, first, end)
    if kind == RATES:
        return _rate_days(panel, rows, first, end)
    kwh = np.where(panel.spread[rows, first:end], np.nan, panel.kwh[rows, first:end])
    if kind == DAILY:
        return daily_features(kwh)
    if not panel.curves:
        return _nothing(rows, first, end)
    return daily_features(kwh, _smallest(panel.curves[0], rows, first, end))


def has_channel(panel: Panel, kind: str) -> NDArray[np.bool_]:
    """`[M]` which positions have what a profile of `kind` is made from."""
    having = np.zeros(panel.shape[0], bool)
    fine = _fine_curve(panel)
    if kind == DAILY:
        having[:] = True
    elif kind == RATES and panel.rates is not None:
        having[panel.rates.rows] = True
    elif kind == INTERVALS and fine is not None:
        having[fine.rows] = True
    elif kind == DAILY_MINIMUM and panel.curves:
        having[panel.curves[0].rows] = True
    return having


def minus_group_median(values: Floats) -> Floats:
    """`[G, g, D, F]` minus the median over the g members; NaN where fewer than half of them, or one, are known."""
    return np.asarray(values - group_median(values))


def group_median(values: Floats) -> Floats:
    """`[G, g, D, F]` → `[G, 1, D, F]` median over the g members; NaN where fewer than half, or one, are known."""
    known = np.isfinite(values)
    members = known.any(axis=(2, 3)).sum(axis=1)[:, None, None]
    count = known.sum(axis=1)
    ordered = np.sort(values, axis=1)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[:, None], axis=1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[1] - 1)[:, None], axis=1)
    enough = (count >= 2) & (count * 2 >= members)
    return np.where(enough[:, None], (low + high) / 2, np.nan)


def weekly_profiles(days: Floats, kind: str) -> Floats:
    """`[..., 7·W, F]` days → `[..., W, F']` one summary per week.

    With curves the median of each feature (F' = F); without, also the second smallest and second largest day
    and the log of the median day-to-day change (F' = 4 F): the few channels there are have to say more.
    """
    *outer, count, features = days.shape
    weeks = np.moveaxis(days.reshape(*outer, count // WEEK_DAYS, WEEK_DAYS, features), -2, -1)
    ordered = np.sort(weeks, axis=-1)
    known = np.isfinite(ordered).sum(axis=-1)
    known = np.where(known >= MIN_WEEK_DAYS, known, 0)
    if kind == INTERVALS:
        return _median(ordered, known)
    step = (known + 2) // WEEK_DAYS
    with np.errstate(invalid="ignore"):
        changes = np.sort(np.abs(np.diff(weeks, axis=-1)), axis=-1)
        changed = np.log(_median(changes, np.isfinite(changes).sum(axis=-1)) + CHANGE_OFFSET_LOG)
    small, large = _pick(ordered, step, known), _pick(ordered, known - 1 - step, known)
    return np.concatenate([_median(ordered, known), small, large, changed], axis=-1)


def mean_of_weeks(weeks: Floats) -> Floats:
    """`[..., W, F]` → `[..., F]`: the mean over the known weeks; NaN where fewer than half of them are known."""
    known = np.isfinite(weeks)
    count = known.sum(axis=-2)
    total = np.where(known, weeks, 0.0).sum(axis=-2)
    return np.where(count * 2 >= weeks.shape[-2], total / np.maximum(count, 1), np.nan)


def _folded(values: Floats, combine: Callable[[Floats, Floats], Floats]) -> Floats:
    """`[..., N]` → `[..., 1]` by folding in half: many times faster than reducing so short an axis."""
    while values.shape[-1] > 1:
        half = values.shape[-1] // 2
        folded = combine(values[..., :half], values[..., half : 2 * half])
        if values.shape[-1] % 2:
            folded[..., :1] = combine(folded[..., :1], values[..., -1:])
        values = folded
    return values


def _median(ordered: Floats, known: Integers) -> Floats:
    return (_pick(ordered, (known - 1) // 2, known) + _pick(ordered, known // 2, known)) / 2


def _pick(ordered: Floats, at: Integers, known: Integers) -> Floats:
    """One of the sorted values of the last axis, NaN where none is known."""
    inside = np.clip(at, 0, ordered.shape[-1] - 1)
    picked = np.take_along_axis(ordered, inside[..., None], axis=-1)[..., 0]
    return np.where(known > 0, picked, np.nan)


def _nothing(rows: Integers, first: int, end: int) -> Floats:
    return np.empty((len(rows), max(end - first, 0), 0))


def _fine_curve(panel: Panel) -> Curve | None:
    """The first curve whose intervals fill 3-hour bins."""
    return next((one for one in panel.curves if BIN_MINUTES % one.minutes == 0), None)


def _curve_days(curve: Curve, rows: Integers, first: int, end: int) -> Floats:
    """`[n, end - first, N]` interval energies of positions `rows`, NaN outside the curve."""
    at = np.searchsorted(curve.rows, rows)
    mine = np.flatnonzero(curve.rows[np.minimum(at, len(curve.rows) - 1)] == rows) if len(curve.rows) else at[:0]
    begin, stop = max(first, curve.first_day), min(end, curve.first_day + curve.days)
    if len(mine) == len(rows) and (begin, stop) == (first, end):
        return np.asarray(curve.kwh[at, begin - curve.first_day : stop - curve.first_day])
    values = np.full((len(rows), end - first, curve.kwh.shape[2]), np.nan)
    if len(mine) and begin < stop:
        inside = curve.kwh[at[mine], begin - curve.first_day : stop - curve.first_day]
        values[mine, begin - first : stop - first] = inside
    return values


def _interval_days(curve: Curve, rows: Integers, first: int, end: int) -> Floats:
    return interval_features(_curve_days(curve, rows, first, end))


def _smallest(curve: Curve, rows: Integers, first: int, end: int) -> Floats:
    """`[n, end - first]` the smallest interval of a day × N, over the intervals there are, at least a quarter."""
    kwh = _curve_days(curve, rows, first, end)
    known = np.count_nonzero(np.isfinite(kwh), axis=-1)
    smallest = _folded(kwh, np.fmin)[..., 0] * kwh.shape[-1]
    return np.where(known * 4 >= kwh.shape[-1], smallest, np.nan)


def _rate_days(panel: Panel, rows: Integers, first: int, end: int) -> Floats:
    if panel.rates is None or not len(panel.rates.rows):
        return _nothing(rows, first, end)
    rates = panel.rates
    at = np.minimum(np.searchsorted(rates.rows, rows), len(rates.rows) - 1)
    given = np.diff(rates.register_kwh[at][:, :, first : end + 1], axis=2).transpose(0, 2, 1)
    kwh = np.zeros((len(rows), end - first, len(RATE_CHANNELS)))
    for place, channel in enumerate(rates.channels):
        never = ~np.isfinite(rates.register_kwh[at, place]).any(axis=1)
        kwh[:, :, RATE_CHANNELS.index(channel)] = np.where(never[:, None], 0.0, given[:, :, place])
    kwh *= panel.multiplier[rows, first:end, None]
    bad = (kwh < 0) | (rates.rows[at] != rows)[:, None, None] | panel.spread[rows, first:end, None]
    return rate_features(np.where(bad, np.nan, kwh))
