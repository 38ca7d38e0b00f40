"""C04: one value repeated interval after interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.curve_findings import runs_of_hours, together
from anomaly.curve_register import Balance, balance
from anomaly.curve_shape import moment, repeat_share, resolution_kwh, series_of
from anomaly.day_spans import span_count, span_sum
from anomaly.panel import Curve, Panel
from anomaly.registry import Detections, detector
from anomaly.statistics import runs

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

BATCH = 1000
"""Runs judged against their whole series at a time."""


@detector(
    "C04",
    family="reading_error",
    unit="h",
    source="flat-line check of MDM products: 12 equal values at 15 minutes, 6 at 60 minutes",
)
def frozen_intervals(
    panel: Panel,
    *,
    min_hours: float,
    min_intervals: float,
    max_chance: float,
    alone_hours: float,
    alone_steps: float,
    tolerance_steps: float,
    tolerance_share: float,
) -> Detections:
    """One value repeated interval after interval.

    A run is judged by how often values of that size repeat in the position's own curve: small standby
    values and coarse meters repeat by nature.

    Fires when the same non-zero value, not marked estimated, stands for `min_hours` and `min_intervals` or
    longer, fewer than `max_chance` such runs are to be expected, and the register contradicts the curve on
    a day it touches. A run that the register cannot judge must last `alone_hours`, one that it confirms
    must fill a whole day (a total spread evenly); both must hold `alone_steps` steps of the curve or more.
    Cannot see: frozen zeros (C06), values filled with noise, and frozen standby values without a register.
    """
    found = []
    for curve in panel.curves:
        sums = balance(panel, curve, tolerance_steps=tolerance_steps, tolerance_share=tolerance_share)
        runs_of = _flat_runs(curve, max(min_intervals, np.ceil(min_hours * 60 / curve.minutes)))
        kept = _unexplained(panel, curve, sums, runs_of, alone_hours, alone_steps)
        found.append(_judged(panel, curve, sums, tuple(one[kept] for one in runs_of), min_hours, max_chance))
    return together(panel, found)


def _flat_runs(curve: Curve, shortest: float) -> tuple[Integers, Integers, Integers]:
    """Runs (row, first, end) of at least `shortest` equal non-zero intervals, across midnights."""
    series = series_of(curve)
    measured = ~curve.estimated.reshape(series.shape)
    repeats = np.zeros(series.shape, bool)
    with np.errstate(invalid="ignore"):
        repeats[:, 1:] = (series[:, 1:] == series[:, :-1]) & (series[:, 1:] > 0) & measured[:, 1:]
    row, first, end = runs(repeats)
    long = end - first + 1 >= shortest
    return row[long], first[long] - 1, end[long]


def _unexplained(
    panel: Panel,
    curve: Curve,
    sums: Balance,
    flat: tuple[Integers, Integers, Integers],
    alone_hours: float,
    alone_steps: float,
) -> Booleans:
    """Runs that the register contradicts, or that are too long and too high for a standing load."""
    row, first, end = flat
    per_day = curve.kwh.shape[2]
    begin, last = first // per_day, (end - 1) // per_day + 1
    contradicted = span_count(sums.wrong, row, begin, last) > 0
    confirmed = span_count(sums.decided & ~sums.wrong, row, begin, last) == last - begin
    whole_day = -(-first // per_day) + 1 <= end // per_day
    alone = np.where(confirmed, whole_day, (end - first) * curve.minutes >= alone_hours * 60)
    left = np.flatnonzero(alone & ~contradicted)
    value = series_of(curve)[row[left], first[left]]
    rows, at = np.unique(row[left], return_inverse=True)
    high = value >= alone_steps * resolution_kwh(curve, panel, rows)[at] * (1 - 1e-9)
    kept = contradicted.copy()
    kept[left] = high
    return kept


def _judged(
    panel: Panel,
    curve: Curve,
    sums: Balance,
    flat: tuple[Integers, ...],
    min_hours: float,
    max_chance: float,
) -> Detections:
    """The runs that the position's own history makes improbable."""
    row, first, end = flat
    series = series_of(curve)
    chance = _chances(panel, curve, series, row, first, end)
    rare = chance < max_chance
    row, first, end, chance = row[rare], first[rare], end[rare], chance[rare]
    begin, last = first // curve.kwh.shape[2], (end - 1) // curve.kwh.shape[2] + 1
    return runs_of_hours(
        panel,
        curve,
        row,
        first,
        end,
        min_hours=min_hours,
        strength=-np.log10(np.maximum(chance, 1e-300)),
        kwh_at_stake=np.abs(span_sum(np.where(sums.wrong, sums.excess_kwh, np.nan), row, begin, last)),
        facts={
            "frozen_at": moment(panel, curve, first),
            "frozen_hours": (end - first) * curve.minutes / 60,
            "frozen_intervals": end - first,
            "value_kwh": series[row, first],
        },
    )


def _chances(
    panel: Panel, curve: Curve, series: Floats, row: Integers, first: Integers, end: Integers
) -> Floats:
    """Expected number of runs as long in the whole series, in batches that bound the memory."""
    chance = np.empty(len(row))
    place = np.arange(series.shape[1])
    for start in range(0, len(row), BATCH):
        part = slice(start, start + BATCH)
        inside = (place >= first[part, None]) & (place < end[part, None])
        step = resolution_kwh(curve, panel, row[part])
        share = repeat_share(series[row[part]], series[row[part], first[part]], inside, step)
        chance[part] = np.isfinite(series[row[part]]).sum(axis=1) * share ** (end[part] - first[part] - 1)
    return chance
