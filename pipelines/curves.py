"""Interval reads: one pass onto scratch files, then dense curves per slice (positions × days × intervals)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Curve
from pipelines.book import Book
from pipelines.fleet import Fleet
from pipelines.landing import BATCH_ROWS, MINUTES_PER_DAY
from pipelines.tally import Tally

ACTUAL = ("valid", "edited")
"""Qualities of intervals that were measured; all others are marked estimated."""

STORED = {
    "dial": pl.Int64, "minute": pl.Int64, "minutes": pl.Int32, "kwh": pl.Float64, "quality": pl.UInt8,
    "actual": pl.Boolean, "fold": pl.Int8,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class LandedCurves:
    """Interval reads on scratch files `curve-*.parquet`: dial, minutes since the first day, kWh, quality, fold."""

    folder: Path
    first_day: dt.date
    rows: int = 0

    def of(self, first_dial: int, end_dial: int) -> pl.DataFrame:
        """Interval reads of dials [first, end)."""
        files = sorted(self.folder.glob("curve-*.parquet"))
        if not files:
            return pl.DataFrame(schema=STORED)
        return pl.scan_parquet(files).filter(pl.col("dial").is_between(first_dial, end_dial - 1)).collect()


def land_curves(
    book: Book, fleet: Fleet, tally: Tally, *, first_day: dt.date, as_of: dt.date, folder: Path
) -> LandedCurves:
    """Read every part of `interval_reads` once; keep what ends by `as_of` and belongs to an installed meter."""
    stored = 0
    if book.has("interval_reads"):
        origin = dt.datetime.combine(first_day, dt.time())
        for number, batch in enumerate(book.batches("interval_reads", BATCH_ROWS)):
            tally.add("interval_reads", batch)
            kept = _kept(batch.accepted, fleet, tally, origin, as_of)
            if len(kept):
                kept.write_parquet(folder / f"curve-{number:06d}.parquet")
                stored += len(kept)
    return LandedCurves(folder, first_day, stored)


def _kept(rows: pl.DataFrame, fleet: Fleet, tally: Tally, origin: dt.datetime, as_of: dt.date) -> pl.DataFrame:
    """Import intervals of installed meters within the window; everything else is counted."""
    ends = pl.col("interval_start") + pl.duration(minutes=pl.col("minutes"))
    late = ends > dt.datetime.combine(as_of, dt.time())
    early = pl.col("interval_start") < origin
    other = pl.col("channel") != "import"
    tally.count(
        "interval_reads",
        after_as_of=rows.select(late.sum()).item(),
        before_window=rows.select(early.sum()).item(),
        other_channel=rows.select((other & ~late & ~early).sum()).item(),
    )
    rows = rows.filter(~late & ~early & ~other)
    located = rows.join(fleet.dials.select("meter_id", "dial", "first_on", "last_on"), on="meter_id")
    day = pl.col("interval_start").dt.date()
    located = located.filter(day.is_between("first_on", "last_on"))
    tally.count("interval_reads", not_in_place=len(rows) - len(located))
    return located.select(
        "dial",
        (pl.col("interval_start") - origin).dt.total_minutes().alias("minute"),
        pl.col("minutes").cast(pl.Int32),
        "kwh",
        pl.col("quality").to_physical().cast(pl.UInt8),
        pl.col("quality").cast(pl.String).is_in(ACTUAL).alias("actual"),
        "fold",
    ).sort("dial", "minute")


def curves_of(
    landed: LandedCurves,
    installations: pl.DataFrame,
    dial_ids: NDArray[np.int64],
    sub_daily: pl.DataFrame,
) -> tuple[Curve, ...]:
    """Curves of a slice, one per interval length; sub-daily register reads serve where a dial has no intervals."""
    stored = landed.of(int(dial_ids[0]), int(dial_ids[-1]) + 1)
    stored = stored.join(pl.DataFrame({"dial": dial_ids}), on="dial", how="semi")
    stored = pl.concat([stored, _from_registers(sub_daily, dial_ids, stored, landed.first_day)])
    if not len(stored):
        return ()
    at_positions = _at_positions(_one_per_slot(stored), installations, landed.first_day)
    lengths = at_positions["minutes"].unique().sort().to_list()
    return tuple(_dense(at_positions.filter(pl.col("minutes") == minutes), minutes) for minutes in lengths)


def _from_registers(
    sub_daily: pl.DataFrame, dial_ids: NDArray[np.int64], stored: pl.DataFrame, first_day: dt.date
) -> pl.DataFrame:
    """Differences of register reads that lie a regular 15, 30 or 60 minutes apart."""
    origin = dt.datetime.combine(first_day, dt.time())
    reads = (
        sub_daily.with_columns(dial=pl.Series(dial_ids)[sub_daily["dial_row"]])
        .join(stored.select("dial").unique(), on="dial", how="anti")
        .sort("dial", "read_at")
        .with_columns(
            kwh=pl.col("register_kwh").diff().over("dial"),
            minutes=pl.col("read_at").diff().over("dial").dt.total_minutes().cast(pl.Int32),
            minute=(pl.col("read_at").shift(1).over("dial") - origin).dt.total_minutes(),
        )
    )
    return reads.filter(pl.col("minutes").is_in([15, 30, 60]), pl.col("kwh") >= 0).select(
        "dial", "minute", "minutes", "kwh",
        pl.col("quality").to_physical().cast(pl.UInt8),
        pl.col("quality").cast(pl.String).is_in(ACTUAL).alias("actual"),
        pl.lit(None, pl.Int8).alias("fold"),
    )  # fmt: skip


def _one_per_slot(rows: pl.DataFrame) -> pl.DataFrame:
    """Agreeing intervals once; of conflicting ones the best quality; on a tie the interval is absent (null kWh)."""
    slot = ["dial", "minutes", "minute", "fold"]
    rows = rows.unique([*slot, "kwh", "quality"])
    if rows.select(pl.struct(slot).is_duplicated().any()).item():
        rows = rows.filter(pl.col("quality") == pl.col("quality").min().over(slot)).unique([*slot, "kwh"])
        contested = pl.len().over(slot) > 1
        rows = rows.with_columns(
            contested=contested, kwh=pl.when(contested).then(None).otherwise(pl.col("kwh"))
        ).unique(slot)
    else:
        rows = rows.with_columns(contested=pl.lit(False))
    return rows


def _at_positions(rows: pl.DataFrame, installations: pl.DataFrame, first_day: dt.date) -> pl.DataFrame:
    """Energy of each interval at the position its meter serves, after the multiplier."""
    spans = installations.filter(pl.col("point_role") != "check").select(
        "dial", "row", "multiplier",
        first=(pl.col("first_on") - first_day).dt.total_days() * MINUTES_PER_DAY,
        last=((pl.col("last_on") - first_day).dt.total_days() + 1) * MINUTES_PER_DAY,
        next=(pl.col("next_on") - first_day).dt.total_days() * MINUTES_PER_DAY,
    )  # fmt: skip
    return (
        rows.join(spans, on="dial")
        .filter(pl.col("minute") >= pl.col("first"), pl.col("minute") < pl.col("last"))
        .sort("row", "minutes", "minute", "dial")
        .group_by("row", "minutes", "minute", "fold", maintain_order=True)
        .agg(
            (pl.col("kwh") * pl.col("multiplier")).sum(),
            pl.col("kwh").is_null().any().alias("absent"),
            pl.col("actual").all(),
            pl.col("contested").any(),
        )
    )


def _dense(rows: pl.DataFrame, minutes: int) -> Curve:
    positions = np.unique(rows["row"].to_numpy())
    per_day = MINUTES_PER_DAY // minutes
    day = rows["minute"].to_numpy() // MINUTES_PER_DAY
    slot = rows["minute"].to_numpy() % MINUTES_PER_DAY // minutes
    first, last = int(day.min()), int(day.max())
    shape = (len(positions), last - first + 1, per_day)
    at = (np.searchsorted(positions, rows["row"].to_numpy()), day - first, slot)
    repeated = (rows["fold"] == 1).fill_null(False).to_numpy()
    usable = ~rows["absent"].to_numpy()
    kwh, estimated = np.full(shape, np.nan), np.zeros(shape, bool)
    conflicts = np.zeros(shape[:2], np.int64)
    again = np.zeros(shape[:2])
    plain = usable & ~repeated
    kwh[tuple(axis[plain] for axis in at)] = rows["kwh"].to_numpy()[plain]
    estimated[tuple(axis[plain] for axis in at)] = ~rows["actual"].to_numpy()[plain]
    twice = usable & repeated
    np.add.at(again, (at[0][twice], at[1][twice]), rows["kwh"].to_numpy()[twice])
    contested = rows["contested"].to_numpy()
    np.add.at(conflicts, (at[0][contested], at[1][contested]), 1)
    return Curve(minutes, positions, first, kwh, again, estimated, conflicts)
