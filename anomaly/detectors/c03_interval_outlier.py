"""C03: a few intervals far from their time of day, by just what curve and register disagree about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.curve_findings import together
from anomaly.curve_register import balance
from anomaly.curve_shape import moment
from anomaly.panel import Curve, Panel
from anomaly.registry import Detections, detections, detector
from anomaly.statistics import MAD_TO_SIGMA

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

UNEXPLAINED_SHARE = 0.35
"""What may remain of the disagreement when the outliers are put back on their usual level."""


@detector(
    "C03",
    family="reading_error",
    unit="kWh",
    source="Hampel filter, t = 6 (hupe1980/metering V04), tied to the sum check",
)
def interval_outlier(
    panel: Panel,
    *,
    hampel_t: float,
    floor_share: float,
    window_days: float,
    max_intervals: float,
    tolerance_steps: float,
    tolerance_share: float,
) -> Detections:
    """A few intervals far from their time of day, by just what curve and register disagree about.

    People are irregular: an outlier alone is no error. It becomes one where the register of the day
    disagrees with the curve and the outliers are what they disagree about: with the usual value of that
    time of day in their place (median of `window_days` before and after) the two agree again.

    Fires when at most `max_intervals` intervals deviate by more than `hampel_t` robust standard deviations
    in the direction of the disagreement and account for it. Finds dips as well as peaks.
    Cannot see: outliers the register confirms or on several days running, days without exact registers,
    positions read monthly.
    """
    found = []
    for curve in panel.curves:
        sums = balance(panel, curve, tolerance_steps=tolerance_steps, tolerance_share=tolerance_share).daily()
        row, day = np.nonzero(_alone(sums.wrong))
        if not len(row):
            continue
        usual, sigma = _usual(curve, row, day, int(window_days), floor_share)
        off = curve.kwh[row, day] - usual
        excess = sums.excess_kwh[row, day]
        outlier = (np.abs(off) > hampel_t * sigma) & (np.sign(off) == np.sign(excess)[:, None])
        explained = np.where(outlier, off, 0.0).sum(axis=1)
        count = outlier.sum(axis=1)
        rest = np.abs(excess - explained)
        fires = (count > 0) & (count <= max_intervals) & (rest <= UNEXPLAINED_SHARE * np.abs(excess))
        worst = np.where(outlier, np.abs(off), -1.0).argmax(axis=1)[fires]
        row, day, at = row[fires], day[fires], np.arange(len(worst))
        measured, expected = curve.kwh[row, day, worst], usual[fires][at, worst]
        spread = sigma[fires][at, worst]
        found.append(
            detections(
                panel,
                curve.rows[row],
                day + curve.first_day,
                day + curve.first_day + 1,
                measured=measured,
                expected=expected,
                limit=hampel_t * spread,
                kwh_at_stake=np.abs(excess[fires]),
                facts={
                    "interval_at": moment(panel, curve, day * curve.kwh.shape[2] + worst),
                    "interval_kwh": measured,
                    "usual_kwh": expected,
                    "outlier_intervals": count[fires],
                },
            )
        )
    return together(panel, found)


def _alone(wrong: Booleans) -> Booleans:
    """Wrong days whose neighbours are not: a stretch of them is no matter of single intervals."""
    framed = np.zeros((wrong.shape[0], wrong.shape[1] + 2), bool)
    framed[:, 1:-1] = wrong
    return np.asarray(wrong & ~framed[:, :-2] & ~framed[:, 2:])


def _usual(
    curve: Curve, row: Integers, day: Integers, window_days: int, floor_share: float
) -> tuple[Floats, Floats]:
    """Median and robust standard deviation of each time of day, `[n, N]` each, over the days around, this
    one not.
    """
    offsets = np.concatenate([np.arange(-window_days, 0), np.arange(1, window_days + 1)])
    around = day[:, None] + offsets
    inside = (around >= 0) & (around < curve.days)
    values = curve.kwh[row[:, None], np.clip(around, 0, curve.days - 1)]
    values = np.sort(np.where(inside[:, :, None], values, np.nan), axis=1)
    usual = _median(values)
    spread = np.sort(np.abs(values - usual[:, None, :]), axis=1)
    level = np.nan_to_num(curve.kwh[row, day].clip(min=0)).mean(axis=1, keepdims=True)
    floor = floor_share * np.fmax(usual, level)
    return usual, np.fmax(_median(spread) * MAD_TO_SIGMA, floor)


def _median(ordered: Floats) -> Floats:
    """Median over axis 1 of values sorted along it with NaN last; NaN where there is none."""
    count = np.isfinite(ordered).sum(axis=1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0), axis=1)
    high = np.take_along_axis(ordered, np.minimum(count // 2, ordered.shape[1] - 1), axis=1)
    return np.asarray(((low + high) / 2)[:, 0, :])
