"""Q09: account and meter are filed under different areas."""

from __future__ import annotations

import numpy as np

from anomaly.contradictions import contradictions
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector


@detector(
    "Q09",
    family="reading_error",
    unit="1",
    source="contract §2: installations.area_id beats accounts.area_id, a disagreement is a finding; "
    "DL/T 698.45 event 3112",
)
def area_disagreement(panel: Panel) -> Detections:
    """Account and meter are filed under different areas.

    Fires when the installation file and the account file name different areas for one position.
    Cannot see: both files naming the same wrong area (the area's balance can).
    """
    found = contradictions(panel, "area_disagreement")
    pairs = [str(text).split("≠", 1) for text in found.detail]
    as_of = panel.dates(np.full(len(found.row), panel.shape[1]))
    return detections(
        panel,
        found.row,
        found.first,
        as_of,
        measured=1.0,
        expected=0.0,
        limit=0.0,
        strength=1.0,
        meter_id=found.meter_id,
        channel=None,
        facts={
            "meter_area_id": np.array([pair[0] for pair in pairs], dtype=object),
            "account_area_id": np.array([pair[-1] for pair in pairs], dtype=object),
        },
    )
