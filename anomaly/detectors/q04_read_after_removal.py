"""Q04: reads from after the meter was removed."""

from __future__ import annotations

from anomaly.misplaced_reads import last_removal, misplaced
from anomaly.panel import Panel
from anomaly.registry import Detections, detector
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
    last, removed = days(told["last_day"]), last_removal(panel, told)
    late = days_between(removed, last)
    facts = {
        "read_day": last,
        "removed_day": removed,
        "late_days": late,
        "late_reads": told["reads"].to_numpy(),
    }
    return misplaced(panel, told, late, tolerance_days=tolerance_days, facts=facts)
