"""Q10: one meter at two points at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.contradictions import contradictions
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector

SUPPLY_POINT = "—"
"""What stands for an account where the meter is on file as an area's supply meter."""


@detector(
    "Q10",
    family="reading_error",
    unit="d",
    source="contract §2: a meter is at one position over a span of dates; archive check: one asset twice",
)
def meter_at_two_points(panel: Panel, *, tolerance_days: float) -> Detections:
    """One meter at two points at once.

    Fires when the installation file has one meter number at two points for more than `tolerance_days`.
    Cannot see: which of the two accounts the meter really serves.
    """
    found = contradictions(panel, "two_points")
    days = found.span_days()
    own = panel.positions["account_id"].to_numpy().astype(object)[found.row]
    return detections(
        panel,
        found.row,
        found.first,
        found.end,
        measured=days,
        expected=0.0,
        limit=tolerance_days,
        strength=np.log1p(days),
        kwh_at_stake=found.energy_kwh,
        related_account_id=_but_own(found.detail, own),
        meter_id=found.meter_id,
        channel=None,
        facts={
            "overlap_days": days,
            "first_account_id": _or_nobody(own),
            "second_account_id": _or_nobody(found.detail),
        },
    ).take(np.flatnonzero(days > tolerance_days))


def _but_own(accounts: NDArray[np.object_], own: NDArray[np.object_]) -> NDArray[np.object_]:
    """Account numbers, none where the other point is one of the same account."""
    others = accounts.copy()
    others[accounts == own] = None
    return others


def _or_nobody(accounts: NDArray[np.object_]) -> NDArray[np.object_]:
    """Account numbers, a dash where the place is an area's supply point."""
    return np.array([SUPPLY_POINT if account is None else account for account in accounts], dtype=object)
