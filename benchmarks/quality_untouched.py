"""False cases: what month-end scans open on series nobody has touched."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from anomaly.injector.build import build_town
from anomaly.injector.homes import HomeSeries
from anomaly.injector.town import Town
from benchmarks.quality_towns import MIXED, scanned, until

FIRST_SCAN_DAYS = 60
"""History before the first month-end scan; that scan only says what was open already."""


@dataclass(frozen=True, eq=False)
class Untouched:
    """Cases newly opened at month-ends, one row each, and how many account-months were looked at.

    `gap` marks cases about reads that the source series really lacks: those are right, and counted apart.
    """

    cases: pl.DataFrame
    account_months: int


def month_ends(first: dt.date, last: dt.date) -> list[dt.date]:
    """The first days of the months in [first, last]: a month closes at 00:00 of the next one's first day."""
    days = pl.date_range(first, last, "1d", eager=True)
    return days.filter(days.dt.day() == 1).to_list()


def untouched(series: HomeSeries, seed: int, last: dt.date) -> Untouched:
    """Scan a town of all homes, each once and without faults, at every month-end up to `last`."""
    town = build_town(until(series, last), seed=seed, plan=MIXED)
    begin = town.days[0].item() + dt.timedelta(days=FIRST_SCAN_DAYS)
    days = month_ends(begin, last)
    before: pl.DataFrame | None = None
    opened = []
    for day, result in zip(days, scanned(town, *days), strict=True):
        if before is not None:
            new = result.open_cases.join(before, on="case_id", how="anti")
            opened.append(new.join(rules_of(result.findings), on="case_id", how="left").with_columns(as_of=pl.lit(day)))
        before = result.open_cases.select("case_id")
    cases = pl.concat(opened)
    homes = len(town.accounts)
    return Untouched(
        cases.with_columns(gap=pl.Series(with_source_gap(town, cases), dtype=pl.Boolean), seed=pl.lit(seed)),
        homes * len(opened),
    )


def rules_of(findings: pl.DataFrame) -> pl.DataFrame:
    """case_id → the codes that speak in it."""
    told = findings.filter(pl.col("status") == "reported")
    return told.group_by("case_id").agg(pl.col("code").unique().sort().str.join(" ").alias("codes"))


def with_source_gap(town: Town, cases: pl.DataFrame) -> list[bool]:
    """Whether each missing-reads case lies over freezes or half-hours that the source lacks."""
    row = {account: number for number, account in enumerate(town.accounts["account_id"].to_list())}
    daily = (town.accounts["read_frequency"] == "daily").to_numpy()
    absent = ~town.dials.present & daily[:, None]
    curve_first = len(town.days) - town.curve_days
    has_curve = np.asarray(town.dials.curve_present.any(axis=(1, 2)))
    absent[:, curve_first:-1] |= ~town.dials.curve_present.all(axis=2) & has_curve[:, None]
    told = []
    for case in cases.select("account_id", "start", "end", "cause").to_dicts():
        at = row.get(case["account_id"])
        first, end = (int((np.datetime64(case[side], "D") - town.days[0]).astype(int)) for side in ("start", "end"))
        told.append(case["cause"] == "missing_reads" and at is not None and bool(absent[at, first : end + 1].any()))
    return told
