"""Exchanged homes over a panel: at known dates, and week by week where no date is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from anomaly.drift import FleetCounts, FleetSpread, fleet_counts
from anomaly.exchange_score import Fit, Newcomer, both_moved, capped_ratio, exchanges, fit
from anomaly.panel import Panel
from anomaly.profile import (
    DAILY,
    KINDS,
    WEEK_DAYS,
    has_channel,
    mean_of_weeks,
    minus_group_median,
    profile_days,
    weekly_profiles,
)  # fmt: skip
from anomaly.swap_groups import blocks, groups_of
from anomaly.swap_plan import Limits, Plan, Windows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

KIND_SHARE = 0.75
"""A group is judged by a kind of profile that at least this share of its homes has; by daily totals in any case."""

DRIFT_EVERY_WEEKS = 6
"""Drift is counted at every sixth weekly date: the windows after these dates share no days."""

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


@dataclass(frozen=True, eq=False)
class Scan:
    """What a scan needs besides the panel."""

    plan: Plan
    limits: Limits
    newcomer: Newcomer
    max_members: int


def find_swaps(panel: Panel, fleet: Fleet, scan: Scan, known_row: Integers, known_day: Integers) -> Swaps:
    """Disjoint exchanges of the panel: at dates somebody named, `known_day[K]` at `known_row[K]`, and weekly.

    A named day itself is in neither window. Of exchanges that share a home, one at a named day goes first, then
    the one that is furthest above its limit.
    """
    found = [_no_swaps()]
    for groups in groups_of(panel, max_members=scan.max_members):
        for block in blocks(groups):
            found += _judge_block(panel, fleet, scan, block, known_row, known_day)
    numbered, shift = [], 0
    for part in found:
        numbered.append(_changed(part, exchange=part.exchange + shift))
        shift += int(part.exchange.max(initial=-1)) + 1
    whole = Swaps(*(np.concatenate([getattr(part, one.name) for part in numbered]) for one in fields(Swaps)))
    return _disjoint(whole)


def drift_counts(panel: Panel, plan: Plan, *, max_members: int) -> dict[tuple[str, Windows], FleetCounts]:
    """What one slice adds to the fleet's drift, per kind and windows; slices are added up."""
    counts: dict[tuple[str, Windows], FleetCounts] = {}
    weeks, first = _weeks(panel, plan)
    for groups in groups_of(panel, max_members=max_members):
        for block in blocks(groups):
            for kind in KINDS:
                weekly = _weekly(panel, kind, block, first)
                if not weekly.shape[-1]:
                    continue
                for windows in plan.all_windows:
                    for border in range(weeks - windows.after_weeks, windows.before_weeks - 1, -DRIFT_EVERY_WEEKS):
                        more = fleet_counts(*_around(weekly, border, windows))
                        key = (kind, windows)
                        counts[key] = counts[key] + more if key in counts else more
    return counts


def _weeks(panel: Panel, plan: Plan) -> tuple[int, int]:
    """How many whole weeks are looked at, and the panel day they begin with; the last week ends with the panel."""
    weeks = min(panel.shape[1] // WEEK_DAYS, plan.scan_weeks + plan.long.before_weeks)
    return weeks, panel.shape[1] - weeks * WEEK_DAYS


def _days(panel: Panel, kind: str, block: Integers, first: int) -> Floats:
    """`[G, g, D', F]` relative to the group, NaN for padding; F = 0 where the panel has no such channel."""
    flat = block.ravel()
    days = profile_days(panel, kind, np.maximum(flat, 0), first, panel.shape[1])
    days[flat < 0] = np.nan
    if not days.shape[-1]:
        return days.reshape(*block.shape, *days.shape[1:])
    return minus_group_median(days.reshape(*block.shape, *days.shape[1:]))


def _weekly(panel: Panel, kind: str, block: Integers, first: int) -> Floats:
    if not has_channel(panel, kind)[block[block >= 0]].any():
        return np.empty((*block.shape, 0, 0))
    return weekly_profiles(_days(panel, kind, block, first), kind)


def _around(weekly: Floats, border: int, windows: Windows) -> tuple[Floats, Floats]:
    """`[G, g, F]` summaries of the windows before and after the week `border`."""
    before = weekly[:, :, border - windows.before_weeks : border]
    after = weekly[:, :, border : border + windows.after_weeks]
    return mean_of_weeks(before), mean_of_weeks(after)


def _judge_block(
    panel: Panel, fleet: Fleet, scan: Scan, block: Integers, known_row: Integers, known_day: Integers
) -> list[Swaps]:
    """Every date of one block of groups; each (group, date) is judged by the most telling kind it has."""
    weeks, first = _weeks(panel, scan.plan)
    borders = scan.plan.borders(weeks)
    tasks = _tasks(block, known_row, known_day)
    judged = {border: np.zeros(len(block), bool) for border in borders}
    task_judged = np.zeros(len(tasks[0]), bool)
    found = []
    for number, kind in enumerate(KINDS):
        if not has_channel(panel, kind)[block[block >= 0]].any():
            continue
        days = _days(panel, kind, block, first)
        weekly = weekly_profiles(days, kind)
        for border, windows in borders.items():
            todo = np.flatnonzero(~judged[border])
            spread = fleet.get((kind, windows))
            if not len(todo) or spread is None:
                continue
            before, after = _around(weekly[todo], border, windows)
            enough = _enough(block[todo], before, after, kind)
            judged[border][todo[enough]] = True
            day = np.full(int(enough.sum()), first + border * WEEK_DAYS)
            verdict = _Verdict(block[todo[enough]], day, False, number, scan.limits.scan_nats[kind])
            found.append(verdict.of(fit(before[enough], after[enough], spread, scan.newcomer), scan))
        found += _judge_known(days, first, number, block, tasks, task_judged, fleet, scan)
    return found


def _judge_known(
    days: Floats, first: int, number: int, block: Integers, tasks: tuple[Integers, Integers],
    task_judged: Booleans, fleet: Fleet, scan: Scan,
) -> Iterator[Swaps]:  # fmt: skip
    """Named dates with one kind of profile: the days before, and as many whole weeks after as have passed."""
    group, day = tasks
    kind = KINDS[number]
    for windows in (scan.plan.short, scan.plan.early):
        spread = fleet.get((kind, windows))
        begin = day - first - windows.before_weeks * WEEK_DAYS
        passed = day - first + 1 + windows.after_weeks * WEEK_DAYS <= days.shape[2]
        todo = np.flatnonzero(~task_judged & (begin >= 0) & passed)
        if not len(todo) or spread is None:
            continue
        at = np.arange(windows.weeks * WEEK_DAYS)
        at = at + (at >= windows.before_weeks * WEEK_DAYS)
        near = days[group[todo][:, None], :, begin[todo][:, None] + at].transpose(0, 2, 1, 3)
        before, after = _around(weekly_profiles(near, kind), windows.before_weeks, windows)
        enough = _enough(block[group[todo]], before, after, kind)
        task_judged[todo[enough]] = True
        mine = todo[enough]
        verdict = _Verdict(block[group[mine]], day[mine], True, number, scan.limits.known_nats[kind])
        yield verdict.of(fit(before[enough], after[enough], spread, scan.newcomer), scan)


def _tasks(block: Integers, known_row: Integers, known_day: Integers) -> tuple[Integers, Integers]:
    """Distinct (group of the block, day) of the named dates."""
    order = np.argsort(block, axis=None, kind="stable")
    flat = block.ravel()[order]
    at = np.minimum(np.searchsorted(flat, known_row), len(flat) - 1)
    mine = (flat[at] == known_row) & (known_row >= 0)
    pairs = np.unique(np.stack([order[at[mine]] // block.shape[1], known_day[mine]], axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _enough(block: Integers, before: Floats, after: Floats, kind: str) -> Booleans:
    """Whether a group has enough homes with this kind of profile on both sides."""
    known = (np.isfinite(before) & np.isfinite(after)).all(axis=2).sum(axis=1)
    share = 0.0 if kind == DAILY else KIND_SHARE
    return np.asarray((known >= 2) & (known >= share * (block >= 0).sum(axis=1)))


@dataclass(frozen=True, eq=False)
class _Verdict:
    """Groups judged together: `[G, g]` positions, `[G]` days, and what they were judged by."""

    block: Integers
    day: Integers
    known: bool
    kind: int
    limit_nats: float

    def of(self, fitted: Fit, scan: Scan) -> Swaps:
        members = np.isfinite(fitted.own).sum(axis=1)
        limit = scan.limits.for_groups(self.limit_nats, members)
        links = exchanges(fitted.gain, limit)
        group, member, source = links.group, links.member, links.source
        moved = both_moved(fitted.distance[group], fitted.features)
        ratio = capped_ratio(fitted.distance[group], fitted.features, scan.newcomer.degrees_of_freedom)
        each = np.arange(len(group))
        return Swaps(
            self.block[group, member], self.block[group, source], links.exchange, links.size, members[group],
            self.day[group], np.full(len(group), self.known), np.full(len(group), self.kind),
            links.nats, limit[group], moved[each, member, source], ratio[each, member, source],
        )  # fmt: skip


def _disjoint(swaps: Swaps) -> Swaps:
    """Exchanges that share no home: an exchange stays where it ranks first for each of its homes."""
    order = np.lexsort((swaps.day, -np.round(swaps.nats - swaps.limit_nats, 6), ~swaps.known))
    rank = np.full(int(swaps.exchange.max(initial=-1)) + 1, len(order))
    np.minimum.at(rank, swaps.exchange[order], np.arange(len(order)))
    rank = rank[swaps.exchange]
    alive, kept = np.ones(len(order), bool), np.zeros(len(order), bool)
    while alive.any():
        best = np.full(int(swaps.position.max(initial=-1)) + 1, len(order))
        np.minimum.at(best, swaps.position[alive], rank[alive])
        first = alive & (best[swaps.position] == rank)
        whole = np.bincount(swaps.exchange[first], minlength=int(swaps.exchange.max()) + 1)
        first &= whole[swaps.exchange] == swaps.size
        kept |= first
        taken = np.isin(swaps.position, swaps.position[first])
        lost = np.unique(swaps.exchange[taken])
        alive &= ~np.isin(swaps.exchange, lost)
    return _changed(swaps, keep=np.flatnonzero(kept))


def _changed(swaps: Swaps, *, keep: Integers | None = None, exchange: Integers | None = None) -> Swaps:
    """Some rows only, or other exchange numbers."""
    columns = {one.name: getattr(swaps, one.name) for one in fields(Swaps)}
    if exchange is not None:
        columns["exchange"] = exchange
    return Swaps(**{name: values if keep is None else values[keep] for name, values in columns.items()})


def _no_swaps() -> Swaps:
    whole, real = np.empty(0, np.int64), np.empty(0)
    return Swaps(whole, whole, whole, whole, whole, whole, np.empty(0, bool), whole, real, real, real, real)
