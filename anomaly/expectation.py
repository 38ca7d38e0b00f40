"""What a position usually uses, from its own reads, and how likely one step of its register is.

Everything is judged on steps between reads (kWh on the dial, days between), never on spread days, so that a
position read every day and one read six times a year are treated alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.columns import Columns
from anomaly.panel import Panel
from anomaly.statistics import MAD_TO_SIGMA, row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FLOOR_KWH_PER_DAY = 0.3
"""Added before the logarithm, so that an empty home is low and not infinitely far away."""

LEAST_STEPS = 4
"""With fewer clean steps there is no own level; the step that skips the read stands in, widely spread."""

WIDE_SPREAD_LOG = 1.0
TAIL_DEGREES = 4.0
"""Student-t tails: with a Gaussian one real change of life outweighs everything else."""

LINE_VOLTAGE_FROM = 350.0
"""Rated volts from here on are between lines: three phases carry √3 × volts × amps instead of 3 ×."""

CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class Usual(Columns):
    """Log-normal level of K positions: `centre` and `spread` of ln(kWh a day + `floor`), from `steps` clean
    steps. The share `idle` of these used no more than the floor: nobody was there.
    """

    centre: Floats
    spread: Floats
    floor: Floats
    steps: Integers
    idle: Floats

    def kwh_per_day(self) -> Floats:
        """The middle of the band, kWh a day on the dial."""
        return np.maximum(np.exp(self.centre) - self.floor, 0.0)

    def z(self, step_kwh: Floats, days: Floats) -> Floats:
        """Spreads away from the centre of the log scale; backward steps count as none. Broadcasts on the
        right.
        """
        extra = (...,) + (None,) * (np.ndim(step_kwh) - 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = np.maximum(step_kwh, 0.0) / days
            return np.asarray((np.log(rate + self.floor[extra]) - self.centre[extra]) / self.spread[extra])


def usual_around(
    panel: Panel,
    row: Integers,
    border: Integers,
    *,
    window_days: int,
    spread_log: float,
    skip: Integers | None = None,
) -> Usual:
    """The usual level of each (row, border) from the clean steps within `window_days` on both sides.

    The step at the border itself, and the one at border `skip`, are left out; so are backward and rolled
    steps. A position read once a month or less is judged on ten times the window. `spread_log` is the least
    spread.
    """
    skip = border if skip is None else skip
    width = panel.step_kwh.shape[1]
    per_chunk = max(1, CELLS_AT_ONCE // max(width, 1))
    parts = [
        _usual_chunk(panel, row[at], border[at], skip[at], window_days, spread_log)
        for at in np.array_split(np.arange(len(row)), max(1, -(-len(row) // per_chunk)))
    ]
    return Usual.together(parts)


def _usual_chunk(
    panel: Panel, row: Integers, border: Integers, skip: Integers, window_days: int, spread_log: float
) -> Usual:
    column = np.arange(panel.step_kwh.shape[1])
    reach = np.where(panel.daily[row], window_days, 10 * window_days)[:, None]
    near = (np.abs(column - border[:, None]) <= reach) & (column != border[:, None]) & (column != skip[:, None])
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = panel.step_kwh[row] / panel.step_days[row]
        clean = near & (rate >= 0) & ~panel.rolled[row]
    multiplier = multiplier_at(panel, row, border)
    floor = FLOOR_KWH_PER_DAY / multiplier
    level = np.where(clean, np.log(np.where(clean, rate, 0.0) + floor[:, None]), np.nan)
    centre = row_median(level)
    spread = np.maximum(MAD_TO_SIGMA * row_median(np.abs(level - centre[:, None])), spread_log)
    steps = clean.sum(axis=1)
    idle = (clean & (rate <= floor[:, None])).sum(axis=1) / np.maximum(steps, 1)
    return Usual(centre, spread, floor, steps.astype(np.int64), idle)


def multiplier_at(panel: Panel, row: Integers, border: Integers) -> Floats:
    """Multiplier in force on the day before each border; 1 where none is known."""
    if not panel.multiplier.shape[1]:
        return np.ones(len(row))
    day = np.clip(border - 1, 0, panel.multiplier.shape[1] - 1)
    found = panel.multiplier[row, day]
    return np.where(np.isfinite(found) & (found > 0), found, 1.0)


def step_log_likelihood(
    step_kwh: Floats, days: Floats, usual: Usual, capacity_kwh_per_day: Floats, *, impossible_chance: float
) -> Floats:
    """Log-likelihood of steps `[K]` or `[K, C]`, up to a constant: Student-t on the log scale of use a day.

    A backward step, and what a step has above the meter's capacity, happens with `impossible_chance` only. A home that
    is empty at times is as likely to use nothing as its share of idle steps says.
    """
    z = usual.z(step_kwh, days)
    likelihood = -(TAIL_DEGREES + 1) / 2 * np.log1p(z * z / TAIL_DEGREES)
    extra = (...,) + (None,) * (np.ndim(step_kwh) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        at_rest = np.where(step_kwh <= usual.floor[extra] * days, np.log(usual.idle)[extra], -np.inf)
        likelihood = np.maximum(likelihood, at_rest)
        above = step_kwh > capacity_kwh_per_day[extra] * np.maximum(days, 1.0)
        likelihood = np.where(above, likelihood + np.log(impossible_chance), likelihood)
        return np.asarray(np.where(step_kwh < 0, np.log(impossible_chance), likelihood))


def near_value_log_likelihood(step_kwh: Floats, known_kwh: Floats, tolerance_kwh: Floats) -> Floats:
    """Log-likelihood of steps whose energy is known from the load curve to within a tolerance."""
    extra = (...,) + (None,) * (np.ndim(step_kwh) - 1)
    z = (step_kwh - known_kwh[extra]) / tolerance_kwh[extra]
    return np.asarray(-(TAIL_DEGREES + 1) / 2 * np.log1p(z * z / TAIL_DEGREES))


def capacity_kwh_per_day(panel: Panel, row: Integers, border: Integers, *, contract_ratio: float) -> Floats:
    """The most a meter can carry in a day, kWh on its dial: volts × amps × phases × 24 h.

    From the installation in place at each border. Without ratings it is `contract_ratio` times the contracted
    capacity (after multiplier, so divided by it); inf where nothing is known.
    """
    names = ("rated_volts", "max_amps", "phases")
    index = panel.installation[row, border]
    # An unknown installation (-1) takes the added NaN at the end.
    volts, amps, phases = (np.append(_installed(panel, name), np.nan)[index] for name in names)
    three = phases >= 3
    factor = np.where(three & (volts >= LINE_VOLTAGE_FROM), np.sqrt(3.0), np.where(three, 3.0, 1.0))
    rated = volts * amps * factor * 24 / 1000
    contract = panel.positions["contract_kva"].cast(float).to_numpy()[row] * 24 * contract_ratio
    contract = contract / multiplier_at(panel, row, border)
    usable = np.isfinite(rated) & (rated > 0)
    return np.where(usable, rated, np.where(np.isfinite(contract) & (contract > 0), contract, np.inf))


def _installed(panel: Panel, name: str) -> Floats:
    """A column of the installations as numbers, NaN where the file is silent."""
    return np.asarray(panel.installations[name].cast(float).to_numpy())
