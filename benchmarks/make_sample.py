"""Make the bundled sample of London homes from the public half-hourly file.

    python -m benchmarks.make_sample --source london_100_homes_2013.parquet

Choice of homes, in this order, ids ascending within each step:
1. MAC000004 and MAC000037, which are 77 % and 99 % zeros: natural look-alikes of a vacant home.
2. The first six homes with 258 to 298 complete days out of 304: real gaps, some of them never ending.
3. Homes with at least 301 complete days, until there are sixty.
A day is complete when it has all 48 half-hours; the daily energy of any other day is null.
"""

from datetime import date
from pathlib import Path

import click
import polars as pl

FIRST_DAY = date(2013, 1, 1)
FIRST_CURVE_DAY = date(2013, 8, 1)
LAST_DAY = date(2013, 10, 31)
LOOK_ALIKES = ("MAC000004", "MAC000037")
HOMES = 60
HOMES_WITH_GAPS = 6
GAPPED_DAYS = (258, 298)
COMPLETE_DAYS = 301


def choose_homes(daily: pl.DataFrame) -> list[str]:
    """Ids of the homes to bundle, by the rule in the module's docstring."""
    complete = daily.group_by("home_id").agg(pl.col("wh").count().alias("complete_days")).sort("home_id")
    others = complete.filter(~pl.col("home_id").is_in(LOOK_ALIKES))
    gapped = others.filter(pl.col("complete_days").is_between(*GAPPED_DAYS))["home_id"].head(HOMES_WITH_GAPS)
    whole = others.filter(pl.col("complete_days") >= COMPLETE_DAYS)["home_id"]
    chosen = [*LOOK_ALIKES, *gapped.to_list()]
    return sorted(chosen + whole.head(HOMES - len(chosen)).to_list())


def half_hours(source: Path) -> pl.DataFrame:
    """Rows of the source inside the span: home_id, interval_start, wh (integer Wh)."""
    columns = {"meter_id": "home_id", "ts": "interval_start"}
    return (
        pl.scan_parquet(source)
        .rename(columns)
        .filter(pl.col("interval_start").dt.date().is_between(FIRST_DAY, LAST_DAY))
        .select("home_id", "interval_start", (pl.col("kwh") * 1000).round().cast(pl.Int32).alias("wh"))
        .sort("home_id", "interval_start")
        .collect()
    )


def daily_energy(intervals: pl.DataFrame) -> pl.DataFrame:
    """One row per home and day: wh, null unless all 48 half-hours are there."""
    grid = intervals.select(pl.col("home_id").unique()).join(
        pl.DataFrame({"day": pl.date_range(FIRST_DAY, LAST_DAY, eager=True)}), how="cross"
    )
    sums = intervals.group_by("home_id", pl.col("interval_start").dt.date().alias("day")).agg(
        pl.when(pl.len() == 48).then(pl.col("wh").sum()).alias("wh")
    )
    return grid.join(sums, on=["home_id", "day"], how="left").sort("home_id", "day")


@click.command()
@click.option(
    "--source",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="London half-hourly Parquet.",
)
@click.option("--into", type=click.Path(path_type=Path), default=Path("pipelines/sample"), show_default=True)
def main(source: Path, into: Path) -> None:
    """Write homes_daily.parquet and homes_curve.parquet."""
    intervals = half_hours(source)
    daily = daily_energy(intervals)
    homes = choose_homes(daily)
    curve = intervals.filter(
        pl.col("home_id").is_in(homes) & (pl.col("interval_start").dt.date() >= FIRST_CURVE_DAY)
    ).with_columns(pl.col("wh").cast(pl.Int16))
    into.mkdir(parents=True, exist_ok=True)
    for name, table in (
        ("homes_daily", daily.filter(pl.col("home_id").is_in(homes))),
        ("homes_curve", curve),
    ):
        table.write_parquet(into / f"{name}.parquet", compression="zstd", compression_level=19)
        click.echo(f"{name}: {table.height:,} rows", err=True)


if __name__ == "__main__":
    main()
