"""X14: the voltage of a meter follows another area than the one it is filed under."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.area_follow import Follow, Followed, follow_areas
from anomaly.hourly import HourlyElectrical
from anomaly.panel import Panel
from anomaly.phases import followed_phase
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.vocabulary import PHASES
from anomaly.voltage import in_place_since

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def nothing_to_follow(
    panel: Panel, *, least_meters: int, least_hours: float, areas_per_common: int, most_commons: int, **_: object
) -> NDArray[np.object_]:
    """`[M]` why a position is not judged: no voltages, too few hours, or no other area to compare with."""
    reason = np.full(panel.shape[0], "no_electrical", dtype=object)
    if panel.hourly is None:
        return reason
    followed = follow_areas(panel.hourly, Follow(least_meters, least_hours, areas_per_common, most_commons))
    member = (panel.hourly.group >= 0) & (panel.hourly.area >= 0)
    known = np.isfinite(followed.file_z) & np.isfinite(followed.new_z)
    why = np.where(followed.candidates == 0, "no_neighbours", "too_few_reads").astype(object)
    reason[panel.hourly.rows] = np.where(member, np.where(known, "", why), "no_electrical")
    return reason


@detector(
    "X14",
    family="cross_wiring",
    unit="1",
    source="methods.md §1.5 voltage correlation; measured by benchmarks/wiring_voltage.py on a network of 3,383 meters",
    unjudged=nothing_to_follow,
)
def area_voltage(
    panel: Panel,
    *,
    standard_errors: float,
    half_standard_errors: float,
    least_meters: int,
    least_hours: float,
    areas_per_common: int,
    most_commons: int,
    phase_hours: float,
) -> Detections:
    """The voltage of a meter follows another area than the one it is filed under.

    Hourly voltages, less what all areas nearby share, are held against the meters of each phase of the filed area
    (the meter itself left out) and of every area next to it: those on file as neighbours, else those whose voltages
    move most alike. Compared is Fisher's z of the correlation of levels.

    Fires when the best other area leads the filed one by more than `standard_errors` standard errors, hours counted
    by what they are worth after their dependence from hour to hour, and is ahead by `half_standard_errors` in each
    half of the window too. With three-phase voltages of that area's supply meter and `phase_hours` hours the phase
    is told beside it.
    Cannot see: areas of fewer than `least_meters` meters on one phase; a meter close to the transformer, whose
    voltage hardly moves; an area on the same secondary lines as its neighbour. The bill is right either way.
    """
    hourly = panel.hourly
    if hourly is None:
        return nothing(panel)
    followed = follow_areas(hourly, Follow(least_meters, least_hours, areas_per_common, most_commons))
    with np.errstate(invalid="ignore"):
        lead = (followed.new_z - followed.file_z) / followed.error
        halves = np.all(followed.half_margin > half_standard_errors * followed.half_error, axis=1)
    at = np.flatnonzero((np.nan_to_num(lead) > standard_errors) & halves)
    return _told(panel, hourly, followed, at, lead[at], standard_errors, phase_hours)


def _told(
    panel: Panel, hourly: HourlyElectrical, followed: Followed, at: Integers, lead: Floats, limit: float, hours: float
) -> Detections:
    """One finding per meter; the other area by name, the phase where it differs from the one on file."""
    row = hourly.rows[at]
    new = followed.new_area[at]
    names = np.array([""], dtype=object) if hourly.areas is None else hourly.areas.area_ids
    filed_phase = hourly.phase[at]
    phase = followed_phase(hourly, at, new, least_hours=hours, errors=limit)
    other = (phase >= 0) & (filed_phase >= 0) & (phase != filed_phase) & _told_apart(hourly)[at]
    return detections(
        panel,
        row,
        in_place_since(panel, row),
        np.full(len(row), panel.shape[1]),
        measured=lead,
        expected=0.0,
        limit=limit,
        strength=lead,
        facts={
            "filed_area_text": names[hourly.area[at]],
            "followed_area_text": names[new],
            "filed_match_percent": 100 * np.tanh(followed.file_z[at]),
            "followed_match_percent": 100 * np.tanh(followed.new_z[at]),
            "watched_hours": followed.hours[at],
            "candidates_count": followed.candidates[at],
            "filed_phase_text": _phase_names(filed_phase, other),
            "followed_phase_text": _phase_names(phase, other),
        },
    )


def _told_apart(hourly: HourlyElectrical) -> NDArray[np.bool_]:
    """`[K]` whether the meters of the row's area are filed on more than one phase: else "A" is only a habit."""
    told = np.flatnonzero((hourly.phase >= 0) & (hourly.area >= 0))
    pairs = np.unique(np.stack([hourly.area[told], hourly.phase[told].astype(np.int64)], axis=1), axis=0)
    area, phases = np.unique(pairs[:, 0], return_counts=True)
    return np.isin(hourly.area, area[phases > 1])


def _phase_names(phase: NDArray[np.int8], said: NDArray[np.bool_]) -> NDArray[np.object_]:
    names = np.array([*PHASES, None], dtype=object)
    return np.array(names[np.where(said, phase, len(PHASES))])
