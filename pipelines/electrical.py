"""Electrical reads: daily means per meter, then dense per slice."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl

from anomaly.panel import Electrical
from pipelines.book import Book
from pipelines.hourly import HourlyDesk
from pipelines.landing import BATCH_ROWS
from pipelines.tally import Tally
from pipelines.writing import write_table

MEANS = {
    "meter_id": pl.String, "day": pl.Date, "current_a": pl.Float64, "voltage_v": pl.Float64, "power_kw": pl.Float64,
}  # fmt: skip
DECIMALS = 6


def land_electrical(
    book: Book, tally: Tally, hours: HourlyDesk, *, first_day: dt.date, as_of: dt.date, folder: Path
) -> pl.DataFrame:
    """Daily mean of the largest phase current, mean voltage and mean total power per meter and day.

    Rows are put together only after the last one is read: the phases of one instant may come in several files.
    The samples of full hours go to `hours` in the same pass.
    """
    if not book.has("electrical_reads"):
        return pl.DataFrame(schema=MEANS)
    files = []
    for number, batch in enumerate(book.batches("electrical_reads", BATCH_ROWS)):
        tally.add("electrical_reads", batch)
        seen = _in_window(batch.accepted, tally, first_day, as_of)
        hours.take(seen)
        kept = seen.filter(pl.col("phase").fill_null("A") != "N")
        if len(kept):
            files.append(folder / f"electrical-{number:06d}.parquet")
            write_table(kept, files[-1])
    if not files:
        return pl.DataFrame(schema=MEANS)
    return _daily(_instants(pl.scan_parquet(files))).collect(engine="streaming").sort("meter_id", "day")


def _in_window(rows: pl.DataFrame, tally: Tally, first_day: dt.date, as_of: dt.date) -> pl.DataFrame:
    """Rows of the days of the panel; the others are counted, also those of as-of 00:00, whose day has not begun."""
    day, end = pl.col("read_at").dt.date(), dt.datetime.combine(as_of, dt.time())
    at = pl.col("read_at")
    outside = {"after_as_of": at > end, "at_as_of": at == end, "before_window": day < first_day}
    counts = rows.select(condition.sum().alias(name) for name, condition in outside.items()).row(0, named=True)
    tally.count("electrical_reads", **counts)
    return rows.filter(day >= first_day, day < as_of)


def _instants(rows: pl.LazyFrame) -> pl.LazyFrame:
    """One row per meter and instant, the neutral left out: largest current, mean voltage, power of all phases.

    A row without a phase speaks for all of them. Of two rows for one phase the larger values count, once.
    """
    whole = pl.col("phase").is_null()
    return (
        rows.group_by("meter_id", "read_at", "phase")
        .agg(pl.col("current_a", "voltage_v", "power_kw").max())
        .group_by("meter_id", "read_at")
        .agg(
            pl.col("current_a").max(),
            pl.col("voltage_v").mean(),
            pl.coalesce(
                pl.col("power_kw").filter(whole).max(),
                pl.when(pl.col("power_kw").count() > 0).then(pl.col("power_kw").sum()),
            ).alias("power_kw"),
        )
    )


def _daily(instants: pl.LazyFrame) -> pl.LazyFrame:
    """Means per meter and day, rounded: another order of addition must give the same number."""
    return (
        instants.group_by("meter_id", pl.col("read_at").dt.date().alias("day"))
        .agg(pl.col("current_a").max(), pl.col("voltage_v").mean(), pl.col("power_kw").mean())
        .select(
            "meter_id", "day", pl.col("current_a").round(DECIMALS), pl.col("voltage_v").round(DECIMALS),
            pl.col("power_kw").round(DECIMALS),
        )
    )  # fmt: skip


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
