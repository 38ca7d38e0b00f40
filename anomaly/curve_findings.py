"""Findings from several curves of one panel, put together in the order of positions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from anomaly.panel import Panel
from anomaly.registry import Detections, nothing


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
