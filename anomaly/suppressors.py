"""Innocent explanations: a finding with one stays in the output, marked with its name.

A suppressor is a pure function of a panel and one detector's detections to a mask; its limits stand in the
rulebook. What the scan as a whole decides (`rollover`, `outside_window`, `budget`) is in pipelines.casework.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections
from anomaly.supply_events import cut_off

Booleans = NDArray[np.bool_]

JUMPS = ("J01", "J02", "J03")
STILL = ("R06", "C06", "A02")
"""Rules about use that is not there."""

EMPTY = ("vacant", "closed")


@dataclass(frozen=True)
class Suppressor:
    """A registered explanation: the codes it may speak to, its function and the names of its limits."""

    name: str
    codes: tuple[str, ...]
    function: Callable[..., Booleans]
    parameters: tuple[str, ...]


_suppressors: dict[str, Suppressor] = {}
SUPPRESSORS: Mapping[str, Suppressor] = MappingProxyType(_suppressors)


def suppressor(*codes: str) -> Callable[[Any], Any]:
    """Register the decorated function as an explanation of findings with these codes; its name is the output's."""

    def register(function: Any) -> Any:
        limits = tuple(list(inspect.signature(function).parameters)[3:])
        _suppressors[function.__name__] = Suppressor(function.__name__, codes, function, limits)
        return function

    return register


@suppressor(*JUMPS, *STILL)
def vacant(panel: Panel, code: str, found: Detections) -> Booleans:
    """Vacant: the account is vacant or closed on file, and use fell.

    Explains a finding that ends after `status_since` and is a fall. Cannot see: a status nobody kept up to date.
    """
    empty = np.isin(panel.column("status")[found.position].astype(str), EMPTY)
    since = panel.column("status_since")[found.position].astype("datetime64[D]")
    return np.asarray(empty & ~(since >= found.end) & _fell(code, found))


@suppressor(*JUMPS, *STILL)
def disconnected(panel: Panel, code: str, found: Detections, *, margin_days: float) -> Booleans:
    """Disconnected: the supply was off on file or by command, and use fell.

    Explains a fall that starts at most `margin_days` before the disconnection on file, or while the last supply
    event of the meter says off. Cannot see: a disconnection that was never recorded.
    """
    margin = np.timedelta64(int(margin_days), "D")
    on_file = panel.column("status")[found.position].astype(str) == "disconnected"
    since = panel.column("status_since")[found.position].astype("datetime64[D]")
    by_file = on_file & ~(since > found.start + margin)
    by_event = cut_off(panel, found.position, panel.day_index(found.start + margin))
    return np.asarray((by_file | by_event) & _fell(code, found))


@suppressor("J02", "C06", "C10", "Q01", "R06")
def outage(panel: Panel, code: str, found: Detections, *, margin_days: float) -> Booleans:
    """Supply was off: a recorded outage of the meter overlaps the finding, within `margin_days`.

    Explains missing reads, zeros and one-day falls. Cannot see: an outage without events.
    """
    starts = panel.events.filter(panel.events["kind"] == "outage_start").sort("row", "at")
    touched = np.zeros(len(found), bool)
    if not len(starts):
        return touched
    begun = starts["at"].to_numpy().astype("datetime64[D]")
    row = starts["row"].to_numpy()
    margin = np.timedelta64(int(margin_days), "D")
    key = row * 1_000_000 + begun.astype(np.int64)
    low = np.searchsorted(key, found.position * 1_000_000 + (found.start - margin).astype(np.int64))
    high = np.searchsorted(key, found.position * 1_000_000 + (found.end + margin).astype(np.int64))
    return np.asarray((high > low) & _fell(code, found))


@suppressor(*JUMPS)
def irregular_use(panel: Panel, code: str, found: Detections) -> Booleans:
    """Irregular by nature: the account is on file as one whose use comes and goes."""
    return panel.flag("irregular")[found.position]


def _fell(code: str, found: Detections) -> Booleans:
    """Whether use fell: of a jump by its numbers; the other rules are about use or reads that are not there."""
    if code in JUMPS:
        return np.asarray(found.measured < found.expected)
    return np.ones(len(found), bool)


def explained(
    panel: Panel, code: str, found: Detections, limits: Mapping[str, Mapping[str, Any]]
) -> NDArray[np.object_]:
    """The name of the first explanation of each detection of `code`, None where there is none."""
    names = np.full(len(found), None, dtype=object)
    if not any(code in one.codes for one in SUPPRESSORS.values()):
        return names
    placed = np.flatnonzero(found.position >= 0)
    if not len(placed):
        return names
    for one in SUPPRESSORS.values():
        if code in one.codes:
            open_ = placed[[name is None for name in names[placed]]]
            names[open_[one.function(panel, code, found.take(open_), **limits[one.name])]] = one.name
    return names
