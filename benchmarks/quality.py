"""How well kwhy finds what is wrong, and how rarely it accuses what is right, on real series.

    python -m benchmarks.quality
    python -m benchmarks.quality --homes london_100_homes_2013.parquet --seeds 5

Faults are put into towns made of real homes; every figure is counted, none is a parameter. README.md beside
this file says what each table means.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import click
import polars as pl

from anomaly.injector.catalogue import KINDS
from anomaly.injector.homes import HomeSeries
from benchmarks.quality_judged import fresh, judged
from benchmarks.quality_report import report_faults, report_untouched
from benchmarks.quality_towns import clean_town, rounds, scanned, with_faults
from benchmarks.quality_untouched import untouched
from pipelines.sample import load_homes, load_sample

EARLIER_DAYS = 42


@click.command()
@click.option(
    "--homes",
    type=click.Path(exists=True, path_type=Path),
    help="Parquet of meter_id, ts, kwh; default: the bundled sample.",
)
@click.option("--seeds", default=3, show_default=True, help="Towns per date.")
@click.option("--first-seed", default=1, show_default=True, help="Another one draws towns and faults nobody has seen.")
@click.option(
    "--dates",
    default="",
    help="As-of dates, comma between; default: the day after the series and six weeks earlier.",
)
@click.option("--accounts", default=240, show_default=True, help="Accounts of a town with faults.")
@click.option("--kinds", default="", help="Only these kinds, comma between; `none` for the untouched series alone.")
@click.option("--skip-untouched", is_flag=True, help="Leave out the month-end scans.")
def main(
    homes: Path | None, seeds: int, first_seed: int, dates: str, accounts: int, kinds: str, skip_untouched: bool
) -> None:
    """Inject, scan, compare; print the tables."""
    series = load_homes(homes) if homes else load_sample()
    last = series.days[-1].item() + dt.timedelta(days=1)
    days = [dt.date.fromisoformat(text) for text in dates.split(",") if text]
    days = days or [last, last - dt.timedelta(days=EARLIER_DAYS)]
    numbers = range(first_seed, first_seed + seeds)
    chosen = [] if kinds == "none" else [kind for kind in kinds.split(",") if kind] or sorted(KINDS)
    if chosen:
        told = list(trials(series, numbers, days, accounts, chosen))
        report_faults(pl.concat(told))
    if not skip_untouched:
        report_untouched([untouched(series, seed, last) for seed in numbers])


def trials(
    series: HomeSeries, numbers: range, days: list[dt.date], accounts: int, kinds: list[str]
) -> Iterator[pl.DataFrame]:
    """One judged table per town, over all seeds and dates."""
    for day in days:
        for seed in numbers:
            town = clean_town(series, seed, day, accounts)
            (before,) = scanned(town, day)
            for number, some in enumerate(rounds(kinds, accounts, seed)):
                changed, truth, refused = with_faults(town, some, drawn_by(day, seed, number))
                (after,) = scanned(changed, day)
                if refused:
                    click.echo(f"seed {seed}, {day}: no account can carry {', '.join(refused)}", err=True)
                faults = judged(truth, fresh(after, before), changed)
                yield faults.with_columns(seed=pl.lit(seed), as_of=pl.lit(day))
            click.echo(f"seed {seed}, {day}: done", err=True)


def drawn_by(day: dt.date, seed: int, number: int) -> int:
    """Seed of one town's faults: another for every date, seed and round."""
    return (day.toordinal() * 100 + seed) * 100 + number


if __name__ == "__main__":
    main()
