"""Panels for the rules about the book's records: reads set aside, and files that contradict themselves."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from anomaly.panel import Panel
from tests.panels import panel, registers
from tests.reading_error_series import daily, monthly

REGISTERS = {
    "a read a day": daily(),
    "no read on the grid": np.full((1, 61), np.nan),
    "one day": registers([10.0], start=4000.0),
    "a read a month": monthly(),
}
"""What else the meter sent: a rule about the records fires whatever it is."""


def conflict(day: int, low: float = 100.0, high: float = 130.0, **more: Any) -> dict[str, Any]:
    """Two values for one instant in January."""
    return {"reason": "conflict", "first_at": datetime(2026, 1, day), "low_kwh": low, "high_kwh": high, **more}


def negative(day: int = 10, kwh: float = -12.5, **more: Any) -> dict[str, Any]:
    """A read below zero in January."""
    return conflict(day, low=kwh, high=kwh, **{"reason": "negative", **more})


EARLY: dict[str, Any] = {
    "reason": "before_installation", "first_at": datetime(2025, 12, 22), "last_at": datetime(2025, 12, 31),
    "low_kwh": 3900.0, "high_kwh": 3990.0, "reads": 10,
}  # fmt: skip
LATE = {
    **EARLY, "reason": "after_removal", "first_at": datetime(2026, 1, 21), "last_at": datetime(2026, 1, 25),
}  # fmt: skip
ORPHAN = {**EARLY, "reason": "no_installation", "meter_id": "stray", "row": -1, "dial": None, "reads": 12}
ONE_OF_EACH = (conflict(10), EARLY, LATE, ORPHAN, negative())


def aside(*rows: dict[str, Any], register: np.ndarray | None = None, **columns: Any) -> Panel:
    """A home of whose meter, unless told otherwise, these reads were set aside."""
    common = {"meter_id": "meter-0", "dial": 0, "channel": "import", "reads": 2, "row": 0}
    told = [{**common, "last_at": row.get("last_at", row["first_at"]), **row} for row in rows]
    return panel(daily() if register is None else register, set_aside=pl.DataFrame(told) if told else None, **columns)


def all_but(reason: str) -> Panel:
    """A home with reads set aside for every reason but this one."""
    return aside(*[row for row in ONE_OF_EACH if row["reason"] != reason])


JANUARY = (date(2026, 1, 11), date(2026, 1, 31))
FIRST_TWENTY_DAYS = (date(2026, 1, 1), date(2026, 1, 21))
NEVER_ENDING = (date(2026, 2, 1), date(9999, 12, 31))


def contradicting(reason: str, span: tuple[date, date], *, register: np.ndarray | None = None, **more: Any) -> Panel:
    """Two homes alike; the file of the first one's meter contradicts itself over the days [first, last)."""
    row = {
        "reason": reason, "position": 0, "row": 0, "meter_id": "meter-0", "other_meter_id": "meter-9",
        "first_day": span[0], "last_day": span[1], "detail": "acc-1", **more,
    }  # fmt: skip
    one = daily() if register is None else register
    return panel(np.concatenate([one, one]), contradictions=pl.DataFrame([row]))
