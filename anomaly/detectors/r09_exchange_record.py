"""R09: a meter exchange is recorded wrongly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.exchange_energy import ExchangeEnergy, exchange_energy
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

PATTERNS = ("", "end_register", "start_register", "missing_old_read", "missing_new_read", "gap")
"""In the order in which they are told: an exchange has one finding, that of its largest fault."""


@detector(
    "R09",
    family="reading_error",
    unit="kWh",
    source="contract §2 meter change; Oracle MDM: start read of a new device is checked",
)
def exchange_record(
    panel: Panel,
    *,
    tolerance_kwh: float,
    band_spreads: float,
    spread_log: float,
    curve_share: float,
    max_gap_days: float,
    window_days: int,
) -> Detections:
    """A meter exchange is recorded wrongly.

    Energy on both sides of the exchange - last read to end register, start register to first read - is
    compared with the load curve of the same days, else with the usual use (`band_spreads` times its spread,
    at least `spread_log`).

    Fires when one side is negative, or above the band by more than `tolerance_kwh` with no curve to confirm
    it; when curve and records differ by more than `tolerance_kwh` and `curve_share`; when a register was
    not recorded and no read lies within `max_gap_days` of the exchange; when more days than that lie
    between removal and installation.
    Cannot see: a wrong register within one day's usual use and without a curve; a multiplier that changed
    on the wall (R10) or in the file (R11).
    """
    found = exchange_energy(panel, window_days=window_days, spread_log=spread_log)
    pattern, wrong = _faults(found, tolerance_kwh, band_spreads, curve_share, max_gap_days)
    keep = np.flatnonzero(pattern > 0)
    value = found.columns
    old_side = pattern == 1
    recorded = np.where(old_side, value["end_register"], value["start_register"])
    multiplier = np.where(old_side, value["old_multiplier"], value["new_multiplier"])
    with np.errstate(divide="ignore", invalid="ignore"):
        right = np.where(old_side, recorded - wrong / multiplier, recorded + wrong / multiplier)
    borders = panel.shape[1]
    return detections(
        panel,
        found.row,
        np.clip(np.where(found.last_old >= 0, np.minimum(found.last_old, found.border), found.border), 0, borders),
        np.clip(np.maximum(found.first_new, found.border + 1), 0, borders),
        measured=np.nan_to_num(np.where(pattern <= 2, recorded, found.gap_days)),
        expected=np.nan_to_num(np.where(pattern <= 2, right, 0.0)),
        limit=np.where(pattern <= 2, tolerance_kwh, max_gap_days),
        strength=np.log1p(np.abs(wrong)),
        kwh_at_stake=np.abs(wrong),
        meter_id=value["old_meter_id"],
        facts={
            "exchange_day": panel.dates(found.border),
            "recorded_kwh": np.nan_to_num(recorded),
            "found_kwh": np.maximum(np.nan_to_num(right), 0.0),
            "silent_days": np.nan_to_num(_silent_days(found, pattern)),
            "pattern": np.array(PATTERNS, dtype=object)[pattern],
        },
    ).take(keep)


def _faults(
    found: ExchangeEnergy, tolerance_kwh: float, band_spreads: float, curve_share: float, max_gap_days: float
) -> tuple[NDArray[np.int64], Floats]:
    """Per exchange the pattern (0: none) and the energy that is wrong, kWh after multiplier, signed as
    recorded.
    """
    half_old, half_new = (
        found.usual_kwh * (found.old_days - 0.5),
        found.usual_kwh * np.maximum(found.new_days - 0.5, 0),
    )
    off_old, off_new = found.old_kwh - np.nan_to_num(half_old), found.new_kwh - np.nan_to_num(half_new)
    with np.errstate(invalid="ignore"):
        old_bad = _outside(found.old_kwh, found.old_days, found, band_spreads, tolerance_kwh)
        new_bad = _outside(found.new_kwh, found.new_days, found, band_spreads, tolerance_kwh)
        off_curve = found.old_kwh + found.new_kwh - found.curve_kwh
        limit = np.maximum(tolerance_kwh, curve_share * found.curve_kwh)
        agrees, differs = np.abs(off_curve) <= limit, np.abs(off_curve) > limit
        both = np.isfinite(found.old_kwh) & np.isfinite(found.new_kwh)
        negative = (found.old_kwh < -0.05) | (found.new_kwh < -0.05)
        bad = (((old_bad | new_bad) & ~agrees) | (both & differs)) | negative
        worse_old = np.nan_to_num(np.abs(off_old), nan=-1.0) >= np.nan_to_num(np.abs(off_new), nan=-1.0)
    wrong = np.where(worse_old, off_old, off_new)
    wrong = np.where(both & np.isfinite(off_curve), off_curve, wrong)
    pattern = np.where(bad, np.where(worse_old, 1, 2), 0)
    return _or_missing(found, pattern.astype(np.int64), np.nan_to_num(wrong), max_gap_days)


def _outside(kwh: Floats, days: Floats, found: ExchangeEnergy, band_spreads: float, tolerance_kwh: float) -> Booleans:
    """Whether an energy is negative or beyond the usual band over the longest time it can span."""
    most = np.nan_to_num(found.usual_kwh) * np.exp(band_spreads * np.nan_to_num(found.spread_log)) * days
    return np.asarray((kwh < 0) | (kwh > most + tolerance_kwh))


def _or_missing(
    found: ExchangeEnergy, pattern: NDArray[np.int64], wrong: Floats, max_gap_days: float
) -> tuple[NDArray[np.int64], Floats]:
    """Add registers that nobody wrote down and nobody read, and days without any meter."""
    usual = np.nan_to_num(found.usual_kwh)
    no_end = np.isnan(found.columns["end_register"]) & (found.old_days - 1 > max_gap_days) & (found.last_old >= 0)
    no_start = np.isnan(found.columns["start_register"]) & (found.new_days - 1 > max_gap_days) & (found.first_new >= 0)
    for number, lacking, days in (
        (3, no_end, found.old_days - 0.5), (4, no_start, found.new_days - 0.5),
        (5, found.gap_days > max_gap_days, found.gap_days),
    ):  # fmt: skip
        here = (pattern == 0) & lacking
        pattern = np.where(here, number, pattern)
        wrong = np.where(here, usual * days, wrong)
    return pattern, wrong


def _silent_days(found: ExchangeEnergy, pattern: NDArray[np.int64]) -> Floats:
    """Days without a read or without a meter that a pattern tells of."""
    return np.where(pattern == 3, found.old_days - 1, np.where(pattern == 4, found.new_days, found.gap_days))
