"""Small panels written by hand, for truth tables: registers in, a full Panel out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from anomaly.area_balance import AreaBalance
from anomaly.consumption import Dials, dial_energy
from anomaly.hourly import HourlyElectrical
from anomaly.panel import CHANGES, TICKETS, Curve, Electrical, ExportRegisters, Panel, RateRegisters

ROLLOVER = {"near_top_share": 0.9, "usual_multiple": 4.06, "floor_kwh_per_day": 5.0}

POSITION_COLUMNS: dict[str, Any] = {
    "area_id": None, "box_id": None, "customer_class": "residential", "contract_kva": None, "cycle_id": None,
    "read_frequency": "daily", "customer_since": None, "status": "active", "status_since": None,
    "generation": False, "sensitive": False, "irregular": False, "price_per_kwh": None, "is_supply": False,
    "point_role": "add", "register_digits": 6, "register_decimals": 2, "multiplier": 1.0,
    "source_multiplier": None, "rated_volts": 230.0, "max_amps": 60.0, "phases": 1, "relay": None,
}  # fmt: skip
TYPES = {
    "area_id": pl.String, "box_id": pl.String, "contract_kva": pl.Float64, "cycle_id": pl.String,
    "customer_since": pl.Date, "status_since": pl.Date, "price_per_kwh": pl.Float64,
    "source_multiplier": pl.Float64, "relay": pl.String,
}  # fmt: skip


def registers(*daily_kwh: Sequence[float | None], start: float = 1000.0) -> np.ndarray:
    """Dial values at successive midnights from daily energies; a None day still counts 0 kWh."""
    energy = np.array([[0.0 if kwh is None else kwh for kwh in row] for row in daily_kwh])
    return start + np.concatenate([np.zeros((len(energy), 1)), np.cumsum(energy, axis=1)], axis=1)


def panel(
    register: Any,
    *,
    start: str = "2026-01-01",
    offset_days: Any = None,
    quality: Any = None,
    exchanges: pl.DataFrame | None = None,
    set_aside: pl.DataFrame | None = None,
    contradictions: pl.DataFrame | None = None,
    events: pl.DataFrame | None = None,
    rates: tuple[Sequence[int], Sequence[str], Any] | None = None,
    export: tuple[Sequence[int], Any] | None = None,
    curve: tuple[int, Sequence[int], int, Any] | None = None,
    electrical: tuple[Sequence[int], Any] | None = None,
    **columns: Any,
) -> Panel:
    """A panel of M positions, one meter each (`meter-0` …), from registers `[M, D+1]` (None or NaN: no read).

    `quality` is an index into QUALITIES per read (default 0). Keyword columns override POSITION_COLUMNS, as a
    scalar or one value per position. `curve` is (minutes, rows, first_day, kwh[K, C, N]).
    """
    read = np.array(register, dtype=np.float64)
    count, borders = read.shape
    frame = _positions(count, columns)
    scale = 10.0 ** frame["register_decimals"].to_numpy()
    present = np.isfinite(read)
    ticks = np.rint(np.nan_to_num(read) * scale[:, None]).astype(np.int64)
    offset = np.zeros(read.shape, np.float32) if offset_days is None else np.array(offset_days, np.float32)
    top = (10.0 ** frame["register_digits"].to_numpy() * scale).astype(np.int64)
    none = np.full(count, -1, np.int64)
    energy = dial_energy(Dials(ticks, present, offset, scale, top, none, none, none, none), **ROLLOVER)
    days = np.datetime64(start, "D") + np.arange(borders - 1)
    multiplier = np.broadcast_to(frame["multiplier"].to_numpy()[:, None], energy.kwh.shape)
    given = np.zeros(read.shape) if quality is None else np.array(quality)
    return Panel(
        positions=frame,
        installations=_installations(frame, start),
        days=days,
        register_kwh=np.where(present, ticks / scale[:, None], np.nan),
        offset_days=offset,
        quality=np.where(present, given, -1).astype(np.int8),
        step_kwh=energy.step_kwh,
        step_days=energy.step_days,
        rolled=energy.rolled,
        kwh=energy.kwh * multiplier,
        spread=energy.spread,
        multiplier=np.array(multiplier),
        installation=np.broadcast_to(np.arange(count, dtype=np.int32)[:, None], read.shape),
        exchanges=_or_empty(exchanges, EXCHANGES),
        set_aside=_or_empty(set_aside, SET_ASIDE),
        contradictions=_or_empty(contradictions, CONTRADICTIONS),
        events=_or_empty(events, EVENTS),
        rates=None if rates is None else RateRegisters(np.array(rates[0]), tuple(rates[1]), np.array(rates[2])),
        export=None if export is None else _export(*export),
        curves=() if curve is None else (_curve(*curve),),
        electrical=None if electrical is None else _electrical(*electrical),
    )


def knowing(
    known: Panel,
    *,
    tickets: pl.DataFrame | None = None,
    changes: pl.DataFrame | None = None,
    balance: AreaBalance | None = None,
    hourly: HourlyElectrical | None = None,
) -> Panel:
    """The panel with complaints, changes found before, area balances or hourly voltages beside it."""
    return dataclasses.replace(
        known, tickets=_or_empty(tickets, TICKETS), changes=_or_empty(changes, CHANGES), balance=balance, hourly=hourly
    )


EXCHANGES = {
    "row": pl.Int64, "day": pl.Date, "old_meter_id": pl.String, "new_meter_id": pl.String,
    "old_multiplier": pl.Float64, "new_multiplier": pl.Float64, "old_removed_on": pl.Date,
    "end_register": pl.Float64, "start_register": pl.Float64, "last_old_border": pl.Int64,
    "last_old_kwh": pl.Float64, "first_new_border": pl.Int64, "first_new_kwh": pl.Float64,
}  # fmt: skip
SET_ASIDE = {
    "reason": pl.String, "meter_id": pl.String, "dial": pl.Int64, "channel": pl.String, "reads": pl.Int64,
    "first_at": pl.Datetime("us"), "last_at": pl.Datetime("us"), "low_kwh": pl.Float64, "high_kwh": pl.Float64,
    "row": pl.Int64,
}  # fmt: skip
CONTRADICTIONS = {
    "reason": pl.String, "position": pl.Int64, "meter_id": pl.String, "other_meter_id": pl.String,
    "first_day": pl.Date, "last_day": pl.Date, "detail": pl.String, "row": pl.Int64,
}  # fmt: skip
EVENTS = {
    "row": pl.Int64, "meter_id": pl.String, "at": pl.Datetime("us"), "kind": pl.String, "detail": pl.String,
}  # fmt: skip


def _or_empty(frame: pl.DataFrame | None, schema: dict[str, Any]) -> pl.DataFrame:
    if frame is None:
        return pl.DataFrame(schema=schema)
    missing = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in frame.columns]
    return frame.with_columns(missing).select(list(schema)).cast(schema)  # type: ignore[arg-type]


def _positions(count: int, columns: dict[str, Any]) -> pl.DataFrame:
    values = {
        "position": list(range(count)),
        "account_id": [f"acc-{row}" for row in range(count)],
        "point_id": [f"acc-{row}" for row in range(count)],
        "meter_id": [f"meter-{row}" for row in range(count)],
    }
    for name, default in {**POSITION_COLUMNS, **columns}.items():
        scalar = not isinstance(default, (list, tuple, np.ndarray))
        values[name] = [default] * count if scalar else list(default)
    return pl.DataFrame(values, schema_overrides=TYPES, strict=False)


def _installations(positions: pl.DataFrame, start: str) -> pl.DataFrame:
    return positions.select(
        pl.col("position").alias("row"), "position", "meter_id", "account_id", "point_id", "multiplier",
        "source_multiplier", "register_digits", "register_decimals", "rated_volts", "max_amps", "phases",
        pl.lit(start).str.to_date().alias("installed_on"), pl.lit(start).str.to_date().alias("first_on"),
        pl.lit(None, pl.Date).alias("removed_on"), pl.lit(None, pl.Float64).alias("start_register"),
        pl.lit(None, pl.Float64).alias("end_register"), pl.lit("9999-12-31").str.to_date().alias("last_on"),
    )  # fmt: skip


def _export(rows: Sequence[int], register: Any) -> ExportRegisters:
    values = np.array(register, dtype=np.float64)
    return ExportRegisters(np.array(rows), values, np.diff(values, axis=1))


def _curve(minutes: int, rows: Sequence[int], first_day: int, kwh: Any) -> Curve:
    values = np.array(kwh, dtype=np.float64)
    shape = values.shape
    return Curve(
        minutes, np.array(rows), first_day, values, np.zeros(shape[:2]), np.zeros(shape, bool),
        np.zeros(shape[:2], np.int64),
    )  # fmt: skip


def _electrical(rows: Sequence[int], current_a: Any) -> Electrical:
    values = np.array(current_a, dtype=np.float64)
    return Electrical(np.array(rows), values, np.full(values.shape, 230.0), values * 0.23)
