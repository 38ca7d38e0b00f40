"""J06: somebody worked at the meter when everything it shows was multiplied."""

from __future__ import annotations

import numpy as np
import polars as pl

from anomaly.panel import Panel
from anomaly.recorded_work import nearest_work
from anomaly.registry import Detections, detections, detector, nothing

STEP_CODE = "R10"
"""The rule whose steps are looked at: everything multiplied at once, by a ratio that other transformers make."""


@detector(
    "J06",
    family="jump",
    unit="d",
    source="methods of multiplier errors: a catalogue ratio with a work order on its date against one without",
    sees_changes=True,
)
def work_at_step(panel: Panel, *, record_days: float) -> Detections:
    """Somebody worked at the meter when everything it shows was multiplied.

    Fires when works, an exchange or a program change are on record at most `record_days` from a step that R10 dated.
    Cannot see: work that nobody recorded; what was done.
    """
    steps = panel.changes.filter(pl.col("code") == STEP_CODE).select("row", "day").unique().sort("row", "day")
    if not len(steps):
        return nothing(panel)
    row, day = steps["row"].to_numpy(), steps["day"].to_numpy().astype("datetime64[D]")
    work_day = nearest_work(panel, row, day, record_days)
    at = np.flatnonzero(~np.isnat(work_day))
    apart = np.abs((work_day[at] - day[at]).astype(np.float64))
    return detections(
        panel,
        row[at],
        day[at],
        np.full(len(at), panel.shape[1]),
        measured=apart,
        expected=0.0,
        limit=record_days,
        strength=1.0,
        facts={"step_day": day[at], "work_day": work_day[at]},
    )
