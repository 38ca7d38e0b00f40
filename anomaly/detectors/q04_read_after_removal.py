"""Q04: reads from after the meter was removed."""

from __future__ import annotations

import numpy as np
import polars as pl

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.set_aside import days, days_between, stories


@detector(
    "Q04",
    family="reading_error",
    unit="d",
    source="contract §2: a read is in place up to and including removed_on; Oracle MDM inactive measurement check",
)
def read_after_removal(panel: Panel, *, tolerance_days: float) -> Detections:
    """Reads from after the meter was removed.

    Fires when a meter has reads more than `tolerance_days` after its removal in the file, or after another
    meter took its place there.
    Cannot see: a removal date that is too late.
    """
    told = stories(panel, "after_removal")
    first, last = days(told["first_day"]), days(told["last_day"])
    removed = _last_removal(panel, told)
    late = days_between(removed, last)
    keep = np.flatnonzero(late > tolerance_days)
    return detections(
        panel,
        told["row"].to_numpy(),
        first,
        last + 1,
        measured=late,
        expected=0.0,
        limit=tolerance_days,
        strength=late,
        kwh_at_stake=told["apart_kwh"].to_numpy() * told["multiplier"].to_numpy(),
        meter_id=told["meter_id"].to_numpy().astype(object),
        channel=None,
        facts={
            "read_day": last,
            "removed_day": removed,
            "late_days": late,
            "late_reads": told["reads"].to_numpy(),
        },
    ).take(keep)


def _last_removal(panel: Panel, told: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """The end of the installation that each meter's late reads lie after (the day before its first if none is
    known).
    """
    spans = panel.installations.select(pl.col("meter_id").cast(pl.String), pl.col("last_on").cast(pl.Date))
    joined = (
        told.with_row_index("at")
        .join(spans, on="meter_id", how="left")
        .with_columns(earlier=pl.when(pl.col("last_on") < pl.col("first_day")).then(pl.col("last_on")))
        .group_by("at", maintain_order=True)
        .agg(pl.col("earlier").max(), (pl.col("first_day").first() - pl.duration(days=1)).alias("else"))
        .sort("at")
    )
    return np.asarray(days(joined.select(pl.coalesce("earlier", "else")).to_series()))
