"""Q03: reads from before the meter was installed."""

from __future__ import annotations

import numpy as np
import polars as pl

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.set_aside import days, days_between, stories


@detector(
    "Q03",
    family="reading_error",
    unit="d",
    source="contract §2: a read is in place from installed_on on; Chinese head-ends drop data dated "
    "before installation",
)
def read_before_installation(panel: Panel, *, tolerance_days: float) -> Detections:
    """Reads from before the meter was installed.

    Fires when a meter has reads more than `tolerance_days` before its installation date in the file.
    Cannot see: an installation date that is too early.
    """
    told = stories(panel, "before_installation")
    first, last = days(told["first_day"]), days(told["last_day"])
    installed = _next_installation(panel, told)
    early = days_between(first, installed)
    keep = np.flatnonzero(early > tolerance_days)
    return detections(
        panel,
        told["row"].to_numpy(),
        first,
        last + 1,
        measured=early,
        expected=0.0,
        limit=tolerance_days,
        strength=early,
        kwh_at_stake=told["apart_kwh"].to_numpy() * told["multiplier"].to_numpy(),
        meter_id=told["meter_id"].to_numpy().astype(object),
        channel=None,
        facts={
            "read_day": first,
            "installed_day": installed,
            "early_days": early,
            "early_reads": told["reads"].to_numpy(),
        },
    ).take(keep)


def _next_installation(panel: Panel, told: pl.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    """The installation date that each meter's early reads lie before (the day after its last read if none is
    known).
    """
    spans = panel.installations.select(pl.col("meter_id").cast(pl.String), pl.col("first_on").cast(pl.Date))
    joined = (
        told.with_row_index("at")
        .join(spans, on="meter_id", how="left")
        .with_columns(later=pl.when(pl.col("first_on") > pl.col("first_day")).then(pl.col("first_on")))
        .group_by("at", maintain_order=True)
        .agg(pl.col("later").min(), (pl.col("last_day").first() + pl.duration(days=1)).alias("else"))
        .sort("at")
    )
    return np.asarray(days(joined.select(pl.coalesce("later", "else")).to_series()))
