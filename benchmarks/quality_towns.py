"""Towns of the quality benchmark: clean ones, the same with a few faults, and what a scan says of each."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from anomaly.injector.build import build_town
from anomaly.injector.catalogue import KINDS
from anomaly.injector.homes import HomeSeries
from anomaly.injector.inject import inject
from anomaly.injector.layout import Plan
from anomaly.injector.registry import Fault
from anomaly.injector.town import Town
from pipelines.sample import write_book
from pipelines.scan import scan

DENSITY = 0.12
"""Accounts that carry something, at most: a real fleet is mostly in order, and so must the cohorts be."""

CURVE_DAYS = 120
CLOCK_CHANGE = dt.date(2013, 10, 27)
CLOCK_CHANGE_WINDOW_DAYS = 40
MOST_OFFSET_WEEKS = 4
LEAST_HISTORY_DAYS = 90

MIXED = Plan(monthly_share=0.2, ct_share=0.12, three_phase_share=0.15, curve_share=0.75)
"""Every sort of account, in no realistic proportion: each kind of fault needs somebody who can carry it."""


@dataclass(frozen=True, eq=False)
class Scanned:
    """What a scan published: its findings (with their case) and its cases."""

    findings: pl.DataFrame
    cases: pl.DataFrame

    @property
    def open_cases(self) -> pl.DataFrame:
        """Cases somebody would be shown."""
        return self.cases.filter(pl.col("status") == "open")


def until(series: HomeSeries, as_of: dt.date) -> HomeSeries:
    """The series as it was known on `as_of`. Raises ValueError where that leaves no history to judge by."""
    known = series.days < np.datetime64(as_of, "D")
    if known.sum() < LEAST_HISTORY_DAYS:
        raise ValueError(f"as of {as_of} the series has {known.sum()} days; give a date with at least 90 before it")
    curve = None if series.curve_kwh is None else series.curve_kwh[:, known[-series.curve_days :]]
    return HomeSeries(series.home_ids, series.days[known], series.daily_kwh[:, known], curve)


def recent_curve(series: HomeSeries) -> HomeSeries:
    """The same with no more than the last CURVE_DAYS of the curve, where all faults are: smaller books."""
    curve = None if series.curve_kwh is None else series.curve_kwh[:, -CURVE_DAYS:]
    return replace(series, curve_kwh=curve)


def plan_for(as_of: dt.date, accounts: int) -> Plan:
    """Enough of every sort of account for each kind of fault; a clock change where it is recent."""
    since_change = (as_of - CLOCK_CHANGE).days
    return replace(
        MIXED,
        accounts=accounts,
        max_offset_weeks=MOST_OFFSET_WEEKS,
        clock_change=CLOCK_CHANGE if 0 < since_change < CLOCK_CHANGE_WINDOW_DAYS else None,
    )


def clean_town(series: HomeSeries, seed: int, as_of: dt.date, accounts: int) -> Town:
    """A town without faults that ends the day before `as_of`, with a mixture of all sorts of accounts."""
    return build_town(recent_curve(until(series, as_of)), seed=seed, plan=plan_for(as_of, accounts))


def rounds(kinds: Sequence[str], accounts: int, seed: int) -> list[list[str]]:
    """Kinds in random order, dealt out over towns so that none exceeds DENSITY; area kinds get one each."""
    shuffled = [str(kind) for kind in np.random.default_rng([seed, 2]).permutation(sorted(kinds))]
    room = max(int(DENSITY * accounts), 2)
    dealt: list[list[str]] = [[]]
    taken = 0
    for kind in (kind for kind in shuffled if KINDS[kind].scope != "area"):
        needed = KINDS[kind].homes
        if taken + needed > room:
            dealt.append([])
            taken = 0
        dealt[-1].append(kind)
        taken += needed
    return dealt + [[kind] for kind in shuffled if KINDS[kind].scope == "area"]


def with_faults(town: Town, kinds: Sequence[str], seed: int) -> tuple[Town, pl.DataFrame, list[str]]:
    """The town with one fault of each kind, the truth of these, and the kinds no free account could carry."""
    known, refused = len(town.truth), []
    for number, kind in enumerate(kinds):
        try:
            town, _ = inject(town, [Fault(kind)], seed * 1000 + number)
        except ValueError as fault:
            if "can carry" not in str(fault) and "days before" not in str(fault):
                raise
            refused.append(kind)
    return town, town.truth.slice(known), refused


def scanned(town: Town, *days: dt.date) -> list[Scanned]:
    """Write the town as a book and scan it as of each day."""
    results = []
    with tempfile.TemporaryDirectory(prefix="kwhy-quality-") as scratch:
        book = Path(scratch) / "book"
        write_book(town.tables(), book)
        zone = "UTC" if town.clock_change is None else "Europe/London"
        (book / "book.toml").write_text(f'country = "GB"\nregion = "London"\ntime_zone = "{zone}"\n')
        for day in days:
            out = Path(scratch) / f"out-{day}"
            scan(book, day, out)
            results.append(Scanned(pl.read_parquet(out / "findings.parquet"), pl.read_parquet(out / "cases.parquet")))
    return results
