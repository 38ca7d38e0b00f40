"""C06: the curve stands at zero."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.curve_findings import runs_of_hours, together
from anomaly.curve_register import Balance, balance
from anomaly.curve_shape import moment, series_of
from anomaly.day_spans import span_count, span_sum
from anomaly.panel import Curve, Panel
from anomaly.registry import Detections, detector
from anomaly.statistics import runs
from anomaly.supply_events import cut_off

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@detector(
    "C06",
    family="reading_error",
    unit="h",
    source="Oracle MDM Zero Consumption; Texas TDSP: zero is valid with an outage flag",
)
def zero_intervals(
    panel: Panel,
    *,
    min_hours: float,
    max_zero_share: float,
    tolerance_steps: float,
    tolerance_share: float,
) -> Detections:
    """The curve stands at zero.

    Fires when intervals of exactly zero, none missing, last `min_hours` or longer and the register counted
    more than the curve on a day they touch. Where no register can judge, when the position's other
    intervals are zero in at most `max_zero_share` of the time, the account is active, and no disconnection
    or outage is on record.
    Cannot see: zeros that the register shares (R06, A02), and zeros at positions that are often at zero.
    """
    found = []
    for curve in panel.curves:
        sums = balance(panel, curve, tolerance_steps=tolerance_steps, tolerance_share=tolerance_share)
        series = series_of(curve)
        row, first, end = runs(series == 0)
        long = (end - first) * curve.minutes >= min_hours * 60
        row, first, end = row[long], first[long], end[long]
        kept = _unexplained(panel, curve, sums, row, first, end, max_zero_share)
        found.append(_found(panel, curve, sums, row[kept], first[kept], end[kept], min_hours))
    return together(panel, found)


def _unexplained(
    panel: Panel,
    curve: Curve,
    sums: Balance,
    row: Integers,
    first: Integers,
    end: Integers,
    max_zero_share: float,
) -> Booleans:
    """Runs that the register contradicts, and runs out of character where it cannot judge."""
    per_day = curve.kwh.shape[2]
    begin, last = first // per_day, (end - 1) // per_day + 1
    short_of = sums.wrong & (sums.excess_kwh < 0)
    contradicted = span_count(short_of, row, begin, last) > 0
    silent = span_count(sums.decided, row, begin, last) == 0
    series = series_of(curve)
    rows, at = np.unique(row, return_inverse=True)
    zeros = (series[rows] == 0).sum(axis=1)[at] - (end - first)
    others = np.isfinite(series[rows]).sum(axis=1)[at] - (end - first)
    unusual = zeros <= max_zero_share * others
    active = (
        panel.positions["status"].cast(pl.String).fill_null("active").eq("active").to_numpy()[curve.rows[row]]
    )
    powered = ~cut_off(panel, curve.rows[row], begin + curve.first_day)
    return np.asarray(contradicted | (silent & unusual & (others >= 7 * per_day) & active & powered))


def _found(
    panel: Panel, curve: Curve, sums: Balance, row: Integers, first: Integers, end: Integers, min_hours: float
) -> Detections:
    per_day = curve.kwh.shape[2]
    begin, last = first // per_day, (end - 1) // per_day + 1
    missed = -span_sum(np.where(sums.wrong, sums.excess_kwh, np.nan), row, begin, last)
    missed = np.maximum(missed, 0.0)
    facts = {
        "zero_at": moment(panel, curve, first),
        "zero_hours": (end - first) * curve.minutes / 60,
        "register_kwh": missed,
    }
    return runs_of_hours(panel, curve, row, first, end, min_hours=min_hours, kwh_at_stake=missed, facts=facts)
