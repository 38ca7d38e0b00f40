"""X07: somebody known to be away keeps the daily cycle, while a neighbour's meter loses it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.daily_cycle import cycle_kept
from anomaly.neighbours import difference_kwh, unjudged_alone
from anomaly.occupancy import LEFT, day_on_file, is_status, normal
from anomaly.panel import Panel
from anomaly.partners import Chosen, active_neighbours, settled
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import quantised
from anomaly.supply_events import cut_off

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

KEPT_OFFSET = 0.01
"""Added to a share before the logarithm, so that a flat line stays finite."""

SPEAKING_RELAYS = ("external", "none")
"""Relays that leave the meter counting whoever it feeds: the one inside the meter darkens its own dial."""


@detector(
    "X07",
    family="cross_wiring",
    unit="nat",
    source="share of the diurnal amplitude kept during a known absence; assumed densities, present homes from London",
    unjudged=unjudged_alone,
)
def absence_elsewhere(
    panel: Panel,
    *,
    grace_days: float,
    least_days: float,
    most_days: float,
    before_days: float,
    least_before_days: float,
    min_kept: float,
    max_lost: float,
    present_log_sd: float,
    present_quiet_share: float,
    absent_kept: float,
    absent_log_sd: float,
    absent_used_share: float,
    most_nats: float,
    min_nats: float,
    max_members: float,
) -> Detections:
    """Somebody known to be away keeps the daily cycle at the meter, while a neighbour's meter loses it.

    Absences are vacancies whose `status_since` lies inside the curves, and the time from `disconnect` to `reconnect`
    on a meter whose relay is external or missing, each seen for `most_days`. The cycle is the swing of the mean day
    over its hours, against the `before_days` before.

    Fires when this meter keeps at least `min_kept` of its swing over `least_days` whole days or more, an active
    neighbour's keeps less than `max_lost`, and the odds reach `min_nats`; never more than `most_nats`, for a
    neighbour on holiday in the same weeks looks the same.
    Cannot see: homes without a curve, absences as old as the curves, a home cut off by the relay inside its own
    meter: that meter is dark whomever it feeds, which says nothing; so is that of a neighbour without supply.
    """
    if not panel.curves or not panel.shape[1]:
        return nothing(panel)
    away = _absences(panel, int(grace_days), int(least_days), int(most_days))
    if not len(away.row):
        return nothing(panel)
    seen = {"before_days": int(before_days), "least_before": int(least_before_days), "least_days": int(least_days)}
    own_kept = cycle_kept(panel, away.row, away.left, away.first, away.end, **seen)
    going_on = own_kept >= min_kept
    away, own_kept = away.take(going_on), own_kept[going_on]
    rows = np.unique(away.row)
    pairs = active_neighbours(panel, rows, max_members=max_members)
    spell, pair = _spells_by_pair(away, rows, pairs.index)
    first, end, other = away.first[spell], away.end[spell], pairs.partner[pair]
    lost = cycle_kept(panel, other, away.left[spell], first, end, **seen)
    dark = cut_off(panel, other, first) | cut_off(panel, other, end - 1)
    fits = np.flatnonzero((lost < max_lost) & ~dark)
    cycle = _Cycle(present_log_sd, present_quiet_share, absent_kept, absent_log_sd, absent_used_share)
    nats = cycle.present_nats(own_kept[spell[fits]]) - cycle.present_nats(lost[fits])
    offered = pairs.tried[pairs.index[pair[fits]]]
    chosen = settled(away.row[spell[fits]], other[fits], nats, offered).from_nats(min_nats)
    at = fits[chosen.place]
    return _told(panel, away, spell[at], other[at], own_kept[spell[at]], lost[at], chosen, (min_nats, most_nats))


def _told(
    panel: Panel,
    away: _Absences,
    spell: Integers,
    other: Integers,
    own_kept: Floats,
    lost: Floats,
    chosen: Chosen,
    nats_range: tuple[float, float],
) -> Detections:
    """One finding per home that was empty, from that home to the neighbour's meter."""
    row, first, end = away.row[spell], away.first[spell], away.end[spell]
    nats = np.minimum(chosen.nats, nats_range[1])
    return detections(
        panel,
        row,
        first,
        end,
        measured=nats,
        expected=0.0,
        limit=nats_range[0],
        strength=nats,
        kwh_at_stake=difference_kwh(panel, row, other, first, end),
        related=other,
        facts={
            "absent_days": end - first,
            "kept_percent": 100 * own_kept,
            "related_kept_percent": 100 * lost,
            "candidates_count": chosen.candidates,
            "evidence_nats": nats,
            "pattern": np.array(["moved_away", "cut_off"], dtype=object)[away.cut_off[spell].astype(np.int64)],
        },
    )


@dataclass(frozen=True)
class _Cycle:
    """How much of the swing is kept by people at home and by an empty home: log-normal, each with a share of others."""

    present_log_sd: float
    quiet_share: float
    absent_kept: float
    absent_log_sd: float
    used_share: float

    def present_nats(self, kept: Floats) -> Floats:
        """ln f(at home) - ln f(away) at a share of the swing kept."""
        at = np.log(kept + KEPT_OFFSET)
        home = normal(at, 0.0, self.present_log_sd)
        empty = normal(at, np.log(self.absent_kept), self.absent_log_sd)
        as_home = (1 - self.quiet_share) * home + self.quiet_share * empty
        as_away = (1 - self.used_share) * empty + self.used_share * home
        return quantised(np.log(as_home) - np.log(as_away))


@dataclass(frozen=True, eq=False)
class _Absences:
    """Known absences: position, panel day on which they began, first and end of the days that are surely without
    people, and whether the supply was cut off (else people left)."""

    row: Integers
    left: Integers
    first: Integers
    end: Integers
    cut_off: NDArray[np.bool_]

    def take(self, keep: NDArray[np.bool_]) -> _Absences:
        """Those of the mask."""
        return _Absences(self.row[keep], self.left[keep], self.first[keep], self.end[keep], self.cut_off[keep])


def _absences(panel: Panel, grace_days: int, least_days: int, most_days: int) -> _Absences:
    """Absences of at least `least_days` inside the reads, cut to `most_days`, sorted by position and day."""
    since, dated = day_on_file(panel, "status_since")
    left = np.flatnonzero(is_status(panel, *LEFT) & dated & ~panel.flag("is_supply") & (since >= 0))
    cut_row, cut_on, cut_end = _cut_off_spells(panel)
    row = np.concatenate([left, cut_row])
    begun = np.concatenate([since[left], cut_on])
    end = np.concatenate([np.full(len(left), panel.shape[1]), cut_end])
    cut = np.arange(len(row)) >= len(left)
    first = begun + np.where(cut, 1, grace_days)
    end = np.minimum(np.minimum(end, first + most_days), panel.shape[1])
    order = np.lexsort((cut, first, row))
    kept = order[(end - first >= least_days)[order]]
    return _Absences(row[kept], begun[kept], first[kept], end[kept], cut[kept])


def _cut_off_spells(panel: Panel) -> tuple[Integers, Integers, Integers]:
    """(position, day of a disconnection, day of the next event after it), on meters whose relay says something."""
    speaking = np.isin(panel.column("relay").astype(str), SPEAKING_RELAYS) & ~panel.flag("is_supply")
    supply = (
        panel.events.filter(pl.col("kind").is_in(["disconnect", "reconnect"]))
        .sort("row", "at", "kind")
        .with_columns(next_row=pl.col("row").shift(-1), next_at=pl.col("at").shift(-1))
        .filter(pl.col("kind") == "disconnect")
    )
    row = supply["row"].to_numpy().astype(np.int64)
    day = (supply["at"].to_numpy().astype("datetime64[D]") - panel.days[:1]).astype(np.int64)
    ended = (supply["next_row"] == supply["row"]).fill_null(False).to_numpy()
    until = (supply["next_at"].to_numpy().astype("datetime64[D]") - panel.days[:1]).astype(np.int64)
    keep = (day >= 0) & speaking[row] if len(row) else np.zeros(0, bool)
    return row[keep], day[keep], np.where(ended, until, panel.shape[1])[keep]


def _spells_by_pair(away: _Absences, rows: Integers, index: Integers) -> tuple[Integers, Integers]:
    """(absence, pair) for every absence of the first home of every pair."""
    low = np.searchsorted(away.row, rows[index], side="left")
    count = np.searchsorted(away.row, rows[index], side="right") - low
    pair = np.repeat(np.arange(len(index)), count)
    within = np.arange(len(pair)) - np.repeat(np.append(0, np.cumsum(count))[:-1], count)
    return low[pair] + within, pair
