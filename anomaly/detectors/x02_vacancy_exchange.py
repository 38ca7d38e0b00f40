"""X02: a home that stands empty on file uses, while an active neighbour's meter stays silent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.neighbours import unjudged_alone
from anomaly.occupancy import LEFT, Living, cut_by_own_relay, day_on_file, is_status, known_use, typical_kwh
from anomaly.panel import Panel
from anomaly.partners import Chosen, active_neighbours, settled
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import previous_index, row_median
from anomaly.supply_events import cut_off

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

REST_KWH_PER_DAY = 0.01
"""A register with two decimals that moves less stands still."""

DAYS_OF_MONTH = 30

USED_SHARE = 0.5
"""A home was in use if it was busy on every other day."""


@detector(
    "X02",
    family="cross_wiring",
    unit="nat",
    source="Oracle MDM Inactive Measurement Check and Itron NoUsageActive, put together for two neighbours",
    unjudged=unjudged_alone,
)
def vacancy_exchange(
    panel: Panel,
    *,
    min_days: float,
    grace_days: float,
    undated_days: float,
    min_use_share: float,
    max_silent_share: float,
    max_busy_share: float,
    least_homes: float,
    otherwise_kwh_per_day: float,
    lived_log_sd: float,
    silent_share: float,
    empty_share: float,
    empty_log_sd: float,
    used_share: float,
    month_nats: float,
    most_months: float,
    min_nats: float,
    max_members: float,
) -> Detections:
    """A home that stands empty on file uses like a lived-in one, while an active neighbour's meter stays silent.

    Looked at are the days since `status_since` plus `grace_days` that both meters are known for, by single reads
    as well; without a date, the last `undated_days`. Levels are shares of what is typical around.

    Fires when over at least `min_days` days the empty home's median day is at least `min_use_share` of the typical
    one and the neighbour's days are above `max_silent_share` of it on at most `max_busy_share` of them, and "each
    home is on the other's meter" is likelier than "as filed" by `min_nats`. A neighbour that was silent before the
    home was left, too, is silent for its own reasons, where `min_days` of reads before that day show it. Months after
    the first add little (`month_nats`, up to `most_months`): whoever is silent for one is silent for the next.
    Cannot see: two homes that are both lived in or both empty; a status nobody kept up to date beside a neighbour
    who is away for months looks the same; a home cut off by its own meter's relay says nothing, nor does the silence
    of a neighbour whose last supply event says off.
    """
    if not panel.shape[1]:
        return nothing(panel)
    asked = _asked(panel, int(grace_days), int(undated_days), max_members)
    if not len(asked.own):
        return nothing(panel)
    typical = typical_kwh(panel, least_homes=int(least_homes), otherwise_kwh=otherwise_kwh_per_day)
    levels = _levels(panel, asked, typical, max_silent_share)
    fell_silent = (levels.days_before < min_days) | (levels.busy_share_before >= USED_SHARE)
    quiet = (levels.busy_share <= max_busy_share) & fell_silent & ~asked.dark
    fits = np.flatnonzero((levels.days >= min_days) & (levels.own_share >= min_use_share) & quiet)
    living = Living(lived_log_sd, silent_share, empty_share, empty_log_sd, used_share)
    months = np.minimum(levels.days[fits] // DAYS_OF_MONTH, most_months)
    nats = living.lived_in_nats(levels.own_share[fits]) - living.lived_in_nats(levels.other_share[fits])
    nats = nats + month_nats * np.maximum(months - 1, 0)
    chosen = settled(asked.own[fits], asked.other[fits], nats, asked.tried[fits]).from_nats(min_nats)
    return _told(panel, asked, levels, fits[chosen.place], chosen, typical, min_nats)


@dataclass(frozen=True, eq=False)
class _Asked:
    """Pairs `[P]`: an empty home, an active neighbour (`dark`: without supply), the day it was left and the first
    that counts, neighbours tried."""

    own: Integers
    other: Integers
    left: Integers
    begin: Integers
    tried: Integers
    dark: Booleans


def _asked(panel: Panel, grace_days: int, undated_days: int, max_members: float) -> _Asked:
    """Every home that is empty on file against its active neighbours."""
    empty = is_status(panel, *LEFT, "disconnected") & ~cut_by_own_relay(panel) & ~panel.flag("is_supply")
    rows = np.flatnonzero(empty)
    pairs = active_neighbours(panel, rows, max_members=max_members)
    since, known = day_on_file(panel, "status_since")
    left = np.where(known, since, 0)[rows[pairs.index]]
    begin = np.where(known, since + grace_days, panel.shape[1] - undated_days)[rows[pairs.index]]
    dark = cut_off(panel, pairs.partner, np.full(len(pairs.partner), panel.shape[1]))
    return _Asked(rows[pairs.index], pairs.partner, left, begin, pairs.tried[pairs.index], dark)


@dataclass(frozen=True, eq=False)
class _Levels:
    """Of each pair: days both are known for, medians of both, also as shares of what is typical, share of the
    neighbour's busy days, the same before the home was left, and by how much the two sums differ."""

    days: Integers
    own_kwh: Floats
    other_kwh: Floats
    own_share: Floats
    other_share: Floats
    busy_share: Floats
    days_before: Integers
    busy_share_before: Floats
    apart_kwh: Floats


def _levels(panel: Panel, asked: _Asked, typical: Floats, max_silent_share: float) -> _Levels:
    """Levels from the first read of each home at or after the day that counts; `busy_share`: days above silence."""
    homes = np.unique(np.append(asked.own, asked.other))
    kwh = known_use(panel, homes, REST_KWH_PER_DAY)
    read_before = previous_index(panel.quality[homes] >= 0)[:, :-1]
    mine, theirs = np.searchsorted(homes, asked.own), np.searchsorted(homes, asked.other)
    since = asked.begin[:, None]
    counts = (read_before[mine] >= since) & (read_before[theirs] >= since)
    counts &= np.isfinite(kwh[mine]) & np.isfinite(kwh[theirs]) & (np.arange(kwh.shape[1]) >= since)
    own, other = np.where(counts, kwh[mine], np.nan), np.where(counts, kwh[theirs], np.nan)
    days = counts.sum(axis=1)
    usual, neighbour = np.nan_to_num(row_median(own)), np.nan_to_num(row_median(other))
    silent_kwh = (max_silent_share * typical[asked.other])[:, None]
    before = np.isfinite(kwh[theirs]) & (np.arange(kwh.shape[1]) < asked.left[:, None])
    days_before = before.sum(axis=1)
    return _Levels(
        days, usual, neighbour, usual / typical[asked.own], neighbour / typical[asked.other],
        (other > silent_kwh).sum(axis=1) / np.maximum(days, 1),
        days_before, (before & (kwh[theirs] > silent_kwh)).sum(axis=1) / np.maximum(days_before, 1),
        np.abs(np.nansum(own - other, axis=1)),
    )  # fmt: skip


def _told(
    panel: Panel, asked: _Asked, levels: _Levels, at: Integers, chosen: Chosen, typical: Floats, min_nats: float
) -> Detections:
    """One finding per empty home, from its home to the neighbour's meter."""
    return detections(
        panel,
        asked.own[at],
        np.maximum(asked.begin[at], 0),
        np.full(len(at), panel.shape[1]),
        measured=chosen.nats,
        expected=0.0,
        limit=min_nats,
        strength=chosen.nats,
        kwh_at_stake=levels.apart_kwh[at],
        related=asked.other[at],
        facts={
            "since_day": panel.dates(asked.begin[at]),
            "agreeing_days": levels.days[at],
            "own_kwh_per_day": levels.own_kwh[at],
            "related_kwh_per_day": levels.other_kwh[at],
            "typical_kwh_per_day": typical[asked.own[at]],
            "tried_count": asked.tried[at],
            "candidates_count": chosen.candidates,
            "evidence_nats": chosen.nats,
        },
    )
