"""Cases somebody has already explained: they stay quiet for their term, unless something new is found."""

from __future__ import annotations

import datetime as dt

import polars as pl

SETTLING = ("confirmed", "explained", "refuted")
"""Results that settle a cause; an inconclusive check settles nothing."""


def explained_before(
    cases: pl.DataFrame, outcomes: pl.DataFrame, as_of: dt.date, *, silent_days: int, grace_days: int
) -> pl.DataFrame:
    """`cases` with those suppressed as `explained_before` that a valid outcome settles.

    An outcome settles a case when it names it, or when it names its account or pair and its leading cause. It holds
    until `valid_until`, else for `silent_days` after the decision. A finding that starts more than `grace_days` after
    the decision was not known then and reopens the case; so does a complaint after it.
    """
    names = ("account_id", "related_account_id")
    pair = [pl.min_horizontal(names), pl.max_horizontal(names)]
    valid_until = pl.coalesce("valid_until", pl.col("decided_on") + pl.duration(days=silent_days))
    settled = outcomes.filter(pl.col("result").is_in(SETTLING), pl.lit(as_of) <= valid_until).select(
        "case_id", "cause", "decided_on", first=pair[0], second=pair[1]
    )
    by_case = settled.group_by("case_id").agg(pl.col("decided_on").max().alias("decided_case"))
    by_cause = settled.group_by("first", "second", "cause").agg(pl.col("decided_on").max().alias("decided_cause"))
    told = (
        cases.with_columns(first=pair[0], second=pair[1])
        .join(by_case, on="case_id", how="left", maintain_order="left")
        .join(by_cause, on=["first", "second", "cause"], how="left", nulls_equal=True, maintain_order="left")
        .with_columns(decided=pl.max_horizontal("decided_case", "decided_cause"))
    )
    nothing_new = pl.col("latest_start") <= pl.col("decided") + pl.duration(days=grace_days)
    quiet = pl.col("open") & nothing_new.fill_null(False)
    return told.with_columns(
        suppressed_by=pl.when(quiet).then(pl.lit("explained_before")).otherwise("suppressed_by"),
        open=pl.col("open") & ~quiet,
    ).drop("first", "second", "decided_case", "decided_cause", "decided")
