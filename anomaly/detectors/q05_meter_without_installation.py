"""Q05: reads from a meter that is installed nowhere."""

from __future__ import annotations

import numpy as np

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.set_aside import days, stories


@detector(
    "Q05",
    family="reading_error",
    unit="reads",
    source="DL/T 698.45 event 3111 unknown meter found; California VEE meter-ID check",
)
def meter_without_installation(panel: Panel, *, min_reads: float) -> Detections:
    """Reads from a meter that is installed nowhere.

    Fires when a meter number has at least `min_reads` reads and no row in the installation file.
    Cannot see: a meter filed at the wrong account; whose energy it is.
    """
    told = stories(panel, "no_installation")
    reads = told["reads"].to_numpy()
    keep = np.flatnonzero(reads >= min_reads)
    return detections(
        panel,
        np.full(len(told), -1, np.int64),
        days(told["first_day"]),
        days(told["last_day"]) + np.timedelta64(1, "D"),
        measured=reads,
        expected=0.0,
        limit=min_reads,
        kwh_at_stake=told["apart_kwh"].to_numpy(),
        meter_id=told["meter_id"].to_numpy().astype(object),
        channel=None,
        facts={"orphan_reads": reads, "counted_kwh": told["apart_kwh"].to_numpy()},
    ).take(keep)
