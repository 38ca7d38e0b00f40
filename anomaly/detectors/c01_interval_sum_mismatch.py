"""C01: the intervals of the curve do not add up to the register."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.curve_findings import together
from anomaly.curve_register import Balance, balance
from anomaly.day_spans import joined_runs, span_count, span_extreme, span_sum
from anomaly.panel import Curve, Panel
from anomaly.registry import Detections, detections, detector

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

CANCELLED_SHARE = 0.5
"""Where less than this share of the worst difference is left over all days, the days cancel."""


@detector(
    "C01",
    family="reading_error",
    unit="kWh",
    source="Californian VEE sum check; Oracle MDM Sum Check; Itron IEE",
)
def interval_sum_mismatch(
    panel: Panel, *, tolerance_steps: float, tolerance_share: float, pause_days: int, steady_spread: float
) -> Detections:
    """The intervals of the curve do not add up to the register.

    Between two exact reads of one meter (00:00, not estimated; daily or months apart) the curve is complete
    and its sum, repeated hour included, is compared with the register difference times the multiplier.

    Fires when they differ by more than `tolerance_steps` register steps times the multiplier, more than
    `tolerance_share` of the register, and more than the mean interval. Days at most `pause_days` apart are
    one finding. `steady_days` counts them where curve / register stays the same within `steady_spread`: a
    factor, not a slip; `multiplier_ratio` is then 1 where the curve lacks the multiplier.
    Cannot see: days with a missing or estimated interval, registers not read at 00:00, errors on both sides
    alike.
    """
    found = [
        _of_curve(panel, curve, tolerance_steps, tolerance_share, int(pause_days), steady_spread)
        for curve in panel.curves
    ]
    return together(panel, found)


def _of_curve(
    panel: Panel,
    curve: Curve,
    tolerance_steps: float,
    tolerance_share: float,
    pause_days: int,
    steady_spread: float,
) -> Detections:
    sums = balance(panel, curve, tolerance_steps=tolerance_steps, tolerance_share=tolerance_share)
    row, first, end = joined_runs(_days_of_spans(sums), pause_days)
    wrong = sums.wrong
    curve_kwh, register_kwh = _told_sums(sums, row, first, end)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(wrong & (sums.register_kwh > 0), sums.curve_kwh / sums.register_kwh, np.nan)
        limits_away = np.where(wrong, np.abs(sums.excess_kwh) / sums.tolerance_kwh, np.nan)
        overall = np.where(register_kwh > 0, curve_kwh / register_kwh, 0.0)
    low = span_extreme(ratio, row, first, end, largest=False)
    high = span_extreme(ratio, row, first, end, largest=True)
    wrong_days = span_count(wrong, row, first, end)
    steady = (high - low <= steady_spread * high) & (wrong_days > 1)
    start = first + curve.first_day
    return detections(
        panel,
        curve.rows[row],
        start,
        end + curve.first_day,
        measured=curve_kwh,
        expected=register_kwh,
        limit=span_sum(np.where(wrong, sums.tolerance_kwh, np.nan), row, first, end),
        kwh_at_stake=np.abs(curve_kwh - register_kwh),
        strength=span_extreme(limits_away, row, first, end, largest=True),
        facts={
            "curve_kwh": curve_kwh,
            "register_kwh": register_kwh,
            "curve_ratio": overall,
            "wrong_days": wrong_days,
            "steady_days": np.where(steady, wrong_days, 0),
            "multiplier_ratio": overall * panel.multiplier[curve.rows[row], start],
        },
    )


def _told_sums(sums: Balance, row: Integers, first: Integers, end: Integers) -> tuple[Floats, Floats]:
    """Curve and register energy of each finding; where up and down cancel, of its worst span alone.

    A read that is wrong alone moves energy from one day to the next: over both days nothing differs.
    """
    curve_kwh = span_sum(sums.curve_kwh, row, first, end)
    register_kwh = span_sum(sums.register_kwh, row, first, end)
    cell = np.arange(sums.wrong.shape[1])
    inside = sums.wrong[row] & (cell >= first[:, None]) & (cell < end[:, None])
    off = np.where(inside, np.abs(sums.excess_kwh[row]), 0.0)
    worst = np.argmax(off, axis=1)
    entry = np.arange(len(row))
    cancels = np.abs(curve_kwh - register_kwh) < CANCELLED_SHARE * off[entry, worst]
    return (
        np.where(cancels, sums.curve_kwh[row, worst], curve_kwh),
        np.where(cancels, sums.register_kwh[row, worst], register_kwh),
    )


def _days_of_spans(sums: Balance) -> Booleans:
    """Every day of the spans that are wrong, not only their last."""
    marked = sums.wrong.copy()
    row, last = np.nonzero(sums.wrong & (sums.span_days > 1))
    for back in range(1, int(sums.span_days[row, last].max(initial=1))):
        longer = sums.span_days[row, last] > back
        marked[row[longer], last[longer] - back] = True
    return marked
