"""What the installation file says against itself, in the terms of a panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.set_aside import days

Days = NDArray[np.datetime64]


@dataclass(frozen=True, eq=False)
class Contradictions:
    """Contradictions of one reason: position, meters, days [`first`, `end`) up to now at most, free text,
    energy then.
    """

    row: NDArray[np.int64]
    meter_id: NDArray[np.object_]
    other_meter_id: NDArray[np.object_]
    detail: NDArray[np.object_]
    first: Days
    end: Days
    energy_kwh: NDArray[np.float64]

    def span_days(self) -> NDArray[np.float64]:
        """Days from `first` to `end`."""
        return (self.end - self.first).astype("timedelta64[D]").astype(np.float64)


def contradictions(panel: Panel, reason: str) -> Contradictions:
    """All contradictions of one reason; what is still so ends at as-of."""
    mine = panel.contradictions.filter(pl.col("reason") == reason)
    as_of = panel.dates(np.array([panel.shape[1]]))[0]
    first = days(mine["first_day"])
    end = np.maximum(np.minimum(days(mine["last_day"]), as_of), first)
    row = mine["row"].to_numpy().astype(np.int64)
    day = panel.days
    inside = (day >= first[:, None]) & (day < end[:, None])
    energy = np.where(inside, np.nan_to_num(panel.kwh[row]), 0.0).sum(axis=1) if len(row) else np.empty(0)
    meter, other, detail = (mine[name].to_numpy().astype(object) for name in ("meter_id", "other_meter_id", "detail"))
    return Contradictions(row, meter, other, detail, first, end, np.maximum(energy, 0.0))
