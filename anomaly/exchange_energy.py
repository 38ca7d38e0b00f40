"""What the records of a meter exchange say was used across it, against what is usual or the curve shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.curve_energy import energy_between
from anomaly.expectation import FLOOR_KWH_PER_DAY, multiplier_at
from anomaly.panel import Panel
from anomaly.statistics import MAD_TO_SIGMA, row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NEAR_TOP_SHARE = 0.9


@dataclass(frozen=True, eq=False)
class ExchangeEnergy:
    """E exchanges within the panel, energies in kWh after multiplier; NaN where a register was not recorded
    or
    read.

    `old_kwh` from the old meter's last read to its end register, `new_kwh` from the new one's start
    register to its first read; `old_days`, `new_days` the longest they can span; `curve_kwh` over both (NaN
    without a curve); `usual_kwh` a day, `spread_log` its spread.
    """

    row: Integers
    border: Integers
    last_old: Integers
    first_new: Integers
    old_kwh: Floats
    new_kwh: Floats
    old_days: Floats
    new_days: Floats
    curve_kwh: Floats
    usual_kwh: Floats
    spread_log: Floats
    gap_days: Floats
    columns: dict[str, NDArray[Any]]


def exchange_energy(panel: Panel, *, window_days: int, spread_log: float) -> ExchangeEnergy:
    """All exchanges of the panel whose day lies within it."""
    frame = panel.exchanges
    day = frame["day"].to_numpy().astype("datetime64[D]")
    inside = (day >= panel.days[0]) & (day <= panel.days[-1]) if len(panel.days) else np.zeros(len(day), bool)
    frame, day = frame.filter(inside), day[inside]
    names = (
        "end_register",
        "start_register",
        "last_old_kwh",
        "first_new_kwh",
        "old_multiplier",
        "new_multiplier",
    )
    value = {name: frame[name].cast(float).to_numpy() for name in names}
    value["old_meter_id"] = frame["old_meter_id"].to_numpy().astype(object)
    row = frame["row"].to_numpy().astype(np.int64)
    border = (day - panel.days[0]).astype(np.int64) if len(day) else np.empty(0, np.int64)
    last_old, first_new = (frame[name].to_numpy().astype(np.int64) for name in ("last_old_border", "first_new_border"))
    usual, spread = _usual(panel, row, border, last_old, first_new, window_days, spread_log)
    curve = energy_between(panel, row, np.maximum(last_old, 0), np.maximum(first_new, 0))
    curve = np.where((last_old >= 0) & (first_new > last_old), curve, np.nan)
    removed = frame["old_removed_on"].to_numpy().astype("datetime64[D]")
    gap = np.where(np.isnat(removed), 0.0, (day - removed).astype(np.float64))
    return ExchangeEnergy(
        row, border, last_old, first_new,
        _counted(panel, row, value["last_old_kwh"], value["end_register"]) * value["old_multiplier"],
        (value["first_new_kwh"] - value["start_register"]) * value["new_multiplier"],
        (border + 1 - last_old).astype(float), np.maximum(first_new - border, 0).astype(float),
        curve * multiplier_at(panel, row, np.maximum(first_new, 1)), usual, spread, gap, value,
    )  # fmt: skip


def _counted(panel: Panel, row: Integers, read_kwh: Floats, end_kwh: Floats) -> Floats:
    """Energy up to the end register, counted through the top where the last read stood near it."""
    top = 10.0 ** panel.positions["register_digits"].to_numpy()[row].astype(float)
    with np.errstate(invalid="ignore"):
        turned = (end_kwh < read_kwh) & (read_kwh >= NEAR_TOP_SHARE * top)
    return np.asarray(end_kwh - read_kwh + np.where(turned, top, 0.0))


def _usual(
    panel: Panel, row: Integers, border: Integers, last_old: Integers, first_new: Integers, window_days: int,
    spread_log: float,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Usual kWh a day around each exchange, from steps outside it, after multiplier; and its spread (ln)."""
    column = np.arange(panel.step_kwh.shape[1])
    reach = np.where(panel.daily[row], window_days, 10 * window_days)[:, None]
    near = (np.abs(column - border[:, None]) <= reach) & ((column <= last_old[:, None]) | (column > first_new[:, None]))
    multiplier = np.concatenate([panel.multiplier[row, :1], panel.multiplier[row]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = panel.step_kwh[row] / panel.step_days[row] * multiplier
        level = np.log(np.where(near & (rate >= 0), rate, np.nan) + FLOOR_KWH_PER_DAY)
    centre = row_median(level)
    spread = np.maximum(MAD_TO_SIGMA * row_median(np.abs(level - centre[:, None])), spread_log)
    return np.maximum(np.exp(centre) - FLOOR_KWH_PER_DAY, 0.0), spread
