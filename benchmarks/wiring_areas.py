"""Areas and their losses, on real homes put into virtual areas with supply meters.

    python -m benchmarks.wiring_areas [--homes FILE] [--trials N]

Two areas of twenty homes each stand side by side. Each loses 3 % in the cables and a little in the transformer;
its supply meter reads with a noise of 2 % of the day (pessimistic; 0.4 % in the second row), and street lighting and
the like that nobody meters come and go slowly (2 % of the energy on average, a day resembles the day before by 0.8).
"moved": one home is fed by the other area than its file says. "in order": none is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from anomaly.area_balance import AreaBalance
from anomaly.area_moves import Moves, MoveSearch, find_moves
from benchmarks.wiring_boxes import MIN_MEASURED_SHARE
from pipelines.sample import HomeSeries, load_homes, load_sample
from rules.rulebook import load

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

AREA = 20
MILLION = 1_000_000


@dataclass(frozen=True)
class Noise:
    """What a supply meter sees besides customers: shares of the area's energy."""

    master_share: float
    unmetered_share: float
    persistence: float = 0.8
    cable_share: tuple[float, float] = (0.01, 0.06)
    transformer_share: float = 0.01


PESSIMISTIC = Noise(0.02, 0.02)
ORDINARY = Noise(0.004, 0.01)


@dataclass(frozen=True, eq=False)
class Trials:
    """N pairs of areas: areas 2k and 2k + 1 are neighbours; homes `[N, 2, 20]`, true energy `[N, 2, 20, L]`."""

    kwh: Floats
    noise: Noise

    def balance(self, fed_kwh: Floats, filed_kwh: Floats, rng: np.random.Generator) -> AreaBalance:
        """The balance of areas that feed `fed_kwh[2N, L]` and have meters on file that counted `filed_kwh[2N, L]`."""
        count, days = fed_kwh.shape
        mean = fed_kwh.mean(axis=1, keepdims=True)
        unmetered = _autoregressive(rng.normal(0, 1, (count, days)), self.noise.persistence)
        standing = mean * (
            self.noise.transformer_share + self.noise.unmetered_share * np.maximum(1 + 0.5 * unmetered, 0)
        )
        cables = rng.uniform(*self.noise.cable_share, (count, 1)) * fed_kwh**2 / mean
        supply = (fed_kwh + standing + cables) * (1 + self.noise.master_share * rng.normal(0, 1, (count, days)))
        names = np.array([f"{number:06d}" for number in range(count)], dtype=object)
        pairs = np.arange(count).reshape(-1, 2)
        both = np.concatenate([pairs, pairs[:, ::-1]])
        return AreaBalance(names, supply, filed_kwh, both[np.argsort(both[:, 0])])


def _autoregressive(shocks: Floats, persistence: float) -> Floats:
    """Series `[K, L]` of unit variance in which a day resembles the day before by `persistence`."""
    level = shocks.copy()
    for day in range(1, shocks.shape[1]):
        level[:, day] = persistence * level[:, day - 1] + np.sqrt(1 - persistence**2) * shocks[:, day]
    return level


def whole_homes(series: HomeSeries) -> Floats:
    """`[N, D]` daily energy of the homes measured nearly always; a day that is not is the home's usual one."""
    known = np.isfinite(series.daily_kwh).mean(axis=1) >= MIN_MEASURED_SHARE
    kwh = series.daily_kwh[known]
    return np.where(np.isfinite(kwh), kwh, np.nanmedian(kwh, axis=1)[:, None])


def draw_areas(homes: Floats, count: int, days: int, noise: Noise, rng: np.random.Generator) -> Trials:
    """Pairs of areas of real homes over `days` days from a random day on, no home twice in a pair."""
    who = np.argsort(rng.random((count, len(homes))), axis=1)[:, : 2 * AREA].reshape(count, 2, AREA)
    start = rng.integers(0, homes.shape[1] - days + 1, count)
    day = start[:, None] + np.arange(days)
    return Trials(homes[who[..., None], day[:, None, None]], noise)


@dataclass(frozen=True)
class Found:
    """What a search makes of N pairs of areas."""

    right: float
    false_area: float
    both_ways: Moves


def search_moves(trials: Trials, search: MoveSearch, *, moved: bool, rng: np.random.Generator) -> tuple[float, float]:
    """(share of pairs in which the moved home is found, share of pairs in which another one is accused)."""
    count = len(trials.kwh)
    filed = trials.kwh.sum(axis=2)
    fed = filed.copy()
    if moved:
        fed[:, 1] -= trials.kwh[:, 1, 0]
        fed[:, 0] += trials.kwh[:, 1, 0]
    flat = (2 * count, trials.kwh.shape[3])
    balance = trials.balance(fed.reshape(flat), filed.reshape(flat), rng)
    area = np.repeat(np.arange(2 * count), AREA)
    found = find_moves(area, trials.kwh.reshape(-1, flat[1]), balance, search)
    right = found.position % (2 * AREA) == AREA
    pair = found.position // (2 * AREA)
    hit = np.isin(np.arange(count), pair[right]) if moved else np.zeros(count, bool)
    accused = np.isin(np.arange(count), pair[~right] if moved else pair)
    return float(hit.mean()), float(accused.mean())
