"""Reads of a meter from days on which it hung nowhere, and the installation dates they lie outside of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections, detections
from anomaly.set_aside import days

Days = NDArray[np.datetime64]


def next_installation(panel: Panel, told: pl.DataFrame) -> Days:
    """The installation each story's reads lie before (the day after its last read if none is known)."""
    later = pl.col("first_on").filter(pl.col("first_on") > pl.col("first_day")).min()
    return _border(panel, told, later, pl.col("last_day").first() + pl.duration(days=1))


def last_removal(panel: Panel, told: pl.DataFrame) -> Days:
    """The removal each story's reads lie after (the day before its first read if none is known)."""
    earlier = pl.col("last_on").filter(pl.col("last_on") < pl.col("first_day")).max()
    return _border(panel, told, earlier, pl.col("first_day").first() - pl.duration(days=1))


def _border(panel: Panel, told: pl.DataFrame, known: pl.Expr, otherwise: pl.Expr) -> Days:
    spans = panel.installations.select(pl.col("meter_id").cast(pl.String), pl.col("first_on", "last_on").cast(pl.Date))
    joined = told.with_row_index("at").join(spans, on="meter_id", how="left")
    per_story = joined.group_by("at", maintain_order=True).agg(pl.coalesce(known, otherwise).alias("border"))
    return np.asarray(days(per_story.sort("at")["border"]))


def misplaced(
    panel: Panel,
    told: pl.DataFrame,
    off_days: NDArray[np.float64],
    *,
    tolerance_days: float,
    facts: Mapping[str, NDArray[Any]],
) -> Detections:
    """Stories whose reads lie more than `tolerance_days` outside, by `off_days`; what they count is at stake."""
    return detections(
        panel,
        told["row"].to_numpy(),
        days(told["first_day"]),
        days(told["last_day"]) + np.timedelta64(1, "D"),
        measured=off_days,
        expected=0.0,
        limit=tolerance_days,
        strength=off_days,
        kwh_at_stake=told["apart_kwh"].to_numpy() * told["multiplier"].to_numpy(),
        meter_id=told["meter_id"].to_numpy().astype(object),
        channel=None,
        facts=facts,
    ).take(np.flatnonzero(off_days > tolerance_days))
