"""C05: a day's curve copied from another day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.curve_findings import together
from anomaly.curve_register import balance
from anomaly.curve_shape import distinct_values, same_as_before, slot_match_share
from anomaly.day_spans import joined_runs, span_sum
from anomaly.panel import Curve, Panel
from anomaly.registry import Detections, detections, detector

Booleans = NDArray[np.bool_]

LAGS_DAYS = (1, 7)
"""Substitution copies yesterday, or the same weekday of the week before."""


@detector(
    "C05",
    family="reading_error",
    unit="d",
    source="MDM duplicate check; like-day substitution (AEMO methods 14, 20) unmarked",
)
def copied_day(
    panel: Panel,
    *,
    min_distinct_values: float,
    min_days: float,
    max_chance: float,
    tolerance_steps: float,
    tolerance_share: float,
) -> Detections:
    """A day's curve copied from another day.

    Fires when all intervals of a complete day, none marked estimated, equal those of the day before or of
    seven days before, with at least `min_distinct_values` different values that are not zero, and fewer
    than `max_chance` such days are to be expected from how often the position's intervals equal by
    accident. `min_days` such days in a row make a finding; the sums of VEE (`tolerance_*`) tell what the
    copy is off by.
    Cannot see: copies that were scaled, and copies from other days.
    """
    found = []
    for curve in panel.curves:
        sums = balance(panel, curve, tolerance_steps=tolerance_steps, tolerance_share=tolerance_share).daily()
        off_kwh = np.where(sums.wrong, np.abs(sums.excess_kwh), np.nan)
        taken = np.zeros(curve.kwh.shape[:2], bool)
        for lag in LAGS_DAYS:
            copied = _copied(curve, lag, int(min_distinct_values), max_chance) & ~taken
            taken |= copied
            row, first, end = joined_runs(copied, 0)
            long = end - first >= min_days
            row, first, end = row[long], first[long], end[long]
            start = first + curve.first_day
            found.append(
                detections(
                    panel,
                    curve.rows[row],
                    start,
                    end + curve.first_day,
                    measured=(end - first).astype(np.float64),
                    expected=0.0,
                    limit=min_days,
                    strength=(end - first) * float(curve.kwh.shape[2]),
                    kwh_at_stake=span_sum(off_kwh, row, first, end),
                    facts={
                        "copied_day": panel.dates(start),
                        "original_day": panel.dates(start - lag),
                        "copied_days": end - first,
                    },
                )
            )
    return together(panel, found)


def _copied(curve: Curve, lag: int, min_distinct_values: int, max_chance: float) -> Booleans:
    """`[K, C]` days that copy the day `lag` before and are too varied to agree by accident."""
    same = same_as_before(curve, lag)
    same &= ~curve.estimated.any(axis=2)
    row, day = np.nonzero(same)
    if not len(row):
        return same
    varied = distinct_values(curve.kwh[row, day]) >= min_distinct_values
    rows, at = np.unique(row, return_inverse=True)
    share = slot_match_share(curve, rows, lag, same[rows])[at]
    rare = curve.days * share ** curve.kwh.shape[2] < max_chance
    same[row, day] = varied & rare
    return same
