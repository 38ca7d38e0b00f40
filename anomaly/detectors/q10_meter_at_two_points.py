"""Q10: one meter at two points at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.contradictions import Contradictions, contradictions
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector


@detector(
    "Q10",
    family="reading_error",
    unit="d",
    source="contract §2: a meter is at one position over a span of dates; archive check: one asset twice",
)
def meter_at_two_points(panel: Panel, *, tolerance_days: float) -> Detections:
    """One meter at two points at once.

    Fires where the installation file has one meter number at two points for more than `tolerance_days`.
    Cannot see: which of the two accounts the meter really serves.
    """
    found = contradictions(panel, "two_points")
    days = found.span_days()
    accounts = panel.positions["account_id"].to_numpy().astype(object)
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
        related=_other_position(found, accounts),
        meter_id=found.meter_id,
        channel=None,
        facts={
            "overlap_days": days,
            "first_account_id": accounts[found.row],
            "second_account_id": found.detail,
        },
    ).take(np.flatnonzero(days > tolerance_days))


def _other_position(found: Contradictions, accounts: NDArray[np.object_]) -> NDArray[np.int64]:
    """The other account's position where it is in the same slice, else -1."""
    if not len(found.row):
        return np.empty(0, np.int64)
    known = np.flatnonzero(accounts != None)  # noqa: E711 - elementwise
    names = accounts[known].astype(str)
    order = np.argsort(names, kind="stable")
    wanted = np.array([str(name) for name in found.detail])
    at = np.clip(np.searchsorted(names[order], wanted), 0, max(len(known) - 1, 0))
    place = known[order][at] if len(known) else np.full(len(wanted), -1, np.int64)
    same = names[order][at] == wanted if len(known) else np.zeros(len(wanted), bool)
    return np.where(same & (place != found.row), place, -1)
