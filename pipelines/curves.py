"""Interval reads: one pass onto scratch files, then dense curves per slice (positions × days × intervals)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Curve
from pipelines.aside import ASIDE, aside_rows, summed_up
from pipelines.book import Book
from pipelines.fleet import Fleet, days_outside
from pipelines.landing import BATCH_ROWS, MINUTES_PER_DAY
from pipelines.tally import Tally
from pipelines.writing import write_table

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
    as_of: dt.date
    rows: int = 0
    set_aside: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=ASIDE))

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
    stored, aside = 0, []
    if book.has("interval_reads"):
        origin = dt.datetime.combine(first_day, dt.time())
        for number, batch in enumerate(book.batches("interval_reads", BATCH_ROWS)):
            tally.add("interval_reads", batch)
            seen = _seen(batch.accepted, tally, origin, as_of)
            kept, elsewhere = _in_place(seen, fleet, origin)
            tally.count("interval_reads", not_in_place=len(seen) - len(kept), kept=len(kept))
            aside += elsewhere
            if len(kept):
                write_table(kept, folder / f"curve-{number:06d}.parquet")
                stored += len(kept)
    return LandedCurves(folder, first_day, as_of, stored, summed_up(aside))


def _seen(rows: pl.DataFrame, tally: Tally, origin: dt.datetime, as_of: dt.date) -> pl.DataFrame:
    """Import intervals within the window; everything else is counted."""
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
    return rows.filter(~late & ~early & ~other)


def _in_place(rows: pl.DataFrame, fleet: Fleet, origin: dt.datetime) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """(intervals of meters then installed, as stored; those of others, summed up by reason)."""
    dials = fleet.dials.select("meter_id", "dial", "first_on", "last_on")
    day = pl.col("interval_start").dt.date()
    numbered = rows.with_row_index("at")
    located = numbered.join(dials, on="meter_id").filter(day.is_between("first_on", "last_on"))
    kept = located.select(
        "dial",
        (pl.col("interval_start") - origin).dt.total_minutes().alias("minute"),
        pl.col("minutes").cast(pl.Int32),
        "kwh",
        pl.col("quality").to_physical().cast(pl.UInt8),
        pl.col("quality").cast(pl.String).is_in(ACTUAL).alias("actual"),
        "fold",
    ).sort("dial", "minute")
    if len(located) == len(rows):
        return kept, []
    away = numbered.join(located, on="at", how="anti").join(dials, on="meter_id", how="left")
    nearest = away.sort("at", days_outside(day), "dial").unique("at", keep="first", maintain_order=True)
    told = nearest.with_columns(
        pl.col("interval_start").alias("read_at"), pl.lit(0.0).alias("register_kwh"), pl.lit("curve").alias("channel")
    )
    reasons = {
        "no_installation": pl.col("dial").is_null(),
        "before_installation": day < pl.col("first_on"),
        "after_removal": day > pl.col("last_on"),
    }
    return kept, [aside_rows(told.filter(condition), reason) for reason, condition in reasons.items()]


def curves_of(
    landed: LandedCurves,
    installations: pl.DataFrame,
    dial_ids: NDArray[np.int64],
    sub_daily: pl.DataFrame,
) -> tuple[Curve, ...]:
    """Curves of a slice, one per interval length; sub-daily register reads serve where a dial has no intervals."""
    if not len(dial_ids):
        return ()
    stored = landed.of(int(dial_ids[0]), int(dial_ids[-1]) + 1)
    stored = stored.join(pl.DataFrame({"dial": dial_ids}), on="dial", how="semi")
    stored = pl.concat([stored, _from_registers(sub_daily, dial_ids, stored, landed.first_day)])
    # A second midnight of as-of (fold 1) begins a day that the panel does not have.
    stored = stored.filter(pl.col("minute") < (landed.as_of - landed.first_day).days * MINUTES_PER_DAY)
    if not len(stored):
        return ()
    placed = _at_positions(stored, installations, landed.first_day)
    lengths = placed["minutes"].unique().sort().to_list()
    return tuple(_dense(placed.filter(pl.col("minutes") == minutes), minutes) for minutes in lengths)


def _from_registers(
    sub_daily: pl.DataFrame, dial_ids: NDArray[np.int64], stored: pl.DataFrame, first_day: dt.date
) -> pl.DataFrame:
    """Differences of register reads that lie a regular 15, 30 or 60 minutes apart.

    Within a clock hour that was repeated, the reads of its first pass come before those of its second.
    """
    origin = dt.datetime.combine(first_day, dt.time())
    actual = pl.col("quality").cast(pl.String).is_in(ACTUAL)
    reads = (
        sub_daily.with_columns(dial=pl.Series(dial_ids)[sub_daily["dial_row"]], actual=actual)
        .join(stored.select("dial").unique(), on="dial", how="anti")
        .sort("dial", pl.col("read_at").dt.truncate("1h"), "fold", "read_at")
        .with_columns(
            before=pl.col("read_at").shift(1).over("dial"),
            fold_before=pl.col("fold").shift(1).over("dial"),
            kwh=pl.col("register_kwh").diff().over("dial"),
            actual=pl.col("actual") & pl.col("actual").shift(1).over("dial"),
        )
        .with_columns(
            minutes=((pl.col("read_at") - pl.col("before")).dt.total_minutes()
                     + 60 * (pl.col("fold") > pl.col("fold_before")).cast(pl.Int64)).cast(pl.Int32),
        )
    )  # fmt: skip
    return reads.filter(pl.col("minutes").is_in([15, 30, 60]), pl.col("kwh") >= 0).select(
        "dial", (pl.col("before") - origin).dt.total_minutes().alias("minute"), "minutes", "kwh",
        pl.col("quality").to_physical().cast(pl.UInt8), "actual", pl.col("fold_before").alias("fold"),
    )  # fmt: skip


def _at_positions(rows: pl.DataFrame, installations: pl.DataFrame, first_day: dt.date) -> pl.DataFrame:
    """Each interval at the position its meter serves, with the multiplier applied."""
    spans = installations.filter(pl.col("point_role") != "check").select(
        "dial", "row", "multiplier",
        first=(pl.col("first_on") - first_day).dt.total_days() * MINUTES_PER_DAY,
        end=((pl.col("last_on") - first_day).dt.total_days() + (~pl.col("goes_on")).cast(pl.Int64)) * MINUTES_PER_DAY,
    )  # fmt: skip
    joined = rows.join(spans, on="dial").filter(pl.col("minute").is_between("first", "end", closed="left"))
    return joined.with_columns(pl.col("kwh") * pl.col("multiplier"), repeated=(pl.col("fold") == 1).fill_null(False))


def _dense(rows: pl.DataFrame, minutes: int) -> Curve:
    """Scatter the intervals; the few that share a cell are settled first."""
    positions = np.unique(rows["row"].to_numpy())
    per_day = MINUTES_PER_DAY // minutes
    minute = rows["minute"].to_numpy()
    first, last = int(minute.min()) // MINUTES_PER_DAY, int(minute.max()) // MINUTES_PER_DAY
    shape = (len(positions), last - first + 1, per_day)
    slot = (minute - first * MINUTES_PER_DAY) // minutes
    cell = np.searchsorted(positions, rows["row"].to_numpy()) * (shape[1] * per_day) + slot
    repeated = rows["repeated"].to_numpy()
    rows = rows.select("dial", "kwh", "quality", "actual", "repeated", cell=pl.Series(cell))
    taken = np.bincount(cell[~repeated], minlength=shape[0] * shape[1] * per_day)
    shared = repeated | (taken[cell] > 1)
    kwh, estimated = np.full(len(taken), np.nan), np.zeros(len(taken), bool)
    alone = rows.filter(pl.Series(~shared))
    kwh[cell[~shared]], estimated[cell[~shared]] = alone["kwh"].to_numpy(), ~alone["actual"].to_numpy()
    again, conflicts = np.zeros(shape[:2]), np.zeros(shape[:2], np.int64)
    if shared.any():
        settled = _settled(rows.filter(pl.Series(shared)))
        plain = settled.filter(~pl.col("repeated"), ~pl.col("contested"))
        kwh[plain["cell"].to_numpy()] = plain["kwh"].to_numpy()
        estimated[plain["cell"].to_numpy()] = ~plain["actual"].to_numpy()
        twice = settled.filter(pl.col("repeated"), ~pl.col("contested"))
        np.add.at(again.reshape(-1), twice["cell"].to_numpy() // per_day, twice["kwh"].to_numpy())
        contested = settled.filter(pl.col("contested"))["cell"].to_numpy()
        np.add.at(conflicts.reshape(-1), contested // per_day, 1)
    return Curve(minutes, positions, first, kwh.reshape(shape), again, estimated.reshape(shape), conflicts)


def _settled(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per cell: agreeing intervals of a meter once, of conflicting ones the better, two meters added up.

    A meter with two equally good values leaves the cell contested.
    """
    own = ["cell", "repeated", "dial"]
    best = (
        rows.unique([*own, "kwh", "quality"])
        .filter(pl.col("quality") == pl.col("quality").min().over(own))
        .unique([*own, "kwh"])
        .with_columns(contested=pl.len().over(own) > 1)
        .sort("cell", "repeated", "dial", "kwh")
    )
    return best.group_by("cell", "repeated", maintain_order=True).agg(
        pl.col("kwh").sum(), pl.col("actual").all(), pl.col("contested").any()
    )
