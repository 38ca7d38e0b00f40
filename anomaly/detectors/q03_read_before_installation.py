"""Q03: reads from before the meter was installed."""

from __future__ import annotations

from anomaly.misplaced_reads import misplaced, next_installation
from anomaly.panel import Panel
from anomaly.registry import Detections, detector
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
    first, installed = days(told["first_day"]), next_installation(panel, told)
    early = days_between(first, installed)
    facts = {
        "read_day": first,
        "installed_day": installed,
        "early_days": early,
        "early_reads": told["reads"].to_numpy(),
    }
    return misplaced(panel, told, early, tolerance_days=tolerance_days, facts=facts)
