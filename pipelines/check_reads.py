"""What the register reads cover, streamed: one row per meter and month is all that is kept of a book of any
size.

The days of a month on which a meter was read are one 31-bit mask, so that batches are joined exactly
whatever their cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
import polars as pl

PERIODIC_GAP_DAYS = 20
"""A median gap of this many days or more means a meter read once a billing period (contract §2)."""
_GAP_OF_FREQUENCY = {"monthly": 30.4375, "bimonthly": 60.875}
_BUSY_SHARE = 0.01
_MERGE_ROWS = 4_000_000
_BITS = pl.Series("bit", 1 << np.arange(31), dtype=pl.UInt32)


@dataclass
class ReadsSeen:
    """What streaming left: `months` meter_id · month · days (mask) · rows · first · last; `dates` date ·
    rows."""

    months: pl.DataFrame
    dates: pl.DataFrame
    channels: dict[str, int] = field(default_factory=dict)
    qualities: dict[str, int] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True)
class Month:
    """Daily reads of one month: `expected` from meters in place, `received` on distinct days."""

    month: date
    expected: int
    received: int

    @property
    def share(self) -> float:
        """Received over expected."""
        return self.received / self.expected if self.expected else 0.0


@dataclass(frozen=True)
class Periodic:
    """Meters read once a billing period."""

    meters: int
    median_gap_days: float
    expected: int
    received: int


@dataclass(frozen=True)
class Completeness:
    """Up to `as_of`, the last day on which at least a hundredth of the busiest day's reads came in."""

    as_of: date | None
    reads_after: int
    daily_meters: int
    months: tuple[Month, ...]
    periodic: Periodic | None


def see_reads(batches: Iterable[pl.DataFrame]) -> ReadsSeen:
    """Stream accepted register reads; completeness is counted on the `import` channel."""
    seen = ReadsSeen(_months(_NO_READS), _dates(_NO_READS))
    held: list[pl.DataFrame] = []
    for reads in batches:
        _count(reads, "channel", seen.channels)
        _count(reads, "quality", seen.qualities)
        bounds = reads.select(first=pl.col("read_at").min(), last=pl.col("read_at").max()).row(0)
        seen.first = min((at for at in (seen.first, bounds[0]) if at is not None), default=None)
        seen.last = max((at for at in (seen.last, bounds[1]) if at is not None), default=None)
        imported = reads.filter((pl.col("channel") == "import") & (pl.col("quality") != "missing")).select(
            "meter_id", date=pl.col("read_at").dt.date()
        )
        seen.dates = _merge_dates([seen.dates, _dates(imported)])
        held.append(_months(imported))
        if sum(part.height for part in held) > _MERGE_ROWS:
            held = [_merge_months(held)]
    seen.months = _merge_months([seen.months, *held])
    return seen


def completeness(seen: ReadsSeen, installations: pl.DataFrame, frequencies: pl.DataFrame) -> Completeness:
    """Reads received against reads due. `frequencies`: meter_id · read_frequency (null = told from the
    reads)."""
    as_of = last_busy_day(seen.dates)
    if as_of is None:
        return Completeness(None, 0, 0, (), None)
    meters = _meters(seen.months, installations, frequencies, as_of)
    after = int(seen.dates.filter(pl.col("date") > as_of).get_column("rows").sum())
    daily = meters.filter(~pl.col("periodic"))
    months = tuple(_monthly(seen.months, daily, as_of))
    return Completeness(as_of, after, daily.height, months, _periodic(meters.filter("periodic"), as_of))


_NO_READS = pl.DataFrame(schema={"meter_id": pl.String, "date": pl.Date})


def _count(reads: pl.DataFrame, column: str, counts: dict[str, int]) -> None:
    for word, rows in reads.get_column(column).value_counts(name="rows").rows():
        counts[word] = counts.get(word, 0) + rows


def _months(days: pl.DataFrame) -> pl.DataFrame:
    bit = pl.lit(_BITS).gather(pl.col("date").dt.day() - 1)
    rows = days.with_columns(month=pl.col("date").dt.month_start(), bit=bit)
    return rows.group_by("meter_id", "month").agg(
        days=pl.col("bit").bitwise_or(), rows=pl.len(), first=pl.col("date").min(), last=pl.col("date").max()
    )


def _merge_months(parts: list[pl.DataFrame]) -> pl.DataFrame:
    together = pl.concat(parts).group_by("meter_id", "month")
    return together.agg(
        pl.col("days").bitwise_or(), pl.col("rows").sum(), pl.col("first").min(), pl.col("last").max()
    )


def _dates(days: pl.DataFrame) -> pl.DataFrame:
    return days.group_by("date").agg(rows=pl.len())


def _merge_dates(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts).group_by("date").agg(pl.col("rows").sum())


def last_busy_day(dates: pl.DataFrame) -> date | None:
    """The last day with at least a hundredth of the busiest day's reads, from `date` and `rows`; None without any."""
    busy = dates.filter(pl.col("rows") >= _BUSY_SHARE * pl.col("rows").max())
    latest = busy.get_column("date").max()
    return latest if isinstance(latest, date) else None


def _meters(
    months: pl.DataFrame, installations: pl.DataFrame, frequencies: pl.DataFrame, as_of: date
) -> pl.DataFrame:
    """meter_id · first · read_days · gap_days · periodic · start · end (both inclusive) of every meter
    read."""
    read = months.group_by("meter_id").agg(
        pl.col("first").min(), pl.col("last").max(), read_days=pl.col("days").bitwise_count_ones().sum()
    )
    read = read.join(_median_gaps(months, read), on="meter_id", how="left")
    read = read.join(frequencies, on="meter_id", how="left")
    read = read.join(_spans(installations), on="meter_id", how="left")
    told = pl.col("read_frequency").cast(pl.String).replace_strict(_GAP_OF_FREQUENCY, default=None)
    named = pl.col("read_frequency").is_not_null()
    return read.with_columns(
        periodic=pl.when(named).then(told.is_not_null()).otherwise(pl.col("gap_days").is_not_null()),
        gap_days=pl.coalesce(told, "gap_days"),
        start=pl.max_horizontal("first", "installed_on"),
        end=pl.min_horizontal(pl.lit(as_of), pl.col("removed_on") - pl.duration(days=1)),
    )


def _spans(installations: pl.DataFrame) -> pl.DataFrame:
    still = pl.col("removed_on").is_null().any()
    return installations.group_by("meter_id").agg(
        pl.col("installed_on").min(),
        removed_on=pl.when(still).then(None).otherwise(pl.col("removed_on").max()),
    )


def _median_gaps(months: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """Median gap of the meters where it reaches PERIODIC_GAP_DAYS.

    Half of the gaps reach it at least, so the mean gap is half of it or more: only such meters are unpacked.
    """
    span = (pl.col("last") - pl.col("first")).dt.total_days()
    sparse = read.filter(
        (pl.col("read_days") > 1) & (2 * span >= PERIODIC_GAP_DAYS * (pl.col("read_days") - 1))
    )
    dates = (
        months.join(sparse.select("meter_id"), on="meter_id", how="semi")
        .join(pl.DataFrame({"day": range(31), "bit": _BITS}), how="cross")
        .filter((pl.col("days") & pl.col("bit")) != 0)
        .select("meter_id", date=pl.col("month") + pl.duration(days=pl.col("day")))
    )
    gap = pl.col("date").diff().over("meter_id").dt.total_days()
    gaps = dates.sort("meter_id", "date").with_columns(gap=gap)
    medians = gaps.group_by("meter_id").agg(gap_days=pl.col("gap").median())
    return medians.filter(pl.col("gap_days") >= PERIODIC_GAP_DAYS)


def _monthly(months: pl.DataFrame, daily: pl.DataFrame, as_of: date) -> Iterator[Month]:
    due = daily.filter(pl.col("start") <= pl.col("end"))
    first = due.get_column("start").min()
    if not isinstance(first, date):
        return
    days = pl.date_range(first, as_of, eager=True)
    starts = (due.get_column("start") - first).dt.total_days().to_numpy()
    ends = (due.get_column("end") - first).dt.total_days().to_numpy() + 1
    change = np.bincount(starts, minlength=len(days) + 1) - np.bincount(ends, minlength=len(days) + 1)
    expected = pl.DataFrame({"month": days.dt.month_start(), "due": np.cumsum(change)[:-1]})
    expected = expected.group_by("month").agg(pl.col("due").sum())
    together = expected.join(_received(months, due), on="month", how="left").sort("month").fill_null(0)
    for month, reads_due, reads_in in together.rows():
        yield Month(month, int(reads_due), int(reads_in))


def _received(months: pl.DataFrame, due: pl.DataFrame) -> pl.DataFrame:
    """Days read per month, inside each meter's span only."""
    rows = months.join(due.select("meter_id", "start", "end"), on="meter_id")
    low = (pl.col("start") - pl.col("month")).dt.total_days().clip(0, 31)
    high = ((pl.col("end") - pl.col("month")).dt.total_days() + 1).clip(0, 31)
    masks = pl.lit(pl.Series(1 << np.arange(32, dtype=np.int64)) - 1)
    inside = pl.col("days").cast(pl.Int64) & masks.gather(high) & ~masks.gather(low)
    return rows.group_by("month").agg(received=inside.bitwise_count_ones().sum())


def _periodic(meters: pl.DataFrame, as_of: date) -> Periodic | None:
    if meters.is_empty():
        return None
    gap = pl.col("gap_days")
    spans = (pl.col("end") - pl.col("start")).dt.total_days().clip(0)
    due = ((spans / gap).round() + 1).cast(pl.Int64)
    received = pl.min_horizontal(due, pl.col("read_days").cast(pl.Int64))
    row = meters.select(gap=gap.median(), due=due.sum(), received=received.sum()).row(0)
    return Periodic(meters.height, float(row[0]), int(row[1]), int(row[2]))
