"""Two meters of one area that follow each other's boxes: both moves are scored together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.hourly import GROUPS, HourlyElectrical
from anomaly.statistics import quantised
from anomaly.voltage import crossed, effective_hours, group_means, mean_of, others_mean, paired, per_unit

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Across:
    """Limits of exchanges across boxes; see the rulebook entry of X13."""

    nats: float
    side_nats: float
    equal_nats: float
    least_hours: float
    degrees_of_freedom: float
    most_moved_share: float
    few_moved: int
    least_meters: int


BLOCK_ROWS = 1_000
"""Meters and boxes held against each other at once, so that memory does not grow with the area."""


@dataclass(frozen=True, eq=False)
class Exchanged:
    """Pairs of rows of `HourlyElectrical`: each follows the other's box.

    row, other    `[P]` rows, row < other
    nats          `[P]` log likelihood ratio of "each hangs in the other's box" against "as filed", less the logarithm
                  of the pairs of either that fit as well
    own_nats, other_nats  `[P]` the ratio of each of the two moves
    equals        `[P]` pairs of either of the two that fit as well, itself included
    """

    row: Integers
    other: Integers
    nats: Floats
    own_nats: Floats
    other_nats: Floats
    equals: Integers


def box_rows(hourly: HourlyElectrical, box: NDArray[np.object_], least_meters: int) -> Integers:
    """Rows with a group, an area, and a box with `least_meters` others on their own phase; `box[K]` names or None.

    Without them a meter would be held against other phases of its box, and any box would seem to fit it better.
    """
    known = (hourly.group >= 0) & (hourly.area >= 0) & np.array([name is not None for name in box], dtype=bool)
    rows = np.flatnonzero(known)
    _, place, _ = _boxes(hourly.area[rows], box[rows])
    cell = place * GROUPS + hourly.group[rows]
    return np.asarray(rows[np.bincount(cell)[cell] > least_meters]) if len(rows) else rows


def exchanged_boxes(hourly: HourlyElectrical, box: NDArray[np.object_], limits: Across) -> Exchanged:
    """Pairs across boxes of one area, strongest first within an area; a row is in one pair at most.

    `box[K]` is the slice's one naming of boxes: what was found with these limits is remembered with the voltages.
    """
    return _all_areas(hourly, box, limits)[0]


def no_points(hourly: HourlyElectrical, box: NDArray[np.object_], limits: Across) -> Integers:
    """Rows of the areas whose boxes on file are no points of the network: nothing is said of them."""
    return _all_areas(hourly, box, limits)[1]


def _all_areas(
    hourly: HourlyElectrical, box: NDArray[np.object_], limits: Across
) -> tuple[Exchanged, Integers]:
    if limits not in hourly.remembered:
        rows, empty = box_rows(hourly, box, limits.least_meters), np.empty(0)
        none = empty.astype(np.int64)
        parts, alone = [Exchanged(none, none, empty, empty, empty, none)], [none]
        for area in np.unique(hourly.area[rows]):
            mine = rows[hourly.area[rows] == area]
            distinct, place, _ = _boxes(hourly.area[mine], box[mine])
            moved = box_moves(hourly, mine, place, len(distinct), limits)
            if boxes_are_points(moved, limits):
                parts.append(_in_area(mine, place, moved, limits))
            else:
                alone.append(mine)
        columns = zip(*(vars(one).values() for one in parts), strict=True)
        pairs = Exchanged(*(np.concatenate(column) for column in columns))
        hourly.remembered[limits] = pairs, np.concatenate(alone)
    found: tuple[Exchanged, Integers] = hourly.remembered[limits]
    return found


def _boxes(area: Integers, box: NDArray[np.object_]) -> tuple[list[tuple[int, str]], Integers, Integers]:
    """Distinct (area, box) in order, the index of each row's, and how many rows each has."""
    keys = [(int(one), str(name)) for one, name in zip(area, box, strict=True)]
    distinct = sorted(set(keys))
    index = {key: at for at, key in enumerate(distinct)}
    place = np.array([index[key] for key in keys], np.int64)
    return distinct, place, np.bincount(place, minlength=len(distinct))


def _in_area(rows: Integers, place: Integers, moved: Floats, limits: Across) -> Exchanged:
    """Pairs of one area from how much better each meter fits every box than its own: both moves at once."""
    gain = np.where(moved > limits.side_nats, quantised(moved), 0.0)
    toward = gain[:, place]
    both = np.where((toward > 0) & (toward.T > 0), toward + toward.T, 0.0)
    return _pairs(rows, both, moved, place, limits)


def boxes_are_points(moved: Floats, limits: Across) -> bool:
    """Whether the boxes of an area on file are points of its network: few meters fit another box better.

    Where houses along a street are filed as one box, a meter's own place on the cable tells more than its box.
    """
    movers = int((np.nan_to_num(moved) > limits.side_nats).any(axis=1).sum())
    return movers <= max(limits.few_moved, limits.most_moved_share * len(moved))


def box_moves(hourly: HourlyElectrical, rows: Integers, place: Integers, boxes: int, limits: Across) -> Floats:
    """`[n, boxes]` nats for "hangs in that box" against "hangs in its own", where that box fits better; else NaN.

    Meters of one box and phase see the same voltage: what is left of a meter's voltage after its box's is noise. A
    box is told by the closest of its phases, the own box without the meter itself.
    """
    volts = per_unit(hourly.voltage_v[rows])
    group = hourly.group[rows].astype(np.int64)
    cell = place * GROUPS + group
    total, count = group_means(volts, cell, boxes * GROUPS)
    size = np.bincount(cell, minlength=boxes * GROUPS)
    mean = mean_of(total, count)
    mean[size < limits.least_meters] = np.nan
    apart = _closest(crossed(volts, mean).apart(limits.least_hours).reshape(len(rows), boxes, GROUPS))
    own = np.full((len(rows), GROUPS), np.nan)
    for one in range(GROUPS):
        there = place * GROUPS + one
        left = np.where((group == one)[:, None], others_mean(volts, there, total, count), mean[there])
        left[size[there] - (group == one) < limits.least_meters] = np.nan
        own[:, one] = paired(volts, left).apart(limits.least_hours)
    at_home = _closest(own[:, None])
    row, box = np.nonzero((apart.value < at_home.value) & (np.arange(boxes) != place[:, None]))
    nats = np.full((len(rows), boxes), np.nan)
    for first in range(0, len(row), BLOCK_ROWS):
        i, there = row[first : first + BLOCK_ROWS], box[first : first + BLOCK_ROWS]
        home, away = place[i] * GROUPS + at_home.group[i, 0], there * GROUPS + apart.group[i, there]
        itself = (home == cell[i])[:, None] * np.isfinite(volts[i])
        mine = count[home] - itself
        here = mean_of(total[home] - itself * np.nan_to_num(volts[i]), mine)
        nats[i, there] = _move_nats(volts[i], (here, mine), (mean[away], count[away]), limits)
    return nats


def _move_nats(
    volts: Floats, here: tuple[Floats, Floats], away: tuple[Floats, Floats], limits: Across
) -> Floats:
    """`[p]` log likelihood ratio of "away" against "here" from voltages `[p, H]` and (mean, meters) of both.

    Hour by hour, how much nearer the voltage is to `away` than to `here`. Were the meter away, that would be on
    average the squared distance of the two, were it here, minus that; both means are themselves noisy, which the
    number of their meters corrects. The mean and its standard error are compared with both under Student's t.
    """
    known = np.isfinite(volts) & np.isfinite(here[0]) & np.isfinite(away[0])
    x, p, q = (_centred(np.where(known, part, np.nan)) for part in (volts, here[0], away[0]))
    with np.errstate(invalid="ignore", divide="ignore"):
        few, many = (np.where(known, 1.0 / np.maximum(part, 1.0), np.nan) for part in (here[1], away[1]))
        noise = np.minimum(_mean((x - p) ** 2) / (1 + _mean(few)), _mean((x - q) ** 2) / (1 + _mean(many)))
        nearer = (x - p) ** 2 - (x - q) ** 2 - noise[:, None] * (few - many)
        distance = np.maximum(_mean((p - q) ** 2) - noise * (_mean(few) + _mean(many)), 0.0)
        middle = _mean(nearer)
        error = np.sqrt(_mean((nearer - middle[:, None]) ** 2) / effective_hours(nearer))
        freedom = limits.degrees_of_freedom
        seen, expected = middle / error, distance / error
        apart = np.log1p((seen + expected) ** 2 / freedom) - np.log1p((seen - expected) ** 2 / freedom)
    return np.where(known.sum(axis=1) >= limits.least_hours, (freedom + 1) / 2 * apart, np.nan)


def _mean(values: Floats) -> Floats:
    """Mean of each row over what is known."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(values, axis=1) / np.isfinite(values).sum(axis=1))


def _centred(values: Floats) -> Floats:
    return np.asarray(values - _mean(values)[:, None])


@dataclass(frozen=True, eq=False)
class _Closest:
    """The smallest over the groups `[n, boxes]`, and which group it is; infinite where none is known."""

    value: Floats
    group: Integers


def _closest(apart: Floats) -> _Closest:
    known = np.nan_to_num(apart, nan=np.inf)
    return _Closest(known.min(axis=2), known.argmin(axis=2))


def _pairs(rows: Integers, both: Floats, moved: Floats, place: Integers, limits: Across) -> Exchanged:
    """Pairs that are each other's best, above the limit after the logarithm of those that fit as well."""
    best = both.max(axis=1, initial=0.0)
    partner = np.argmax(both, axis=1) if len(rows) else np.empty(0, np.int64)
    at = np.flatnonzero((best > 0) & (np.arange(len(rows)) < partner))
    at = at[partner[partner[at]] == at]
    equal = ((both > (best - limits.equal_nats)[:, None]) & (both > 0)).sum(axis=1)
    equals = np.maximum(equal[at], equal[partner[at]])
    nats = best[at] - np.log(np.maximum(equals, 1))
    keep = nats >= limits.nats
    at, nats, equals = at[keep], nats[keep], equals[keep]
    other = partner[at]
    return Exchanged(rows[at], rows[other], nats, moved[at, place[other]], moved[other, place[at]], equals)
