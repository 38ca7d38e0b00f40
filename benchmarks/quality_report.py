"""The quality benchmark's tables and lists, printed."""

from __future__ import annotations

import click
import polars as pl

from benchmarks.quality_judged import SIZES
from benchmarks.quality_untouched import Untouched

LOOKED_AT = 30


def report_faults(told: pl.DataFrame) -> None:
    """Per kind, pooled, by size; then every miss and every wrong cause, one line each."""
    guilty = told.filter(~pl.col("innocent"))
    title("Faults found, by kind (best-ranked open case that the fault added)")
    table(counted(guilty, "truth_family", "kind"))
    title("Reading errors pooled (goals: found 0.970, right cause 0.900)")
    errors = guilty.filter(pl.col("truth_family") == "reading_error")
    table(counted(errors, "truth_family"))
    table(counted(errors, "size").sort(pl.col("size").replace_strict(SIZES, range(len(SIZES)))))
    title("Innocent look-alikes (accused: an open case of the families reading_error or cross_wiring)")
    table(
        told.filter("innocent").group_by("kind").agg(
            pl.len().alias("injected"), pl.col("accused").sum(), pl.col("found").sum().alias("any_case")
        ).sort("kind")
    )  # fmt: skip
    title("Missed, or named wrongly")
    for row in told.filter((~pl.col("innocent") & ~pl.col("right")) | pl.col("accused")).to_dicts():
        click.echo(line_of(row))


def counted(faults: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Counts and shares of faults found, and of those whose best case names an accepted cause first."""
    return (
        faults.group_by(by)
        .agg(
            pl.len().alias("injected"),
            pl.col("found").sum(),
            pl.col("right").sum(),
            pl.col("rank").median().alias("median_rank"),
        )
        .with_columns(
            recall=(pl.col("found") / pl.col("injected")).round(3),
            right_of_found=(pl.col("right") / pl.col("found")).round(3),
            right_of_all=(pl.col("right") / pl.col("injected")).round(3),
        )
        .sort(by)
    )


def line_of(row: dict[str, object]) -> str:
    """One fault in words."""
    said = f"{row['case_cause']} ({row['codes']})" if row["found"] else f"not found ({row['codes'] or 'no finding'})"
    return (
        f"{row['kind']}: {said} · seed {row['seed']} {row['as_of']} · account {row['account_id']} "
        f"{row['start']}…{row['end']} · {row['kwh_wrong']:.1f} kWh, {row['size']} · {row['note']}"
    )


def report_untouched(told: list[Untouched]) -> None:
    """False cases per 1,000 account-months by family and by rule; then cases in words."""
    cases = pl.concat([one.cases for one in told])
    months = sum(one.account_months for one in told)
    per_1000 = (1000 * pl.len() / months).round(2).alias("per_1000")
    false = cases.filter(~pl.col("gap"))
    title(f"Untouched series: new open cases, {months:,} account-months (goal: reading_error ≤ 2 per 1,000)")
    click.echo(f"{len(cases) - len(false)} cases about reads that the source really lacks are not counted below")
    table(false.group_by("family").agg(pl.len().alias("cases"), per_1000).sort("family"))
    rules = ("family", "cause", "codes")
    table(false.group_by(rules).agg(pl.len().alias("cases"), per_1000).sort(rules))
    title(f"The {LOOKED_AT} highest-ranked cases on untouched series")
    ordered = false.sort("priority", "case_id", descending=[True, False])
    for row in ordered.unique("case_id", keep="first", maintain_order=True).head(LOOKED_AT).to_dicts():
        click.echo(case_line(row))
    title("Cases of other families than jump on untouched series, all")
    for row in false.filter(pl.col("family") != "jump").sort("as_of", "seed", "case_id").to_dicts():
        click.echo(case_line(row))


def case_line(row: dict[str, object]) -> str:
    """One case in words."""
    return (
        f"{row['priority']:9.2f} {row['cause']} {row['probability']:.2f} [{row['codes']}] seed {row['seed']} "
        f"{row['as_of']} account {row['account_id']}: {row['headline_en']}"
    )


def title(text: str) -> None:
    """A heading."""
    click.echo(f"\n{text}\n{'-' * len(text)}")


def table(frame: pl.DataFrame) -> None:
    """A frame as plain text, whole."""
    with pl.Config(
        tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True,
        tbl_width_chars=200, fmt_str_lengths=60, tbl_formatting="ASCII_MARKDOWN",
    ):  # fmt: skip
        click.echo(frame)
