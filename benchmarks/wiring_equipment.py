"""How well a neighbour's equipment, class or moved circuit gives an exchange away, by whole scans of injected towns.

    python -m benchmarks.wiring_equipment [--homes FILE] [--seeds N]

Per seed the homes are put into boxes anew, as of three days of the year. Towns nobody touched are scanned first: what
X05, X06 and X10 say there is false. Then each town gets four of each kind, and it is counted how often the rule names
the very pair. X10 looks only where a change was dated, so it is counted per dated change.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

import click
import polars as pl

from anomaly.injector.build import build_town
from anomaly.injector.homes import HomeSeries
from anomaly.injector.inject import inject
from anomaly.injector.layout import Plan
from anomaly.injector.registry import Fault
from anomaly.injector.town import Town
from benchmarks.quality_towns import Scanned, recent_curve, scanned, until
from pipelines.sample import load_homes, load_sample

CODES = ("X05", "X06", "X10")
DATING = ("J01", "J03", "R03", "R10")
"""Rules that date a lasting change."""

EVERYBODY_DAILY = Plan(monthly_share=0.0, curve_share=1.0, rate_share=0.0, generation_share=0.05, ct_share=0.05)
KINDS = ("swapped_generation", "swapped_class", "partial_transfer", "tenants_exchange", "both_away")
EACH = 4
DATES_APART_DAYS = 65
DATED_WITHIN_DAYS = 7
"""A change dated further away is another change."""

Pair = frozenset[str | None]


def with_pairs(town: Town, seed: int) -> tuple[Town, dict[Pair, dict[str, object]]]:
    """The town with up to four of each kind, and the truth by pair."""
    known = len(town.truth)
    for number, kind in enumerate(KINDS * EACH):
        try:
            town, _ = inject(town, [Fault(kind)], 100 * seed + number)
        except ValueError as refused:
            if "can carry" not in str(refused):
                raise
    truth = town.truth.slice(known).to_dicts()
    return town, {frozenset((row["account_id"], row["related_account_id"])): row for row in truth}


def pairs_of(findings: pl.DataFrame, code: str) -> list[tuple[Pair, dict[str, object]]]:
    """Pairs that a rule names, with the finding."""
    rows = findings.filter(pl.col("code") == code).to_dicts()
    return [(frozenset((row["account_id"], row["related_account_id"])), row) for row in rows]


def dated(findings: pl.DataFrame, pair: Pair, day: object) -> bool:
    """Whether a lasting change of either home was dated near the day."""
    near = pl.duration(days=DATED_WITHIN_DAYS)
    own = findings.filter(pl.col("code").is_in(DATING), pl.col("account_id").is_in(list(pair)))
    return own.filter(pl.col("start").is_between(pl.lit(day) - near, pl.lit(day) + near)).height > 0


def count_town(counts: Counter[str], result: Scanned, truth: dict[Pair, dict[str, object]]) -> None:
    """Add one scanned town to the counts."""
    cause_of = dict(zip(result.cases["case_id"], result.cases["cause"], strict=True))
    named = {code: dict(pairs_of(result.findings, code)) for code in CODES}
    for pair, row in truth.items():
        kind = str(row["kind"])
        counts[f"{kind}: injected"] += 1
        change_dated = kind in ("partial_transfer", "tenants_exchange") and dated(result.findings, pair, row["start"])
        counts[f"{kind}: dated"] += change_dated
        for code in CODES:
            finding = named[code].get(pair)
            if finding is not None:
                counts[f"{kind}: {code} names the pair"] += 1
                counts[f"{kind}: {code}, case led by {cause_of[finding['case_id']]}"] += 1
    touched = {account for pair in truth for account in pair}
    for code in CODES:
        wrong = [pair for pair in named[code] if pair not in truth]
        counts[f"other pairs: {code} with an injected home"] += sum(bool(pair & touched) for pair in wrong)
        counts[f"other pairs: {code} with none"] += sum(not pair & touched for pair in wrong)


@click.command()
@click.option("--homes", type=click.Path(exists=True, path_type=Path), help="Parquet of meter_id, ts, kwh.")
@click.option("--seeds", default=4, show_default=True, help="How often the homes are put into boxes anew.")
def main(homes: Path | None, seeds: int) -> None:
    """Scan, count, print."""
    series = load_homes(homes) if homes else load_sample()
    untouched: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for seed in range(1, seeds + 1):
        for day in as_of_days(series):
            town = build_town(recent_curve(until(series, day)), seed=seed, plan=EVERYBODY_DAILY)
            (clean,) = scanned(town, day)
            untouched["accounts scanned"] += len(town.accounts)
            untouched["changes dated"] += clean.findings.filter(pl.col("code").is_in(DATING)).height
            for code in CODES:
                untouched[f"{code} found"] += len(pairs_of(clean.findings, code))
            changed, truth = with_pairs(town, seed)
            (result,) = scanned(changed, day)
            count_town(counts, result, truth)
    for title, told in (("Untouched towns", untouched), ("Injected towns", counts)):
        click.echo(f"\n{title}")
        for name in sorted(told):
            click.echo(f"  {name:58}{told[name]:8}")


def as_of_days(series: HomeSeries) -> list[dt.date]:
    """The day after the series, and two earlier ones."""
    last = series.days[-1].item() + dt.timedelta(days=1)
    return [last - dt.timedelta(days=DATES_APART_DAYS * number) for number in range(3)]


if __name__ == "__main__":
    main()
