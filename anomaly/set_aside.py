"""Reads that were accepted and kept out of the panel, put together for the rules that tell of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel

GAP_DAYS = 7
"""Conflicts of one meter at most a week apart are one story."""

STORY: dict[str, Any] = {
    "row": pl.Int64, "meter_id": pl.String, "story": pl.UInt32, "reads": pl.Int64, "instants": pl.UInt32,
    "first_day": pl.Date, "last_day": pl.Date, "first_at": pl.Datetime("us"), "low_kwh": pl.Float64,
    "high_kwh": pl.Float64, "apart_kwh": pl.Float64, "multiplier": pl.Float64,
}  # fmt: skip


def stories(panel: Panel, reason: str) -> pl.DataFrame:
    """Reads set aside for one reason, one row per position, meter and stretch of time, channels put together.

    Columns: row, meter_id, reads, first_day, last_day, first_at, low_kwh, high_kwh, apart_kwh (of the
    channel whose values lie furthest apart), multiplier, instants.
    """
    if reason not in panel.set_aside["reason"]:
        return pl.DataFrame(schema=STORY)
    mine = panel.set_aside.filter(pl.col("reason") == reason).sort(
        "row", "meter_id", "first_at", "channel", nulls_last=True
    )
    far = pl.col("first_at") - pl.col("last_at").shift(1) > pl.duration(days=GAP_DAYS)
    one_meter = ["row", "meter_id"]
    told = (
        mine.with_columns(story=far.fill_null(False).cum_sum().over(one_meter))
        .with_columns(apart_kwh=pl.col("high_kwh") - pl.col("low_kwh"))
        .group_by(*one_meter, "story", maintain_order=True)
        .agg(
            pl.col("reads").sum(),
            pl.len().alias("instants"),
            pl.col("first_at").min().dt.date().alias("first_day"),
            pl.col("last_at").max().dt.date().alias("last_day"),
            pl.col("first_at", "low_kwh", "high_kwh").sort_by("apart_kwh").last(),
            pl.col("apart_kwh").max(),
        )
    )
    return told.with_columns(multiplier=pl.Series(_multiplier(panel, told["row"].to_numpy()), dtype=pl.Float64))


def _multiplier(panel: Panel, row: NDArray[np.int64]) -> NDArray[np.float64]:
    known = panel.positions["multiplier"].cast(pl.Float64).fill_null(1.0).to_numpy()
    return np.where(row >= 0, known[np.maximum(row, 0)] if len(known) else 1.0, 1.0)


def days(column: pl.Series) -> NDArray[np.datetime64]:
    """A date column as numpy days."""
    return column.to_numpy().astype("datetime64[D]")


def days_between(first: NDArray[np.datetime64], last: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Whole days from `first` to `last`."""
    return (last - first).astype("timedelta64[D]").astype(np.float64)
