"""When homes are compared, over which windows, and from how much evidence on an exchange is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PAIRS_OF_TWELVE = 66
"""Limits are for boxes of twelve; ln(pairs / 66) scales them to other sizes."""


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

    A known date is judged with `short`, and already after its first week (methods.md §1.1: day 7 and day 14).
    """

    long: Windows
    short: Windows
    scan_weeks: int

    @property
    def early(self) -> Windows:
        """For a known date of which only the first week has passed."""
        return Windows(self.short.before_weeks, 1)

    @property
    def all_windows(self) -> tuple[Windows, ...]:
        """Every pair of window lengths something is judged with."""
        return (self.long, self.short, self.early)

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

    `per_log_pairs` is what a group with e times as many pairs needs more, also per kind. Smaller groups need no less:
    there a home with a new life would soon be accused.
    """

    known_nats: Mapping[str, float]
    scan_nats: Mapping[str, float]
    per_log_pairs: Mapping[str, float]

    def for_groups(self, kind: str, members: Integers, *, known: bool) -> Floats:
        """`[G]` limits of groups with so many members that can be judged, at named days or week by week."""
        limit_nats = (self.known_nats if known else self.scan_nats)[kind]
        pairs = np.maximum(members * (members - 1) / 2, PAIRS_OF_TWELVE)
        return np.asarray(limit_nats + self.per_log_pairs[kind] * np.log(pairs / PAIRS_OF_TWELVE))
