"""X13: two meters of one area follow the voltage of each other's box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.box_follow import Across, box_rows, exchanged_boxes, no_points
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import row_median
from anomaly.voltage import in_place_since


def box_unknown(panel: Panel, *, least_nats: float, least_meters: int, **limits: float) -> NDArray[np.object_]:
    """`[M]` why a position is not judged: no voltages, too few others on its phase of its box, boxes that are none."""
    reason = np.full(panel.shape[0], "no_electrical", dtype=object)
    hourly = panel.hourly
    if hourly is None:
        return reason
    reason[hourly.rows] = np.where(hourly.group >= 0, "no_neighbours", "no_electrical")
    box = panel.column("box_id")[hourly.rows]
    reason[hourly.rows[box_rows(hourly, box, least_meters)]] = ""
    across = Across(nats=least_nats, least_meters=least_meters, **limits)  # type: ignore[arg-type]
    reason[hourly.rows[no_points(hourly, box, across)]] = "boxes_no_points"
    return reason


@detector(
    "X13",
    family="cross_wiring",
    unit="nat",
    source="methods.md §1.5, exchange across boxes; measured by benchmarks/wiring_voltage.py",
    unjudged=box_unknown,
)
def box_voltage(
    panel: Panel,
    *,
    least_nats: float,
    side_nats: float,
    equal_nats: float,
    least_hours: float,
    degrees_of_freedom: float,
    most_moved_share: float,
    few_moved: int,
    least_meters: int,
) -> Detections:
    """Two meters of one area follow the voltage of each other's box.

    Meters on one phase of a box see the same voltage. Hour by hour each meter's voltage is held against the others
    of its own box and against every other box of the area, phase by phase; both moves of a pair are scored together.

    Fires when both meters fit the other's box better by `side_nats` each and `least_nats` together, less the
    logarithm of the pairs that fit as well. An area in which more than `most_moved_share` of the meters, and more than
    `few_moved`, fit another box better is left alone: its boxes on file are not where the cables are tapped.
    Cannot see: an exchange inside one box, ever: a meter sits where it sits, whoever is billed by it; wires crossed
    behind the meters; boxes tapped at nearly the same point, or with fewer than `least_meters` others
    on the meter's phase; one meter filed wrongly without its counterpart.
    """
    hourly = panel.hourly
    if hourly is None:
        return nothing(panel)
    box = panel.column("box_id")[hourly.rows]
    limits = Across(
        least_nats, side_nats, equal_nats, least_hours, degrees_of_freedom, most_moved_share, few_moved,
        least_meters,
    )  # fmt: skip
    pairs = exchanged_boxes(hourly, box, limits)
    row, other = hourly.rows[pairs.row], hourly.rows[pairs.other]
    usual = np.nan_to_num(row_median(panel.kwh[row]) - row_median(panel.kwh[other]))
    since = np.maximum(in_place_since(panel, row), in_place_since(panel, other))
    days = panel.shape[1] - panel.day_index(since)
    return detections(
        panel,
        row,
        since,
        np.full(len(row), panel.shape[1]),
        measured=pairs.nats,
        expected=0.0,
        limit=least_nats,
        strength=pairs.nats,
        kwh_at_stake=np.abs(usual) * days,
        related=other,
        facts={
            "filed_box_text": box[pairs.row],
            "related_box_text": box[pairs.other],
            "evidence_nats": pairs.nats,
            "own_nats": pairs.own_nats,
            "related_nats": pairs.other_nats,
            "candidates_count": np.where(pairs.equals > 1, pairs.equals, np.nan),
            "watched_hours": np.isfinite(hourly.voltage_v[pairs.row]).sum(axis=1),
        },
    )
