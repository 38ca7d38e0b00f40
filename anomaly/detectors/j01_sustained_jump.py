"""J01: use has changed for good."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.baseline import measured_kwh
from anomaly.levels import Levels, Scale, evidence, levels
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.shift import Split

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SMALLEST_SHOWN_KWH_PER_DAY = 0.1
"""A change from nothing is told as a ratio to this."""


@detector(
    "J01",
    family="jump",
    unit="kWh/d",
    source="Student-t mean-shift likelihood ratio, measured in benchmarks/jumps.py; high-bill alerts: 30 %",
    estimated_onset=True,
)
def sustained_jump(
    panel: Panel,
    *,
    reference_days: int,
    window_days: int,
    step_days: int,
    min_measured_days: int,
    degrees_of_freedom: float,
    log_offset_kwh: float,
    fleet_log_sigma: float,
    drift_log: float,
    idle_share: float,
    unused_share: float,
    min_gain: float,
    min_ratio: float,
    min_change_kwh_per_day: float,
) -> Detections:
    """Use has changed for good.

    The last `window_days` are compared with the `reference_days` before them, and with the last cycle of
    those: on ln(kWh + `log_offset_kwh`), after the cohort's change (with the position's own slope on it), its
    own weekday pattern, and its own spread. Gaps and spread days are absent.

    Fires when, against both references, use per day changed in the same direction by `min_ratio` or more and
    by `min_change_kwh_per_day` or more, and the likelihood ratio of the shift reaches `min_gain` nats. Ranked
    by gain × |Δ kWh per day|.
    Cannot see: a change in the last days before as-of (it takes about half a cycle), one that crept in over
    months, or one that repeats what the last cycle, or the whole reference, already was.
    """
    first = max(panel.shape[1] - reference_days - window_days, 0)
    width = panel.shape[1] - first
    split = Split(max(width - 2 * window_days, 0), width - window_days, min_measured_days)
    if split.split < min_measured_days:
        return nothing(panel)
    kwh = measured_kwh(panel, first)
    cohort_log = None if panel.cohort_log is None else panel.cohort_log[:, first:]
    found = levels(kwh, cohort_log, split, log_offset_kwh=log_offset_kwh)
    scale = Scale(log_offset_kwh, fleet_log_sigma, drift_log, degrees_of_freedom, idle_share, unused_share)
    with np.errstate(invalid="ignore"):
        large = (np.abs(found.change) >= min_change_kwh_per_day) & _out_of_ratio(found.ratio, min_ratio)
    row = np.flatnonzero(large & panel.daily & ~panel.flag("is_supply"))
    if not len(row):
        return nothing(panel)
    kwh, cohort_log = kwh[row], None if cohort_log is None else cohort_log[row]
    candidates = _candidates(panel, first, split, step_days, min_measured_days)
    sure = evidence(kwh, cohort_log, split, scale, min_gain=min_gain, candidates=candidates)
    with np.errstate(invalid="ignore"):
        fires = (sure.gain >= min_gain) & (np.sign(sure.change_log) == np.sign(found.change[row]))
    at = np.flatnonzero(fires)
    floors = min_ratio, min_change_kwh_per_day
    return _told(panel, row[at], first + sure.onset[at], sure.gain[at], found, *floors)


def _out_of_ratio(ratio: Floats, min_ratio: float) -> NDArray[np.bool_]:
    return np.asarray((ratio >= min_ratio) | (ratio <= 1 / min_ratio))


def _candidates(panel: Panel, first: int, split: Split, step_days: int, min_measured_days: int) -> Integers:
    """Days at which the change may have begun, as columns; a fixed grid of dates: tomorrow's are the same."""
    low = max(split.recent, min_measured_days)
    day = np.arange(low, panel.shape[1] - first - min_measured_days // 2)
    ordinal = panel.days[first + day].astype(np.int64) if len(day) else day
    return np.asarray(day[ordinal % step_days == 0])


def _told(
    panel: Panel, row: Integers, onset: Integers, gain: Floats, found: Levels, min_ratio: float, floor: float
) -> Detections:
    before, after, change = found.before[row], found.after[row], found.change[row]
    expected = found.expected[row]
    allowed = np.maximum(floor, (min_ratio - 1) * expected)
    end = np.full(len(row), panel.shape[1])
    return detections(
        panel,
        row,
        onset,
        end,
        measured=after,
        expected=expected,
        limit=allowed,
        kwh_at_stake=np.abs(change) * (end - onset),
        strength=gain * np.abs(change),
        facts={
            "before_kwh_per_day": before,
            "after_kwh_per_day": after,
            "expected_kwh_per_day": expected,
            "change_ratio": after / np.maximum(expected, SMALLEST_SHOWN_KWH_PER_DAY),
            "onset_day": panel.dates(onset),
            "llr": gain,
        },
    )
