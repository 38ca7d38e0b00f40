"""Truth against scan: was each fault found, under which cause, at which rank; who was accused for nothing."""

from __future__ import annotations

import numpy as np
import polars as pl

from anomaly.injector.accounting import file_multiplier
from anomaly.injector.town import Town
from anomaly.vocabulary import CAUSE_FAMILY
from benchmarks.quality_towns import Scanned

TOLERANCE_DAYS = 7
"""An estimated onset may be a week off; a finding further away is about something else."""

ACCUSING = ("reading_error", "cross_wiring")
USUAL_DAYS = 60
READ_EVERY_DAYS = {"daily": 1.0, "monthly": 30.0, "bimonthly": 60.0}
SIZES = ("no energy moved", "up to half a step", "half to two steps", "two to ten steps", "over ten steps")
"""Classes of a fault's energy, counted in steps: the account's usual use between two reads."""


def fresh(result: Scanned, before: Scanned) -> Scanned:
    """What a scan did not say of the town without faults: new findings, and the cases that hold one."""
    new = result.findings.join(before.findings, on="finding_id", how="anti")
    reported = new.filter(pl.col("status") == "reported")
    return Scanned(reported, result.open_cases.join(reported.select("case_id").unique(), on="case_id", how="semi"))


def parties(findings: pl.DataFrame) -> pl.DataFrame:
    """(finding_id, who): every account and meter a finding names."""
    names = ("account_id", "related_account_id", "meter_id", "related_meter_id")
    told = [findings.select("finding_id", who=pl.col(name)) for name in names]
    return pl.concat(told).drop_nulls().unique()


def touching(truth: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    """(fault, finding_id, case_id, code): findings about a fault's account, partner or meter, at its time."""
    span = pl.duration(days=TOLERANCE_DAYS)
    sides = [
        truth.select("fault", "start", "end", who=name) for name in ("account_id", "related_account_id", "meter_id")
    ]
    told = findings.select("finding_id", "case_id", "code", found_start="start", found_end="end")
    return (
        pl.concat(sides)
        .drop_nulls("who")
        .unique()
        .join(parties(findings), on="who")
        .join(told, on="finding_id")
        .filter(pl.col("found_start") <= pl.col("end") + span, pl.col("found_end") >= pl.col("start") - span)
        .unique(["fault", "finding_id"])
        .sort("fault", "finding_id")
    )


def judged(truth: pl.DataFrame, result: Scanned, town: Town) -> pl.DataFrame:
    """One row per fault: `found`, `right`, `size`, `codes`, and `case_cause`, `rank` of its best-ranked case.

    `result` is what the faults added to the scan (`fresh`).
    """
    numbered = truth.with_row_index("fault")
    hits = touching(numbered, result.findings)
    codes = hits.group_by("fault").agg(pl.col("code").unique().sort().str.join(" ").alias("codes"))
    shown = result.cases.select("case_id", "rank", "family", "probability", "headline_en", case_cause="cause")
    best = hits.select("fault", "case_id").unique().join(shown, on="case_id").sort("fault", "rank")
    best = best.unique("fault", keep="first", maintain_order=True)
    told = numbered.join(codes, on="fault", how="left").join(best, on="fault", how="left")
    told = told.join(step_kwh(town), on="account_id", how="left", maintain_order="left")
    return told.sort("fault").with_columns(
        truth_family=pl.col("cause").replace_strict(CAUSE_FAMILY, default=None, return_dtype=pl.String),
        found=pl.col("case_id").is_not_null(),
        right=pl.col("case_cause").is_in(pl.col("accepted")).fill_null(False),
        accused=(pl.col("innocent") & pl.col("family").is_in(ACCUSING)).fill_null(False),
        size=size_of(pl.col("kwh_wrong") / pl.col("step_kwh")),
    )


def step_kwh(town: Town) -> pl.DataFrame:
    """account_id → usual use between two reads: median day of two months times days between reads."""
    day = np.median(town.dials.use_wh[:, -USUAL_DAYS:], axis=1) / 1000 * file_multiplier(town)
    every = town.accounts["read_frequency"].replace_strict(READ_EVERY_DAYS, return_dtype=pl.Float64)
    return town.accounts.select("account_id", step_kwh=pl.Series(np.maximum(day, 0.01)) * every)


def size_of(steps: pl.Expr) -> pl.Expr:
    """The class of `steps`: what no register can show is listed apart, not hidden."""
    above = [pl.when(steps > limit).then(pl.lit(name)) for limit, name in ((10, 4), (2, 3), (0.5, 2), (0, 1))]
    return pl.coalesce(*above, pl.lit(0)).replace_strict(dict(enumerate(SIZES)), return_dtype=pl.String)
