"""A01: use at an account that is vacant, closed or disconnected on file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import previous_index

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

EMPTY = ("vacant", "closed", "disconnected")
DAYS_OF_MONTH = 30.0


@detector(
    "A01",
    family="jump",
    unit="kWh/d",
    source="Oracle MDM Inactive Measurement Check; Itron UsageInactive: volume above a limit for N days",
)
def vacant_use(
    panel: Panel, *, min_kwh: float, window_days: float, grace_days: float, min_days: float
) -> Detections:
    """Use at an account that is vacant, closed or disconnected on file.

    Counted are the days from `status_since` plus `grace_days` (moving out takes time) to the end; where the
    file has no date, the last `window_days`. A gap that began before that is left out, its days are not
    known.

    Fires when at least `min_days` such days each bring more than the monthly limit's share, and together more
    than `min_kwh`, or more than `min_kwh` a month (30 days) where there are more of them.
    Cannot see: use below a standing load's level, and accounts whose status is out of date both ways.
    """
    status = panel.column("status").astype(object)
    rows = np.flatnonzero(np.isin(status, EMPTY) & ~panel.flag("is_supply"))
    if not len(rows) or not panel.shape[1]:
        return nothing(panel)
    since = _since(panel, rows, int(window_days))
    counted = _counted(panel, rows, since + int(grace_days))
    used = np.where(counted, panel.kwh[rows], 0.0)
    days = counted.sum(axis=1)
    total = used.sum(axis=1)
    per_day = min_kwh / DAYS_OF_MONTH
    busy = (used > per_day).sum(axis=1)
    allowed = min_kwh * np.maximum(days / DAYS_OF_MONTH, 1.0)
    fires = np.flatnonzero((busy >= min_days) & (total > allowed))
    first = np.argmax(used[fires] > per_day, axis=1)
    last = panel.shape[1] - np.argmax((used[fires] > per_day)[:, ::-1], axis=1)
    return detections(
        panel,
        rows[fires],
        first,
        last,
        measured=total[fires] / days[fires],
        expected=0.0,
        limit=per_day,
        kwh_at_stake=total[fires],
        facts={
            "used_kwh": total[fires],
            "used_days": days[fires],
            "used_kwh_per_day": total[fires] / days[fires],
            "since_day": panel.dates(since[fires]),
        },
    )


def _since(panel: Panel, rows: Integers, window_days: int) -> Integers:
    """Day index since which the file has the position empty (before the panel: negative)."""
    since = panel.positions["status_since"].gather(rows)
    known = since.is_not_null().to_numpy()
    dates = since.fill_null(panel.days[0].item()).to_numpy().astype("datetime64[D]")
    index = (dates - panel.days[0]).astype(np.int64)
    return np.asarray(np.where(known, index, panel.shape[1] - window_days))


def _counted(panel: Panel, rows: Integers, begin: Integers) -> Booleans:
    """Days from `begin` on whose energy is known and was read after it."""
    day = np.arange(panel.shape[1])
    read_before = previous_index(panel.quality[rows] >= 0)[:, :-1]
    after = (day >= begin[:, None]) & (read_before >= begin[:, None])
    return np.asarray(after & np.isfinite(panel.kwh[rows]))
