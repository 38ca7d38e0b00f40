"""Whether the probabilities that cases carry can be believed, on injected towns.

    python -m benchmarks.reliability
    python -m benchmarks.reliability --homes london_100_homes_2013.parquet --seeds 5

Every open case that an injected fault added is compared with what was injected: of the cases said with 0.7, seven in
ten should be right. Goals: expected calibration error at most 0.05; the cause named first right for 0.80 of the
named real uses. README.md beside this file says what each table means.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import polars as pl
import polars.selectors as cs

from anomaly.injector.catalogue import KINDS
from anomaly.injector.homes import HomeSeries
from anomaly.vocabulary import CAUSE_FAMILY
from benchmarks.quality import EARLIER_DAYS, drawn_by
from benchmarks.quality_judged import fresh, touching
from benchmarks.quality_report import table, title
from benchmarks.quality_towns import clean_town, rounds, scanned, with_faults
from pipelines.sample import load_homes, load_sample
from rules.rulebook import load

BINS = 10
LEAST_CHANCE = 1e-6
"""What a cause that was not weighed counts as in the logarithm: the published probabilities are cut off there."""

LEAK, NIGHT, WEATHER, PERIOD, TRUE_UP = "leak", "night block", "weather", "period", "true-up"
NAMED = {
    "base_load_leak": (LEAK, "base_load"),
    "night_block": (NIGHT, "customer_use"),
    "heat_wave": (WEATHER, "weather"),
    "monthly_to_bimonthly": (PERIOD, "billing_period"),
    "estimated_run": (TRUE_UP, "estimate_true_up"),
    "unmarked_straight_line": (TRUE_UP, "estimate_true_up"),
    "estimates_too_low": (TRUE_UP, "estimate_true_up"),
    "stuck_then_backlog": (TRUE_UP, "estimate_true_up"),
    "copied_week": (TRUE_UP, "estimate_true_up"),
}
"""Kinds of real use with a name of their own, and the one cause that is right: `accepted` of the injector is milder."""

GROUPS = {"reading_error": "reading errors", "jump": "jumps", "cross_wiring": "cross-wiring", "grid": "grid"}
"""By what the case says, not by what was injected: a probability is a promise about those who read it."""


@click.command()
@click.option(
    "--homes",
    type=click.Path(exists=True, path_type=Path),
    help="Parquet of meter_id, ts, kwh; default: the bundled sample.",
)
@click.option("--seeds", default=3, show_default=True, help="Towns per date.")
@click.option("--first-seed", default=1, show_default=True, help="Another one draws towns and faults nobody has seen.")
@click.option("--dates", default="", help="As-of dates, comma between.")
@click.option("--accounts", default=240, show_default=True, help="Accounts of a town.")
@click.option("--kinds", default="", help="Only these kinds, comma between.")
def main(homes: Path | None, seeds: int, first_seed: int, dates: str, accounts: int, kinds: str) -> None:
    """Inject, scan, compare; print the tables."""
    series = load_homes(homes) if homes else load_sample()
    last = series.days[-1].item() + dt.timedelta(days=1)
    days = [dt.date.fromisoformat(text) for text in dates.split(",") if text]
    days = days or [last, last - dt.timedelta(days=EARLIER_DAYS)]
    chosen = [kind for kind in kinds.split(",") if kind] or sorted(KINDS)
    trials = list(judged_towns(series, range(first_seed, first_seed + seeds), days, accounts, chosen))
    report(pl.concat([faults for faults, _ in trials]), pl.concat([cases for _, cases in trials]))


def judged_towns(
    series: HomeSeries, numbers: range, days: list[dt.date], accounts: int, kinds: list[str]
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """(faults injected, cases they added) of every town, over all seeds, dates and rounds of kinds."""
    for day in days:
        for seed in numbers:
            town = clean_town(series, seed, day, accounts)
            (before,) = scanned(town, day)
            for number, some in enumerate(rounds(kinds, accounts, seed)):
                changed, truth, _ = with_faults(town, some, drawn_by(day, seed, number))
                (after,) = scanned(changed, day)
                new = fresh(after, before)
                where = {"seed": pl.lit(seed), "as_of": pl.lit(day), "town": pl.lit(number)}
                faults = truth.with_row_index("fault")
                told = told_cases(faults, new.findings, new.cases)
                yield faults.with_columns(**where), told.with_columns(**where)
            click.echo(f"seed {seed}, {day}: done", err=True)


def told_cases(faults: pl.DataFrame, findings: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """One row per fault and case about it: `group`, `named`, `chance` of the leading cause, `right`, `loss`, `brier`.

    `right` is whether the leading cause is one that the injected rows support; of a named real use only its own cause
    counts. `loss` is −ln of the probability of all right causes together; `brier` is Σ (p − y)² over the causes, y the
    likeliest right cause.
    """
    hits = touching(faults, findings)
    codes = hits.group_by("fault", "case_id").agg(pl.col("code").unique().sort().str.join(" ").alias("codes"))
    kind, cause = pl.col("kind"), pl.col("cause")
    own = kind.replace_strict({name: right for name, (_, right) in NAMED.items()}, default=None, return_dtype=pl.String)
    accepted = pl.when(own.is_not_null()).then(pl.concat_list(own)).otherwise("accepted")
    known = faults.filter(~pl.col("innocent") | kind.is_in(list(NAMED))).select(
        "fault", "kind", accepted=accepted, truth=pl.coalesce(own, cause),
        named=kind.replace_strict({name: name_of for name, (name_of, _) in NAMED.items()}, default=None,
                                  return_dtype=pl.String),
    )  # fmt: skip
    shown = cases.select("case_id", "rank", "headline_en", "causes", leading="cause", chance="probability")
    told = known.join(codes, on="fault").join(shown, on="case_id").sort("fault", "rank")
    family = pl.col("leading").replace_strict(CAUSE_FAMILY, default=None, return_dtype=pl.String)
    return scored(told).with_columns(group=family.replace_strict(GROUPS, return_dtype=pl.String))


def scored(told: pl.DataFrame) -> pl.DataFrame:
    """The rows with `right`, `loss` and `brier` from the published probabilities."""
    weighed = told.with_row_index("row").explode("causes").unnest("causes")
    is_right = pl.col("cause").is_in(pl.col("accepted"))
    chance = pl.col("probability").fill_null(0.0)
    per_row = weighed.group_by("row").agg(
        right_chance=chance.filter(is_right).sum(),
        best_right=chance.filter(is_right).max().fill_null(0.0),
        squares=(chance**2).sum(),
    )
    rows = told.with_row_index("row").join(per_row, on="row", how="left", maintain_order="left")
    return rows.with_columns(
        right=pl.col("leading").is_in(pl.col("accepted")),
        loss=-pl.col("right_chance").clip(LEAST_CHANCE, 1.0).log(),
        brier=pl.col("squares") - pl.col("best_right") ** 2 + (1 - pl.col("best_right")) ** 2,
    ).drop("row", "squares")


def reliability(cases: pl.DataFrame) -> pl.DataFrame:
    """Ten bins of the leading cause's probability: cases, mean probability, share right, and the gap between them."""
    place = (pl.col("chance") * BINS).floor().clip(0, BINS - 1).cast(pl.Int64)
    return (
        cases.group_by(place.alias("bin"))
        .agg(
            pl.len().alias("cases"),
            pl.col("weight").sum(),
            pl.col("chance").mean().alias("mean_probability"),
            pl.col("right").mean().alias("share_right"),
            weighted_gap=(pl.col("weight") * (pl.col("right") - pl.col("chance"))).sum() / pl.col("weight").sum(),
        )
        .with_columns(gap=pl.col("share_right") - pl.col("mean_probability"))
        .sort("bin")
    )


def calibration_error(bins: pl.DataFrame) -> float:
    """Expected calibration error: mean gap between probability and share right, each bin by its cases; NaN if none."""
    return _mean_gap(bins, "cases", "gap")


def _mean_gap(bins: pl.DataFrame, weight: str, gap: str) -> float:
    count = bins[weight].to_numpy()
    return float(np.sum(count * bins[gap].abs().to_numpy()) / count.sum()) if len(bins) else float("nan")


def at_priors(faults: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """The cases with a `weight`: each kind of fault is injected as often, causes are as frequent as the priors say."""
    own = pl.col("kind").replace_strict({kind: cause for kind, (_, cause) in NAMED.items()}, default=pl.col("cause"))
    injected = faults.with_columns(truth=own).group_by("truth").agg(pl.len().alias("injected"))
    prior = {name: rule.prior for name, rule in load().causes.items()}
    share = pl.col("truth").replace_strict(prior, return_dtype=pl.Float64) / pl.col("injected")
    return cases.join(injected, on="truth", how="left", maintain_order="left").with_columns(weight=share)


def summary(cases: pl.DataFrame, name: str) -> dict[str, object]:
    """One line: how many cases, Brier score, log-loss, top-1 right, and the expected calibration error, as injected and
    at the priors of the rulebook.
    """
    bins = reliability(cases)
    mean = cases.select("brier", "loss", "right", "chance").mean().row(0, named=True)
    return {
        "group": name,
        "cases": len(cases),
        "top1_right": mean["right"],
        "mean_probability": mean["chance"],
        "brier": mean["brier"],
        "log_loss": mean["loss"],
        "ece": calibration_error(bins),
        "ece_at_priors": _mean_gap(bins, "weight", "weighted_gap"),
    }


def report(faults: pl.DataFrame, cases: pl.DataFrame) -> None:
    """All tables: the groups in one, each group's bins, the named real uses, and every wrong name."""
    cases = at_priors(faults, cases)
    title("Probabilities against what was injected (goal: ece ≤ 0.05)")
    groups = [(name, cases.filter(pl.col("group") == name)) for name in GROUPS.values()]
    told = [("all", cases), *((name, some) for name, some in groups if len(some))]
    table(pl.DataFrame([summary(some, name) for name, some in told]).with_columns(cs.float().round(3)))
    for name, some in told:
        title(f"Reliability, {name}: probability of the leading cause")
        table(ranges(reliability(some)))
    title("Named real uses, the cause named first (goal: right_of_found ≥ 0.80)")
    table(named_uses(faults, cases))
    title("Named wrongly")
    wrong = cases.filter(~pl.col("right")).sort("kind", "as_of", "seed", "case_id")
    for row in wrong.to_dicts():
        click.echo(
            f"{row['kind']}: {row['leading']} {row['chance']:.2f}, right ones {row['right_chance']:.2f} "
            f"[{row['codes']}] seed {row['seed']} {row['as_of']}: {row['headline_en']}"
        )


def ranges(bins: pl.DataFrame) -> pl.DataFrame:
    """The bins with their range in words."""
    low = pl.col("bin") / BINS
    name = pl.concat_str(low.round(1), pl.lit("–"), (low + 1 / BINS).round(1)).alias("probability")
    return bins.select(name, "cases", pl.col("mean_probability", "share_right", "gap").round(3))


def named_uses(faults: pl.DataFrame, cases: pl.DataFrame) -> pl.DataFrame:
    """Per named real use: injected, found, top-1 right of those found and of all (best-ranked case per fault)."""
    key = ("seed", "as_of", "town", "fault")
    best = cases.sort("rank").unique(key, keep="first", maintain_order=True).select(*key, "right")
    names = {kind: name for kind, (name, _) in NAMED.items()}
    injected = faults.filter(pl.col("kind").is_in(list(names))).with_columns(
        named=pl.col("kind").replace_strict(names, return_dtype=pl.String)
    )
    told = injected.join(best, on=key, how="left")
    every = pl.concat([told, told.with_columns(named=pl.lit("all of them"))])
    counted = every.group_by("named").agg(
        pl.len().alias("injected"), pl.col("right").is_not_null().sum().alias("found"), pl.col("right").sum()
    )
    return counted.with_columns(
        right_of_found=(pl.col("right") / pl.col("found")).round(3),
        right_of_all=(pl.col("right") / pl.col("injected")).round(3),
    ).sort(pl.col("named") == "all of them", "named")


if __name__ == "__main__":
    main()
