"""Q02: two values for one moment."""

from __future__ import annotations

import numpy as np
import polars as pl

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.set_aside import days, stories


@detector(
    "Q02",
    family="reading_error",
    unit="kWh",
    source="Oracle MDM duplicate IMD check; hupe1980/metering V02; contract §2: a tie raises read_conflict",
)
def conflicting_reads(panel: Panel, *, resolution_kwh: float) -> Detections:
    """Two values for one moment.

    Fires when one meter and channel has two different values of the same, best quality for one instant,
    more than `resolution_kwh` apart. Conflicts at most a week apart are one finding; the facts are those of
    the widest.
    Cannot see: a conflict in which one value has the better quality (that value is used, and rightly so).
    """
    told = stories(panel, "conflict").filter(pl.col("apart_kwh") > resolution_kwh + 1e-9)
    first, last = days(told["first_day"]), days(told["last_day"])
    apart = told["apart_kwh"].to_numpy()
    return detections(
        panel,
        told["row"].to_numpy(),
        first,
        last + np.timedelta64(1, "D"),
        measured=told["high_kwh"].to_numpy(),
        expected=told["low_kwh"].to_numpy(),
        limit=resolution_kwh,
        kwh_at_stake=apart * told["multiplier"].to_numpy(),
        meter_id=told["meter_id"].to_numpy().astype(object),
        channel=None,
        facts={
            "read_at": told["first_at"].to_numpy().astype("datetime64[s]"),
            "first_kwh": told["low_kwh"].to_numpy(),
            "second_kwh": told["high_kwh"].to_numpy(),
            "conflict_count": told["instants"].to_numpy().astype(np.int64),
        },
    )
