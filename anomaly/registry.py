"""What a detector is: a pure function from a panel to detections, registered under a stable code."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel

Family = Literal["reading_error", "jump", "cross_wiring", "grid"]
Floats = NDArray[np.float64]
Unjudged = Callable[..., NDArray[np.object_]]
"""Panel and limits in; `[M]` why a rule cannot judge a position (of anomaly.eligibility), empty where it can."""


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector found: one row per finding, columns of equal length K. A row means something is wrong.

    `position` and `related` index the panel's positions (-1: none). `start` and `end` are days, half-open.
    `measured`, `expected` and `limit` are in the detector's unit: measured M, expected E, allowed ±L.
    `strength` orders findings of one code (log-likelihood ratio, or how many limits away).
    `facts` are what a headline quotes; names end in their unit. `related_account_id` names the other account
    where it may stand outside the panel; its meter is then the same one.
    """

    position: NDArray[np.int64]
    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    measured: Floats
    expected: Floats
    limit: Floats
    strength: Floats
    kwh_at_stake: Floats
    related: NDArray[np.int64]
    meter_id: NDArray[np.object_]
    channel: str | None = "import"
    facts: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    related_account_id: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return len(self.position)

    def take(self, keep: NDArray[Any]) -> Detections:
        """The rows chosen by a boolean mask or by indices, in that order."""
        return Detections(
            self.position[keep], self.start[keep], self.end[keep], self.measured[keep], self.expected[keep],
            self.limit[keep], self.strength[keep], self.kwh_at_stake[keep], self.related[keep],
            self.meter_id[keep], self.channel, {name: values[keep] for name, values in self.facts.items()},
            None if self.related_account_id is None else self.related_account_id[keep],
        )  # fmt: skip


def detections(
    panel: Panel,
    position: NDArray[Any],
    start: NDArray[Any],
    end: NDArray[Any],
    *,
    measured: NDArray[Any] | float,
    expected: NDArray[Any] | float,
    limit: NDArray[Any] | float,
    kwh_at_stake: NDArray[Any] | float = 0.0,
    strength: NDArray[Any] | float | None = None,
    related: NDArray[Any] | None = None,
    meter_id: NDArray[Any] | None = None,
    channel: str | None = "import",
    facts: Mapping[str, NDArray[Any]] | None = None,
    related_account_id: NDArray[np.object_] | None = None,
) -> Detections:
    """Detections from plain arrays: scalars are repeated, day indices become dates, gaps in the call are filled.

    `start` and `end` are either dates or indices of panel days (end exclusive). Without `strength`, it is
    |measured - expected| / limit. Without `meter_id`, it is the meter in place on the first day.
    """
    count = len(position)
    rows = np.asarray(position, dtype=np.int64)

    def column(values: NDArray[Any] | float) -> Floats:
        return np.array(np.broadcast_to(np.asarray(values, dtype=np.float64), (count,)))

    measured_, expected_, limit_ = column(measured), column(expected), column(limit)
    if strength is None:
        with np.errstate(divide="ignore", invalid="ignore"):
            strength = np.nan_to_num(np.abs(measured_ - expected_) / limit_, nan=0.0, posinf=1e6)
    first = panel.dates(start)
    if meter_id is None:
        meter_id = panel.meter_on(rows, panel.day_index(first))
    return Detections(
        position=rows,
        start=first,
        end=panel.dates(end),
        measured=measured_,
        expected=expected_,
        limit=limit_,
        strength=column(strength),
        kwh_at_stake=column(kwh_at_stake),
        related=np.full(count, -1, np.int64) if related is None else np.asarray(related, dtype=np.int64),
        meter_id=np.asarray(meter_id, dtype=object),
        channel=channel,
        facts=dict(facts or {}),
        related_account_id=related_account_id,
    )


def nothing(panel: Panel) -> Detections:
    """No detections: what a detector returns where its input is absent."""
    none = np.empty(0, np.int64)
    return detections(panel, none, none, none, measured=0.0, expected=0.0, limit=0.0)


class DetectorFunction(Protocol):
    """Panel in, detections out; keyword-only parameters are the limits of the rulebook, without defaults."""

    def __call__(self, panel: Panel, **limits: Any) -> Detections: ...


@dataclass(frozen=True)
class Detector:
    """A registered detector. `parameters` are the names of its limits, `title` its docstring's first line."""

    code: str
    name: str
    family: Family
    unit: str
    source: str
    function: DetectorFunction
    parameters: tuple[str, ...]
    estimated_onset: bool = False
    unjudged: Unjudged | None = None
    sees_changes: bool = False

    @property
    def documentation(self) -> str:
        """The docstring: what fires it, and what it cannot see."""
        return inspect.getdoc(self.function) or ""


_registry: dict[str, Detector] = {}
REGISTRY: Mapping[str, Detector] = MappingProxyType(_registry)


def detector(
    code: str,
    *,
    family: Family,
    unit: str,
    source: str,
    estimated_onset: bool = False,
    unjudged: Unjudged | None = None,
    sees_changes: bool = False,
) -> Callable[[Any], Any]:
    """Register the decorated function under `code`.

    `unit` is the unit of measured, expected and limit; `source` the standard, paper or vendor rule.
    `estimated_onset`: the start is an estimate that moves by days with more reads; ids snap it to a grid.
    `sees_changes`: it judges lasting changes that rules before it dated (`Panel.changes`); all cross-wiring rules do.
    `unjudged`: beyond what the rulebook requires of a position, whom the rule cannot judge (it takes the same limits).
    Raises ValueError when a code is taken or a limit has a default (the rulebook holds every number).
    """

    def register(function: Any) -> Any:
        if code in _registry and _registry[code].name != function.__name__:
            raise ValueError(f"detector code {code} is taken by {_registry[code].name}")
        parameters = []
        for parameter in list(inspect.signature(function).parameters.values())[1:]:
            if parameter.kind is not parameter.KEYWORD_ONLY or parameter.default is not parameter.empty:
                raise ValueError(f"{code}: limit {parameter.name} must be keyword-only and without default")
            parameters.append(parameter.name)
        _registry[code] = Detector(
            code, function.__name__, family, unit, source, function, tuple(parameters), estimated_onset, unjudged,
            sees_changes or family == "cross_wiring",
        )  # fmt: skip
        return function

    return register


def load_all() -> Mapping[str, Detector]:
    """Import every file of `anomaly.detectors` and return the registry, ordered by code."""
    import anomaly.detectors as folder

    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")
    return MappingProxyType(dict(sorted(_registry.items())))
