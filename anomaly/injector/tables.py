"""The book's tables from a town's arrays and rows, vectorised over all accounts."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from anomaly.injector.accounting import bill_rows, supply_rows
from anomaly.injector.vocabulary import (
    INTERVAL_COLUMNS,
    RATE_CHANNELS,
)
from anomaly.vocabulary import QUALITIES

if TYPE_CHECKING:
    from anomaly.injector.town import Town


def book_tables(town: "Town") -> dict[str, pl.DataFrame]:
    """The contract's input tables (CONTRACT.md §2): reads, curves, installations, accounts, areas,
    events and bills, each sorted by its key. Curve and electrical tables and tickets appear only where some
    account has such rows."""
    supply_reads, supply_installations = supply_rows(town)
    reads = [import_reads(town), rate_reads(town), export_reads(town), supply_reads, town.rows["extra_reads"]]
    tables = {
        "register_reads": pl.concat(reads).sort("meter_id", "read_at", "channel", "register_kwh"),
        "installations": pl.concat([town.rows["installations"], supply_installations]).sort(
            "meter_id", "installed_on"
        ),
        "accounts": town.accounts.sort("account_id"),
        "areas": town.rows["areas"],
        "events": town.rows["events"].sort("meter_id", "at", "kind"),
        "bills": bill_rows(town),
    }
    intervals = pl.concat([curve_reads(town), fold_reads(town), town.rows["extra_intervals"]])
    if intervals.height:
        tables["interval_reads"] = intervals.sort("meter_id", "interval_start", "fold")
    if town.rows["electrical"].height:
        tables["electrical_reads"] = town.rows["electrical"].sort("meter_id", "read_at", "phase")
    if town.rows["tickets"].height:
        tables["tickets"] = town.rows["tickets"].sort("ticket_id")
    return tables


def read_instants(
    town: "Town", row: npt.NDArray[np.int64], column: npt.NDArray[np.int64]
) -> npt.NDArray[np.datetime64]:
    """When the reads at [row, column] were taken."""
    midnight = town.days[0].astype("datetime64[m]") + column * np.timedelta64(1440, "m")
    instants: npt.NDArray[np.datetime64] = midnight + town.dials.offset_minutes[row, column].astype(
        "timedelta64[m]"
    )
    return instants


def meter_at(
    town: "Town", row: npt.NDArray[np.int64], instants: npt.NDArray[np.datetime64]
) -> npt.NDArray[np.str_]:
    """Number of the meter that hung at the position then; NaT compares false, so most keep their first."""
    return town.meters[row, (instants > town.dials.exchange_at[row]).astype(np.int64)]


def read_rows(
    town: "Town", chosen: npt.NDArray[np.bool_], ticks: npt.NDArray[np.int64], channel: str
) -> pl.DataFrame:
    """Register rows of one channel where `chosen` [N, D + 1]."""
    row, column = np.nonzero(chosen & town.dials.present)
    instants = read_instants(town, row, column)
    per_kwh = 1000 // town.dials.tick_wh[row]
    return pl.DataFrame(
        {
            "meter_id": meter_at(town, row, instants),
            "read_at": instants.astype("datetime64[us]"),
            "register_kwh": ticks[row, column] / per_kwh,
            "quality": np.array(QUALITIES)[town.dials.quality[row, column]],
        }
    ).select(
        "meter_id",
        "read_at",
        pl.lit(channel).alias("channel"),
        "register_kwh",
        "quality",
        pl.lit(None, dtype=pl.Int32).alias("fold"),
    )


def import_reads(town: "Town") -> pl.DataFrame:
    """Total import registers."""
    return read_rows(town, np.ones_like(town.dials.present), town.dials.ticks, "import")


def rate_reads(town: "Town") -> pl.DataFrame:
    """Rate registers of the accounts that have them."""
    has_rates = np.broadcast_to((town.dials.rate_shares.sum(axis=1) > 0)[:, None], town.dials.present.shape)
    return pl.concat(
        [
            read_rows(town, has_rates, town.dials.rate_ticks[:, rate], name)
            for rate, name in enumerate(RATE_CHANNELS)
        ]
    )


def export_reads(town: "Town") -> pl.DataFrame:
    """Export registers of the accounts that send energy out."""
    has_export = np.broadcast_to(town.dials.has_export[:, None], town.dials.present.shape)
    return read_rows(town, has_export, town.dials.export_ticks, "export")


def curve_reads(town: "Town") -> pl.DataFrame:
    """Half-hours that are present."""
    row, day, slot = np.nonzero(town.dials.curve_present)
    first = (town.as_of - np.timedelta64(town.curve_days, "D")).astype("datetime64[m]")
    starts = first + (day * 1440 + slot * 30).astype("timedelta64[m]")
    repeated = (
        (starts.astype("datetime64[D]") == town.clock_change) & ((slot == 2) | (slot == 3))
        if (town.clock_change is not None)
        else np.zeros(len(slot), dtype=bool)
    )
    return interval_frame(
        meter_at(town, row, starts + np.timedelta64(1, "m")),
        starts,
        town.dials.curve_wh[row, day, slot],
        np.array(QUALITIES)[town.dials.curve_quality[row, day, slot]],
        pl.Series(repeated),
        0,
    )


def fold_reads(town: "Town") -> pl.DataFrame:
    """The second passing of the repeated hour, fold = 1."""
    row, slot = np.nonzero(town.dials.fold_present)
    if town.clock_change is None or not len(row):
        return pl.DataFrame(schema=INTERVAL_COLUMNS)
    starts = town.clock_change.astype("datetime64[m]") + (60 + 30 * slot).astype("timedelta64[m]")
    quality = np.full(len(row), "valid")
    meters = meter_at(town, row, starts + np.timedelta64(1, "m"))
    return interval_frame(
        meters, starts, town.dials.fold_wh[row, slot], quality, pl.Series([True] * len(row)), 1
    )


def interval_frame(
    meters: npt.NDArray[np.str_],
    starts: npt.NDArray[np.datetime64],
    wh: npt.NDArray[np.int32],
    quality: npt.NDArray[np.str_],
    repeated: pl.Series,
    fold: int,
) -> pl.DataFrame:
    """Rows of interval_reads; `fold` is written where the hour is `repeated`."""
    frame = pl.DataFrame(
        {
            "meter_id": meters,
            "interval_start": starts.astype("datetime64[us]"),
            "wh": wh,
            "quality": quality,
            "repeated": repeated.cast(pl.Boolean),
        }
    )
    return frame.select(
        "meter_id",
        "interval_start",
        pl.lit(30, dtype=pl.Int32).alias("minutes"),
        (pl.col("wh") / 1000).alias("kwh"),
        pl.lit("import").alias("channel"),
        "quality",
        pl.when(pl.col("repeated")).then(pl.lit(fold, dtype=pl.Int32)).alias("fold"),
    )
