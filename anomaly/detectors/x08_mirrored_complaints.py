"""X08: complaints of two neighbours mirror each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.event_pairs import clearest_pairs
from anomaly.mirrored_change import Mirrored, MirrorLimits, mirrored_change
from anomaly.neighbours import difference_kwh, neighbours_of, unjudged_alone
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

DISOWNED, TOO_HIGH = "wrong_account", "sudden_increase"
COMPLAINTS = (TOO_HIGH, DISOWNED, "meter_fault")
"""Complaints about what a meter counts."""


@dataclass(frozen=True)
class Ratios:
    """Likelihood ratios of the rulebook."""

    mirrored: float
    linked: float
    disowned: float
    increase: float
    urged: float


@detector(
    "X08",
    family="cross_wiring",
    unit="nat",
    source="methods.md §1.2 e6: complaint pairs",
    estimated_onset=True,
    unjudged=unjudged_alone,
)
def mirrored_complaints(
    panel: Panel,
    *,
    min_nats: float,
    apart_days: int,
    back_days: int,
    step_days: int,
    window_days: int,
    min_before_days: int,
    min_after_days: int,
    min_log: float,
    min_change_kwh_per_day: float,
    max_unbalanced_share: float,
    mirrored_ratio: float,
    linked_ratio: float,
    disowned_ratio: float,
    increase_ratio: float,
    urged_ratio: float,
    min_urges: int,
    max_members: int,
) -> Detections:
    """Complaints of two neighbours mirror each other.

    For every customer who says that the use is too high or not his own, the neighbours are looked at: whether one
    complained too within `apart_days`, whether somebody linked the two complaints, and whether within `back_days`
    before it the two homes' use moved by the same amount in opposite directions.

    Fires when both complained and their use moved that way, when both say the use is not theirs, when the complaints
    are linked, or, as weaker evidence, when one complained and a neighbour's use moved that way. Neighbours that fit
    equally well share the evidence. Two complaints about high bills alone are no mirror: cold weather makes many.
    Cannot see: two neighbours of whom neither complained; a pair exchanged before the reads begin, if one is content.
    """
    complaints = panel.tickets.filter(pl.col("kind").is_in([TOO_HIGH, DISOWNED]))
    if not len(complaints) or not panel.shape[1]:
        return nothing(panel)
    limits = MirrorLimits(
        back_days, step_days, window_days, min_before_days, min_after_days, min_log, min_change_kwh_per_day,
        max_unbalanced_share,
    )  # fmt: skip
    ratios = Ratios(mirrored_ratio, linked_ratio, disowned_ratio, increase_ratio, urged_ratio)
    row = complaints["row"].to_numpy().astype(np.int64)
    at, other = neighbours_of(panel, row, max_members=max_members)
    first = row[at]
    disowned = (complaints["kind"] == DISOWNED).to_numpy()[at]
    day = (complaints["at"].to_numpy().astype("datetime64[D]") - panel.days[0]).astype(np.int64)[at]
    mirror = mirrored_change(panel, first, other, day, ~disowned, limits)
    theirs = _theirs(panel, complaints, at, other, apart_days)
    urged = (complaints["urges"].fill_null(0) >= min_urges).to_numpy()[at]
    nats, pattern = _weighed(mirror.found, disowned, theirs, urged, ratios)
    fits, nats, rivals = clearest_pairs(at, first, other, nats, min_nats=min_nats)
    told = Mirrored(*(getattr(mirror, name)[fits] for name in Mirrored.__dataclass_fields__))
    complained = complaints["at"].to_numpy().astype("datetime64[m]")[at[fits]]
    return _told(panel, first[fits], other[fits], told, complained, nats, rivals, pattern[fits], min_nats)


@dataclass(frozen=True, eq=False)
class _Theirs:
    """What the neighbour of each pair complained of near the same time, and whether somebody linked the two."""

    any: Booleans
    disowned: Booleans
    linked: Booleans


def _theirs(panel: Panel, complaints: pl.DataFrame, at: Integers, other: Integers, apart_days: int) -> _Theirs:
    """The neighbours' complaints beside each pair of complaint `at[K]` and neighbour `other[K]`."""
    pairs = complaints[at].select("at", "ticket_id", "related_ticket_id", pair=pl.int_range(pl.len()), other=other)
    told = panel.tickets.filter(pl.col("kind").is_in(list(COMPLAINTS))).select(
        other="row", told_at="at", told_kind="kind", told_id="ticket_id", told_related="related_ticket_id"
    )
    both = pairs.join(told, on="other").filter(pl.col("told_id") != pl.col("ticket_id"))
    near = ((pl.col("told_at") - pl.col("at")).abs() <= pl.duration(days=apart_days)).fill_null(False)
    linked = (pl.col("related_ticket_id") == pl.col("told_id")) | (pl.col("told_related") == pl.col("ticket_id"))
    found = both.with_columns(near=near, linked=linked.fill_null(False))

    def of(condition: pl.Expr) -> Booleans:
        mask = np.zeros(len(at), bool)
        mask[found.filter(condition)["pair"].to_numpy()] = True
        return mask

    disowned = pl.col("near") & (pl.col("told_kind") == DISOWNED)
    return _Theirs(of(pl.col("near")), of(disowned), of(pl.col("linked")))


def _weighed(
    moved: Booleans, disowned: Booleans, theirs: _Theirs, urged: Booleans, ratios: Ratios
) -> tuple[Floats, NDArray[np.object_]]:
    """(nats, pattern) of each pair; -inf where nothing mirrors."""
    both_moved, both_disowned = theirs.any & moved, theirs.disowned & disowned
    mirrored = both_moved | both_disowned | theirs.linked
    one_sided = np.where(disowned, ratios.disowned, ratios.increase)
    ratio = np.where(mirrored, ratios.mirrored, one_sided)
    ratio = ratio * np.where(theirs.linked & (both_moved | both_disowned), ratios.linked, 1.0)
    ratio = ratio * np.where(urged, ratios.urged, 1.0)
    pattern = np.select(
        [both_moved, both_disowned, theirs.linked], ["both_complained", "both_disowned", "linked"], "one_complained"
    )
    return np.where(mirrored | moved, np.log(ratio), -np.inf), pattern.astype(object)


def _told(
    panel: Panel, row: Integers, other: Integers, mirror: Mirrored, complained: NDArray[np.datetime64], nats: Floats,
    rivals: Integers, pattern: NDArray[np.object_], min_nats: float,
) -> Detections:  # fmt: skip
    """Findings about the home that complained; without a change of use they begin with the complaint."""
    changed = np.where(mirror.found, panel.dates(np.maximum(mirror.day, 0)), np.datetime64("NaT", "D"))
    begin = np.where(mirror.found, changed, complained.astype("datetime64[D]"))
    moved_kwh = np.abs(np.nan_to_num(mirror.change)) * (panel.shape[1] - mirror.day)
    return detections(
        panel,
        row,
        np.clip(begin, panel.days[0], panel.days[-1]),
        np.full(len(row), panel.shape[1]),
        measured=nats,
        expected=0.0,
        limit=min_nats,
        strength=nats,
        kwh_at_stake=np.where(mirror.found, moved_kwh, difference_kwh(panel, row, other)),
        related=other,
        facts={
            "complained_day": complained.astype("datetime64[D]"),
            "change_day": changed,
            "change_kwh_per_day": np.abs(mirror.change),
            "before_kwh_per_day": mirror.before,
            "after_kwh_per_day": mirror.after,
            "related_before_kwh_per_day": mirror.other_before,
            "related_after_kwh_per_day": mirror.other_after,
            "evidence_nats": nats,
            "candidates_count": rivals,
            "more_candidates_count": np.where(rivals > 1, rivals - 1.0, np.nan),
            "pattern": pattern,
        },
    )
