"""Explanations by the calendar of clock changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.clock_changes import LAST_CHANGE_HOUR, change_days
from anomaly.panel import Curve, Panel
from anomaly.registry import Detections
from anomaly.suppressors.registry import Booleans, suppressor

Floats = NDArray[np.float64]


@suppressor("C01")
def clock_change(panel: Panel, code: str, found: Detections, *, hour_ratio: float) -> Booleans:
    """Clock change: on the one day of the finding the clocks changed, and an hour of that night makes the difference.

    A day of 23 or 25 hours has a curve with an hour too few or too many; rule C09 tells of it by its own name. The
    difference may be `hour_ratio` times the largest hour between midnight and four.
    Cannot see: changes on days not in the calendar of `anomaly.clock_changes`.
    """
    one_day = found.end - found.start == np.timedelta64(1, "D")
    likely = one_day & change_days(found.start)
    hour_kwh = np.zeros(len(found))
    for curve in panel.curves:
        hour_kwh = np.maximum(hour_kwh, _largest_night_hour(panel, curve, found, likely))
    off_kwh = np.abs(found.measured - found.expected)
    return np.asarray(likely & (np.round(off_kwh - hour_ratio * hour_kwh, 6) <= 0))


def _largest_night_hour(panel: Panel, curve: Curve, found: Detections, likely: Booleans) -> Floats:
    """`[K]` energy of the largest hour between midnight and four on the finding's first day; 0 where not known."""
    place = np.full(panel.shape[0], -1)
    place[curve.rows] = np.arange(len(curve.rows))
    row = place[found.position]
    day = (found.start - panel.days[0]).astype(np.int64) - curve.first_day
    largest = np.zeros(len(found))
    at = np.flatnonzero(likely & (row >= 0) & (day >= 0) & (day < curve.days))
    if not len(at) or curve.minutes > 60:
        return largest
    night = np.nan_to_num(curve.kwh[row[at], day[at], : LAST_CHANGE_HOUR * 60 // curve.minutes])
    largest[at] = night.reshape(len(at), LAST_CHANGE_HOUR, -1).sum(axis=2).max(axis=1)
    return largest
