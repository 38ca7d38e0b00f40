"""Work at a meter that the events or the installation file know of."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel

RECORDS = ("works", "exchange", "program_change")
"""Events in which somebody may have touched the transformers or the meter's settings."""


def nearest_work(
    panel: Panel, row: NDArray[np.int64], day: NDArray[np.datetime64], record_days: float
) -> NDArray[np.datetime64]:
    """`[K]` the day of the work on record nearest to `day[K]` at `row[K]`, NaT where none is within `record_days`.

    Events of the kinds RECORDS and meter exchanges count; of two as near the earlier.
    """
    if not len(row):
        return np.empty(0, "datetime64[D]")
    mine = pl.col("row").is_in(np.unique(row).tolist())
    works = panel.events.filter(pl.col("kind").is_in(RECORDS) & mine).select("row", day=pl.col("at").dt.date())
    known = pl.concat([works, panel.exchanges.filter(mine).select("row", "day")]).unique().sort("day", "row")
    if not len(known):
        return np.full(len(row), np.datetime64("NaT", "D"), "datetime64[D]")
    at = known["day"].to_numpy().astype("datetime64[D]")
    apart = np.abs((at[None, :] - day.astype("datetime64[D]")[:, None]).astype(np.float64))
    apart = np.where(known["row"].to_numpy()[None, :] == row[:, None], apart, np.inf)
    best = apart.argmin(axis=1)
    near = apart[np.arange(len(row)), best] <= record_days
    return np.where(near, at[best], np.datetime64("NaT", "D"))
