"""Exchanged homes over a panel: at known dates, and week by week where no date is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.drift import FleetCounts, FleetSpread, fleet_counts
from anomaly.exchange_score import Fit, Newcomer, exchanges, fit
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
)
from anomaly.swap_found import Judged, Swaps, disjoint, no_swaps, swaps_of, together
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
    found = [no_swaps()]
    for groups in groups_of(panel, max_members=scan.max_members):
        for block in blocks(groups):
            found += _judge_block(panel, fleet, scan, block, known_row, known_day)
    return disjoint(together(found))


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
    left = {border: np.ones(len(block), bool) for border in borders}
    task_judged = np.zeros(len(tasks[0]), bool)
    found = []
    for number, kind in enumerate(KINDS):
        if task_judged.all() and not any(open_groups.any() for open_groups in left.values()):
            break
        if not has_channel(panel, kind)[block[block >= 0]].any():
            continue
        days = _days(panel, kind, block, first)
        weekly = weekly_profiles(days, kind)
        for border, windows in borders.items():
            todo = np.flatnonzero(left[border])
            spread = fleet.get((kind, windows))
            if not len(todo) or spread is None:
                continue
            before, after = _around(weekly[todo], border, windows)
            enough = _enough(block[todo], before, after, kind)
            left[border][todo[enough]] = False
            day = np.full(int(enough.sum()), first + border * WEEK_DAYS)
            mine = todo[enough]
            judged = Judged(block[mine], mine, days, first, day, False, number)
            found.append(_told(judged, fit(before[enough], after[enough], spread, scan.newcomer), spread, scan))
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
        judged = Judged(block[group[mine]], group[mine], days, first, day[mine], True, number)
        yield _told(judged, fit(before[enough], after[enough], spread, scan.newcomer), spread, scan)


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


def _told(judged: Judged, fitted: Fit, spread: FleetSpread, scan: Scan) -> Swaps:
    """What is above the limit of groups judged together."""
    limits = scan.limits.known_nats if judged.known else scan.limits.scan_nats
    members = np.isfinite(fitted.own).sum(axis=1)
    limit = scan.limits.for_groups(limits[KINDS[judged.kind]], members)
    links = exchanges(fitted.gain, limit)
    return swaps_of(judged, fitted, links, limit, spread, scan.newcomer.degrees_of_freedom)
