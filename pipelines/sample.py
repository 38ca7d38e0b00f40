"""The bundled London homes, files like theirs, and the demo book made from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from anomaly.injector.build import build_town
from anomaly.injector.homes import HALF_HOURS, HomeSeries
from anomaly.injector.inject import inject
from anomaly.injector.layout import Plan
from anomaly.injector.registry import Fault

SAMPLE_FOLDER = Path(__file__).parent / "sample"
DEMO_FAULTS = (
    "misread_transposed",
    "misread_decimal_shift",
    "misread_wrong_digit_periodic",
    "readings_exchanged",
    "register_rollback",
    "over_registration",
    "meter_stopped_with_curve",
    "exchange_wrong_start",
    "multiplier_unrecorded_works",
    "estimates_too_low",
    "rate_sum_offset",
    "interval_sum_mismatch",
    "read_conflict",
    "jump_x3",
    "base_load_leak",
    "vacant_use",
    "swapped_pair_exchange",
)
DEMO_INNOCENTS = ("rollover", "correct_exchange", "holiday_absence", "missing_days", "duplicate_reads")
DEMO_PLAN = Plan(monthly_share=0.15, ct_share=0.1, rate_share=0.2)
DEMO_BOOK_TOML = 'country = "GB"\nregion = "London"\ncurrency = "GBP"\ntime_zone = "UTC"\n'


@dataclass(frozen=True)
class DemoBook:
    """Where the demo's book and its truth were written, and the day to scan it as of."""

    book: Path
    truth: Path
    as_of: date


def load_sample() -> HomeSeries:
    """The sixty bundled homes: 304 days of daily energy, half-hours for the last 92."""
    daily = pl.read_parquet(SAMPLE_FOLDER / "homes_daily.parquet").sort("home_id", "day")
    intervals = pl.read_parquet(SAMPLE_FOLDER / "homes_curve.parquet")
    home_ids = tuple(daily["home_id"].unique().sort().to_list())
    days = daily["day"].unique().sort().to_numpy().astype("datetime64[D]")
    daily_kwh = (
        daily["wh"].cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(len(home_ids), -1) / 1000
    )
    first_curve_day = intervals["interval_start"].to_numpy().min().astype("datetime64[D]")
    curve_days = days[days >= first_curve_day]
    in_kwh = intervals.select("home_id", "interval_start", kwh=pl.col("wh") / 1000)
    return HomeSeries(home_ids, days, daily_kwh, half_hour_grid(in_kwh, home_ids, curve_days))


def load_homes(path: Path) -> HomeSeries:
    """Homes of a Parquet file with the columns meter_id, ts (start of the half-hour), kwh.

    A day without all 48 half-hours has no daily energy (NaN); its curve keeps the half-hours there are.
    Raises ValueError when a column is missing.
    """
    scan = pl.scan_parquet(path)
    missing = {"meter_id", "ts", "kwh"} - set(scan.collect_schema().names())
    if missing:
        raise ValueError(f"{path}: column {', '.join(sorted(missing))} is missing; give meter_id, ts and kwh")
    intervals = scan.select(
        home_id="meter_id", interval_start="ts", kwh=pl.col("kwh").cast(pl.Float64)
    ).collect()
    home_ids = tuple(intervals["home_id"].unique().sort().to_list())
    starts = intervals["interval_start"].to_numpy().astype("datetime64[D]")
    days = np.arange(starts.min(), starts.max() + np.timedelta64(1, "D"))
    curve_kwh = half_hour_grid(intervals, home_ids, days)
    return HomeSeries(home_ids, days, curve_kwh.sum(axis=2), curve_kwh)


def half_hour_grid(
    intervals: pl.DataFrame, home_ids: tuple[str, ...], days: npt.NDArray[np.datetime64]
) -> npt.NDArray[np.float64]:
    """Rows of home_id, interval_start, kwh as an array [homes, days, 48] of kWh, NaN where there is no row.

    A row off the half-hour grid, or outside the days, is left out.
    """
    home = np.searchsorted(np.array(home_ids), intervals["home_id"].to_numpy())
    minutes = (
        intervals["interval_start"].to_numpy().astype("datetime64[m]") - days[0].astype("datetime64[m]")
    ).astype(np.int64)
    inside = (minutes % 30 == 0) & (minutes >= 0) & (minutes < len(days) * 1440)
    grid = np.full((len(home_ids), len(days) * HALF_HOURS), np.nan)
    grid[home[inside], minutes[inside] // 30] = np.round(intervals["kwh"].to_numpy()[inside], 3)
    return grid.reshape(len(home_ids), len(days), HALF_HOURS)


def write_book(tables: Mapping[str, pl.DataFrame], folder: Path, format: str = "parquet") -> None:
    """Write tables as a book: NAME.parquet or NAME.csv in `folder`, which is made if it is not there.

    Raises ValueError for another format.
    """
    if format not in ("parquet", "csv"):
        raise ValueError(f"a book is written as parquet or csv, not {format!r}")
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        if format == "parquet":
            table.write_parquet(folder / f"{name}.parquet")
        else:
            table.write_csv(folder / f"{name}.csv")


def demo_book(folder: Path, seed: int = 7) -> DemoBook:
    """Write the demo's book into `folder`/book and what is wrong with it into `folder`/truth.parquet.

    The town is the bundled sample with faults and innocent look-alikes put in; the same seed writes the
    same book.
    """
    town = build_town(load_sample(), seed=seed, plan=DEMO_PLAN)
    town, truth = inject(town, [Fault(kind) for kind in (*DEMO_FAULTS, *DEMO_INNOCENTS)], seed)
    write_book(town.tables(), folder / "book")
    (folder / "book" / "book.toml").write_text(DEMO_BOOK_TOML, encoding="utf-8")
    truth.write_parquet(folder / "truth.parquet")
    return DemoBook(folder / "book", folder / "truth.parquet", date.fromisoformat(str(town.as_of)))
