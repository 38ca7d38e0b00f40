"""Electrical reads: daily means per meter, then dense per slice."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from anomaly.panel import Electrical
from pipelines.book import Book
from pipelines.landing import BATCH_ROWS
from pipelines.tally import Tally

MEANS = {
    "meter_id": pl.String, "day": pl.Date, "current_a": pl.Float64, "voltage_v": pl.Float64, "power_kw": pl.Float64,
}  # fmt: skip


def land_electrical(book: Book, tally: Tally, *, first_day: dt.date, as_of: dt.date) -> pl.DataFrame:
    """Daily mean of the largest phase current, mean voltage and mean total power per meter and day."""
    if not book.has("electrical_reads"):
        return pl.DataFrame(schema=MEANS)
    instants = []
    for batch in book.batches("electrical_reads", BATCH_ROWS):
        tally.add("electrical_reads", batch)
        instants.append(_instants(batch.accepted, first_day, as_of))
    if not instants:
        return pl.DataFrame(schema=MEANS)
    return (
        pl.concat(instants).group_by("meter_id", pl.col("read_at").dt.date().alias("day"))
        .agg(pl.col("current_a").max().alias("current_a"), pl.col("voltage_v").mean(), pl.col("power_kw").mean())
        .select(*MEANS)
        .sort("meter_id", "day")
    )


def _instants(rows: pl.DataFrame, first_day: dt.date, as_of: dt.date) -> pl.DataFrame:
    """One row per meter and instant: phases put together, the neutral left out."""
    day = pl.col("read_at").dt.date()
    return (
        rows.filter(day >= first_day, day < as_of, pl.col("phase").fill_null("A") != "N")
        .sort("meter_id", "read_at", "phase", "current_a", "voltage_v", "power_kw", nulls_last=True)
        .group_by("meter_id", "read_at", maintain_order=True)
        .agg(pl.col("current_a").max(), pl.col("voltage_v").mean(), pl.col("power_kw").sum())
    )


def electrical_of(means: pl.DataFrame, installations: pl.DataFrame, first_day: dt.date, days: int) -> Electrical | None:
    """Daily means at the slice's positions, `[K, D]`; None where there are none."""
    placed = (
        means.join(installations.select("meter_id", "row", "first_on", "last_on"), on="meter_id")
        .filter(pl.col("day").is_between("first_on", "last_on"))
        .with_columns(at=(pl.col("day") - first_day).dt.total_days())
        .filter(pl.col("at").is_between(0, days - 1))
        .sort("row", "at", "first_on")
        .unique(["row", "at"], keep="first", maintain_order=True)
    )
    if not len(placed):
        return None
    rows = np.unique(placed["row"].to_numpy())
    at = (np.searchsorted(rows, placed["row"].to_numpy()), placed["at"].to_numpy())

    def dense(name: str) -> np.ndarray:
        values = np.full((len(rows), days), np.nan)
        values[at] = placed[name].to_numpy()
        return values

    return Electrical(rows, dense("current_a"), dense("voltage_v"), dense("power_kw"))
