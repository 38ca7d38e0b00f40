"""Evidence of swaps without a day of change (X02, X03, X07), on real homes put into boxes of twelve.

    python -m benchmarks.wiring_static [--homes FILE] [--towns N] [--first-seed N]

First the figures the limits of these rules rest on, from the homes as they are. Then towns of all homes in which the
file claims vacancies, moves and disconnections at random while everybody lives on as before: every pair named is
false. Last towns in which two homes of a box have been on each other's meters since before the reads and one of them
is left: how often that pair is named, and how often another.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.injector.build import build_town
from anomaly.injector.homes import HomeSeries
from anomaly.injector.inject import inject
from anomaly.injector.layout import Plan
from anomaly.injector.registry import Fault
from anomaly.injector.town import Town
from anomaly.load_steps import around, best_split, change_at_middle
from anomaly.panel import Panel
from anomaly.registry import load_all
from pipelines.book import open_book
from pipelines.panels import panel_of
from pipelines.sample import load_homes, load_sample, write_book
from pipelines.source import read_source
from pipelines.tally import Tally
from rules.rulebook import load

Floats = NDArray[np.float64]

CODES = ("X02", "X03", "X07")
PLAN = Plan(monthly_share=0.0, curve_share=1.0, rate_share=0.0, generation_share=0.0, ct_share=0.0)
CLAIMED_SHARE = 0.25
STEP_DAYS = 6
MONTH_DAYS = 30
SPELL_DAYS = (3, 7, 14, 28)
MEASURED_SHARE = 0.9


def lay(town: Town) -> Panel:
    """The town as the panel a scan sees."""
    with tempfile.TemporaryDirectory() as folder:
        book, scratch = Path(folder) / "book", Path(folder) / "scratch"
        scratch.mkdir()
        write_book(town.tables(), book)
        source = read_source(open_book(book), load(), town.as_of.item(), Tally(), scratch)
        return panel_of(source, np.arange(len(source.fleet.positions)))


def named(panel: Panel) -> dict[str, list[tuple[str, str]]]:
    """Per code the pairs of accounts it names."""
    rules, detectors, account = load().detectors, load_all(), panel.column("account_id")
    found = {code: detectors[code].function(panel, **rules[code].limit_values()) for code in CODES}
    return {
        code: [(str(account[one]), str(account[other])) for one, other in zip(told.position, told.related, strict=True)]
        for code, told in found.items()
    }


def claimed(town: Town, rng: np.random.Generator) -> Town:
    """The town with a file that claims vacancies and new customers, each on CLAIMED_SHARE of the accounts."""
    count, days = len(town.accounts), len(town.days)
    when = town.days[rng.integers(MONTH_DAYS, days - 1, (2, count))].astype("datetime64[us]")
    vacant, new = rng.random((2, count)) < CLAIMED_SHARE
    status = pl.Series(np.where(vacant, "vacant", town.accounts["status"].to_numpy()), dtype=pl.String)
    dates = [pl.Series(values).cast(pl.Date) for values in when]
    accounts = town.accounts.with_columns(
        status=status,
        status_since=pl.when(pl.Series(vacant)).then(dates[0]).otherwise("status_since"),
        customer_since=pl.when(pl.Series(new)).then(dates[1]).otherwise("customer_since"),
    )
    return Town(town.days, town.meters, town.dials, {**town.rows, "accounts": accounts}, town.truth)


def steps_of_homes(series: HomeSeries) -> dict[str, float]:
    """How often homes step by themselves, and what a new life or an empty home shows (limits of X03)."""
    limits = load().detectors["X03"].limit_values()
    known = np.isfinite(series.daily_kwh).mean(axis=1) >= MEASURED_SHARE
    level = np.log(series.daily_kwh[known] + 0.3)
    cohort = np.nanmedian(level - np.nanmedian(level, axis=1)[:, None], axis=0)
    window, least = int(limits["window_days"]), int(limits["least_days"])
    rows, days = level.shape
    at = np.arange(window, days - window, STEP_DAYS)
    row, day = np.repeat(np.arange(rows), len(at)), np.tile(at, rows)
    other = (row + 1 + day % (rows - 1)) % rows
    own = around(level - cohort, row, day, window)
    theirs = around(level - cohort, other, day, window)
    after = np.arange(2 * window) >= window

    def shares(windows: Floats) -> tuple[float, float]:
        steps = best_split(windows, least)
        big = (np.abs(steps.change_log) >= limits["min_change_log"]) & (steps.share >= limits["min_share"])
        change = change_at_middle(windows, least)
        return float(big.mean()), float((np.abs(change[np.isfinite(change)]) <= limits["most_own_log"]).mean())

    stepped, steady = shares(own)
    new_stepped, new_steady = shares(np.where(after, theirs, own))
    emptied, _ = shares(np.where(after, np.log(0.3) - around(cohort[None], row * 0, day, window), own))
    return {
        "step_share": stepped, "steady_share": steady, "moved_step_share": new_stepped,
        "moved_steady_share": new_steady, "emptied homes that step": emptied,
    }  # fmt: skip


def cycles_of_homes(series: HomeSeries) -> Iterator[tuple[int, float, float, float]]:
    """(days, median kept, robust sd in log, share below 0.3) of spells of homes as they are (limits of X07)."""
    if series.curve_kwh is None:
        return
    count, days = series.curve_kwh.shape[:2]
    hourly = series.curve_kwh.reshape(count, days, 24, 2).sum(axis=3)
    for length in SPELL_DAYS:
        kept = []
        for first in range(MONTH_DAYS, days - length, STEP_DAYS):
            now, before = hourly[:, first : first + length], hourly[:, first - 28 : first]
            whole = np.isfinite(now).all(axis=(1, 2)) & np.isfinite(before).all(axis=(1, 2))
            swing = before[whole].mean(axis=1).std(axis=1)
            kept.append(now[whole].mean(axis=1).std(axis=1)[swing > 0] / swing[swing > 0])
        log = np.log(np.concatenate(kept) + 1e-6)
        middle = float(np.median(log))
        yield length, float(np.exp(middle)), 1.4826 * float(np.median(np.abs(log - middle))), float(
            (log < np.log(0.3)).mean()
        )


def months_of_homes(series: HomeSeries) -> dict[str, float]:
    """How monthly medians of homes lie around the median home (limits of X02)."""
    known = np.isfinite(series.daily_kwh).mean(axis=1) >= MEASURED_SHARE
    kwh = series.daily_kwh[known]
    months = kwh[:, : kwh.shape[1] // MONTH_DAYS * MONTH_DAYS].reshape(len(kwh), -1, MONTH_DAYS)
    share = np.nanmedian(months, axis=2) / np.median(np.nanmedian(kwh, axis=1))
    return {
        "homes": float(len(kwh)),
        "months below 0.1": float((share < 0.1).mean()),
        "homes ever below 0.1": float((share < 0.1).any(axis=1).mean()),
        "months above 0.3": float((share >= 0.3).mean()),
        "5 % below": float(np.quantile(share, 0.05)),
        "5 % above": float(np.quantile(share, 0.95)),
    }


@click.command(help=__doc__)
@click.option("--homes", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None)
@click.option("--towns", default=10)
@click.option("--first-seed", default=1)
def main(homes: Path | None, towns: int, first_seed: int) -> None:
    """Print the three tables."""
    series = load_homes(homes) if homes else load_sample()
    for title, figures in (("months", months_of_homes(series)), ("steps", steps_of_homes(series))):
        click.echo(title + ": " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    for length, middle, spread, lost in cycles_of_homes(series):
        click.echo(f"cycle kept over {length} days: median {middle:.2f}, log sd {spread:.2f}, below 0.3 {lost:.3f}")
    false, accounts = dict.fromkeys(CODES, 0), {"vacant": 0, "moves": 0}
    right, wrong = dict.fromkeys(CODES, 0), dict.fromkeys(CODES, 0)
    for seed in range(first_seed, first_seed + towns):
        town = build_town(series, seed=seed, plan=PLAN)
        panel = lay(claimed(town, np.random.default_rng([seed, 5])))
        false = {code: false[code] + len(pairs) for code, pairs in named(panel).items()}
        accounts["vacant"] += int((panel.column("status") == "vacant").sum())
        inside = panel.column("customer_since").astype("datetime64[D]") > panel.days[0]
        accounts["moves"] += int(inside.sum())
        changed, truth = inject(town, [Fault("swapped_static_vacancy")], seed)
        both = {str(truth["account_id"][-1]), str(truth["related_account_id"][-1])}
        for code, pairs in named(lay(changed)).items():
            right[code] += any(set(pair) == both for pair in pairs)
            wrong[code] += sum(set(pair) != both for pair in pairs)
    vacant, moves = accounts["vacant"], accounts["moves"]
    click.echo(f"{towns} towns, {vacant} claims of a vacancy, {moves} of new customers, all untrue:")
    for code in CODES:
        click.echo(f"  {code}: {false[code]} false pairs; of {towns} old swaps {right[code]}, and {wrong[code]} others")


if __name__ == "__main__":
    main()
