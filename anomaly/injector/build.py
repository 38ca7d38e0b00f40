"""Build a town from real series: registers that conserve every Wh, curves that agree, and the files."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from anomaly.injector.homes import FloatArray, HomeSeries, weekday_fill
from anomaly.injector.inject import inject
from anomaly.injector.layout import (
    Plan,
    Traits,
    account_rows,
    area_ids,
    draw_traits,
    installation_rows,
    meter_numbers,
)
from anomaly.injector.meters import draw_dials
from anomaly.injector.registry import Fault
from anomaly.injector.town import BoolArray, Dials, IntArray, Town
from anomaly.injector.vocabulary import (
    ELECTRICAL_COLUMNS,
    EVENT_COLUMNS,
    INTERVAL_COLUMNS,
    READ_COLUMNS,
    TICKET_COLUMNS,
    TRUTH_COLUMNS,
)

VACANT_DAY_KWH = 0.1
VACANT_SHARE = 0.95
CT_SECONDARY_SHARE = 0.25
GAP_DAYS = 5


def build_town(series: HomeSeries, *, seed: int, plan: Plan | None = None) -> Town:
    """Lay the homes out as a supplier's book would know them; the same seed gives the same town.

    Register differences equal the energy used to the register's resolution; half-hours of a completely
    measured day sum to that day's energy. Raises ValueError when the plan asks for offsets longer than the
    series.
    """
    plan = plan or Plan()
    rng = np.random.default_rng([seed, 0])
    days, measured_kwh, curve_kwh = resample(series, plan, rng)
    vacant = (
        np.nanmean(np.where(np.isnan(measured_kwh), 0.0, measured_kwh) < VACANT_DAY_KWH, axis=1)
        > VACANT_SHARE
    )
    traits = draw_traits(vacant, series.curve_kwh is not None, plan, rng)
    scale = np.where(traits.multiplier > 1, CT_SECONDARY_SHARE, 1.0)
    use_wh, curve_wh, curve_present = whole_wh(
        measured_kwh * scale[:, None], curve_kwh * scale[:, None, None]
    )
    curve_present &= traits.curve[:, None, None]
    fold_wh, fold_present = repeated_hour(days, use_wh, curve_wh, traits, plan)
    dials = draw_dials(
        days, use_wh, ~np.isnan(measured_kwh), curve_wh, curve_present, fold_wh, fold_present, traits, rng
    )
    accounts = account_rows(traits, plan, days[0], rng)
    town = assemble(days, dials, accounts, traits, plan, rng)
    return with_exchanges(town, plan, seed)


def resample(
    series: HomeSeries, plan: Plan, rng: np.random.Generator
) -> tuple[npt.NDArray[np.datetime64], FloatArray, FloatArray]:
    """Days [D], measured energy [N, D] and curve [N, D2, 48] of the homes that will live in the town.

    A copy is scaled by up to about a third and moved whole weeks, so that no two accounts are alike and
    weekdays stay weekdays; nothing is spliced.
    """
    homes, longest = series.daily_kwh.shape
    if 7 * plan.max_offset_weeks >= longest:
        raise ValueError(
            f"max_offset_weeks {plan.max_offset_weeks} leaves no day of a series of {longest} days"
        )
    accounts = plan.accounts or homes
    chosen = np.concatenate([rng.permutation(homes) for _ in range(-(-accounts // homes))])[:accounts]
    copies = np.arange(accounts) >= homes
    scale = np.where(copies, np.exp(rng.normal(0.0, 0.3, accounts)), 1.0)
    lost = 7 * plan.max_offset_weeks
    first = lost - 7 * np.where(copies, rng.integers(0, plan.max_offset_weeks + 1, accounts), 0)
    window = first[:, None] + np.arange(longest - lost)
    daily = series.daily_kwh[chosen[:, None], window] * scale[:, None]
    curve_days = max(0, series.curve_days - lost)
    if series.curve_kwh is None or curve_days == 0:
        return series.days[lost:], daily, np.empty((accounts, 0, 48))
    in_curve = window[:, -curve_days:] - (longest - series.curve_days)
    curve = series.curve_kwh[chosen[:, None], in_curve] * scale[:, None, None]
    return series.days[lost:], daily, curve


def whole_wh(
    measured_kwh: FloatArray, curve_kwh: FloatArray
) -> tuple[IntArray, npt.NDArray[np.int32], BoolArray]:
    """Whole Wh per day and half-hour. Where the curve is complete, the day *is* the sum of its half-hours."""
    use_wh = np.rint(weekday_fill(measured_kwh) * 1000).astype(np.int64)
    present = ~np.isnan(curve_kwh)
    curve_wh = np.rint(np.where(present, curve_kwh, 0.0) * 1000).astype(np.int32)
    curve_days = curve_kwh.shape[1]
    if curve_days:
        whole = present.all(axis=2)
        recent = use_wh[:, -curve_days:]
        recent[...] = np.where(whole, curve_wh.sum(axis=2), np.maximum(recent, curve_wh.sum(axis=2)))
    return use_wh, curve_wh, present


def repeated_hour(
    days: npt.NDArray[np.datetime64],
    use_wh: IntArray,
    curve_wh: npt.NDArray[np.int32],
    traits: Traits,
    plan: Plan,
) -> tuple[npt.NDArray[np.int32], BoolArray]:
    """The hour from 01:00 that the clock change repeats, [N, 2]: as much again, added to that day's use."""
    fold_wh = np.zeros((len(use_wh), 2), dtype=np.int32)
    position = (
        np.flatnonzero(days == np.datetime64(plan.clock_change, "D")) if plan.clock_change else np.array([])
    )
    in_curve = int(position[0]) - (len(days) - curve_wh.shape[1]) if len(position) else -1
    if in_curve < 0:
        return fold_wh, np.zeros_like(fold_wh, dtype=bool)
    fold_wh[:] = curve_wh[:, in_curve, 2:4]
    use_wh[:, int(position[0])] += fold_wh.sum(axis=1)
    return fold_wh, np.repeat(traits.curve[:, None], 2, axis=1)


def assemble(
    days: npt.NDArray[np.datetime64],
    dials: Dials,
    accounts: pl.DataFrame,
    traits: Traits,
    plan: Plan,
    rng: np.random.Generator,
) -> Town:
    """Put arrays and files together, and note the gaps that were in the source from the start."""
    meters = meter_numbers(len(accounts), rng)
    decimals = 3 - np.rint(np.log10(dials.tick_wh)).astype(np.int64)
    digits = np.rint(np.log10(dials.capacity_ticks)).astype(np.int64) - decimals
    installations = installation_rows(accounts, meters, traits, digits, decimals)
    names = area_ids(np.unique(traits.area))
    supply = [f"S{690_200_000_017 + 31 * number:012d}" for number in range(len(names))]
    areas = pl.DataFrame(
        {
            "area_id": names,
            "supply_meter_id": supply,
            "name": [f"Area {name}" for name in names],
            "neighbours": neighbours_of(names),
        },
        schema_overrides={"neighbours": pl.String},
    )
    if not plan.supply_meters:
        areas = areas.with_columns(pl.lit(None, dtype=pl.String).alias("supply_meter_id"))
    town = Town(
        days=days,
        meters=meters,
        dials=dials,
        rows={
            "accounts": accounts,
            "installations": installations,
            "areas": areas,
            "events": pl.DataFrame(schema=EVENT_COLUMNS),
            "tickets": pl.DataFrame(schema=TICKET_COLUMNS),
            "extra_reads": pl.DataFrame(schema=READ_COLUMNS),
            "extra_intervals": pl.DataFrame(schema=INTERVAL_COLUMNS),
            "electrical": pl.DataFrame(schema=ELECTRICAL_COLUMNS),
        },
        truth=pl.DataFrame(schema=TRUTH_COLUMNS),
        clock_change=np.datetime64(plan.clock_change, "D") if plan.clock_change else None,
        supply_loss=dict(zip(names, rng.uniform(0.02, 0.05, len(names)).tolist(), strict=True))
        if plan.supply_meters
        else None,
    )
    return replace(town, truth=natural_gaps(town, traits.periodic))


def neighbours_of(names: list[str]) -> list[str | None]:
    """The areas before and after each one, as along a street; None for the only one."""
    beside = [names[max(at - 1, 0) : at] + names[at + 1 : at + 2] for at in range(len(names))]
    return [";".join(one) or None for one in beside]


def natural_gaps(town: Town, periodic: BoolArray) -> pl.DataFrame:
    """Truth rows for runs of at least five missing freezes that the source itself has."""
    absent = ~town.dials.present & ~periodic[:, None]
    edges = np.diff(np.pad(absent, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    row, first = np.nonzero(edges == 1)
    last = np.nonzero(edges == -1)[1]
    long = last - first >= GAP_DAYS
    row, first, last = row[long], first[long], last[long]
    return pl.DataFrame(
        {
            "kind": ["natural_gap"] * len(row),
            "cause": ["missing_reads"] * len(row),
            "accepted": [["missing_reads"]] * len(row),
            "innocent": [False] * len(row),
            "account_id": town.accounts["account_id"].to_numpy()[row],
            "meter_id": town.meters[row, 0],
            "related_account_id": [None] * len(row),
            "start": town.days[0] + first,
            "end": town.days[0] + np.minimum(last, len(town.days)),
            "kwh_wrong": [0.0] * len(row),
            "note": ["the source has no complete days here"] * len(row),
        },
        schema=TRUTH_COLUMNS,
    )


def with_exchanges(town: Town, plan: Plan, seed: int) -> Town:
    """A few meters changed properly somewhere in the span: registers, file and event agree."""
    if not plan.correct_exchanges:
        return town
    span = len(town.days)
    wanted = [Fault("correct_exchange", window_days=span - 30) for _ in range(plan.correct_exchanges)]
    return inject(town, wanted, seed)[0]
