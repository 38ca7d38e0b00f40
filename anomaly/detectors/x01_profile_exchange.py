"""X01: two homes, or more in a ring, have exchanged their daily profiles."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.exchange_score import Newcomer
from anomaly.neighbours import difference_kwh
from anomaly.panel import Panel
from anomaly.profile import DAILY, DAILY_MINIMUM, INTERVALS, KINDS, RATES
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import row_median
from anomaly.swap_found import Swaps
from anomaly.swap_groups import not_compared
from anomaly.swap_plan import Limits, Plan, Windows
from anomaly.swap_scan import Scan, find_swaps

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

USE_DAYS = 28
ABOUT_USE = ("sudden_increase", "wrong_account", "meter_fault")
"""Complaints whose day may be that of an exchange; a call for want of power is about something else."""

NAMED = (INTERVALS, DAILY_MINIMUM, RATES, DAILY)
"""Kinds of profile in the order in which the limits are named."""


def nobody_to_compare(panel: Panel, *, max_members: int, **_: object) -> NDArray[np.object_]:
    """`[M]` why a position is not compared: alone, in too large a group, or in a fleet too small to know drift from."""
    reason = not_compared(panel, max_members=max_members)
    if not any(kind == DAILY for kind, _windows in panel.fleet_drift or ()):
        reason[reason == ""] = "fleet_too_small"
    return reason


@detector(
    "X01",
    family="cross_wiring",
    unit="nat",
    source="methods.md §1.1 profile exchange; measured by benchmarks/wiring.py on 91 London homes",
    estimated_onset=True,
    unjudged=nobody_to_compare,
)
def profile_exchange(
    panel: Panel,
    *,
    known_curves_nats: float,
    known_minimum_nats: float,
    known_rates_nats: float,
    known_daily_nats: float,
    scan_curves_nats: float,
    scan_minimum_nats: float,
    scan_rates_nats: float,
    scan_daily_nats: float,
    per_log_pairs_nats: float,
    per_log_pairs_daily_nats: float,
    newcomer_chance: float,
    emptied_chance: float,
    degrees_of_freedom: float,
    homes_degrees_of_freedom: float,
    before_weeks: int,
    after_weeks: int,
    scan_before_weeks: int,
    scan_after_weeks: int,
    scan_weeks: int,
    max_members: int,
) -> Detections:
    """Two homes, or more in a ring, have exchanged their daily profiles.

    Homes of one box (else of one area) are compared by what their days look like against their neighbours' same
    days: 3-hour bins, smallest and largest interval; without curves daily totals and minima, rate registers or
    totals alone. Each home's window after a date is held against each home's window before it. Homes of different
    boxes of an area are compared where both were worked on within a week.

    Fires when "each has what the other had" is likelier by `..._nats` than "each stayed as it was, fell empty, or
    became like any home of the fleet": at meter changes, works and complaints on record one and two weeks later, and
    week by week over the last `scan_weeks`. The limits are those that one untouched box of twelve in a hundred
    reaches; a group with e times as many pairs needs `per_log_pairs_...nats` more. A ring of three or more is three or
    more findings.
    Cannot see: two similar homes (nobody is much over-billed then either); an exchange as old as the reads; homes of
    different boxes without work on record, and of different areas; one side without reads. Two tenants who exchange
    their flats look the same, and so may a home that falls empty and a like one that fills up in the same week.
    """
    if panel.fleet_drift is None:
        return nothing(panel)
    limits = Limits(
        dict(zip(NAMED, (known_curves_nats, known_minimum_nats, known_rates_nats, known_daily_nats), strict=True)),
        dict(zip(NAMED, (scan_curves_nats, scan_minimum_nats, scan_rates_nats, scan_daily_nats), strict=True)),
        {kind: per_log_pairs_daily_nats if kind == DAILY else per_log_pairs_nats for kind in NAMED},
    )
    plan = Plan(Windows(scan_before_weeks, scan_after_weeks), Windows(before_weeks, after_weeks), scan_weeks)
    newcomer = Newcomer(newcomer_chance, emptied_chance, degrees_of_freedom, homes_degrees_of_freedom)
    row, day = _known_days(panel)
    return _told(panel, find_swaps(panel, panel.fleet_drift, Scan(plan, limits, newcomer, max_members), row, day))


def _known_days(panel: Panel) -> tuple[Integers, Integers]:
    """Positions and panel days of meter changes, works of the utility and complaints; a day named twice counts once."""
    changed = panel.exchanges.select("row", "day")
    works = panel.events.filter(pl.col("kind") == "works").select("row", pl.col("at").dt.date().alias("day"))
    asked = panel.tickets.filter(pl.col("kind").is_in(ABOUT_USE))
    complaints = asked.select("row", pl.col("at").dt.date().alias("day"))
    named = pl.concat([changed, works, complaints]).drop_nulls().unique().sort("row", "day")
    day = (named["day"].to_numpy().astype("datetime64[D]") - panel.days[:1]).astype(np.int64)
    return named["row"].to_numpy().astype(np.int64), day


def _told(panel: Panel, swaps: Swaps) -> Detections:
    """A pair once, by its first position; a ring once per home. Points of one account are nobody's exchange."""
    account = panel.column("account_id")
    keep = (swaps.size > 2) | (swaps.position < swaps.source)
    keep &= account[swaps.position] != account[swaps.source]
    row, other, day = swaps.position[keep], swaps.source[keep], swaps.day[keep]
    return detections(
        panel,
        row,
        day,
        np.full(len(row), panel.shape[1]),
        measured=swaps.nats[keep],
        expected=0.0,
        limit=swaps.limit_nats[keep],
        strength=swaps.nats[keep],
        kwh_at_stake=difference_kwh(panel, row, other, day),
        related=other,
        facts={
            "change_day": panel.dates(day),
            "earliest_day": panel.dates(swaps.earliest[keep]),
            "latest_day": panel.dates(swaps.latest[keep]),
            "before_kwh_per_day": _usual(panel, row, day, -USE_DAYS),
            "after_kwh_per_day": _usual(panel, row, day, USE_DAYS),
            "related_before_kwh_per_day": _usual(panel, other, day, -USE_DAYS),
            "related_after_kwh_per_day": _usual(panel, other, day, USE_DAYS),
            "evidence_nats": swaps.nats[keep],
            "moved_nats": np.nan_to_num(swaps.moved[keep]),
            "ratio_nats": np.nan_to_num(swaps.ratio_nats[keep]),
            "members_count": swaps.members[keep],
            "ring_count": swaps.size[keep],
            "pattern": _pattern(swaps, keep),
            "basis": np.array(KINDS, dtype=object)[swaps.kind[keep]],
        },
    )


def _usual(panel: Panel, row: Integers, day: Integers, days: int) -> Floats:
    """Median day of the `days` days from `day` on, or before it where negative; 0 where none is known."""
    at = np.arange(panel.shape[1])
    low, high = np.minimum(day, day + days), np.maximum(day, day + days)
    inside = (at >= low[:, None]) & (at < high[:, None])
    return np.nan_to_num(row_median(np.where(inside, panel.kwh[row], np.nan)))


def _pattern(swaps: Swaps, keep: NDArray[np.bool_]) -> NDArray[np.object_]:
    ring = np.where(swaps.known[keep], "ring_named_day", "ring_scanned")
    pair = np.where(swaps.known[keep], "pair_named_day", "pair_scanned")
    return np.where(swaps.size[keep] > 2, ring, pair).astype(object)
