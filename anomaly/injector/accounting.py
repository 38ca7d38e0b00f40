"""Rows that sum over accounts or over months: supply meters and bills."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from anomaly.injector.vocabulary import ESTIMATED, READ_COLUMNS

if TYPE_CHECKING:
    from anomaly.injector.town import Town

SUPPLY_MULTIPLIER = 100


def supply_rows(town: "Town") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Reads and installations of the areas' supply meters: what the accounts it feeds used, net, and the loss.

    An account in `town.fed_from` draws from that area, whatever its file says.
    """
    installations = town.rows["installations"].clear()
    reads = pl.DataFrame(schema=READ_COLUMNS)
    if town.supply_loss is None:
        return reads, installations
    areas = town.rows["areas"]
    account = pl.col("account_id")
    fed = account.replace_strict(town.fed_from, default=pl.col("area_id"), return_dtype=pl.String)
    index = np.searchsorted(areas["area_id"].to_numpy(), town.accounts.select(fed).to_series().to_numpy())
    used = np.zeros((areas.height, len(town.days)))
    net_wh = town.dials.use_wh - town.dials.export_wh * town.dials.has_export[:, None]
    np.add.at(used, index, net_wh * file_multiplier(town)[:, None])
    supplied = np.maximum(used, 0.0) * (1 + np.array([town.supply_loss[name] for name in areas["area_id"]]))[:, None]
    counted = np.cumsum(np.pad(np.rint(supplied / SUPPLY_MULTIPLIER), ((0, 0), (1, 0))), axis=1)
    instants = np.append(town.days, town.as_of).astype("datetime64[us]")
    reads = pl.DataFrame(
        {
            "meter_id": np.repeat(areas["supply_meter_id"].to_numpy(), len(instants)),
            "read_at": np.tile(instants, areas.height),
            "register_kwh": (np.floor(counted / 10) / 100).ravel() + 1000.0,
        }
    ).select(
        "meter_id",
        "read_at",
        pl.lit("import").alias("channel"),
        pl.col("register_kwh").round(2),
        pl.lit("valid").alias("quality"),
        pl.lit(None, dtype=pl.Int32).alias("fold"),
    )
    rows = areas.select(
        pl.col("supply_meter_id").alias("meter_id"),
        "area_id",
        pl.lit("add").alias("point_role"),
        pl.lit((town.days[0] - np.timedelta64(2000, "D")).item(), dtype=pl.Date).alias("installed_on"),
        pl.lit(float(SUPPLY_MULTIPLIER)).alias("multiplier"),
        pl.lit(6, dtype=pl.Int32).alias("register_digits"),
        pl.lit(2, dtype=pl.Int32).alias("register_decimals"),
        pl.lit(3, dtype=pl.Int32).alias("phases"),
        pl.lit(230.0).alias("rated_volts"),
        pl.lit(6.0).alias("max_amps"),
        pl.lit("none").alias("relay"),
    )
    return reads, pl.concat([installations, rows], how="diagonal")


def file_multiplier(town: "Town") -> npt.NDArray[np.float64]:
    """Multiplier of each account's first installation, [N]."""
    first = (
        town.rows["installations"]
        .sort("installed_on")
        .unique("account_id", keep="first", maintain_order=True)
    )
    return (
        town.accounts.join(first.select("account_id", "multiplier"), on="account_id", how="left")[
            "multiplier"
        ]
        .fill_null(1.0)
        .to_numpy()
    )


def bill_rows(town: "Town") -> pl.DataFrame:
    """Bills issued so far: calendar months where read daily, read to read where read by hand."""
    instants = np.append(town.days, town.as_of)
    month_start = instants == instants.astype("datetime64[M]").astype("datetime64[D]")
    periodic = (town.accounts["cycle_id"] == "PERIODIC").to_numpy()
    row, column = np.nonzero(town.dials.present & (periodic[:, None] | month_start[None, :]))
    same = row[1:] == row[:-1]
    row, first, last = row[1:][same], column[:-1][same], column[1:][same]
    counted = np.pad(np.cumsum(town.dials.dial_wh, axis=1), ((0, 0), (1, 0)))
    billed = (counted[row, last] - counted[row, first]) / 1000 * file_multiplier(town)[row]
    guessed = town.dials.quality[row, last] == ESTIMATED
    return pl.DataFrame(
        {
            "account_id": town.accounts["account_id"].to_numpy()[row],
            "cycle_start": instants[first],
            "cycle_end": instants[last],
            "billed_kwh": np.round(billed, 2),
            "amount": np.round(billed * town.accounts["price_per_kwh"].to_numpy()[row], 2),
            "basis": np.where(guessed, "estimated", "actual"),
        }
    ).sort("account_id", "cycle_start")
