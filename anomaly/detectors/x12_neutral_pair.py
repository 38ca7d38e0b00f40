"""X12: in one box, what is missing in one meter's neutral comes back through another's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.neutral import Mirror, differences, mirrored_pairs
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.voltage import in_place_since


def neutral_unknown(panel: Panel, *, least_hours: int, **_: object) -> NDArray[np.object_]:
    """`[M]` why a position is not judged: neutral current not read, too few hours of it, or nobody in the same box."""
    reason = np.full(panel.shape[0], "no_electrical", dtype=object)
    if panel.hourly is None:
        return reason
    read = np.isfinite(differences(panel.hourly)).sum(axis=1)
    why = np.where(read == 0, "no_electrical", np.where(read < least_hours, "too_few_reads", "")).astype(object)
    box = _box_names(panel)
    metered = [name for name, hours in zip(box, read, strict=True) if name is not None and hours >= least_hours]
    names, count = np.unique(np.array(metered, dtype=str), return_counts=True)
    alone = ~np.isin(box.astype(str), names[count > 1])
    reason[panel.hourly.rows] = np.where((why == "") & alone, "no_neighbours", why)
    return reason


@detector(
    "X12",
    family="cross_wiring",
    unit="1",
    source="methods.md §1.6 shared or crossed neutral; DL/T 698.45 event 3040, abnormal neutral current",
    unjudged=neutral_unknown,
)
def neutral_pair(
    panel: Panel,
    *,
    least_a: float,
    least_share: float,
    loaded_share: float,
    flag_days: int,
    least_hours: int,
    least_correlation: float,
    least_slope_ratio: float,
    most_slope_ratio: float,
    most_shift_days: int,
) -> Detections:
    """In one box, what is missing in one meter's neutral comes back through another's.

    A single-phase meter carries the same current in line and neutral. Where the neutrals of two homes are crossed or
    joined behind their meters, the difference of the one mirrors that of the other, hour by hour.

    Fires when in both meters the two currents differ by more than `least_a` and `least_share` of the larger one in
    `loaded_share` of the loaded hours of the last `flag_days` days read, and the differences mirror each other: their
    correlation is above `least_correlation` and above all that the box reaches with the days of one meter shifted,
    with a slope between `least_slope_ratio` and `most_slope_ratio`.
    Cannot see: meters that do not report the neutral current; three-phase meters; homes exchanged with line and
    neutral both; a difference without a mirror (earth leakage, or current taken past the meter).
    """
    hourly = panel.hourly
    if hourly is None:
        return nothing(panel)
    limits = Mirror(
        least_a, least_share, loaded_share, flag_days, least_hours, least_correlation,
        (least_slope_ratio, most_slope_ratio), most_shift_days,
    )  # fmt: skip
    pairs = mirrored_pairs(hourly, _box_names(panel), limits)
    row, other = hourly.rows[pairs.row], hourly.rows[pairs.other]
    delta = differences(hourly)
    size = np.nanmean(np.abs(delta[pairs.row]), axis=1) if len(row) else np.empty(0)
    since = np.maximum(in_place_since(panel, row), in_place_since(panel, other))
    return detections(
        panel,
        row,
        since,
        np.full(len(row), panel.shape[1]),
        measured=pairs.correlation,
        expected=0.0,
        limit=least_correlation,
        related=other,
        facts={
            "apart_a": size,
            "match_percent": 100 * pairs.correlation,
            "chance_percent": 100 * pairs.chance,
            "slope_ratio": pairs.slope,
            "candidates_count": pairs.equals,
            "watched_hours": np.isfinite(delta[pairs.row]).sum(axis=1),
            "pattern": np.where(pairs.crossed, "neutrals_crossed", "neutrals_joined").astype(object),
        },
    )


def _box_names(panel: Panel) -> NDArray[np.object_]:
    """`[K]` area and box of each row with electrical reads, None without a box."""
    if panel.hourly is None:
        return np.empty(0, dtype=object)
    area, box = (panel.column(name)[panel.hourly.rows] for name in ("area_id", "box_id"))
    return np.array([None if b is None else f"{a}\n{b}" for a, b in zip(area, box, strict=True)], dtype=object)
