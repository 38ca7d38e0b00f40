"""J02: one day far too high."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.baseline import measured_kwh, residuals
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import quantised, row_median
from anomaly.vocabulary import QUALITIES

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ACTUAL = QUALITIES.index("derived")
"""Reads of this quality or better bound a day that was really measured."""


@detector(
    "J02",
    family="jump",
    unit="kWh",
    source="robust daily z on log use; spike check of the California VEE rules (highest to third-highest)",
)
def one_day_spike(
    panel: Panel,
    *,
    reference_days: int,
    window_days: int,
    log_offset_kwh: float,
    fleet_log_sigma: float,
    min_z: float,
    min_change_kwh: float,
) -> Detections:
    """One day far too high.

    The highest z of the last `window_days`, on ln(kWh + `log_offset_kwh`) after cohort, own weekday pattern
    and own spread over the last `reference_days`.

    Fires when z reaches `min_z`, the day lies `min_change_kwh` above the account's third-highest day, the
    days on both sides were measured and are ordinary, and the reads around it are actual.
    Cannot see: a spike in a gap or beside one, on the last day before as-of, or where they are common.
    """
    days = panel.shape[1]
    first = max(days - reference_days, 0)
    if days - first < 3:
        return nothing(panel)
    kwh = measured_kwh(panel, first)
    window = max(kwh.shape[1] - window_days, 1)
    third = _third_highest(kwh)
    with np.errstate(invalid="ignore"):
        large = np.fmax.reduce(kwh[:, window:], axis=1) - third >= min_change_kwh
    row = np.flatnonzero(large & panel.daily & ~panel.flag("is_supply"))
    if not len(row):
        return nothing(panel)
    kwh, third = kwh[row], third[row]
    cohort_log = None if panel.cohort_log is None else panel.cohort_log[row, first:]
    found = residuals(
        kwh, cohort_log, kwh.shape[1], log_offset_kwh=log_offset_kwh, fleet_log_sigma=fleet_log_sigma
    )
    z = _alone(panel, row, first, quantised(found.residual), min_z)
    day = window + np.argmax(z[:, window:], axis=1)
    at = np.arange(len(row))
    with np.errstate(invalid="ignore"):
        fires = (z[at, day] >= min_z) & (quantised(kwh[at, day] - third) >= min_change_kwh)
    return _told(panel, row, first, day, kwh, z, min_change_kwh).take(np.flatnonzero(fires))


def _third_highest(kwh: Floats) -> Floats:
    """The third-highest day of each row; NaN with fewer than three days."""
    ordered = np.sort(kwh, axis=1)
    count = np.isfinite(kwh).sum(axis=1)
    third = ordered[np.arange(len(kwh)), np.maximum(count - 3, 0)]
    return np.where(count >= 3, third, np.nan)


def _alone(panel: Panel, row: Integers, first: int, z: Floats, min_z: float) -> Floats:
    """z of days between two measured, ordinary days with actual reads at both borders; -inf elsewhere."""
    quality = panel.quality[row, first:]
    actual = (quality >= 0) & (quality <= ACTUAL)
    alone = np.full(z.shape, -np.inf)
    beside_days = np.stack([z[:, :-2], z[:, 2:]])
    with np.errstate(invalid="ignore"):
        ordinary = (np.abs(beside_days) < min_z).all(axis=0)
    known = np.isfinite(z[:, 1:-1]) & ordinary & actual[:, 1:-2] & actual[:, 2:-1]
    alone[:, 1:-1] = np.where(known, z[:, 1:-1], -np.inf)
    return alone


def _told(
    panel: Panel, row: Integers, first: int, day: Integers, kwh: Floats, z: Floats, floor: float
) -> Detections:
    at = np.arange(len(row))
    measured, usual = kwh[at, day], row_median(kwh)
    strength = np.maximum(z[at, day], 0.0)
    return detections(
        panel,
        row,
        first + day,
        first + day + 1,
        measured=measured,
        expected=usual,
        limit=floor,
        kwh_at_stake=np.maximum(measured - usual, 0.0),
        strength=strength,
        facts={"spike_day": panel.dates(first + day), "day_kwh": measured, "usual_kwh": usual, "z": strength},
    )
