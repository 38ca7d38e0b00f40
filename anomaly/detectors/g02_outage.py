"""G02: the supply was off and the curve shows it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.supply_spans import Spans, outage_spans

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

DARK_SHARE = 0.8
"""Share of the outage's intervals (or of its whole days) that must be without use."""


@detector(
    "G02", family="grid", unit="h", source="Oracle MDM zero consumption with an outage: a type of its own"
)
def outage(panel: Panel, *, min_hours: float) -> Detections:
    """The supply was off and the curve shows it.

    An interruption runs from `outage_start` to the next `outage_end` (or `reconnect`) of the same position,
    or to the end of the panel.

    Fires when it lasted `min_hours` or longer and at least four fifths of the intervals that lie wholly in
    it are zero, or, without a curve, of its whole days.
    Cannot see: outages the meter did not record, and outages at positions whose use goes on (own generation).
    """
    if not len(panel.days):
        return nothing(panel)
    found = outage_spans(panel)
    hours = (found.end - found.start).astype("timedelta64[m]").astype(np.float64) / 60
    long = hours >= min_hours
    dark = np.zeros(len(hours), bool)
    dark[long] = _dark(panel, found.take(long))
    kept = np.flatnonzero(dark)
    if not len(kept):
        return nothing(panel)
    row, start, hours = found.row[kept], found.start[kept], hours[kept]
    first = start.astype("datetime64[D]")
    end = (found.end[kept] - np.timedelta64(1, "m")).astype("datetime64[D]") + np.timedelta64(1, "D")
    return detections(
        panel,
        row,
        np.maximum(first, panel.days[0]),
        end,
        measured=hours,
        expected=0.0,
        limit=min_hours,
        kwh_at_stake=0.0,
        facts={
            "outage_at": start,
            "outage_hours": hours,
            "lost_kwh": np.nan_to_num(panel.usual_kwh[row]) * hours / 24,
        },
    )


def _dark(panel: Panel, found: Spans) -> Booleans:
    """Whether the position used nothing while the supply was off."""
    share = np.full(len(found.row), np.nan)
    for curve in panel.curves:
        origin = panel.days[curve.first_day].astype("datetime64[m]")
        at = np.clip(np.searchsorted(curve.rows, found.row), 0, max(len(curve.rows) - 1, 0))
        mine = np.flatnonzero(curve.rows[at] == found.row) if len(curve.rows) else np.empty(0, np.int64)
        series = curve.kwh[at[mine]].reshape(len(mine), curve.days * curve.kwh.shape[2])
        place = np.arange(series.shape[1])
        first = -((found.start[mine] - origin).astype(np.int64) // -curve.minutes)
        last = (found.end[mine] - origin).astype(np.int64) // curve.minutes
        inside = (place >= first[:, None]) & (place < last[:, None]) & np.isfinite(series)
        share[mine] = _share(inside & (series <= 0), inside)
    day = np.arange(panel.shape[1])
    first = -((found.start - panel.days[0].astype("datetime64[m]")).astype(np.int64) // -1440)
    last = (found.end - panel.days[0].astype("datetime64[m]")).astype(np.int64) // 1440
    whole = (day >= first[:, None]) & (day < last[:, None]) & np.isfinite(panel.kwh[found.row])
    with np.errstate(invalid="ignore"):
        days_share = _share(whole & (panel.kwh[found.row] <= 0), whole)
    return np.asarray(np.where(np.isfinite(share), share, np.nan_to_num(days_share)) >= DARK_SHARE)


def _share(part: Booleans, whole: Booleans) -> Floats:
    count = whole.sum(axis=1)
    return np.where(count > 0, part.sum(axis=1) / np.maximum(count, 1), np.nan)
