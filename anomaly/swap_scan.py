"""Exchanged homes over a panel: at known dates, and week by week where no date is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.drift import FleetCounts, FleetSpread, fleet_counts
from anomaly.exchange_score import Fit, Links, Newcomer, exchanges, fit
from anomaly.panel import Panel
from anomaly.profile import (
    KINDS, WEEK_DAYS, has_channel, mean_of_weeks, minus_group_median, profile_days, weekly_profiles,
)  # fmt: skip
from anomaly.swap_groups import blocks, groups_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PAIRS_OF_TWELVE = 66
"""Limits are for boxes of twelve; ln(pairs / 66) scales them to other sizes."""

KIND_SHARE = 0.75
"""A group is judged by a kind of profile that at least this share of its homes has."""

DRIFT_EVERY_WEEKS = 6
"""Drift is counted at every sixth weekly date: windows further apart share no days."""


@dataclass(frozen=True, order=True)
class Windows:
    """How many weeks are compared before and after a date."""

    before_weeks: int
    after_weeks: int

    @property
    def weeks(self) -> int:
        """Both together."""
        return self.before_weeks + self.after_weeks


@dataclass(frozen=True)
class Plan:
    """Windows of the weekly scan (`long` where they fit, else `short`) and of known dates, and how far back.

    `least_days_after` is how many days must have passed since a known date: 7 or 14 (methods.md §1.1).
    """

    long: Windows
    short: Windows
    scan_weeks: int

    def windows_at(self, border: int, weeks: int) -> Windows | None:
        """The windows for the date before week `border` of `weeks` weeks, None where neither fits."""
        for one in (self.long, self.short):
            if one.before_weeks <= border <= weeks - one.after_weeks:
                return one
        return None

    def borders(self, weeks: int) -> dict[int, Windows]:
        """Weekly dates within the last `scan_weeks` of `weeks` weeks and the windows each is judged with."""
        found = {}
        for border in range(max(weeks - self.scan_weeks, 1), weeks):
            windows = self.windows_at(border, weeks)
            if windows is not None:
                found[border] = windows
        return found


@dataclass(frozen=True)
class Limits:
    """Log likelihood ratios from which an exchange is told, per kind of profile, for boxes of twelve.

    `per_log_pairs` is what a group with e times as many pairs needs more.
    """

    known_nats: Mapping[str, float]
    scan_nats: Mapping[str, float]
    per_log_pairs: float

    def for_groups(self, limit_nats: float, members: Integers) -> Floats:
        """`[G]` limits of groups with so many members that can be judged."""
        pairs = np.maximum(members * (members - 1) / 2, 1)
        return np.asarray(limit_nats + self.per_log_pairs * np.log(pairs / PAIRS_OF_TWELVE))


Fleet = Mapping[tuple[str, Windows], FleetSpread]
"""What profiles do by themselves, per kind and windows; see `drift_counts`."""


@dataclass(frozen=True, eq=False)
class Swaps:
    """Exchanges of a panel: one row per link, "the meter of `position` now measures what `source` measured".

    `day` is the first day (panel index) the exchange can have been on, `known` whether somebody named that day,
    `kind` indexes KINDS, `moved` is MM and `ratio_nats` LLR_t of the two homes (methods.md §1.1).
    """

    position: Integers
    source: Integers
    exchange: Integers
    size: Integers
    members: Integers
    day: Integers
    known: NDArray[np.bool_]
    kind: Integers
    nats: Floats
    limit_nats: Floats
    moved: Floats
    ratio_nats: Floats
