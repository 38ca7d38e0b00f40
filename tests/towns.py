"""Towns with every kind of fault, made once per test session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl

from anomaly.injector.build import build_town
from anomaly.injector.catalogue import KINDS
from anomaly.injector.homes import HomeSeries
from anomaly.injector.inject import inject
from anomaly.injector.layout import Plan
from anomaly.injector.registry import Fault

CLOCK_CHANGE = dt.date(2013, 10, 27)
LAST_DAY = np.datetime64("2013-10-31", "D")


@dataclass(frozen=True)
class FaultyTown:
    """Tables of a book, the day to scan it as of, and what is wrong with it."""

    tables: Mapping[str, pl.DataFrame]
    as_of: dt.date
    truth: pl.DataFrame


def homes(count: int, days: int, curve_days: int, seed: int) -> HomeSeries:
    """Homes of 4 to 25 kWh a day with a morning and an evening, in whole Wh."""
    rng = np.random.default_rng(seed)
    shape = 0.3 + np.exp(-((np.arange(48) - 38) ** 2) / 20) + 0.6 * np.exp(-((np.arange(48) - 15) ** 2) / 8)
    level_kwh = rng.uniform(4.0, 25.0, (count, 1, 1))
    noise = rng.gamma(8.0, 1 / 8, (count, days, 48))
    half_hours = np.round(level_kwh * shape / shape.sum() * noise, 3)
    names = tuple(f"H{number:03d}" for number in range(count))
    span = LAST_DAY - np.arange(days)[::-1].astype("timedelta64[D]")
    return HomeSeries(names, span, half_hours.sum(axis=2), half_hours[:, days - curve_days :])


@cache
def faulty_town(seed: int = 3) -> FaultyTown:
    """300 accounts over 240 days, one fault or innocent look-alike of every kind among them."""
    plan = Plan(
        accounts=300,
        monthly_share=0.2,
        ct_share=0.25,
        rate_share=0.3,
        generation_share=0.1,
        three_phase_share=0.4,
        curve_share=0.7,
        clock_change=CLOCK_CHANGE,
    )
    town = build_town(homes(40, 240, 70, seed), seed=seed, plan=plan)
    town, truth = inject(town, [Fault(kind) for kind in KINDS], seed)
    return FaultyTown(town.tables(), dt.date.fromisoformat(str(town.as_of)), truth)
