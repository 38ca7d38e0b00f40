"""X04: one home was cut off, and another one went dark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.cut_evidence import CallRatios, DarkChances, neighbour_called, neighbour_dark
from anomaly.event_pairs import clearest_pairs
from anomaly.neighbours import difference_kwh, neighbours_of, unjudged_alone
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.supply_spans import Spans, cut_spans

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@detector(
    "X04",
    family="cross_wiring",
    unit="nat",
    source="methods.md §1.2 e1, e8: relay and breaker events, no-power calls",
    unjudged=unjudged_alone,
)
def cut_elsewhere(
    panel: Panel,
    *,
    min_nats: float,
    idle_kw: float,
    min_hours: float,
    min_use_share: float,
    edge_hours: float,
    dark_chance: float,
    relay_failure: float,
    record_failure: float,
    dark_coincidence: float,
    open_coincidence: float,
    soon_hours: float,
    call_hours: float,
    late_hours: float,
    around_hours: float,
    near_hours: float,
    outage_meters: int,
    silent_days: float,
    call_ratio: float,
    late_call_ratio: float,
    silent_ratio: float,
    counts_on_ratio: float,
    max_members: int,
) -> Detections:
    """One home was cut off, and another one went dark.

    From each disconnection on record to the reconnection, the neighbours of the home are looked at. A meter with an
    internal relay counts nothing while the relay is open, whoever it feeds: its own zero is never evidence.

    Fires when a home without an internal relay is cut off and its meter counts on, while one neighbour's stands still
    just then (the breaker is in the other home's line); or when one neighbour reports no power within `call_hours`,
    no outage, works or disconnection explains it, and the cut home says nothing. Neighbours that fit equally well
    share the evidence.
    Cannot see: a cut that is not on record or shorter than `min_hours`; a wrong home that is empty or keeps quiet
    where every meter has its relay inside; a neighbour who has no power for a reason of his own just then.
    """
    cuts = cut_spans(panel)
    if not len(cuts) or not panel.shape[1]:
        return nothing(panel)
    chances = DarkChances(
        idle_kw, min_hours, min_use_share, edge_hours, dark_chance, relay_failure, record_failure, dark_coincidence,
        open_coincidence,
    )  # fmt: skip
    ratios = CallRatios(
        idle_kw, soon_hours, call_hours, late_hours, around_hours, near_hours, outage_meters, silent_days, call_ratio,
        late_call_ratio, silent_ratio, counts_on_ratio,
    )  # fmt: skip
    return _told(panel, _crossed(panel, cuts, chances, ratios, min_nats, max_members), min_nats)


@dataclass(frozen=True, eq=False)
class _Crossed:
    """Pairs, `[K]` each: the cut of one home, the other, the evidence and how many others fitted as well.

    `lit`: the other's meter was seen to count again at the reconnection.
    """

    cuts: Spans
    other: Integers
    nats: Floats
    rivals: Integers
    pattern: NDArray[np.object_]
    called_at: NDArray[np.datetime64]
    lit: Booleans


def _crossed(
    panel: Panel, cuts: Spans, chances: DarkChances, ratios: CallRatios, min_nats: float, max_members: int
) -> _Crossed:
    """Every home that was cut off with the one neighbour that the evidence points to."""
    at, other = neighbours_of(panel, cuts.row, max_members=max_members)
    near = cuts.take(at)
    dark, lit = neighbour_dark(panel, near, other, chances)
    called, called_at = neighbour_called(panel, near, other, ratios)
    nats = np.maximum(dark, called)
    fits, nats, rivals = clearest_pairs(at, near.row, other, nats, min_nats=min_nats)
    pattern = np.where(dark[fits] >= called[fits], "meter_ran_on", "neighbour_called").astype(object)
    return _Crossed(near.take(fits), other[fits], nats, rivals, pattern, called_at[fits], lit[fits])


def _told(panel: Panel, found: _Crossed, min_nats: float) -> Detections:
    """Findings about the home that was cut off; wires stay crossed after it, up to the end of the reads."""
    cuts, other = found.cuts, found.other
    row, whole_days = cuts.row, (cuts.end - cuts.start).astype("timedelta64[D]").astype(np.float64)
    silent = (found.pattern == "neighbour_called") & (whole_days >= 1)
    return detections(
        panel,
        row,
        np.clip(cuts.start.astype("datetime64[D]"), panel.days[0], panel.days[-1]),
        np.full(len(row), panel.shape[1]),
        measured=found.nats,
        expected=0.0,
        limit=min_nats,
        strength=found.nats,
        kwh_at_stake=difference_kwh(panel, row, other),
        related=other,
        facts={
            "cut_at": cuts.start,
            "back_at": np.where(found.lit, cuts.end, np.datetime64("NaT", "m")),
            "called_at": found.called_at,
            "silent_days": np.where(silent, whole_days, np.nan),
            "usual_kwh_per_day": panel.usual_kwh[row],
            "related_usual_kwh_per_day": panel.usual_kwh[other],
            "evidence_nats": found.nats,
            "candidates_count": found.rivals,
            "more_candidates_count": np.where(found.rivals > 1, found.rivals - 1.0, np.nan),
            "pattern": found.pattern,
        },
    )
