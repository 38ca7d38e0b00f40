"""C02: one interval of a day far above all others, and nothing confirms it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.curve_findings import together
from anomaly.curve_register import Balance, balance
from anomaly.curve_shape import moment
from anomaly.panel import Curve, Panel
from anomaly.registry import Detections, detections, detector

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

EXPLAINED_SHARE = 0.5
"""The register must leave out at least this share of the spike, or something else is wrong with the day."""


@detector(
    "C02",
    family="reading_error",
    unit="kW",
    source="Californian VEE spike check: highest against third highest, 180 %; Oracle MDM Interval Spike",
)
def interval_spike(
    panel: Panel,
    *,
    spike_percent: float,
    min_kw: float,
    rating_ratio: float,
    peak_ratio: float,
    min_days: float,
    tolerance_steps: float,
    tolerance_share: float,
) -> Detections:
    """One interval of a day far above all others, and nothing confirms it.

    A kettle trips the classic rule in any home, so the day's highest interval must also be impossible:
    either the register of the day leaves it out, or it exceeds `rating_ratio` times what rated volts, amps
    and phases carry (times the multiplier), or, without a register that day, `peak_ratio` times the highest
    interval of all other days, of which there are at least `min_days`.

    Fires when the highest interval lies more than `spike_percent` above the third-highest, reaches
    `min_kw`, and is impossible in one of these ways.
    Cannot see: spikes the register confirms (real use, J02), and spikes of several intervals (C03).
    """
    found = []
    for curve in panel.curves:
        sums = balance(panel, curve, tolerance_steps=tolerance_steps, tolerance_share=tolerance_share).daily()
        highest = np.where(np.isfinite(curve.kwh), curve.kwh, -np.inf).max(axis=2)
        rating = _rating_kwh(panel, curve, rating_ratio)
        beyond = _beyond_peak(highest, sums, peak_ratio, int(min_days))
        with np.errstate(invalid="ignore"):
            unconfirmed = (sums.wrong & (sums.excess_kwh > 0)) | beyond | (highest > rating)
        row, day = np.nonzero(unconfirmed & (highest * 60 / curve.minutes >= min_kw))
        found.append(_spikes(panel, curve, sums, row, day, beyond | (highest > rating), spike_percent))
    return together(panel, found)


def _rating_kwh(panel: Panel, curve: Curve, rating_ratio: float) -> Floats:
    """`[K, 1]` what an interval can carry; infinite where the rating is not on file."""
    volts, amps = panel.column("rated_volts")[curve.rows], panel.column("max_amps")[curve.rows]
    phases = np.nan_to_num(panel.column("phases")[curve.rows].astype(np.float64), nan=3.0)
    multiplier = panel.column("multiplier")[curve.rows].astype(np.float64)
    carried = volts * amps * phases * multiplier / 1000 * curve.minutes / 60 * rating_ratio
    return np.asarray(np.where(np.isfinite(carried) & (carried > 0), carried, np.inf)[:, None])


def _beyond_peak(highest: Floats, sums: Balance, peak_ratio: float, min_days: int) -> Booleans:
    """Days without a register to judge them that tower above the highest interval of all other days."""
    if highest.shape[1] < 2:
        return np.zeros(highest.shape, bool)
    top = np.partition(highest, highest.shape[1] - 2, axis=1)
    own = highest == top[:, -1:]
    others = np.where(own, top[:, -2:-1], top[:, -1:])
    enough = (np.isfinite(highest).sum(axis=1) > min_days)[:, None]
    with np.errstate(invalid="ignore"):
        return np.asarray(
            ~sums.decided & enough & (highest > peak_ratio * np.maximum(others, 0.0)) & (others > 0)
        )


def _spikes(
    panel: Panel,
    curve: Curve,
    sums: Balance,
    row: Integers,
    day: Integers,
    impossible: Booleans,
    spike_percent: float,
) -> Detections:
    """The candidate days whose highest interval stands out and is left out by the register, or impossible."""
    values = np.where(np.isfinite(curve.kwh[row, day]), curve.kwh[row, day], 0.0)
    slot = np.argmax(values, axis=1) if len(row) else np.empty(0, np.int64)
    ordered = np.sort(values, axis=1)
    first, third = ordered[:, -1], ordered[:, -3]
    excess = sums.excess_kwh[row, day]
    with np.errstate(invalid="ignore"):
        left_out = (excess >= EXPLAINED_SHARE * (first - third)) & (
            excess <= first + sums.tolerance_kwh[row, day]
        )
        stands_out = first - third > spike_percent / 100 * third
    kept = stands_out & (left_out | impossible[row, day])
    row, day, slot, first, third, excess = (
        row[kept],
        day[kept],
        slot[kept],
        first[kept],
        third[kept],
        excess[kept],
    )
    kw = 60 / curve.minutes
    left = np.where(np.isfinite(excess), np.maximum(first - excess, 0.0), third)
    return detections(
        panel,
        curve.rows[row],
        day + curve.first_day,
        day + curve.first_day + 1,
        measured=first * kw,
        expected=left * kw,
        limit=third * (1 + spike_percent / 100) * kw,
        strength=np.log((first + 1e-3) / (third + 1e-3)),
        kwh_at_stake=np.maximum(first - left, 0.0),
        facts={
            "spike_at": moment(panel, curve, day * curve.kwh.shape[2] + slot),
            "spike_kw": first * kw,
            "third_kw": third * kw,
            "register_leaves_kw": left * kw,
        },
    )
