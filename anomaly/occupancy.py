"""Lived in or empty: what a meter's use says about it, and what the file says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.statistics import previous_index, quantised, true_cells

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

LEFT = ("vacant", "closed")
"""States of an account whose people have gone."""

STILL_SHARE = 1 + 1e-9
"""The limit itself still counts as rest, whatever the last bit of the difference says."""

ZERO_SHARE = 0.003
"""Added to a use before the logarithm, as a share of what is typical: no use at all stays finite."""


def day_on_file(panel: Panel, column: str) -> tuple[Integers, Booleans]:
    """`[M]` a date of the file as panel day (before the reads: negative), and whether there is one."""
    dates = panel.positions[column]
    known = dates.is_not_null().to_numpy()
    if not len(panel.days):
        return np.zeros(len(known), np.int64), np.zeros(len(known), bool)
    filled = dates.fill_null(panel.days[0].item()).to_numpy().astype("datetime64[D]")
    return (filled - panel.days[0]).astype(np.int64), known


def is_status(panel: Panel, *names: str) -> Booleans:
    """`[M]` whether the account's status on file is one of these; without a status it is none."""
    return np.isin(panel.column("status").astype(str), names)


def cut_by_own_relay(panel: Panel) -> Booleans:
    """`[M]` disconnected on file by the relay inside its own meter, which is then dark whomever it feeds."""
    internal = panel.column("relay").astype(str) == "internal"
    return np.asarray(is_status(panel, "disconnected") & internal)


def resting_days(panel: Panel, rows: Integers, max_kwh_per_day: float) -> Booleans:
    """`[K, D]` days of `rows` on which the register of one meter moves by at most so much a day, from read to read.

    Taken from the registers themselves: days that a reading error has excluded are rest all the same.
    """
    present, register, meter = panel.quality[rows] >= 0, panel.register_kwh[rows], panel.installation[rows]
    before = np.full(present.shape, -1, np.int64)
    before[:, 1:] = previous_index(present)[:, :-1]
    row, border = true_cells(present & (before >= 0))
    since = before[row, border]
    moved = np.abs(register[row, border] - register[row, since])
    same_meter = meter[row, border] == meter[row, since]
    still = same_meter & (moved <= max_kwh_per_day * (border - since) * STILL_SHARE)
    row, border, since = row[still], border[still], since[still]
    edge = np.zeros((len(rows), panel.shape[1] + 1), np.int64)
    np.add.at(edge, (row, since), 1)
    np.add.at(edge, (row, border), -1)
    return np.asarray(np.cumsum(edge, axis=1)[:, : panel.shape[1]] > 0)


def known_use(panel: Panel, rows: Integers, max_rest_kwh_per_day: float) -> Floats:
    """`[K, D]` use of `rows`, with the days put back on which a register at rest was taken for a stopped one."""
    kwh = panel.kwh[rows]
    spoiled = np.flatnonzero(~np.isfinite(kwh).all(axis=1))
    if len(spoiled):
        rest = resting_days(panel, rows[spoiled], max_rest_kwh_per_day)
        kwh[spoiled] = np.where(rest & ~np.isfinite(kwh[spoiled]), 0.0, kwh[spoiled])
    return kwh


def typical_kwh(panel: Panel, *, least_homes: int, otherwise_kwh: float) -> Floats:
    """`[M]` the middle active account's usual day in the same area (else box) and class.

    Where fewer than `least_homes` are known it is `otherwise_kwh`. Slices are whole areas, so it is the same in any.
    """
    judged = is_status(panel, "active") & ~panel.flag("is_supply") & np.isfinite(panel.usual_kwh)
    usual = pl.Series("usual", np.where(judged, panel.usual_kwh, np.nan)).fill_nan(None)
    group = (pl.coalesce("area_id", "box_id", "account_id"), pl.col("customer_class"))
    told = panel.positions.with_columns(usual).select(
        homes=pl.col("usual").count().over(group), middle=pl.col("usual").median().over(group)
    )
    middle = told["middle"].fill_null(0.0).to_numpy()
    enough = (told["homes"].to_numpy() >= least_homes) & (middle > 0)
    return np.where(enough, middle, otherwise_kwh)


@dataclass(frozen=True)
class Living:
    """How much lived-in and empty homes use, as logarithms of the share of what is typical around them.

    Lived in: log-normal around 1, and `silent_share` of them use as little as empty ones. Empty: log-normal around
    `empty_share`, and `used_share` of those empty on file are lived in.
    """

    lived_log_sd: float
    silent_share: float
    empty_share: float
    empty_log_sd: float
    used_share: float

    def lived_in_nats(self, use_share: Floats) -> Floats:
        """ln f(lived in) - ln f(empty) at a use, as a share of what is typical."""
        at = np.log(use_share + ZERO_SHARE)
        lived = normal(at, 0.0, self.lived_log_sd)
        empty = normal(at, np.log(self.empty_share), self.empty_log_sd)
        as_lived = (1 - self.silent_share) * lived + self.silent_share * empty
        as_empty = (1 - self.used_share) * empty + self.used_share * lived
        return quantised(np.log(as_lived) - np.log(as_empty))


def normal(at: Floats, mean: float, sd: float) -> Floats:
    """Density of a normal distribution."""
    return np.asarray(np.exp(-0.5 * ((at - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi)))
