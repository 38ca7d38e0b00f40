"""X09: one home had no power, and a neighbour's meter noted the outage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.event_pairs import clearest_pairs
from anomaly.neighbours import difference_kwh, neighbours_of, unjudged_alone
from anomaly.outage_evidence import Dark, OutageRatios, homes_without_power, outage_next_door, single_outages
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.supply_spans import Spans

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@detector(
    "X09",
    family="cross_wiring",
    unit="nat",
    source="methods.md §1.2 e7: individual outages",
    unjudged=unjudged_alone,
)
def outage_elsewhere(
    panel: Panel,
    *,
    min_nats: float,
    idle_kw: float,
    dark_hours: float,
    max_idle_share: float,
    call_hours: float,
    works_hours: float,
    slack_hours: float,
    most_meters: int,
    counts_on_ratio: float,
    log_only_ratio: float,
    works_ratio: float,
    max_members: int,
) -> Detections:
    """One home had no power, and a neighbour's meter noted the outage.

    A home is known to have had no power when its customer called, or when the utility worked at its meter alone.

    Fires when its own meter noted nothing and did not stand still, while within that time the meter of one neighbour
    noted an outage (or its curve, never idle otherwise, shows nothing for `dark_hours`) that at most `most_meters`
    meters of the area had, and the neighbour did not call. Neighbours that fit equally well share the evidence.
    Cannot see: outages of meters that keep no log and have no curve; a neighbour with an outage of his own just then.
    """
    if not panel.shape[1] or not len(panel.tickets) + len(panel.events):
        return nothing(panel)
    ratios = OutageRatios(
        idle_kw, dark_hours, max_idle_share, call_hours, works_hours, slack_hours, most_meters, counts_on_ratio,
        log_only_ratio, works_ratio,
    )  # fmt: skip
    dark = homes_without_power(panel, ratios)
    at, other = neighbours_of(panel, dark.said.row, max_members=max_members)
    near = dark.take(at)
    outages = single_outages(panel, other, ratios)
    nats, place = outage_next_door(panel, near, other, outages, ratios)
    fits, nats, rivals = clearest_pairs(at, near.said.row, other, nats, min_nats=min_nats)
    return _told(panel, near.take(fits), other[fits], outages.take(place[fits]), nats, rivals, min_nats)


def _told(
    panel: Panel, dark: Dark, other: Integers, outage: Spans, nats: Floats, rivals: Integers, min_nats: float
) -> Detections:
    """Findings about the home without power; wires stay crossed after it, up to the end of the reads."""
    row, length = dark.said.row, (outage.end - outage.start).astype("timedelta64[m]").astype(np.float64) / 60
    return detections(
        panel,
        row,
        np.clip(outage.start.astype("datetime64[D]"), panel.days[0], panel.days[-1]),
        np.full(len(row), panel.shape[1]),
        measured=nats,
        expected=0.0,
        limit=min_nats,
        strength=nats,
        kwh_at_stake=difference_kwh(panel, row, other),
        related=other,
        facts={
            "said_at": dark.said.at,
            "outage_at": outage.start,
            "outage_hours": np.where(outage.ended, length, np.nan),
            "usual_kwh_per_day": panel.usual_kwh[row],
            "related_usual_kwh_per_day": panel.usual_kwh[other],
            "evidence_nats": nats,
            "candidates_count": rivals,
            "more_candidates_count": np.where(rivals > 1, rivals - 1.0, np.nan),
            "pattern": np.where(dark.works, "worked_at_home", "customer_called").astype(object),
        },
    )
