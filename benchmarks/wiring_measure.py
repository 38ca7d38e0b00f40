"""Scores of virtual boxes, pooled over seeds and both halves of the homes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from anomaly.drift import FleetSpread
from anomaly.exchange_score import Links, Newcomer, exchanges
from anomaly.profile import WEEK_DAYS
from anomaly.swap_plan import Plan, Windows
from benchmarks.wiring_boxes import (
    Boxes,
    Change,
    Homes,
    Weeks,
    around,
    both_away,
    chained,
    draw,
    fit_of,
    fleet_of,
    halves,
    one_new_life,
    swapped,
    untouched,
    weeks_of,
    who_and_when,
)  # fmt: skip

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Draw = Callable[..., Boxes]
Fleet = Mapping[Windows, FleetSpread]

FALSE_BOXES = 0.01
NEWCOMER = Newcomer(chance=0.01, emptied_chance=0.05, degrees_of_freedom=4.0, homes_degrees_of_freedom=10.0)
PLAN = Plan(long=Windows(8, 4), short=Windows(4, 2), scan_weeks=26)
CHANGES: Mapping[str, Change] = {
    "untouched": untouched, "swapped": swapped, "chain of 3": chained, "one new life": one_new_life,
    "both away": both_away,
}  # fmt: skip
LINKS = {"swapped": 2, "chain of 3": 3}


@dataclass(frozen=True, eq=False)
class Top:
    """The likeliest exchange of each box: its nats, whether it is exactly the one put in, and its week."""

    nats: Floats
    right: Booleans
    week: Integers

    def accused(self, limit_nats: float) -> float:
        """Share of boxes accused of anything."""
        return float((self.nats > limit_nats).mean())

    def found(self, limit_nats: float) -> float:
        """Share of boxes in which the right exchange is told."""
        return float(((self.nats > limit_nats) & self.right).mean())

    def first_of_found(self, limit_nats: float) -> float:
        """Share of right exchanges among those told."""
        told = self.nats > limit_nats
        return float(self.right[told].mean()) if told.any() else float("nan")


@dataclass(frozen=True, eq=False)
class Measured:
    """Pooled scores per change; `other_half_limit` is the mean limit fitted on homes that were not judged.

    `held_out` are the false boxes and the power that those limits gave.
    """

    tops: Mapping[str, Top]
    other_half_limit: float
    held_out: tuple[float, float]

    @property
    def limit_nats(self) -> float:
        """The limit that one untouched box in a hundred reaches, over all halves."""
        return float(np.quantile(self.tops["untouched"].nats, 1 - FALSE_BOXES))


@dataclass(frozen=True, eq=False)
class Trial:
    """One way of looking: which boxes, how long, on which days something is done, and how a box is judged.

    `judge(fleet, weeks, who[n, links])` gives the likeliest exchange of each box.
    """

    homes: Homes
    kind: str
    size: int
    windows: tuple[Windows, ...]
    weeks: int
    days: tuple[int, int]
    judge: Callable[[Fleet, Weeks, Integers], Top]
    changes: tuple[str, ...]
    drawing: Draw = draw

    def possible(self) -> bool:
        """Whether the homes have enough days and there are enough of them for two halves."""
        return self.homes.days(self.kind) >= self.weeks * WEEK_DAYS and len(self.homes.kwh) // 2 > self.size

    def measure(self, seeds: int, count: int) -> Measured:
        """Pool `count` boxes per seed and half."""
        pooled: dict[str, list[Top]] = {name: [] for name in self.changes}
        limits, held_out = [], []
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            for fitted, judged in halves(len(self.homes.kwh), rng):
                fleet = {one: fleet_of(self.homes, self.kind, fitted, self.size, one, rng) for one in self.windows}
                null = self._tops(fleet, fitted, count, rng, ("untouched",))["untouched"]
                tops = self._tops(fleet, judged, count, rng, self.changes)
                for name, top in tops.items():
                    pooled[name].append(top)
                limits.append(float(np.quantile(null.nats, 1 - FALSE_BOXES)))
                held_out.append((tops["untouched"].accused(limits[-1]), tops["swapped"].found(limits[-1])))
        false, power = np.mean(held_out, axis=0)
        whole = {name: _pooled(parts) for name, parts in pooled.items()}
        return Measured(whole, float(np.mean(limits)), (float(false), float(power)))

    def _tops(
        self, fleet: Fleet, among: Integers, count: int, rng: np.random.Generator, changes: tuple[str, ...]
    ) -> dict[str, Top]:
        boxes = self.drawing(self.homes, self.kind, among, self.size, self.weeks * WEEK_DAYS, count, rng)
        who, first = who_and_when(boxes, *self.days, rng)
        tops = {}
        for name in changes:
            weeks = weeks_of(CHANGES[name](boxes, who, first), self.kind)
            tops[name] = self.judge(fleet, weeks, who[:, : LINKS.get(name, 0)])
        return tops


def known_date(homes: Homes, kind: str, size: int, windows: Windows, drawing: Draw = draw) -> Trial:
    """Exchanges on a day somebody named."""

    def judge(fleet: Fleet, weeks: Weeks, who: Integers) -> Top:
        sides = around(weeks, windows.before_weeks, windows)
        return _top(fit_of(sides, kind, fleet[windows], NEWCOMER).gain, who, windows.before_weeks)

    day = windows.before_weeks * WEEK_DAYS
    return Trial(homes, kind, size, (windows,), windows.weeks, (day, day), judge, tuple(CHANGES), drawing)


def scanned(homes: Homes, kind: str, size: int) -> Trial:
    """Exchanges on an unknown day of the last 26 weeks but the last two, looked for week by week."""
    count = PLAN.scan_weeks + PLAN.long.before_weeks

    def judge(fleet: Fleet, weeks: Weeks, who: Integers) -> Top:
        tops = [
            _top(fit_of(around(weeks, border, windows), kind, fleet[windows], NEWCOMER).gain, who, border)
            for border, windows in PLAN.borders(count).items()
        ]
        return reduce(_better, tops)

    days = (PLAN.long.before_weeks * WEEK_DAYS, (count - PLAN.short.after_weeks) * WEEK_DAYS)
    return Trial(homes, kind, size, (PLAN.long, PLAN.short), count, days, judge, tuple(CHANGES))


def _pooled(parts: list[Top]) -> Top:
    return Top(*(np.concatenate([getattr(one, part) for one in parts]) for part in ("nats", "right", "week")))


def _top(gain: Floats, who: Integers, week: int) -> Top:
    """The likeliest exchange of each box, chains included, and whether it is `who[n, links]` in a ring."""
    count = len(gain)
    found = exchanges(gain, np.zeros(count))
    nats, right = np.zeros(count), np.zeros(count, bool)
    if len(found.group):
        order = np.lexsort((-found.nats, found.group))
        best = np.full(count, -1)
        best[found.group[order][::-1]] = found.exchange[order][::-1]
        nats[found.group[order][::-1]] = found.nats[order][::-1]
        if who.shape[1]:
            right = _is_ring(found, best, who)
    return Top(nats, right, np.full(count, week))


def _is_ring(found: Links, best: Integers, who: Integers) -> Booleans:
    mine = np.flatnonzero((best[found.group] == found.exchange) & (found.size == who.shape[1]))
    expected = np.full((len(who), who.max() + 1 if len(who) else 1), -1)
    each = np.arange(len(who))
    for member, source in zip(who.T, np.roll(who, -1, axis=1).T, strict=True):
        expected[each, member] = source
    member = found.member[mine]
    inside = member < expected.shape[1]
    agrees = inside & (expected[found.group[mine], np.where(inside, member, 0)] == found.source[mine])
    return np.asarray(np.bincount(found.group[mine][agrees], minlength=len(who)) == who.shape[1])


def _better(one: Top, other: Top) -> Top:
    take = other.nats > one.nats
    return Top(
        np.where(take, other.nats, one.nats), np.where(take, other.right, one.right),
        np.where(take, other.week, one.week),
    )  # fmt: skip
