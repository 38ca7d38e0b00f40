"""What a suppressor is: a pure function from a panel and one rule's detections to a mask, under a stable name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.registry import Detections

Booleans = NDArray[np.bool_]

JUMPS = ("J01", "J02", "J03")
"""Rules about how much is used."""

SHAPES = ("J04", "J05")
"""Rules about the shape of a change that J01 dated: what explains the change explains its shape."""


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
    """Register the decorated function as an explanation of findings with these codes; its name is the output's.

    It takes panel, code and detections, and by keyword its limits, which stand in the rulebook.
    """

    def register(function: Any) -> Any:
        limits = tuple(list(inspect.signature(function).parameters)[3:])
        _suppressors[function.__name__] = Suppressor(function.__name__, codes, function, limits)
        return function

    return register


def fell(code: str, found: Detections) -> Booleans:
    """Whether use fell: of a jump by its numbers; the other rules are about use or reads that are not there."""
    if code in JUMPS:
        return np.asarray(found.measured < found.expected)
    return np.ones(len(found), bool)
