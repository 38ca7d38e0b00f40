"""Day shapes on both sides of the lasting changes that other rules dated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.day_shape import DayShape, day_shape
from anomaly.panel import Panel
from anomaly.registry import Detections, detections

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CHANGE_CODES = ("J01",)
"""Rules whose changes are changes of use; a meter that runs fast has the old shape, only larger."""


@dataclass(frozen=True, eq=False)
class ChangedShapes:
    """K changes with measured shapes on both sides: position, day, and by how much the whole day rose."""

    row: Integers
    day: Integers
    before: DayShape
    after: DayShape
    rise_kwh_per_day: Floats


def changed_shapes(panel: Panel, window_days: int, min_days: int) -> ChangedShapes:
    """Every dated change of use with `min_days` or more fully measured curve days within `window_days` on each side."""
    changes = panel.changes.filter(pl.col("code").is_in(CHANGE_CODES)).select("row", "day").unique().sort("row", "day")
    row = changes["row"].to_numpy()
    day = panel.day_index(changes["day"].to_numpy()) if len(row) else np.empty(0, np.int64)
    before = day_shape(panel, row, np.maximum(day - window_days, 0), day)
    after = day_shape(panel, row, day, np.minimum(day + window_days, panel.shape[1]))
    keep = np.flatnonzero((before.days >= min_days) & (after.days >= min_days))
    before, after = (DayShape(*(values[keep] for values in vars(one).values())) for one in (before, after))
    rise = after.mean_kwh.sum(axis=1) - before.mean_kwh.sum(axis=1)
    return ChangedShapes(row[keep], day[keep], before, after, rise)


def told(
    panel: Panel, changes: ChangedShapes, at: Integers, share: Floats, limit: float, facts: Mapping[str, Floats]
) -> Detections:
    """Detections of the changes `at`: a share against its limit, with the rise of the day beside the given facts."""
    row, day = changes.row[at], changes.day[at]
    rise = changes.rise_kwh_per_day[at]
    return detections(
        panel,
        row,
        day,
        np.full(len(at), panel.shape[1]),
        measured=np.round(share[at], 6),
        expected=0.0,
        limit=limit,
        kwh_at_stake=rise * (panel.shape[1] - day),
        facts={
            "onset_day": panel.dates(day),
            "rise_kwh_per_day": rise,
            **{name: values[at] for name, values in facts.items()},
        },
    )
