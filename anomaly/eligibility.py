"""Who can be judged by which rule: declared once per rule, applied once, and told in the coverage.

Short history is *insufficient*, never clean; a rule that has nothing to look at is *not applicable*.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.vocabulary import QUALITIES

ACTUAL_UP_TO = QUALITIES.index("derived")
"""Reads of this quality or better count as actual."""

REASONS = (
    "", "wrong_frequency", "no_rates", "no_export", "no_curve", "no_electrical", "too_few_reads", "too_few_days",
    "too_few_actual", "no_neighbours", "group_too_large", "fleet_too_small", "no_supply_meter", "no_areas_beside",
    "balance_incomplete", "balance_undecidable", "not_polled", "boxes_no_points",
)  # fmt: skip
"""Why a position could not be judged; the index is what `Verdict.reason` holds, 0 = it was."""

NOT_APPLICABLE = frozenset({"wrong_frequency", "no_rates", "no_export", "not_polled"})
"""Reasons that lie in the nature of the connection, not in the reads."""


class Requires(Protocol):
    """What a rule needs before it may judge a position (a rulebook entry)."""

    @property
    def tables(self) -> Collection[str]: ...
    @property
    def reads(self) -> int: ...
    @property
    def days(self) -> int: ...
    @property
    def actual_share(self) -> float: ...
    @property
    def curve(self) -> bool: ...
    @property
    def rates(self) -> bool: ...
    @property
    def export(self) -> bool: ...
    @property
    def electrical(self) -> bool: ...
    @property
    def frequency(self) -> str: ...


@dataclass(frozen=True, eq=False)
class Habits:
    """What a slice has per position, counted once for all rules: `[M]` each."""

    reads: NDArray[np.int64]
    days: NDArray[np.int64]
    actual_share: NDArray[np.float64]
    daily: NDArray[np.bool_]
    curve: NDArray[np.bool_]
    rates: NDArray[np.bool_]
    export: NDArray[np.bool_]
    electrical: NDArray[np.bool_]


def habits_of(panel: Panel) -> Habits:
    """Count reads, days with energy and actual reads, and see which channels each position has."""
    count = panel.shape[0]
    present = panel.quality >= 0
    reads = present.sum(axis=1)
    actual = (present & (panel.quality <= ACTUAL_UP_TO)).sum(axis=1)
    curve = np.zeros(count, bool)
    for one in panel.curves:
        curve[one.rows] = True

    def having(part: Any) -> NDArray[np.bool_]:
        has = np.zeros(count, bool)
        if part is not None:
            has[part.rows] = True
        return has

    return Habits(
        reads,
        np.isfinite(panel.kwh).sum(axis=1),
        actual / np.maximum(reads, 1),
        panel.daily,
        curve,
        having(panel.rates),
        having(panel.export),
        having(panel.electrical),
    )


def verdicts(habits: Habits, requires: Requires) -> NDArray[np.int8]:
    """Index into REASONS per position: 0 where the rule may judge it, else the first thing that is missing."""
    frequency = requires.frequency
    checks = (
        ("wrong_frequency", (frequency != "any") & (habits.daily != (frequency == "daily"))),
        ("no_rates", requires.rates & ~habits.rates),
        ("no_export", requires.export & ~habits.export),
        ("no_curve", requires.curve & ~habits.curve),
        ("no_electrical", requires.electrical & ~habits.electrical),
        ("too_few_reads", habits.reads < requires.reads),
        ("too_few_days", habits.days < requires.days),
        ("too_few_actual", habits.actual_share < requires.actual_share),
    )
    verdict = np.zeros(len(habits.reads), np.int8)
    for reason, missing in reversed(checks):
        verdict[np.broadcast_to(missing, verdict.shape)] = REASONS.index(reason)
    return verdict
