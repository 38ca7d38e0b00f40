"""Exchanged homes over a panel: at known dates, and week by week where no date is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anomaly.drift import FleetCounts, FleetSpread, fleet_counts
from anomaly.emptied import Sides, emptied_nats
from anomaly.exchange_score import Newcomer, exchanges, fit, within_reach
from anomaly.panel import Panel
from anomaly.profile import (
    DAILY,
    KINDS,
    WEEK_DAYS,
    group_median,
    has_channel,
    mean_of_weeks,
    profile_days,
    weekly_profiles,
)
from anomaly.swap_crews import crews_of
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

WHOLE_MEMBERS = 64
"""Of larger groups only homes that could be in a pair above the limit are judged; rings only among these."""

TASK_HOMES = 4_000
"""Homes at named days that are judged at once, so that memory does not grow with the works on record."""

Fleet = Mapping[tuple[str, Windows], FleetSpread]
"""What profiles do by themselves, per kind and windows; see `drift_counts`."""


@dataclass(frozen=True, eq=False)
class Scan:
    """What a scan needs besides the panel."""

    plan: Plan
    limits: Limits
    newcomer: Newcomer
    max_members: int


@dataclass(frozen=True, eq=False)
class _Tasks:
    """Named days: `group[T]` of the block, `day[T]` of the panel; which homes may have been exchanged on it.

    `unit[G, g]` numbers the boxes where homes of one box are not compared, `at_work[T, g]` those who are; None: all.
    """

    group: Integers
    day: Integers
    unit: Integers | None = None
    at_work: Booleans | None = None


@dataclass(frozen=True, eq=False)
class _Profiles:
    """Days of a block's homes from panel day `first` on, with the kind of profile of this `number`.

    `days[G, g, D', F]` are relative to the group; `zero[G, 1, D', F]` is a home whose features are all 0.
    """

    number: int
    first: int
    days: Floats
    zero: Floats

    @property
    def kind(self) -> str:
        """Which kind."""
        return KINDS[self.number]

    @cached_property
    def weekly(self) -> tuple[Floats, Floats]:
        """`[G, g, W, F']` and `[G, 1, W, F']`."""
        return weekly_profiles(self.days, self.kind), weekly_profiles(self.zero, self.kind)

    def around_week(self, groups: Integers, border: int, windows: Windows) -> Sides:
        """Both sides of the week `border`, of some groups."""
        homes, zero = (_around(weeks[groups], border, windows) for weeks in self.weekly)
        return Sides(*homes, *zero)

    def around_days(self, groups: Integers, begin: Integers, windows: Windows) -> Sides:
        """Both sides of a day of each of some groups, which is in neither; `begin` is the first day looked at."""
        at = np.arange(windows.weeks * WEEK_DAYS)
        day = begin[:, None] + at + (at >= windows.before_weeks * WEEK_DAYS)
        parts: list[Floats] = []
        for values in (self.days, self.zero):
            near = values[groups[:, None], :, day].transpose(0, 2, 1, 3)
            parts += _around(weekly_profiles(near, self.kind), windows.before_weeks, windows)
        return Sides(*parts)


def find_swaps(panel: Panel, fleet: Fleet, scan: Scan, known_row: Integers, known_day: Integers) -> Swaps:
    """Disjoint exchanges of the panel: at dates somebody named, `known_day[K]` at `known_row[K]`, and weekly.

    Homes of different boxes of an area are compared only where they were worked on within a week. A named day itself
    is in neither window. Of exchanges that share a home, one at a named day goes first, then the one that is furthest
    above its limit.
    """
    found = [no_swaps()]
    for groups in groups_of(panel, max_members=scan.max_members):
        for block in blocks(groups):
            found += _judge_block(panel, fleet, scan, block, _tasks(block, known_row, known_day), weekly=True)
    for crews in crews_of(panel, max_members=scan.max_members):
        tasks = _Tasks(crews.group, crews.day, crews.unit, crews.at_work)
        found += _judge_block(panel, fleet, scan, crews.areas, tasks, weekly=False)
    return disjoint(together(found))


def drift_counts(panel: Panel, plan: Plan, *, max_members: int) -> dict[tuple[str, Windows], FleetCounts]:
    """What one slice adds to the fleet's drift, per kind and windows; slices are added up."""
    counts: dict[tuple[str, Windows], FleetCounts] = {}
    weeks, first = _weeks(panel, plan)
    for groups in groups_of(panel, max_members=max_members):
        for block in blocks(groups):
            for kind in KINDS:
                profiles = _profiles(panel, KINDS.index(kind), block, first)
                if profiles is None:
                    continue
                weekly = profiles.weekly[0]
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


def _profiles(panel: Panel, number: int, block: Integers, first: int) -> _Profiles | None:
    """Profiles of a block with one kind; NaN for padding; None where none of its homes has the channel."""
    kind = KINDS[number]
    if not has_channel(panel, kind)[block[block >= 0]].any():
        return None
    flat = block.ravel()
    days = profile_days(panel, kind, np.maximum(flat, 0), first, panel.shape[1])
    days[flat < 0] = np.nan
    days = days.reshape(*block.shape, *days.shape[1:])
    median = group_median(days)
    return _Profiles(number, first, days - median, -median)


def _around(weekly: Floats, border: int, windows: Windows) -> tuple[Floats, Floats]:
    """`[G, g, F]` summaries of the windows before and after the week `border`."""
    before = weekly[:, :, border - windows.before_weeks : border]
    after = weekly[:, :, border : border + windows.after_weeks]
    return mean_of_weeks(before), mean_of_weeks(after)


def _judge_block(
    panel: Panel, fleet: Fleet, scan: Scan, block: Integers, tasks: _Tasks, *, weekly: bool
) -> list[Swaps]:
    """Every date of one block of groups; each (group, date) is judged by the most telling kind it has."""
    weeks, first = _weeks(panel, scan.plan)
    borders = scan.plan.borders(weeks) if weekly else {}
    left = {border: np.ones(len(block), bool) for border in borders}
    task_left = np.ones(len(tasks.group), bool)
    found = []
    for number in range(len(KINDS)):
        if not task_left.any() and not any(open_groups.any() for open_groups in left.values()):
            break
        profiles = _profiles(panel, number, block, first)
        if profiles is None:
            continue
        for border, windows in borders.items():
            todo = np.flatnonzero(left[border])
            spread = fleet.get((profiles.kind, windows))
            if not len(todo) or spread is None:
                continue
            sides = profiles.around_week(todo, border, windows)
            enough = _enough(block[todo], sides, profiles.kind)
            left[border][todo[enough]] = False
            day = np.full(int(enough.sum()), first + border * WEEK_DAYS)
            judged = _judged(block, todo[enough], profiles, day, known=False)
            found.append(_told(judged, sides.some(enough), spread, scan))
        found += _judge_known(profiles, block, tasks, task_left, fleet, scan)
    return found


def _judge_known(
    profiles: _Profiles, block: Integers, tasks: _Tasks, task_left: Booleans, fleet: Fleet, scan: Scan
) -> Iterator[Swaps]:
    """Named dates with one kind of profile: the days before, and as many whole weeks after as have passed."""
    since = tasks.day - profiles.first
    for windows in (scan.plan.short, scan.plan.early):
        spread = fleet.get((profiles.kind, windows))
        begin = since - windows.before_weeks * WEEK_DAYS
        passed = since + 1 + windows.after_weeks * WEEK_DAYS <= profiles.days.shape[2]
        todo = np.flatnonzero(task_left & (begin >= 0) & passed)
        if not len(todo) or spread is None:
            continue
        for some in np.array_split(todo, -(-len(todo) * block.shape[1] // TASK_HOMES)):
            sides = profiles.around_days(tasks.group[some], begin[some], windows)
            enough = _enough(block[tasks.group[some]], sides, profiles.kind)
            mine = some[enough]
            task_left[mine] = False
            judged = _judged(block, tasks.group[mine], profiles, tasks.day[mine], known=True)
            at_work = None if tasks.at_work is None else tasks.at_work[mine]
            unit = None if tasks.unit is None else tasks.unit[tasks.group[mine]]
            yield _told(judged, sides.some(enough), spread, scan, unit, at_work)


def _tasks(block: Integers, known_row: Integers, known_day: Integers) -> _Tasks:
    """Distinct (group of the block, day) of the named dates."""
    order = np.argsort(block, axis=None, kind="stable")
    flat = block.ravel()[order]
    at = np.minimum(np.searchsorted(flat, known_row), len(flat) - 1)
    mine = (flat[at] == known_row) & (known_row >= 0)
    pairs = np.unique(np.stack([order[at[mine]] // block.shape[1], known_day[mine]], axis=1), axis=0)
    return _Tasks(pairs[:, 0], pairs[:, 1])


def _enough(block: Integers, sides: Sides, kind: str) -> Booleans:
    """Whether a group has enough homes with this kind of profile on both sides."""
    known = (np.isfinite(sides.before) & np.isfinite(sides.after)).all(axis=2).sum(axis=1)
    share = 0.0 if kind == DAILY else KIND_SHARE
    return np.asarray((known >= 2) & (known >= share * (block >= 0).sum(axis=1)))


def _judged(block: Integers, group: Integers, profiles: _Profiles, day: Integers, *, known: bool) -> Judged:
    """Groups of a block at a date each, all their homes."""
    place = np.broadcast_to(np.arange(block.shape[1]), (len(group), block.shape[1]))
    return Judged(block[group], group, place, profiles.days, profiles.first, day, known, profiles.number)


def _told(
    judged: Judged, sides: Sides, spread: FleetSpread, scan: Scan,
    unit: Integers | None = None, at_work: Booleans | None = None,
) -> Swaps:  # fmt: skip
    """What is above the limit of groups judged together."""
    kind, newcomer = KINDS[judged.kind], scan.newcomer
    if at_work is not None:
        judged, sides, unit = _only(judged, sides, unit, at_work)
    members = (np.isfinite(sides.before) & np.isfinite(sides.after)).all(axis=2).sum(axis=1)
    limit = scan.limits.for_groups(kind, members, known=judged.known)
    if judged.block.shape[1] > WHOLE_MEMBERS:
        emptied = emptied_nats(sides, kind)
        reach = within_reach(sides.before, sides.after, spread, newcomer, emptied, limit)
        judged, sides, unit = _only(judged, sides, unit, reach)
    fitted = fit(sides.before, sides.after, spread, newcomer, emptied_nats(sides, kind))
    if unit is not None:
        same_box = unit[:, :, None] == unit[:, None, :]
        fitted = dataclasses.replace(fitted, cross=np.where(same_box, -np.inf, fitted.cross))
    links = exchanges(fitted.gain, limit)
    return swaps_of(judged, fitted, links, members, limit, spread, newcomer.degrees_of_freedom)


def _only(
    judged: Judged, sides: Sides, unit: Integers | None, chosen: Booleans
) -> tuple[Judged, Sides, Integers | None]:
    """The same groups with the chosen homes only, as narrow as they fit."""
    width = max(int(chosen.sum(axis=1).max(initial=0)), 2)
    place = np.argsort(~chosen, axis=1, kind="stable")[:, :width]
    place = np.where(np.take_along_axis(chosen, place, axis=1), place, -1)
    narrow = None if unit is None else np.take_along_axis(unit, np.maximum(place, 0), axis=1)
    return judged.only(place), sides.members(place), narrow
