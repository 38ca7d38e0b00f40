"""What everybody did on a day: cohort medians of the fleet, from a sample chosen by the hash of the account id."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.cohort import cohort_counts, no_cohorts
from pipelines.panels import Source, panel_of
from rules.model import Rulebook

HASH_SEED = 4


def cohort_medians(source: Source, rulebook: Rulebook) -> NDArray[np.float64]:
    """Median deviation from the own level per cohort and day, `[class, size, D]`, in log kWh.

    A fleet larger than the setting `cohort_accounts` is sampled: the accounts with the smallest hashes of
    their ids, so that neither file order nor slicing decides who is asked.
    """
    days = source.landed.grid.borders - 1
    bare = replace(source, curves=replace(source.curves, rows=0), electrical=source.electrical.clear(), hourly=None)
    counts = no_cohorts(days)
    chosen = _sample(source.fleet.positions, int(rulebook.setting("cohort_accounts")))
    per_slice = max(int(source.slice_cells / max(days, 1)), 1)
    for first in range(0, len(chosen), per_slice):
        positions = chosen[first : first + per_slice]
        panel = panel_of(bare, positions)
        rows = np.arange(len(positions))
        counts = counts + cohort_counts(panel, rows, log_offset_kwh=rulebook.setting("log_offset_kwh"))
    return counts.medians(int(rulebook.setting("cohort_min_accounts")))


def _sample(positions: pl.DataFrame, most: int) -> NDArray[np.int64]:
    customers = positions.filter(~pl.col("is_supply"))
    if len(customers) > most:
        hashed = customers.with_columns(hash=pl.col("account_id").hash(HASH_SEED))
        customers = hashed.sort("hash", "account_id", "point_id").head(most)
    return np.sort(customers["position"].to_numpy())
