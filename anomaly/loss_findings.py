"""Verdicts on losses as findings and as coverage: shared by the rules that tell use, meter and wiring apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.area_moves import areas_of, usable_days
from anomaly.loss_change import INCOMPLETE, UNDECIDABLE, LossChanges, LossTest, judge_changes
from anomaly.panel import Panel
from anomaly.registry import Detections, detections


def told(panel: Panel, judged: LossChanges, verdict: int, test: LossTest) -> Detections:
    """The changes with this verdict, from their day to the end of the panel: what the loss did, and what the meter."""
    one = judged.take(judged.verdict == verdict)
    balance = panel.balance
    names = np.array([*(() if balance is None else balance.area_ids), None], dtype=object)
    end = np.full(len(one.position), panel.shape[1])
    return detections(
        panel,
        one.position,
        one.day,
        end,
        measured=one.loss_change,
        expected=0.0,
        limit=test.noise_multiple * one.noise,
        strength=one.nats,
        kwh_at_stake=np.abs(one.change) * (end - one.day),
        facts={
            "change_day": panel.dates(one.day),
            "change_kwh_per_day": np.abs(one.change),
            "loss_change_kwh_per_day": one.loss_change,
            "loss_before_kwh_per_day": one.loss_before,
            "loss_after_kwh_per_day": one.loss_before + one.loss_change,
            "noise_kwh_per_day": one.noise,
            "other_change_kwh_per_day": one.other_change,
            "area_text": names[one.area],
            "other_area_text": names[one.other],
            "evidence_nats": one.nats,
            "pattern": np.where(one.change > 0, "meter_rose", "meter_fell").astype(object),
        },
    )


def undecided(panel: Panel, **limits: Any) -> NDArray[np.object_]:
    """`[M]` why nothing can be said: no supply meter, too few whole days, or a change too small for the loss's noise.

    A position without a lasting change has nothing to be decided and counts as judged.
    """
    test = LossTest(**limits)
    reason = np.full(panel.shape[0], "no_supply_meter", dtype=object)
    if panel.balance is None:
        return reason
    area = areas_of(panel, panel.balance)
    recent = slice(max(panel.shape[1] - 2 * test.window_days, 0), panel.shape[1])
    whole = usable_days(panel.balance, np.arange(len(panel.balance.area_ids)), recent).sum(axis=1) >= 2 * test.min_days
    known = np.flatnonzero(area >= 0)
    reason[known] = np.where(whole[area[known]], "", "balance_incomplete")
    judged = judge_changes(panel, panel.balance, test)
    open_, decided = judged.verdict == UNDECIDABLE, judged.verdict < UNDECIDABLE
    reason[judged.position[judged.verdict == INCOMPLETE]] = "balance_incomplete"
    reason[judged.position[open_]] = "balance_undecidable"
    reason[judged.position[decided]] = ""
    return reason
