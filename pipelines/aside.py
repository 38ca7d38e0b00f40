"""Reads that were accepted and kept out of the panel: summed up by reason, so that rules can tell of them."""

from __future__ import annotations

import polars as pl

ASIDE = {
    "reason": pl.String, "meter_id": pl.String, "dial": pl.Int64, "channel": pl.String, "reads": pl.Int64,
    "first_at": pl.Datetime("us"), "last_at": pl.Datetime("us"), "low_kwh": pl.Float64, "high_kwh": pl.Float64,
}  # fmt: skip


def aside_rows(rows: pl.DataFrame, reason: str) -> pl.DataFrame:
    """Reads kept out of the panel, summed up per meter, channel and day of reading."""
    by = ("meter_id", "dial", "channel")
    return (
        rows.group_by(by)
        .agg(
            pl.len().cast(pl.Int64).alias("reads"),
            pl.col("read_at").min().alias("first_at"), pl.col("read_at").max().alias("last_at"),
            pl.col("register_kwh").min().alias("low_kwh"), pl.col("register_kwh").max().alias("high_kwh"),
        )
        .with_columns(pl.lit(reason).alias("reason"), pl.col("channel").cast(pl.String))
        .select(*ASIDE)
        .cast(ASIDE)  # type: ignore[arg-type]
    )  # fmt: skip


def summed_up(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """One row per reason, meter and channel over all batches."""
    if not parts:
        return pl.DataFrame(schema=ASIDE)
    return (
        pl.concat(parts)
        .group_by("reason", "meter_id", "dial", "channel")
        .agg(
            pl.col("reads").sum(), pl.col("first_at").min(), pl.col("last_at").max(),
            pl.col("low_kwh").min(), pl.col("high_kwh").max(),
        )
        .select(*ASIDE)
        .sort("reason", "meter_id", "dial", "channel", nulls_last=True)
    )  # fmt: skip
