"""All kinds, loaded: importing this fills the registry."""

from anomaly.injector.kinds import (
    curve,
    dial,
    estimates,
    exchange,
    grid,
    innocent,
    jumps,
    misread,
    multiplier,
    reads,
    record,
    sums,
    usage,
)
from anomaly.injector.registry import KINDS

FAMILIES = (
    curve,
    dial,
    estimates,
    exchange,
    grid,
    innocent,
    jumps,
    misread,
    multiplier,
    reads,
    record,
    sums,
    usage,
)

__all__ = ["FAMILIES", "KINDS"]
