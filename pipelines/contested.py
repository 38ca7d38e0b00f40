"""Side reads settled: of several for one day border the nearest to midnight, of two for one instant the better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.frames import QUALITIES
from pipelines.landing import BIAS, Landed

SUB_DAILY_READS = 3
"""A dial with this many reads or more on its median day is read sub-daily: its reads serve as the curve."""


@dataclass(frozen=True, eq=False)
class Settled:
    """Reads that go onto the grid after all, and those that belong elsewhere.

    dial_row, border, ticks, offset_days, quality   the chosen reads, as arrays of one length
    closing_row, closing_ticks   the last read taken during the day on which a dial was removed
    conflicts    instants with two equally good values: dial, meter_id, reason `conflict`, low and high value
    other        reads of other channels than import: dial_row, channel, read_at, register_kwh
    sub_daily    all import reads of dials read several times a day: dial_row, read_at, fold, register_kwh, quality
    """

    dial_row: NDArray[np.int64]
    border: NDArray[np.int64]
    ticks: NDArray[np.int64]
    offset_days: NDArray[np.float32]
    quality: NDArray[np.int8]
    closing_row: NDArray[np.int64]
    closing_ticks: NDArray[np.int64]
    conflicts: pl.DataFrame
    other: pl.DataFrame
    sub_daily: pl.DataFrame


def settle(landed: Landed, dials: pl.DataFrame, dial_ids: NDArray[np.int64]) -> Settled:
    """Settle the side reads of the slice's dials (`dial_ids` sorted; `dials` their rows)."""
    scale = 10.0 ** pl.col("register_decimals")
    mine = dials.select("dial", "meter_id", "last_on", scale=scale).with_columns(
        dial_row=pl.Series(np.arange(len(dial_ids)), dtype=pl.Int64)
    )
    span = (int(dial_ids[0]), int(dial_ids[-1]) + 1) if len(dial_ids) else (0, 0)
    side = landed.side(*span).join(mine, on="dial")
    best, conflicts = _one_value_per_instant(side)
    day = pl.col("read_at").dt.date()
    imported = best.filter(pl.col("channel") == "import").sort("dial_row", "read_at", "fold")
    closing = imported.filter(day == pl.col("last_on")).unique("dial_row", keep="last", maintain_order=True)
    per_day = imported.group_by("dial_row", day.alias("day")).len()
    often = per_day.group_by("dial_row").agg(pl.col("len").median()).filter(pl.col("len") >= SUB_DAILY_READS)
    nearest = (
        imported.with_columns(day=day)
        .unique(["dial_row", "day"], keep="first", maintain_order=True)
        .with_columns(
            border=(pl.col("day") - landed.grid.first_day).dt.total_days(),
            offset=(pl.col("read_at") - pl.col("day").cast(pl.Datetime("us"))).dt.total_seconds() / 86_400,
        )
    )
    nearest = _where_the_grid_is_empty(nearest, landed)
    return Settled(
        nearest["dial_row"].to_numpy(),
        nearest["border"].to_numpy(),
        nearest["ticks"].to_numpy(),
        nearest["offset"].to_numpy().astype(np.float32),
        nearest["quality"].to_physical().to_numpy().astype(np.int8),
        closing["dial_row"].to_numpy(),
        closing["ticks"].to_numpy(),
        conflicts,
        best.filter(pl.col("channel") != "import").select("dial_row", "channel", "read_at", _register()),
        _all_reads_of(imported.join(often, on="dial_row", how="semi"), landed, mine),
    )


def _all_reads_of(beside: pl.DataFrame, landed: Landed, dials: pl.DataFrame) -> pl.DataFrame:
    """The reads of dials read several times a day, with their midnight reads from the grid."""
    columns = ("dial_row", "read_at", "fold", _register(), "quality")
    rows = beside["dial_row"].unique().sort().to_numpy()
    grid = landed.grid
    at, border = np.nonzero(grid.ticks[dials["dial"].to_numpy()[rows]]) if len(rows) else (rows, rows)
    dial = dials["dial"].to_numpy()[rows[at]]
    midnights = pl.DataFrame(
        {
            "dial_row": rows[at],
            "read_at": (np.datetime64(grid.first_day, "us") + border.astype("timedelta64[D]")),
            "fold": np.zeros(len(at), np.int8),
            "ticks": grid.ticks[dial, border] - BIAS,
            "scale": dials["scale"].to_numpy()[rows[at]],
            "quality": pl.Series(np.array(QUALITIES)[grid.quality[dial, border]], dtype=pl.Enum(QUALITIES)),
        },
        schema_overrides={"read_at": pl.Datetime("us"), "dial_row": pl.Int64},
    )
    return pl.concat([beside.select(columns), midnights.select(columns)])


def _register() -> pl.Expr:
    return (pl.col("ticks") / pl.col("scale")).alias("register_kwh")


def _one_value_per_instant(side: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Agreeing reads once; of conflicting ones the best quality; on a tie none, and a conflict is told."""
    instant = ["dial", "channel", "read_at", "fold"]
    ranked = side.with_columns(rank=pl.col("quality").to_physical())
    ranked = ranked.filter(pl.col("rank") == pl.col("rank").min().over(instant)).unique(
        [*instant, "ticks"], keep="first"
    )
    tied = ranked.filter(pl.len().over(instant) > 1)
    conflicts = tied.group_by([*instant, "meter_id"]).agg(
        pl.len().cast(pl.Int64).alias("reads"),
        (pl.col("ticks").min() / pl.col("scale").first()).alias("low_kwh"),
        (pl.col("ticks").max() / pl.col("scale").first()).alias("high_kwh"),
    )
    conflicts = conflicts.select(
        pl.lit("conflict").alias("reason"), "meter_id", "dial", pl.col("channel").cast(pl.String), "reads",
        pl.col("read_at").alias("first_at"), pl.col("read_at").alias("last_at"), "low_kwh", "high_kwh",
    )  # fmt: skip
    return ranked.filter(pl.len().over(instant) == 1), conflicts


def _where_the_grid_is_empty(nearest: pl.DataFrame, landed: Landed) -> pl.DataFrame:
    """A read at midnight on the grid wins over any later read of that day."""
    taken = landed.grid.ticks[nearest["dial"].to_numpy(), nearest["border"].to_numpy()] != 0
    return nearest.filter(~pl.Series(taken, dtype=pl.Boolean))
