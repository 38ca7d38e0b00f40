"""Exchanges of a panel as they are told: who measures whom, from which day on, and which of several to believe."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from anomaly.drift import FleetSpread
from anomaly.exchange_score import Fit, Links, both_moved, capped_ratio
from anomaly.profile import WEEK_DAYS
from anomaly.statistics import row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

DAY_REACH = 10
"""An exchange between two weekly dates is dated up to so many days from the better one."""

DAY_DOUBT = 3.0
"""Days on which the change would be worse by less than so many typical days are not excluded."""


@dataclass(frozen=True, eq=False)
class Swaps:
    """Exchanges of a panel: one row per link, "the meter of `position` now measures what `source` measured".

    `day` is the first day (panel index) on which it did, `earliest` and `latest` how far off that may be; they are the
    same where somebody named the day (`known`). `kind` indexes KINDS; `members` were judged together. `moved` is MM
    and `ratio_nats` LLR_t of the two homes (methods.md §1.1).
    """

    position: Integers
    source: Integers
    exchange: Integers
    size: Integers
    members: Integers
    day: Integers
    earliest: Integers
    latest: Integers
    known: NDArray[np.bool_]
    kind: Integers
    nats: Floats
    limit_nats: Floats
    moved: Floats
    ratio_nats: Floats


@dataclass(frozen=True, eq=False)
class Judged:
    """Groups judged together at a date each.

    `block[G, g]` positions; home m of group n is found at `days[group[n], place[n, m]]` (relative features of the
    panel from day `first` on; -1: no home). `day[G]` is the date; `known` and `kind` are the same for all.
    """

    block: Integers
    group: Integers
    place: Integers
    days: Floats
    first: int
    day: Integers
    known: bool
    kind: int

    def only(self, place: Integers) -> Judged:
        """The same groups with some of their homes: `place[G, w]`, -1 where there is none."""
        rows = np.arange(len(place))[:, None]
        inside = place >= 0
        return replace(
            self,
            block=np.where(inside, self.block[rows, place], -1),
            place=np.where(inside, self.place[rows, place], -1),
        )


def swaps_of(
    judged: Judged, fitted: Fit, links: Links, members: Integers, limit_nats: Floats, spread: FleetSpread,
    t_degrees: float,
) -> Swaps:  # fmt: skip
    """Links between places in groups as links between positions, with their dates and the classical scores.

    `members[G]` homes were compared in each group.
    """
    group, member, source = links.group, links.member, links.source
    each = np.arange(len(group))
    moved = both_moved(fitted.distance[group], fitted.features)
    ratio = capped_ratio(fitted.distance[group], fitted.features, t_degrees)
    day = earliest = latest = judged.day[group]
    if not judged.known and len(group):
        day, earliest, latest = _dated(judged, links, spread)
    return Swaps(
        judged.block[group, member], judged.block[group, source], links.exchange, links.size,
        members[group], day, earliest, latest,
        np.full(len(group), judged.known), np.full(len(group), judged.kind),
        links.nats, limit_nats[group], moved[each, member, source], ratio[each, member, source],
    )  # fmt: skip


def _dated(judged: Judged, links: Links, spread: FleetSpread) -> tuple[Integers, Integers, Integers]:
    """The likeliest day of each link's exchange near its weekly date, and the days not excluded around it.

    Day by day it is asked whether the difference between member and source points as it did before the date.
    """
    group = judged.group[links.group]
    member, source = (judged.place[links.group, place] for place in (links.member, links.source))
    apart = judged.days[group, member] - judged.days[group, source]
    border = judged.day[links.group] - judged.first
    day = np.arange(apart.shape[1])
    near = (day >= border[:, None] - 4 * WEEK_DAYS) & (day < border[:, None] + 4 * WEEK_DAYS)
    reference = row_median(
        np.where((near & (day < border[:, None] - WEEK_DAYS))[..., None], apart, np.nan)
        .transpose(0, 2, 1).reshape(-1, apart.shape[1])
    ).reshape(len(apart), -1)  # fmt: skip
    features = apart.shape[2]
    weight = np.linalg.solve(spread.drift.covariance[:features, :features], np.nan_to_num(reference).T).T
    points = np.where(near, np.nan_to_num(np.einsum("ndf,nf->nd", apart, weight)), 0.0)
    typical = np.maximum(row_median(np.where(near, np.abs(points), np.nan)), 1e-9)
    points = np.clip(points / typical[:, None], -3.0, 3.0)
    _, exchange = np.unique(links.exchange, return_inverse=True)
    summed = np.zeros((int(exchange.max()) + 1, points.shape[1]))
    np.add.at(summed, exchange, points / links.size[:, None])
    upto = np.cumsum(np.pad(summed, ((0, 0), (1, 0))), axis=1)[exchange]
    fits = np.where(np.abs(np.arange(upto.shape[1]) - border[:, None]) <= DAY_REACH, upto, -np.inf)
    best = fits.argmax(axis=1)
    open_days = fits >= fits.max(axis=1, keepdims=True) - DAY_DOUBT
    earliest = open_days.argmax(axis=1)
    latest = open_days.shape[1] - 1 - open_days[:, ::-1].argmax(axis=1)
    return best + judged.first, earliest + judged.first, latest + judged.first


def disjoint(swaps: Swaps) -> Swaps:
    """Exchanges that share no home, by position: an exchange stays where it ranks first for each of its homes."""
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
    rows = np.flatnonzero(kept)
    return changed(swaps, keep=rows[np.argsort(swaps.position[rows], kind="stable")])


def changed(swaps: Swaps, *, keep: Integers | None = None, exchange: Integers | None = None) -> Swaps:
    """Some rows only, or other exchange numbers."""
    columns = {one.name: getattr(swaps, one.name) for one in fields(Swaps)}
    if exchange is not None:
        columns["exchange"] = exchange
    return Swaps(**{name: values if keep is None else values[keep] for name, values in columns.items()})


def together(parts: list[Swaps]) -> Swaps:
    """Swaps of several parts of a panel, exchanges numbered on."""
    numbered, shift = [], 0
    for part in parts:
        numbered.append(changed(part, exchange=part.exchange + shift))
        shift += int(part.exchange.max(initial=-1)) + 1
    return Swaps(*(np.concatenate([getattr(part, one.name) for part in numbered]) for one in fields(Swaps)))


def no_swaps() -> Swaps:
    """Nothing found: where adding parts starts."""
    whole, real = np.empty(0, np.int64), np.empty(0)
    return Swaps(
        whole, whole, whole, whole, whole, whole, whole, whole, np.empty(0, bool), whole, real, real, real, real
    )
