"""One pass over the book's register reads, in any order, onto a dense grid: dials × day borders.

The grid lives in memory-mapped scratch files, so memory does not grow with the fleet. Rows that do not fit
a cell alone (not at midnight, other channels, two values for one instant) go to a side table, per slice.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.frames import CHANNELS, QUALITIES
from pipelines.aside import aside_rows, summed_up
from pipelines.book import Book, Part
from pipelines.fleet import Fleet, days_outside
from pipelines.tally import Tally
from pipelines.writing import unwritable, write_table

BATCH_ROWS = 2_000_000
BIAS = np.int64(1) << 50
"""Added to stored ticks, so that 0 in a sparse file means: no read."""

MINUTES_PER_DAY = 1440
MICROSECONDS_PER_DAY = 86_400_000_000

LARGEST_TICKS = 9e15
"""A register beyond this holds no more whole ticks in a float; it stands at this instead of stopping the scan."""

SIDE = {
    "dial": pl.Int64, "channel": pl.Enum(CHANNELS), "read_at": pl.Datetime("us"), "ticks": pl.Int64,
    "quality": pl.Enum(QUALITIES), "fold": pl.Int8,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Grid:
    """Midnight reads of every dial on every day border, as sparse files: `ticks` (+ BIAS, 0 = none) and `quality`."""

    first_day: dt.date
    ticks: NDArray[np.int64]
    quality: NDArray[np.int8]

    @property
    def borders(self) -> int:
        """Number of day borders, the last one is as-of 00:00."""
        return int(self.ticks.shape[1])


@dataclass(frozen=True, eq=False)
class Landed:
    """The grid, and beside it what a grid cannot hold.

    folder      scratch; `side-*.parquet` hold reads that are not at midnight, of other channels, or contested
    set_aside   reads kept out of the panel, with the reason: one row per reason, meter and channel
    """

    grid: Grid
    folder: Path
    set_aside: pl.DataFrame

    def side(self, first_dial: int, end_dial: int) -> pl.DataFrame:
        """Side reads of dials [first, end): dial, channel, read_at, ticks, quality, fold; canonically sorted."""
        files = sorted(self.folder.glob("side-*.parquet"))
        if not files:
            return pl.DataFrame(schema=SIDE)
        mine = pl.col("dial").is_between(first_dial, end_dial - 1)
        return pl.scan_parquet(files).filter(mine).collect().sort("dial", "channel", "read_at", "ticks", "quality")

    def has_sub_daily(self, reads: int) -> bool:
        """Whether some meter has that many import reads beside the grid on one day."""
        files = sorted(self.folder.glob("side-*.parquet"))
        if not files:
            return False
        imported = pl.scan_parquet(files).filter(pl.col("channel") == "import")
        per_day = imported.group_by("dial", pl.col("read_at").dt.date().alias("day")).len()
        return bool(per_day.select((pl.col("len") >= reads).any()).collect(engine="streaming").item())


@dataclass
class _Desk:
    """What the pass collects on its way."""

    grid: Grid
    lookup: pl.DataFrame
    folder: Path
    first_seen: dt.date
    placed: int = 0
    beside: int = 0
    set_aside: int = 0
    aside: list[pl.DataFrame] = field(default_factory=list)
    collided: list[NDArray[np.int64]] = field(default_factory=list)


def land(book: Book, fleet: Fleet, tally: Tally, *, as_of: dt.date, history_days: int, folder: Path) -> Landed:
    """Read every part of `register_reads` once; count and hash each row; place it on the grid or beside it."""
    first_day = max(_first_read(book, as_of), as_of - dt.timedelta(days=history_days))
    last_day = as_of - dt.timedelta(days=1)
    desk = _Desk(_empty_grid(fleet, first_day, as_of, folder), _lookup(fleet), folder, first_seen=last_day)
    for batch in book.batches("register_reads", BATCH_ROWS):
        tally.add("register_reads", batch)
        _place(desk, _in_window(batch.accepted, tally, first_day, as_of))
    _clear_collisions(desk)
    filled = int(np.count_nonzero(desk.grid.ticks))
    tally.count(
        "register_reads",
        on_grid=filled,
        beside_grid=desk.beside,
        set_aside=desk.set_aside,
        repeated_or_contested=desk.placed - filled,
    )
    return Landed(_trimmed(desk.grid, desk.first_seen), folder, summed_up(desk.aside))


def _trimmed(grid: Grid, first_seen: dt.date) -> Grid:
    """The grid from the first day that an accepted row speaks of: a quarantined one must not lengthen the panel."""
    ahead = (first_seen - grid.first_day).days
    return Grid(first_seen, grid.ticks[:, ahead:], grid.quality[:, ahead:]) if ahead else grid


def _first_read(book: Book, as_of: dt.date) -> dt.date:
    """The day of the earliest read, at the latest the day before `as_of`: a panel has one day at least."""
    firsts = [_earliest(book, part) for part in book.parts("register_reads")]
    return min([first.date() for first in firsts if first is not None] + [as_of - dt.timedelta(days=1)])


def _earliest(book: Book, part: Part) -> dt.datetime | None:
    """Earliest read of a part; Parquet with real times answers from one column alone."""
    if part.format == "parquet":
        column = pl.scan_parquet(part.path, glob=False).select(pl.col("read_at").min())
        if isinstance(column.collect_schema()["read_at"], pl.Datetime):
            return column.select(pl.col("read_at").dt.replace_time_zone(None)).collect().item()
    return book.read_part(part).accepted["read_at"].min()  # type: ignore[return-value]


def _empty_grid(fleet: Fleet, first_day: dt.date, as_of: dt.date, folder: Path) -> Grid:
    shape = (max(len(fleet.dials), 1), (as_of - first_day).days + 1)

    def scratch(name: str, dtype: type) -> np.memmap:
        try:
            return np.memmap(folder / name, dtype=dtype, mode="w+", shape=shape)
        except OSError as error:
            raise unwritable(folder, error) from error

    return Grid(first_day, scratch("ticks", np.int64), scratch("quality", np.int8))


def _lookup(fleet: Fleet) -> pl.DataFrame:
    """meter_id → its dials; most meters have one, so most rows join once."""
    return fleet.dials.select(
        "meter_id", "dial", "first_on", "last_on", scale=10.0 ** pl.col("register_decimals")
    )


def _in_window(accepted: pl.DataFrame, tally: Tally, first_day: dt.date, as_of: dt.date) -> pl.DataFrame:
    """Rows the scan may see; later and older ones are counted, and a read marked missing has no register."""
    first, last = dt.datetime.combine(first_day, dt.time()), dt.datetime.combine(as_of, dt.time())
    late = int((accepted["read_at"] > last).sum())
    early = int((accepted["read_at"] < first).sum())
    seen = accepted.filter(pl.col("read_at").is_between(first, last)) if late or early else accepted
    blank = seen["register_kwh"].null_count()
    tally.count("register_reads", after_as_of=late, before_window=early, without_register=blank)
    return seen.filter(pl.col("register_kwh").is_not_null()) if blank else seen


def _place(desk: _Desk, reads: pl.DataFrame) -> None:
    """Put one batch on the grid; send aside what is not in place, and beside what does not fit a cell alone."""
    if not len(reads):
        return
    desk.first_seen = min(desk.first_seen, reads["read_at"].min().date())  # type: ignore[union-attr]
    day = pl.col("read_at").dt.date()
    imported = pl.col("channel") == "import"
    reasons = {
        "no_installation": pl.col("dial").is_null(),
        "before_installation": day < pl.col("first_on"),
        "after_removal": day > pl.col("last_on"),
        "negative": (pl.col("register_kwh") < 0) & imported,
    }
    located = _located(reads, desk.lookup)
    seen = located.select(**{reason: condition.any() for reason, condition in reasons.items()}).row(0, named=True)
    for reason, condition in reasons.items():
        if seen[reason]:
            wrong = located.filter(condition)
            desk.aside.append(aside_rows(wrong, reason))
            desk.set_aside += len(wrong)
            located = located.filter(~condition.fill_null(False))
    located = located.with_columns(
        ticks=(pl.col("register_kwh") * pl.col("scale")).round().clip(-LARGEST_TICKS, LARGEST_TICKS).cast(pl.Int64),
        since_first=(pl.col("read_at") - dt.datetime.combine(desk.grid.first_day, dt.time())).dt.total_microseconds(),
    )
    again = (pl.col("fold") == 1).fill_null(False)
    beside = ~imported | again | (pl.col("since_first") % MICROSECONDS_PER_DAY != 0)
    if located.select(beside.any()).item():
        desk.beside += int(located.select(beside.sum()).item())
        _beside(desk, located.filter(beside))
        located = located.filter(~beside)
    _onto_grid(desk, located)


def _located(reads: pl.DataFrame, lookup: pl.DataFrame) -> pl.DataFrame:
    """Join each read to its meter's dial; a meter with several dials gets the one in place then.

    Meter ids come in runs in most files, so the join is done once per run.
    """
    run = reads["meter_id"].rle_id().alias("run")
    firsts = reads.select(run, "meter_id").unique("run", keep="first", maintain_order=True)
    # A batch names few of the fleet's meters: the table to look them up in is cut to those before the join.
    here = lookup.join(firsts, on="meter_id", how="semi")
    many = here.filter(pl.col("meter_id").is_duplicated())
    one = here.join(many, on="meter_id", how="anti") if len(many) else here
    dials = firsts.join(one, on="meter_id", how="left", maintain_order="left").drop("meter_id")
    if len(dials) == len(reads):
        located = reads.hstack(dials.drop("run"))
    else:
        located = reads.hstack(dials.drop("run")[run.to_physical().cast(pl.UInt32)])
    if not len(many):
        return located
    several = located.filter(pl.col("meter_id").is_in(many["meter_id"].unique().implode()))
    rest = located.filter(~pl.col("meter_id").is_in(many["meter_id"].unique().implode()))
    return pl.concat([rest, _in_place(several.select(reads.columns), many)])


def _in_place(reads: pl.DataFrame, many: pl.DataFrame) -> pl.DataFrame:
    """Reads of meters that were installed more than once: the dial in place, else the nearest by date."""
    day = pl.col("read_at").dt.date()
    return (
        reads.with_row_index("read")
        .join(many, on="meter_id")
        .with_columns(outside=days_outside(day))
        .sort("read", "outside", "dial")
        .unique("read", keep="first", maintain_order=True)
        .drop("read", "outside")
    )


def _onto_grid(desk: _Desk, rows: pl.DataFrame) -> None:
    """Scatter midnight reads; remember every cell that reads of different value or quality wanted."""
    grid = desk.grid
    flat, flat_quality = np.asarray(grid.ticks).reshape(-1), np.asarray(grid.quality).reshape(-1)
    cell = rows["dial"].to_numpy() * grid.borders + rows["since_first"].to_numpy() // MICROSECONDS_PER_DAY
    ticks = rows["ticks"].to_numpy() + BIAS
    quality = rows["quality"].to_physical().to_numpy()
    before = flat[cell]
    if before.any():
        free = before == 0
        flat[cell[free]], flat_quality[cell[free]] = ticks[free], quality[free]
    else:
        flat[cell] = ticks
        if quality.any():
            flat_quality[cell] = quality
    differs = (flat[cell] != ticks) | (flat_quality[cell] != quality)
    desk.placed += len(rows)
    if differs.any():
        _beside(desk, rows.filter(pl.Series(differs)))
        desk.collided.append(np.unique(cell[differs]))


def _beside(desk: _Desk, rows: pl.DataFrame) -> None:
    """Keep rows for the slice they belong to, on disk."""
    chosen = rows.select("dial", "channel", "read_at", "ticks", "quality", pl.col("fold").fill_null(0)).sort("dial")
    write_table(chosen, desk.folder / f"side-{len(list(desk.folder.glob('side-*'))):06d}.parquet")


def _clear_collisions(desk: _Desk) -> None:
    """Move the first comer of every contested cell beside the grid too: order of arrival must not decide."""
    if not desk.collided:
        return
    cell = np.unique(np.concatenate(desk.collided))
    grid = desk.grid
    flat, flat_quality = grid.ticks.reshape(-1), grid.quality.reshape(-1)
    day = pl.Series(cell % grid.borders).cast(pl.Duration("us")) * (MINUTES_PER_DAY * 60_000_000)
    first = pl.DataFrame(
        {
            "dial": cell // grid.borders,
            "channel": pl.repeat("import", len(cell), eager=True).cast(pl.Enum(CHANNELS)),
            "read_at": pl.repeat(dt.datetime.combine(grid.first_day, dt.time()), len(cell), eager=True) + day,
            "ticks": flat[cell] - BIAS,
            "quality": pl.Series(np.array(QUALITIES)[flat_quality[cell]], dtype=pl.Enum(QUALITIES)),
            "fold": pl.repeat(0, len(cell), dtype=pl.Int8, eager=True),
        }
    )
    _beside(desk, first)
    flat[cell], flat_quality[cell] = 0, 0
