"""A box of homes with steady curves, in which supplies are cut and customers call: for truth tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from anomaly.panel import Panel
from tests.panels import knowing, panel, registers

DAYS, HOMES = 60, 5
FIRST = dt.datetime(2026, 1, 1)
LEVEL_KWH = np.array([8.0, 5.0, 12.0, 6.0, 9.0])


def moment(day: float) -> dt.datetime:
    """Wall time so many days after the panel begins."""
    return FIRST + dt.timedelta(days=day)


def half_hours(count: int = HOMES, days: int = DAYS) -> np.ndarray:
    """`[count, days, 48]` kWh: a morning and an evening, never nothing."""
    slot = np.arange(48)
    shape = 0.3 + np.exp(-((slot - 38) ** 2) / 20) + 0.6 * np.exp(-((slot - 15) ** 2) / 8)
    level = np.resize(LEVEL_KWH, count)[:, None, None]
    return np.broadcast_to(level * shape / shape.sum(), (count, days, 48)).copy()


def without(kwh: np.ndarray, home: int, begin: float, end: float) -> np.ndarray:
    """The same half-hours with nothing counted at one home from day `begin` to day `end`."""
    dark = kwh.copy()
    dark[home].reshape(-1)[round(begin * 48) : round(end * 48)] = 0.0
    return dark


def events(*rows: tuple[int, float, str]) -> pl.DataFrame:
    """Events from (home, day, kind)."""
    return pl.DataFrame(
        [(home, f"meter-{home}", moment(day), kind) for home, day, kind in rows],
        schema={"row": pl.Int64, "meter_id": pl.String, "at": pl.Datetime("us"), "kind": pl.String}, orient="row",
    )  # fmt: skip


def tickets(*rows: tuple[int, float, str], **more: Sequence[Any]) -> pl.DataFrame:
    """Tickets from (home, day, kind), numbered T0, T1, …; further columns by name."""
    frame = pl.DataFrame(
        [(home, f"T{number}", moment(day), kind) for number, (home, day, kind) in enumerate(rows)],
        schema={"row": pl.Int64, "ticket_id": pl.String, "at": pl.Datetime("us"), "kind": pl.String}, orient="row",
    )  # fmt: skip
    return frame.with_columns(pl.Series(name, list(values)) for name, values in more.items())


def box(
    kwh: np.ndarray, happened: pl.DataFrame, reported: pl.DataFrame | None = None, *, curve: bool = True, **columns: Any
) -> Panel:
    """A panel of one box in one area with daily registers and, if `curve`, half-hours of all days."""
    count = len(kwh)
    with_curve = (30, range(count), 0, kwh) if curve else None
    known = panel(
        registers(*kwh.sum(axis=2)), events=happened, curve=with_curve,
        **{"box_id": "box", "area_id": "area", "register_decimals": 4, **columns},
    )  # fmt: skip
    return knowing(known, tickets=reported)
