"""Limits of the exchange score (X01) from boxes in which nothing was done: what one such box in a hundred reaches.

The rule itself scores the boxes, with its limits out of the way: at days on which nothing happened as if somebody had
named them, and week by week. The tail of the largest scores is fitted, so that one box in a hundred can be told from a
few hundred boxes. Source: generalised Pareto distribution over a threshold (Pickands 1975); methods.md §1.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import genpareto

from anomaly.panel import Panel
from anomaly.profile import DAILY, DAILY_MINIMUM, INTERVALS, RATES, WEEK_DAYS
from anomaly.registry import Detections
from anomaly.swap_groups import groups_of
from anomaly.swap_plan import Windows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Rule = Callable[..., Detections]

KINDS = {INTERVALS: "curves", DAILY_MINIMUM: "minimum", RATES: "rates", DAILY: "daily"}
"""Kinds of profile and how the limits of X01 name them: `known_…_nats`, `scan_…_nats`."""

NOWHERE_NATS = -1e6
"""A limit that every pair reaches, so that each box that can be judged has a score."""

SCAN_FROM_NATS = 3.0
"""Boxes whose best week stays below this count as being there: no limit is ever that low."""

KNOWN_DATES = 3
KNOWN_EVERY_DAYS = 6 * WEEK_DAYS
"""Days that nobody named lie so far apart that the windows after them share no days."""

SIZES = ((2, 12), (13, 24), (25, 10_000))
"""Boxes of these sizes are looked at apart, if there are enough: a limit must hold for large boxes too."""

LEAST_TAIL = 30
"""A tail is fitted to so many scores at least (but never to more than a quarter of all)."""

MOST_SHAPE = 0.5
"""Shapes of the tail beyond this are not believed: a few scores must not put the limit out of reach."""

STEP_NATS = 0.1
"""Limits are rounded up to this."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Largest scores of boxes: one per box and date, as a box of twelve would have it (nats less the size's surplus).

    `box[S]` numbers the boxes of a panel, `members[S]` were judged.
    """

    box: Integers
    members: Integers
    nats: Floats

    @property
    def boxes(self) -> int:
        """How many different boxes."""
        return len(np.unique(self.box))


@dataclass(frozen=True)
class Refit:
    """One limit refitted: `boxes` were judged, `share_before` and `share_after` of their scores are above it."""

    limit_nats: float
    boxes: int
    share_before: float
    share_after: float
    at_floor: bool


def box_numbers(panel: Panel, *, max_members: int) -> Integers:
    """`[M]` the group each position is compared in (its box, else its area), -1 where none."""
    number, count = np.full(panel.shape[0], -1, np.int64), 0
    for groups in groups_of(panel, max_members=max_members):
        inside = groups >= 0
        number[groups[inside]] = count + np.nonzero(inside)[0]
        count += len(groups)
    return number


def disturbed(panel: Panel, since: int) -> Booleans:
    """`[M]` positions with a meter change, works or a complaint from panel day `since` on: no part of the null."""
    dated = [
        panel.exchanges.select("row", "day"),
        panel.events.filter(pl.col("kind").is_in(["works", "exchange"])).select("row", day=pl.col("at").dt.date()),
        panel.tickets.select("row", day=pl.col("at").dt.date()),
    ]
    first = panel.dates(np.array([since])).item()
    rows = pl.concat(dated).drop_nulls().filter(pl.col("day") >= first)["row"].to_numpy()
    marked = np.zeros(panel.shape[0], bool)
    marked[rows] = True
    return marked


def null_scores(
    panel: Panel, rule: Rule, limits: Mapping[str, Any], box: Integers, quiet: Booleans
) -> dict[tuple[str, bool], Scores]:
    """Scores per kind of profile and whether the day was named (as if), of the boxes `quiet[B]`.

    `rule` is X01 with its `limits`; `panel` has the drift of the fleet.
    """
    unmarked = replace(
        panel,
        exchanges=panel.exchanges.clear(),
        events=panel.events.filter(~pl.col("kind").is_in(["works", "exchange"])),
        tickets=panel.tickets.clear(),
    )
    parts: dict[tuple[str, bool], Scores] = {}
    for kind in KINDS:
        known = _known_scores(unmarked, rule, limits, kind, box, quiet)
        if not len(known.box):
            continue
        parts[kind, True] = known
        parts[kind, False] = _scanned_scores(unmarked, rule, limits, kind, box, known)
    return parts


def _known_scores(
    panel: Panel, rule: Rule, limits: Mapping[str, Any], kind: str, box: Integers, quiet: Booleans
) -> Scores:
    """The best exchange of each box at each of a few days, judged one week and two weeks later, the larger counts."""
    before, after = int(limits["before_weeks"]), int(limits["after_weeks"])
    weeks = int(limits["scan_weeks"]) + int(limits["scan_before_weeks"])
    asked = {**limits, **_at(NOWHERE_NATS), "scan_weeks": 0, "scan_before_weeks": weeks}
    mine = np.flatnonzero(box >= 0)
    first_member = mine[np.unique(box[mine], return_index=True)[1]]
    first_member = first_member[quiet[box[first_member]]]
    parts = []
    for day in _days(panel, before, after, weeks):
        named = replace(panel, tickets=_as_if_named(panel, first_member, day))
        both = [
            _best(rule(_with_drift(named, kind, windows), **asked), box)
            for windows in (Windows(before, after), Windows(before, 1))
        ]
        parts.append(_larger(both))
    return _joined(parts)


def _scanned_scores(
    panel: Panel, rule: Rule, limits: Mapping[str, Any], kind: str, box: Integers, known: Scores
) -> Scores:
    """The best exchange of each box that was judged at known days, over all weekly dates."""
    best = _best(rule(_with_drift(panel, kind, None), **{**limits, **_at(SCAN_FROM_NATS)}), box)
    boxes, first = np.unique(known.box, return_index=True)
    members, nats = known.members[first].copy(), np.full(len(boxes), SCAN_FROM_NATS)
    at = np.minimum(np.searchsorted(boxes, best.box), max(len(boxes) - 1, 0))
    judged = np.flatnonzero(boxes[at] == best.box)
    members[at[judged]], nats[at[judged]] = best.members[judged], best.nats[judged]
    return Scores(boxes, members, nats)


def _at(limit_nats: float) -> dict[str, float]:
    return {f"{when}_{name}_nats": limit_nats for when in ("known", "scan") for name in KINDS.values()}


def _days(panel: Panel, before: int, after: int, weeks: int) -> list[int]:
    """Panel days with whole windows on both sides within the weeks that are looked at, the latest first."""
    days = panel.shape[1]
    first = days - min(days // WEEK_DAYS, weeks) * WEEK_DAYS
    latest = days - 1 - after * WEEK_DAYS
    return list(range(latest, first + before * WEEK_DAYS - 1, -KNOWN_EVERY_DAYS))[:KNOWN_DATES]


def _as_if_named(panel: Panel, row: Integers, day: int) -> pl.DataFrame:
    """A complaint of that day in each box."""
    at = panel.days[day].astype("datetime64[us]").item()
    kind = pl.lit("sudden_increase", panel.tickets.schema["kind"])
    told = pl.DataFrame({"row": row}).with_columns(at=pl.lit(at, pl.Datetime("us")), kind=kind)
    return pl.concat([panel.tickets.clear(), told], how="diagonal").select(panel.tickets.columns)


def _with_drift(panel: Panel, kind: str, windows: Windows | None) -> Panel:
    """The panel with the drift of one kind of profile (and one pair of windows) only: the rule uses no other."""
    drift = panel.fleet_drift or {}
    kept = {key: one for key, one in drift.items() if key[0] == kind and windows in (None, key[1])}
    return replace(panel, fleet_drift=kept)


def _best(found: Detections, box: Integers) -> Scores:
    """The best exchange of each box, less what its size must prove more than a box of twelve.

    The limit of a finding is the one of twelve and that surplus; the first was set for the occasion.
    """
    inside = np.flatnonzero((found.related >= 0) & (box[found.position] == box[found.related]))
    if not len(inside):
        return Scores(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    base = np.where(found.limit[inside] < NOWHERE_NATS / 2, NOWHERE_NATS, SCAN_FROM_NATS)
    nats = np.round(found.measured[inside] - (found.limit[inside] - base), 6)
    of = box[found.position[inside]]
    members = np.asarray(found.facts["members_count"]).astype(np.int64)[inside]
    order = np.lexsort((members, -nats, of))
    first = order[np.append(True, np.diff(of[order]) != 0)]
    return Scores(of[first], members[first], nats[first])


def _larger(parts: list[Scores]) -> Scores:
    """Of several scores of a box the larger."""
    every = _joined(parts)
    order = np.lexsort((every.members, -every.nats, every.box))
    first = order[np.append(True, np.diff(every.box[order]) != 0)[: len(order)]]
    return Scores(every.box[first], every.members[first], every.nats[first])


def _joined(parts: list[Scores]) -> Scores:
    whole = np.empty(0, np.int64)
    return Scores(
        np.concatenate([whole, *(one.box for one in parts)]),
        np.concatenate([whole, *(one.members for one in parts)]),
        np.concatenate([np.empty(0), *(one.nats for one in parts)]),
    )


def of_slices(parts: list[Scores]) -> Scores:
    """Scores of several panels together, boxes numbered on."""
    numbered, count = [], 0
    for one in parts:
        numbered.append(Scores(one.box + count, one.members, one.nats))
        count += int(one.box.max(initial=-1)) + 1
    return _joined(numbered)


def refit(
    scores: Scores, *, before_nats: float, floor_nats: float, false_share: float, tail_share: float, min_boxes: int
) -> Refit | None:
    """The limit that `false_share` of the boxes reach, not below the floor; None with fewer than `min_boxes`.

    Where boxes of one size are many enough, theirs is fitted too, and the largest counts.
    """
    if scores.boxes < min_boxes:
        return None
    limits = [tail_limit(scores.nats, false_share=false_share, tail_share=tail_share)]
    for low, high in SIZES:
        size = (scores.members >= low) & (scores.members <= high)
        if len(np.unique(scores.box[size])) >= min_boxes and not size.all():
            limits.append(tail_limit(scores.nats[size], false_share=false_share, tail_share=tail_share))
    fitted = float(np.ceil(np.round(max(limits) / STEP_NATS, 4)) * STEP_NATS)
    limit = max(round(fitted, 1), floor_nats)
    return Refit(
        limit,
        scores.boxes,
        float((scores.nats >= before_nats).mean()),
        float((scores.nats >= limit).mean()),
        fitted < floor_nats,
    )


def tail_limit(nats: Floats, *, false_share: float, tail_share: float) -> float:
    """The score that `false_share` of `nats[S]` reach, from a generalised Pareto distribution of the largest ones.

    Fitted to the top `tail_share` (at least LEAST_TAIL of them); the order of the scores does not matter. Raises
    ValueError without scores.
    """
    ordered = np.sort(np.round(nats, 6))[::-1]
    count = len(ordered)
    if not count:
        raise ValueError("no scores to fit a tail to")
    tail = min(max(int(np.ceil(tail_share * count)), min(LEAST_TAIL, count // 4), 1), count - 1)
    share = tail / count
    threshold = float(ordered[tail])
    excess = ordered[:tail] - threshold
    if share <= false_share or excess.max(initial=0.0) <= 0:
        return float(np.quantile(ordered, 1 - false_share))
    with np.errstate(all="ignore"):
        shape, _, scale = genpareto.fit(excess, floc=0)
        if not abs(shape) <= MOST_SHAPE:
            shape = float(np.clip(np.nan_to_num(shape), -MOST_SHAPE, MOST_SHAPE))
            _, _, scale = genpareto.fit(excess, f0=shape, floc=0)
    return threshold + float(genpareto.ppf(1 - false_share / share, shape, loc=0, scale=scale))
