"""Exchanges in areas of eighty homes without boxes: what the program's limit finds and accuses.

There are not homes enough for two halves: drift, spread and the areas come from the same homes, so the limit that one
untouched area in a hundred reaches is told beside the program's. "shifted" areas take each home up to three weeks
earlier or later, so that homes' lives fit together in more ways than the calendar has; weather fits less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from anomaly.drift import FleetSpread
from anomaly.exchange_score import best_pairs, pair_nats
from anomaly.profile import DAILY, DAILY_MINIMUM, INTERVALS, WEEK_DAYS
from anomaly.swap_plan import Limits, Windows
from benchmarks.wiring_boxes import (
    Boxes,
    Change,
    Homes,
    Weeks,
    around,
    both_away,
    fit_of,
    fleet_of,
    one_new_life,
    swapped,
    untouched,
    weeks_of,
    who_and_when,
)
from benchmarks.wiring_measure import FALSE_BOXES, NEWCOMER, PLAN
from rules.rulebook import load

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

AREA = 80
MOST_SHIFT_WEEKS = 3
NAMES = {INTERVALS: "curves", DAILY_MINIMUM: "day + minimum", DAILY: "day only"}
CHANGES: tuple[Change, ...] = (untouched, swapped, one_new_life, both_away)
HEADER = (
    f"{f'areas of {AREA} homes without boxes':34}{'limit of':>9}{'1 % of':>9}{'power':>8}{'at prog.':>10}{'false':>8}"
    f"{'one new':>9}{'both':>7}\n"
    f"{'':34}{'program':>9}{'areas':>9}{'at 1 %':>8}{'limit':>10}{'areas':>8}{'life':>9}{'away':>7}"
)


def program_limits() -> Limits:
    """The limits the program ships."""
    values = load().detectors["X01"].limit_values()
    names = {INTERVALS: "curves", DAILY_MINIMUM: "minimum", DAILY: "daily"}
    known, scan = (
        {kind: float(values[f"{when}_{name}_nats"]) for kind, name in names.items()} for when in ("known", "scan")
    )
    growth = {kind: float(values[f"per_log_pairs_{'daily_' if kind == DAILY else ''}nats"]) for kind in names}
    return Limits(known, scan, growth)


def table(homes: Homes, seeds: int, count: int) -> Iterator[str]:
    """Lines of the table, one per kind of profile and way of looking; `count` areas in all."""
    if len(homes.kwh) <= AREA:
        yield f"areas of {AREA} homes: not measured, there are {len(homes.kwh)} homes"
        return
    yield HEADER
    for kind, name in NAMES.items():
        for scanning in (False, True):
            for shift in (0, MOST_SHIFT_WEEKS):
                way = f"{'scanned' if scanning else 'known day'}{', shifted' if shift else ''}, {name}"
                yield f"{way:34}{_row(homes, kind, scanning, shift, max(count // (3 if scanning else 1), 100))}"


def _row(homes: Homes, kind: str, scanning: bool, shift: int, count: int) -> str:
    rng = np.random.default_rng(0)
    every = np.arange(len(homes.kwh))
    windows = (PLAN.long, PLAN.short) if scanning else (PLAN.short,)
    weeks = PLAN.scan_weeks + PLAN.long.before_weeks if scanning else PLAN.short.weeks
    if homes.days(kind) < (weeks + 2 * shift) * WEEK_DAYS:
        return "  not measured: too few days"
    fleet = {one: fleet_of(homes, kind, every, 12, one, rng) for one in windows}
    areas = _areas(homes, kind, weeks * WEEK_DAYS, shift, count, rng)
    low = windows[0].before_weeks * WEEK_DAYS
    who, first = who_and_when(areas, low, (weeks - PLAN.short.after_weeks) * WEEK_DAYS if scanning else low, rng)
    borders = PLAN.borders(weeks) if scanning else {PLAN.short.before_weeks: PLAN.short}
    null, swap, life, away = (
        _best(weeks_of(change(areas, who, first), kind), kind, fleet, borders, who) for change in CHANGES
    )
    limit = program_limits().for_groups(kind, np.array([AREA]), known=not scanning)[0]
    one_percent = np.quantile(null[0], 1 - FALSE_BOXES)
    return (
        f"{limit:9.1f}{one_percent:9.1f}{(swap[1] & (swap[0] > one_percent)).mean():8.2f}"
        f"{(swap[1] & (swap[0] > limit)).mean():10.2f}{(null[0] > limit).mean():8.3f}"
        f"{(life[0] > limit).mean():9.3f}{(away[0] > limit).mean():7.3f}"
    )


def _areas(homes: Homes, kind: str, length: int, shift: int, count: int, rng: np.random.Generator) -> Boxes:
    rows = np.argsort(rng.random((count, len(homes.kwh))), axis=1)[:, : AREA + 1]
    total, reach = homes.features[kind].shape[1], WEEK_DAYS * shift
    start = rng.integers(total - homes.days(kind) + reach, total - length - reach + 1, count)
    moved = WEEK_DAYS * rng.integers(-shift, shift + 1, rows.shape)
    day = (start[:, None] + moved)[:, :, None] + np.arange(length)
    cells = rows[:, :, None], day
    return Boxes(homes.features[kind][cells], homes.away[kind][cells], rows, start)


def _best(
    weeks: Weeks, kind: str, fleet: Mapping[Windows, FleetSpread], borders: Mapping[int, Windows], who: Integers
) -> tuple[Floats, NDArray[np.bool_]]:
    """Nats of the likeliest pair of each area over all dates, and whether it is the one that was exchanged."""
    best, right = np.full(len(who), -np.inf), np.zeros(len(who), bool)
    for border, windows in borders.items():
        fitted = fit_of(around(weeks, border, windows), kind, fleet[windows], NEWCOMER)
        nats, one, other = best_pairs(pair_nats(fitted.gain))
        is_right = (one == who[:, :2].min(axis=1)) & (other == who[:, :2].max(axis=1))
        right, best = np.where(nats > best, is_right, right), np.maximum(nats, best)
    return best, right
