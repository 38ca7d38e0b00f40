"""X03: people moved in or out here on file, and the load changed at a neighbour's meter instead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.load_steps import Steps, around, best_split, change_at_middle, log_level, mean_change
from anomaly.neighbours import difference_kwh, unjudged_alone
from anomaly.occupancy import LEFT, day_on_file, is_status, known_use, normal
from anomaly.panel import Panel
from anomaly.partners import Chosen, active_neighbours, settled
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

LOG_OFFSET_KWH = 0.3
"""Added before the logarithm, so that an empty day stays finite."""

SCREEN_SHARE = 0.5
"""Split in two are windows whose means already differ by half of what the medians have to."""

REST_KWH_PER_DAY = 0.01
"""A register with two decimals that moves less stands still."""


@detector(
    "X03",
    family="cross_wiring",
    unit="nat",
    source="evidence of a swap older than the reads: date on file against the date of a load step (assumed rates)",
    unjudged=unjudged_alone,
)
def move_elsewhere(
    panel: Panel,
    *,
    window_days: float,
    least_days: float,
    min_change_log: float,
    min_share: float,
    most_own_log: float,
    most_apart_days: float,
    date_sd_days: float,
    step_share: float,
    steady_share: float,
    moved_step_share: float,
    moved_steady_share: float,
    level_days: float,
    min_nats: float,
    max_members: float,
) -> Detections:
    """People moved in or out here on file, and the load changed at a neighbour's meter instead.

    A move is `customer_since`, or `status_since` of an active, vacant or closed account, `level_days` or more from
    either end of the reads, so that a holiday is no level. Around it, in a window of `window_days` on either side,
    each active neighbour's daily use is split in two levels where that explains most.

    Fires when this meter's level is the same before and after (within `most_own_log`; where people left, it has not
    fallen by `min_change_log`) and a neighbour's changes by that or more - a fall where people left -, within
    `most_apart_days` of the date, as the only clear change of its window (`min_share` of the variance), without a
    move of its own on file, and the odds reach `min_nats`. For people who left only the date counts here: the levels
    since are weighed elsewhere (X02).
    Cannot see: moves outside the reads or in their first and last weeks, people much like those before them, dates on
    file that are weeks late, homes read monthly.
    """
    moves = _moves(panel, int(level_days))
    windows = int(window_days), int(least_days)
    own = _own_change(panel, moves, *windows)
    staying = moves.take(np.where(moves.left, -own < min_change_log, np.abs(own) <= most_own_log))
    tried = _tried(panel, moves, staying, max_members, windows[0])
    row, day, left = staying.row[tried.move], staying.day[tried.move], staying.left[tried.move]
    steps = _steps(panel, tried.partner, day, *windows, SCREEN_SHARE * min_change_log)
    fits = np.flatnonzero(
        (np.where(left, -steps.change_log, np.abs(steps.change_log)) >= min_change_log)
        & (steps.share >= min_share)
        & (np.abs(steps.offset) <= most_apart_days)
    )
    if not len(fits):
        return nothing(panel)
    able_days = 2 * (window_days - least_days)
    on_date = np.log(normal(steps.offset[fits].astype(np.float64), 0.0, date_sd_days) * able_days)
    level_nats = np.log(moved_step_share / step_share) + np.log(steady_share / moved_steady_share)
    nats = on_date + np.where(left[fits], 0.0, level_nats)
    asked = np.where(left[fits], 1, tried.count[fits])
    chosen = settled(row[fits], tried.partner[fits], nats, asked).from_nats(min_nats)
    at = fits[chosen.place]
    return _told(panel, row[at], tried.partner[at], day[at], left[at], steps.offset[at], chosen, min_nats)


@dataclass(frozen=True, eq=False)
class _Moves:
    """Dates on which people moved: position, panel day, and whether they left."""

    row: Integers
    day: Integers
    left: Booleans

    def take(self, keep: Booleans) -> _Moves:
        """Those of the mask."""
        return _Moves(self.row[keep], self.day[keep], self.left[keep])


@dataclass(frozen=True, eq=False)
class _Tried:
    """Moves against neighbours without one: index of the move, the neighbour, how many neighbours the move has."""

    move: Integers
    partner: Integers
    count: Integers


def _moves(panel: Panel, level_days: int) -> _Moves:
    """Moves inside the reads of positions read daily, each (position, day) once; leaving beats arriving."""
    able = panel.daily & ~panel.flag("is_supply")
    since, dated = day_on_file(panel, "status_since")
    come, known = day_on_file(panel, "customer_since")
    left, arrived = is_status(panel, *LEFT) & dated & able, is_status(panel, "active") & dated & able
    here = known & able
    row = np.concatenate([np.flatnonzero(left), np.flatnonzero(arrived), np.flatnonzero(here)])
    day = np.concatenate([since[left], since[arrived], come[here]])
    out = np.concatenate([np.ones(left.sum(), bool), np.zeros(arrived.sum() + here.sum(), bool)])
    inside = (day >= level_days) & (day <= panel.shape[1] - level_days)
    row, day, out = row[inside], day[inside], out[inside]
    order = np.lexsort((~out, day, row))
    row, day, out = row[order], day[order], out[order]
    once = np.append(True, (np.diff(row) != 0) | (np.diff(day) != 0))[: len(row)]
    return _Moves(row[once], day[once], out[once])


def _own_change(panel: Panel, moves: _Moves, window_days: int, least_days: int) -> Floats:
    """`[moves]` how this meter's level changed at the date."""
    level = _level(panel, moves.row)
    return change_at_middle(around(level, np.arange(len(moves.row)), moves.day, window_days), least_days)


def _level(panel: Panel, rows: Integers) -> Floats:
    return log_level(panel, rows, known_use(panel, rows, REST_KWH_PER_DAY), LOG_OFFSET_KWH)


def _tried(panel: Panel, moves: _Moves, staying: _Moves, max_members: float, window_days: int) -> _Tried:
    """Every move that does not show here against every neighbour whose steps are not explained by its own."""
    rows = np.unique(staying.row)
    pairs = active_neighbours(panel, rows, max_members=max_members)
    place = np.searchsorted(rows, staying.row)
    first = np.append(0, np.cumsum(pairs.tried))
    count = pairs.tried[place]
    move = np.repeat(np.arange(len(staying.row)), count)
    within = np.arange(len(move)) - np.repeat(np.append(0, np.cumsum(count))[:-1], count)
    partner = pairs.partner[first[place][move] + within]
    keep = ~_has_own_move(moves, partner, staying.day[move], window_days)
    return _Tried(move[keep], partner[keep], count[move[keep]])


def _steps(
    panel: Panel, partner: Integers, day: Integers, window_days: int, least_days: int, screen_log: float
) -> Steps:
    """The neighbour's best split around each date; none where the means on either side are about the same."""
    homes, place = np.unique(partner, return_inverse=True)
    level = _level(panel, homes)
    looked_at = np.flatnonzero(np.abs(mean_change(level, place, day, window_days)) >= screen_log)
    seen = best_split(around(level, place[looked_at], day[looked_at], window_days), least_days)
    return seen.among(looked_at, len(partner))


def _has_own_move(moves: _Moves, partner: Integers, day: Integers, window_days: int) -> Booleans:
    """Whether the neighbour has a move of its own in the window: its step is then explained."""
    width = int(max(moves.day.max(initial=0), day.max(initial=0))) + 2 * window_days + 1
    key = np.sort(moves.row * width + moves.day)
    low = partner * width + np.maximum(day - window_days, 0)
    high = partner * width + day + window_days
    return np.asarray(np.searchsorted(key, high, side="left") > np.searchsorted(key, low, side="left"))


def _told(
    panel: Panel,
    row: Integers,
    partner: Integers,
    day: Integers,
    left: Booleans,
    offset: Integers,
    chosen: Chosen,
    min_nats: float,
) -> Detections:
    """One finding per home that moved: directional, from the home of the date to the meter of the step."""
    step_day = day + offset
    return detections(
        panel,
        row,
        day,
        np.full(len(row), panel.shape[1]),
        measured=chosen.nats,
        expected=0.0,
        limit=min_nats,
        strength=chosen.nats,
        kwh_at_stake=difference_kwh(panel, row, partner, day),
        related=partner,
        facts={
            "moved_day": panel.dates(day),
            "step_day": panel.dates(step_day),
            "related_before_kwh_per_day": _usual(panel, partner, step_day, -28),
            "related_after_kwh_per_day": _usual(panel, partner, step_day, 28),
            "candidates_count": chosen.candidates,
            "evidence_nats": chosen.nats,
            "pattern": np.where(left, "people_left", "people_came").astype(object),
        },
    )


def _usual(panel: Panel, row: Integers, day: Integers, days: int) -> Floats:
    """Median day of the `days` days from `day` on, or before it where negative."""
    at = np.arange(panel.shape[1])
    low, high = np.minimum(day, day + days), np.maximum(day, day + days)
    kwh = known_use(panel, row, REST_KWH_PER_DAY)
    return np.nan_to_num(row_median(np.where((at >= low[:, None]) & (at < high[:, None]), kwh, np.nan)))
