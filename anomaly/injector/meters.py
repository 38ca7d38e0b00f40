"""Clean meters for a town: start registers, dial sizes, read calendars, generation."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from anomaly.injector.dial import counted_wh, rate_ticks, register_ticks
from anomaly.injector.layout import Traits
from anomaly.injector.town import BoolArray, Dials, IntArray
from anomaly.injector.vocabulary import VALID


def draw_dials(
    days: npt.NDArray[np.datetime64],
    use_wh: IntArray,
    measured: BoolArray,
    curve_wh: npt.NDArray[np.int32],
    curve_present: BoolArray,
    fold_wh: npt.NDArray[np.int32],
    fold_present: BoolArray,
    traits: Traits,
    rng: np.random.Generator,
) -> Dials:
    """Give every home a dial with a start, a size and reads; all of it clean."""
    accounts, span = use_wh.shape
    decimals = np.where(traits.periodic, rng.choice([0, 1, 2], accounts, p=[0.2, 0.2, 0.6]), 2)
    digits = rng.choice([5, 6], accounts, p=[0.3, 0.7])
    tick_wh = 10 ** (3 - decimals)
    start_wh = np.rint(np.exp(rng.uniform(np.log(500), np.log(60_000), accounts)) * 1000).astype(np.int64)
    present, offsets = read_calendar(days, measured, traits, rng)
    capacity = 10 ** (digits + decimals)
    shares = np.where(traits.rates[:, None], rng.dirichlet([6, 10, 12, 8], accounts), 0.0)
    export_wh = generated_wh(days, traits.generation, rng)
    dials = Dials(
        use_wh=use_wh,
        dial_wh=use_wh.copy(),
        ticks=np.zeros((accounts, span + 1), dtype=np.int64),
        present=present,
        quality=np.full((accounts, span + 1), VALID, dtype=np.int8),
        offset_minutes=offsets,
        curve_wh=curve_wh,
        curve_present=curve_present,
        curve_quality=np.full(curve_wh.shape, VALID, dtype=np.int8),
        fold_wh=fold_wh,
        fold_present=fold_present,
        rate_ticks=np.zeros((accounts, 4, span + 1), dtype=np.int64),
        rate_shares=shares,
        export_wh=export_wh,
        export_ticks=np.zeros((accounts, span + 1), dtype=np.int64),
        has_export=traits.generation.copy(),
        start_wh=start_wh,
        tick_wh=tick_wh.astype(np.int64),
        capacity_ticks=capacity.astype(np.int64),
        exchange_at=np.full(accounts, np.datetime64("NaT", "m")),
    )
    return count_up(dials)


def count_up(dials: Dials) -> Dials:
    """Stored registers from what the dials counted, for every account at once."""
    counted = counted_wh(dials.dial_wh, dials.offset_minutes)
    ticks = register_ticks(dials.start_wh, counted, dials.tick_wh, dials.capacity_ticks)
    exported = register_ticks(
        dials.start_wh // 7,
        counted_wh(dials.export_wh, dials.offset_minutes),
        dials.tick_wh,
        dials.capacity_ticks,
    )
    shares = np.repeat(dials.rate_shares[:, None, :], dials.dial_wh.shape[1], axis=1)
    rates = rate_ticks(ticks, shares, dials.rate_shares)
    return replace(dials, ticks=ticks, export_ticks=exported, rate_ticks=rates)


def read_calendar(
    days: npt.NDArray[np.datetime64], measured: BoolArray, traits: Traits, rng: np.random.Generator
) -> tuple[BoolArray, IntArray]:
    """Which instants have a stored read, [N, D + 1], and how many minutes after midnight it was taken.

    A freeze is there unless the day it closes was not measured. Periodic accounts are read by hand once a
    month, a box at a time, on about the same day, between nine and half past four.
    """
    periodic = traits.periodic[:, None]
    instants = np.append(days, days[-1] + np.timedelta64(1, "D"))
    day_of_month = (instants - instants.astype("datetime64[M]")).astype(np.int64)
    months = instants.astype("datetime64[M]").astype(np.int64)
    month: IntArray = months - months.min()
    _, box = np.unique(np.stack([traits.area, traits.box]), axis=1, return_inverse=True)
    visits = (int(box.max()) + 1, int(month.max()) + 1)
    visit_day = rng.integers(3, 25, (visits[0], 1)) + rng.integers(-2, 3, visits)
    visited = (visit_day[box][:, month] == day_of_month) & (instants < instants[-1])
    present = np.where(periodic, visited, np.pad(measured, ((0, 0), (1, 0)), constant_values=True))
    arrival = rng.integers(9 * 60, 16 * 60, visits)[box][:, month]
    minutes = arrival + np.arange(len(box))[:, None] % 30
    return present, np.where(periodic & present, minutes, 0).astype(np.int64)


def generated_wh(
    days: npt.NDArray[np.datetime64], generation: BoolArray, rng: np.random.Generator
) -> IntArray:
    """Energy sent out per day, [N, D]: a roof's year, cloudy days and all; zero without generation."""
    day_of_year = (days - days.astype("datetime64[Y]")).astype(np.float64)
    season = 0.55 - 0.45 * np.cos(2 * np.pi * (day_of_year + 10) / 365)
    roof_kwh = rng.uniform(6.0, 16.0, len(generation))[:, None]
    cloud = rng.beta(2.0, 1.5, (1, len(days)))
    sent_wh: IntArray = np.rint(generation[:, None] * roof_kwh * season * cloud * 1000).astype(np.int64)
    return sent_wh
