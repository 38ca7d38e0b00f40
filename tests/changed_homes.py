"""Homes with curves whose use changes on a day: panels for the rules that look at the shape of a change."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from anomaly.panel import Panel
from tests.panels import knowing, panel, registers

DAYS, CHANGE = 56, 28
FIRST = dt.date(2026, 1, 1)
USUAL_KW = np.concatenate([np.full(6, 0.1), np.full(18, 0.4)])
"""0.1 kW at night, 0.4 kW by day."""


def home(added_kw: np.ndarray | float, *, until: int = DAYS, code: str = "J01", curve: bool = True) -> Panel:
    """One home of USUAL_KW on which `added_kw` (24 hours) comes on top from day CHANGE on, dated by `code`.

    Curve days from `until` on are absent.
    """
    hourly = np.tile(USUAL_KW, (DAYS, 1))
    hourly[CHANGE:] += added_kw
    kwh = hourly.copy()
    kwh[until:] = np.nan
    known = panel(registers(hourly.sum(axis=1).tolist()), curve=(60, [0], 0, kwh[None]) if curve else None)
    changes = pl.DataFrame({"row": [0], "day": [FIRST + dt.timedelta(days=CHANGE)], "code": [code]})
    return knowing(known, changes=changes)


def at_night(block_kw: float) -> np.ndarray:
    """A block from one to five."""
    added = np.zeros(24)
    added[1:5] = block_kw
    return added
