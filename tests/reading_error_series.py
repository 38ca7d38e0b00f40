"""Series and calls that the truth tables of the reading-error rules share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections, load_all
from rules.rulebook import load
from tests.panels import panel, registers

WEEK = (9.0, 10.0, 11.0, 10.0, 12.0, 8.0, 10.0)
RULEBOOK = load()
RULES = load_all()


def found(code: str, of: Panel, **limits: Any) -> Detections:
    """What the rule finds with the standard limits, some of them replaced."""
    return RULES[code].function(of, **{**RULEBOOK.detectors[code].limit_values(), **limits})


def daily(days: int = 60, start: float = 4000.0, scale: float = 1.0) -> NDArray[np.float64]:
    """Registers `[1, days + 1]` of a home of about ten kWh a day."""
    return registers([scale * WEEK[day % 7] for day in range(days)], start=start)


def monthly(reads: int = 10, start: float = 4000.0, per_month: float = 300.0) -> NDArray[np.float64]:
    """Registers of a home read every thirty days, `[1, 30 × reads + 1]`."""
    register = np.full((1, 30 * reads + 1), np.nan)
    use = [per_month * (1 + 0.05 * (number % 3 - 1)) for number in range(reads)]
    register[0, ::30] = start + np.concatenate([[0.0], np.cumsum(use)])
    return register


def with_read(register: NDArray[np.float64], border: int, value: float) -> NDArray[np.float64]:
    """The same registers with one read replaced."""
    changed = register.copy()
    changed[0, border] = value
    return changed


NOTHING_TO_SEE = {
    "a sound home": panel(daily()),
    "one day": panel(registers([10.0])),
    "one read": panel(np.array([[4000.0]])),
    "no read at all": panel(np.full((2, 40), np.nan)),
    "a sound home read monthly": panel(monthly(), read_frequency="periodic"),
    "a gap of two days": panel(with_read(with_read(daily(), 30, np.nan), 31, np.nan)),
    "no positions": panel(np.empty((0, 31))),
}
"""Panels on which no reading-error rule may fire."""
