"""What homes do by themselves: drift of profiles over the fleet, from a sample of whole boxes chosen by hash."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.drift import FleetCounts, FleetSpread
from anomaly.profile import WEEK_DAYS
from anomaly.swap_plan import Plan, Windows
from anomaly.swap_scan import drift_counts
from pipelines.panels import Source, panel_of
from rules.model import Rulebook

HASH_SEED = 5


def fleet_drift(source: Source, rulebook: Rulebook) -> dict[tuple[str, Windows], FleetSpread]:
    """Drift and differences between homes per kind of profile and windows; a kind too few homes have is absent.

    A fleet larger than the setting `cohort_accounts` is sampled: the boxes (else areas) with the smallest hashes,
    so that neither file order nor slicing decides who is asked. Too short a history for any window is not asked at all.
    """
    limits = rulebook.detectors["X01"].limit_values()
    plan = Plan(
        Windows(int(limits["scan_before_weeks"]), int(limits["scan_after_weeks"])),
        Windows(int(limits["before_weeks"]), int(limits["after_weeks"])),
        int(limits["scan_weeks"]),
    )
    if source.landed.grid.borders - 1 < WEEK_DAYS * min(windows.weeks for windows in plan.all_windows):
        return {}
    counts: dict[tuple[str, Windows], FleetCounts] = {}
    for positions in _sample(source, int(rulebook.setting("cohort_accounts"))):
        panel = panel_of(source, positions)
        for key, more in drift_counts(panel, plan, max_members=int(limits["max_members"])).items():
            counts[key] = counts[key] + more if key in counts else more
    spreads = {key: one.fleet_spread() for key, one in counts.items()}
    return {key: one for key, one in spreads.items() if one is not None}


def _sample(source: Source, most: int) -> list[NDArray[np.int64]]:
    """Positions of whole groups, in parts no larger than a slice (a single group may be)."""
    group = pl.when(pl.col("box_id").is_not_null()).then(pl.struct("area_id", "box_id")).otherwise(
        pl.struct("area_id", pl.lit(None, pl.String).alias("box_id"))
    )
    customers = source.fleet.positions.filter(~pl.col("is_supply")).with_columns(group=group)
    sizes = (
        customers.group_by("group")
        .agg(pl.len().alias("count"))
        .filter(pl.col("count") >= 2)
        .with_columns(hash=pl.col("group").hash(HASH_SEED))
        .sort("hash", "group")
        .with_columns(upto=pl.col("count").cum_sum() - pl.col("count"))
        .filter(pl.col("upto") < most)
    )
    chosen = np.sort(customers.join(sizes, on="group", nulls_equal=True)["position"].to_numpy())
    per_position = source.landed.grid.borders + source.curves.rows / max(len(source.fleet.positions), 1)
    return _whole_groups(source.fleet.positions[chosen], chosen, max(int(source.slice_cells / per_position), 1))


def _whole_groups(
    positions: pl.DataFrame, chosen: NDArray[np.int64], most: int
) -> list[NDArray[np.int64]]:
    """Cut where a new area begins, so that no group is torn."""
    area = pl.coalesce("area_id", "box_id", "account_id")
    begins = positions.select((area.ne_missing(area.shift(1))).alias("new"))["new"].to_numpy()
    starts = np.append(np.flatnonzero(begins), len(chosen))
    parts, lo = [], 0
    while lo < len(chosen):
        hi = int(starts[min(np.searchsorted(starts, lo + most), len(starts) - 1)])
        parts.append(chosen[lo:hi])
        lo = hi
    return parts
