"""The daily series that evidence needs, day by day and position by position."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.vocabulary import QUALITIES
from pipelines.expected import expected_band

SERIES = {
    "account_id": pl.String, "point_id": pl.String, "meter_id": pl.String, "area_id": pl.String,
    "box_id": pl.String, "date": pl.Date, "register_kwh": pl.Float64, "read_at": pl.Datetime("us"),
    "quality": pl.String, "kwh": pl.Float64, "spread": pl.Boolean, "multiplier": pl.Float64,
    "expected_kwh": pl.Float64, "low_kwh": pl.Float64, "high_kwh": pl.Float64, "curve_minutes": pl.Int32,
    "curve_kwh": pl.List(pl.Float64), "temperature_c": pl.Float64,
}  # fmt: skip

DECIMALS = 4


def rows_of_accounts(panel: Panel, account_ids: pl.Series) -> NDArray[np.int64]:
    """Rows of the panel whose account is among these."""
    return np.flatnonzero(panel.positions["account_id"].is_in(account_ids.implode()).fill_null(False).to_numpy())


def series_of(panel: Panel, rows: NDArray[np.int64], excluded: NDArray[np.bool_]) -> pl.DataFrame:
    """One row per day of each of `rows`; `excluded[M, D]` are days that say nothing of the usual use."""
    if not len(rows) or not len(panel.days):
        return pl.DataFrame(schema=SERIES)
    days = len(panel.days)
    names = panel.positions.select("account_id", "point_id", "area_id", "box_id")[np.repeat(rows, days)]
    columns = _dense_columns(panel, rows, excluded)
    curves = _curve_columns(panel, rows)
    return names.with_columns(**columns, **curves, temperature_c=pl.lit(None, pl.Float64)).select(*SERIES)


def _dense_columns(panel: Panel, rows: NDArray[np.int64], excluded: NDArray[np.bool_]) -> dict[str, pl.Series]:
    days = len(panel.days)
    quality = panel.quality[rows, :-1].reshape(-1)
    day = np.tile(panel.days.astype("datetime64[us]"), len(rows))
    minutes = np.rint(panel.offset_days[rows, :-1].reshape(-1) * 1440).astype(np.int64).astype("timedelta64[m]")
    expected, low, high = expected_band(panel, rows, excluded)
    meters = panel.meter_on(np.repeat(rows, days), np.tile(np.arange(days), len(rows)))

    def number(values: NDArray[np.float64]) -> pl.Series:
        return pl.Series(np.round(values.reshape(-1), DECIMALS)).fill_nan(None)

    read = pl.Series(np.where(quality >= 0, quality, 0)).set(pl.Series(quality < 0), None)
    return {
        "meter_id": pl.Series(meters.tolist(), dtype=pl.String),
        "date": pl.Series(np.tile(panel.days, len(rows))),
        "register_kwh": number(panel.register_kwh[rows, :-1]),
        "read_at": pl.Series(np.where(quality >= 0, day + minutes, np.datetime64("NaT", "us"))).cast(pl.Datetime("us")),
        "quality": pl.Series(QUALITIES, dtype=pl.String).gather(read.cast(pl.UInt32)),
        "kwh": number(panel.kwh[rows]),
        "spread": pl.Series(panel.spread[rows].reshape(-1)),
        "multiplier": pl.Series(np.nan_to_num(panel.multiplier[rows].reshape(-1), nan=1.0)),
        "expected_kwh": number(expected),
        "low_kwh": number(low),
        "high_kwh": number(high),
    }


def _curve_columns(panel: Panel, rows: NDArray[np.int64]) -> dict[str, pl.Series]:
    """The day's intervals as a list; of a position with two interval lengths the finer one."""
    days = len(panel.days)
    minutes = np.zeros(len(rows) * days, np.int32)
    taken = np.zeros(len(rows) * days, np.int64)
    lists = [pl.Series([None], dtype=pl.List(pl.Float64))]
    for curve in reversed(panel.curves):
        at = np.minimum(np.searchsorted(curve.rows, rows), len(curve.rows) - 1)
        mine = np.flatnonzero(curve.rows[at] == rows)
        window = np.arange(curve.first_day, min(curve.first_day + curve.days, days))
        kwh = np.round(curve.kwh[at[mine], : len(window)], DECIMALS).reshape(-1, curve.kwh.shape[2])
        some = np.isfinite(kwh).any(axis=1)
        cell = (mine[:, None] * days + window).reshape(-1)[some]
        taken[cell] = sum(len(one) for one in lists) + np.arange(len(cell))
        minutes[cell] = curve.minutes
        lists.append(pl.Series(kwh[some]).arr.to_list().list.eval(pl.element().fill_nan(None)))
    return {
        "curve_minutes": pl.Series(minutes).replace(0, None),
        "curve_kwh": pl.concat(lists)[pl.Series(taken)],
    }
