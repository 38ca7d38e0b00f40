"""Findings from several curves of one panel, put together in the order of positions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Curve, Panel
from anomaly.registry import Detections, detections, nothing

Integers = NDArray[np.int64]


def runs_of_hours(
    panel: Panel,
    curve: Curve,
    row: Integers,
    first: Integers,
    end: Integers,
    *,
    min_hours: float,
    kwh_at_stake: NDArray[np.float64],
    facts: Mapping[str, NDArray[Any]],
    strength: NDArray[np.float64] | None = None,
) -> Detections:
    """Runs of intervals [first, end), counted from the curve's first one: how many hours, on which days."""
    per_day = curve.kwh.shape[2]
    return detections(
        panel,
        curve.rows[row],
        first // per_day + curve.first_day,
        (end - 1) // per_day + 1 + curve.first_day,
        measured=(end - first) * curve.minutes / 60,
        expected=0.0,
        limit=min_hours,
        strength=strength,
        kwh_at_stake=kwh_at_stake,
        facts=facts,
    )


def together(panel: Panel, parts: Iterable[Detections]) -> Detections:
    """All detections of `parts` as one, sorted by position and start; they must have the same facts."""
    some = [part for part in parts if len(part)]
    if not some:
        return nothing(panel)
    columns = {
        name: np.concatenate([getattr(part, name) for part in some])
        for name in (
            "position", "start", "end", "measured", "expected", "limit", "strength", "kwh_at_stake",
            "related", "meter_id",
        )
    }  # fmt: skip
    facts = {name: np.concatenate([part.facts[name] for part in some]) for name in some[0].facts}
    every = Detections(**columns, channel=some[0].channel, facts=facts)
    return every.take(np.lexsort((every.start, every.position)))
