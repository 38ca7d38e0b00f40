"""The monthly batch: every account of a billing cycle gets one decision before its bill goes out, and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.cohort import cohort_log
from anomaly.cycle_expectation import cycle_expectation
from anomaly.errors import UsageError
from anomaly.panel import Panel
from pipelines.cycle_decisions import decided
from pipelines.panels import Source, panel_of
from rules.model import Rulebook

CYCLE = {
    "account_id": pl.String, "cycle_start": pl.Date, "cycle_end": pl.Date, "kwh": pl.Float64,
    "expected_kwh": pl.Float64, "low_kwh": pl.Float64, "high_kwh": pl.Float64, "decision": pl.String,
    "reason": pl.String, "reason_zh": pl.String, "case_id": pl.String, "days": pl.Int64, "measured_days": pl.Int64,
    "billed_kwh": pl.Float64,
}  # fmt: skip
LARGEST_CYCLE_DAYS = 400
LONG_AGO = dt.date(1900, 1, 1)
"""Stands for "always a customer"."""

DECIMALS = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CycleWanted:
    """Which accounts, and the day after the last one billed."""

    cycle_id: str
    end: dt.date


def check_cycle(wanted: CycleWanted, accounts: pl.DataFrame) -> None:
    """Raise UsageError for a cycle that no account is in."""
    cycles = accounts["cycle_id"].drop_nulls().unique().sort()
    if wanted.cycle_id not in cycles:
        raise UsageError(
            f"no account is in cycle {wanted.cycle_id!r}",
            where="accounts",
            todo=f"use one of its cycles: {', '.join(cycles.head(10).to_list()) or 'none is named'}",
        )


def cycle_table(
    wanted: CycleWanted, accounts: pl.DataFrame, bills: pl.DataFrame, findings: pl.DataFrame, cases: pl.DataFrame,
    source: Source, medians: Floats, rulebook: Rulebook,
) -> pl.DataFrame:  # fmt: skip
    """CYCLE: one row per account of the cycle, in order of the account id."""
    mine = accounts.filter(pl.col("cycle_id") == wanted.cycle_id)
    members = mine.select("account_id", "read_frequency").sort(pl.all()).unique("account_id", keep="first")
    spans = _spans(members.sort("account_id"), bills, wanted.end)
    measured = _measured(spans, source, medians, rulebook)
    told = spans.join(measured, on="account_id", how="left", maintain_order="left")
    return decided(told, bills, findings, cases, rulebook, wanted.end).select(*CYCLE)


def _spans(members: pl.DataFrame, bills: pl.DataFrame, end: dt.date) -> pl.DataFrame:
    """Cycle start and end per account: from the bill before, else one or two calendar months."""
    before = bills.filter(pl.col("cycle_end") < end).group_by("account_id").agg(
        pl.col("cycle_end").max().alias("last_end"),
        (pl.col("cycle_end") - pl.col("cycle_start")).sort_by("cycle_end").last().dt.total_days().alias("usual_days"),
    )  # fmt: skip
    issued = bills.filter(pl.col("cycle_end") == end).group_by("account_id").agg(
        pl.col("cycle_start").min().alias("billed_start")
    )
    months = pl.when(pl.col("read_frequency") == "bimonthly").then(pl.lit("-2mo")).otherwise(pl.lit("-1mo"))
    recent = pl.when((pl.lit(end) - pl.col("last_end")).dt.total_days() <= LARGEST_CYCLE_DAYS).then("last_end")
    return (
        members.join(before, on="account_id", how="left", maintain_order="left")
        .join(issued, on="account_id", how="left", maintain_order="left")
        .with_columns(
            cycle_start=pl.coalesce("billed_start", recent, pl.lit(end).dt.offset_by(months)),
            cycle_end=pl.lit(end),
        )
        .with_columns(days=(pl.col("cycle_end") - pl.col("cycle_start")).dt.total_days())
        .select("account_id", "cycle_start", "cycle_end", "days", "usual_days")
    )


def _measured(spans: pl.DataFrame, source: Source, medians: Floats, rulebook: Rulebook) -> pl.DataFrame:
    """Energy, expectation and band per account: its metering points added up by their role."""
    positions = source.fleet.positions.select("position", "account_id", "point_role", "customer_since")
    mine = positions.join(spans, on="account_id", how="inner").filter(pl.col("point_role") != "check").sort("position")
    per_slice = max(int(source.slice_cells / max(source.landed.grid.borders, 1)), 1)
    parts = [
        _of_slice(some, panel_of(source, some["position"].to_numpy()), medians, rulebook)
        for some in mine.iter_slices(per_slice)
    ]
    adds = pl.col("point_role") != "subtract"
    sign = pl.when(adds).then(1.0).otherwise(-1.0)
    low = pl.when(adds).then("low").otherwise(-pl.col("high"))
    high = pl.when(adds).then("high").otherwise(-pl.col("low"))
    return (
        pl.concat([_nothing(mine), *parts])
        .group_by("account_id")
        .agg(
            (sign * pl.col("kwh")).sum().round(DECIMALS).alias("kwh"),
            (sign * pl.col("expected")).sum().round(DECIMALS).alias("expected_kwh"),
            low.sum().round(DECIMALS).alias("low_kwh"),
            high.sum().round(DECIMALS).alias("high_kwh"),
            (sign * pl.col("before")).sum().alias("before_kwh_per_day"),
            pl.col("ratio").mean().alias("cohort_ratio"),
            pl.col("measured_days").min(),
            pl.col("earlier").min(),
            pl.col("ended").all(),
        )
    )


def _nothing(members: pl.DataFrame) -> pl.DataFrame:
    """No metering point: where putting slices together starts."""
    numbers = dict.fromkeys(("kwh", "expected", "low", "high", "before", "ratio"), pl.Float64)
    counts = {"measured_days": pl.Int64, "earlier": pl.Int64, "ended": pl.Boolean}
    return pl.DataFrame(schema={**members.schema, **numbers, **counts})


def _of_slice(members: pl.DataFrame, panel: Panel, medians: Floats, rulebook: Rulebook) -> pl.DataFrame:
    """Per metering point: energy of the cycle, what was expected, and whether a read closes it."""
    first, end, since = (
        (members[name].fill_null(LONG_AGO).to_numpy().astype("datetime64[D]") - panel.days[0]).astype(np.int64)
        for name in ("cycle_start", "cycle_end", "customer_since")
    )
    found = cycle_expectation(
        panel.kwh, cohort_log(panel, medians), first, end, since,
        least_share=rulebook.setting("why_least_share"), log_offset_kwh=rulebook.setting("log_offset_kwh"),
        fleet_log_sigma=rulebook.setting("cycle_fleet_log_sigma"),
        fleet_cycles=rulebook.setting("cycle_fleet_cycles"), band_sigmas=rulebook.setting("cycle_band_sigmas"),
    )  # fmt: skip
    border = np.clip(end, 0, panel.shape[1])
    closing = panel.quality[np.arange(len(members)), border] >= 0
    return members.with_columns(
        pl.Series("kwh", found.kwh).fill_nan(0.0),
        *(
            pl.Series(name, values).fill_nan(None)
            for name, values in (
                ("expected", found.expected_kwh), ("low", found.low_kwh), ("high", found.high_kwh),
                ("before", found.before_kwh_per_day), ("ratio", found.cohort_ratio),
            )
        ),
        pl.Series("measured_days", found.measured_days),
        pl.Series("earlier", found.earlier),
        pl.Series("ended", closing & (end <= panel.shape[1])),
    )  # fmt: skip
