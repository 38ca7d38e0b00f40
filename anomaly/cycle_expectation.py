"""What a billing cycle was expected to bring, and the band in which nine of ten cycles fall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

EARLIER_CYCLES = 5
RECENT_SHARE = 0.7
"""Weight of the cycle just before; the rest is the one before that. On London homes 0.7 and 1.0 do equally well."""


@dataclass(frozen=True, eq=False)
class CycleExpectation:
    """Of M positions: NaN where it is not known.

    kwh            `[M]` energy of the measured days of the cycle
    measured_days  `[M]` how many these are
    expected_kwh, low_kwh, high_kwh  `[M]` over the whole cycle; NaN without an earlier cycle to go by
    earlier        `[M]` earlier cycles of this customer that were measured
    before_kwh_per_day `[M]` use a day in the cycle before
    cohort_ratio   `[M]` by how much like homes rose from the cycle before to this one
    """

    kwh: Floats
    measured_days: Integers
    expected_kwh: Floats
    low_kwh: Floats
    high_kwh: Floats
    earlier: Integers
    before_kwh_per_day: Floats
    cohort_ratio: Floats


def cycle_expectation(
    kwh: Floats, cohort_log: Floats, first: Integers, end: Integers, since: Integers, *,
    least_share: float, log_offset_kwh: float, fleet_log_sigma: float, fleet_cycles: float, band_sigmas: float,
) -> CycleExpectation:  # fmt: skip
    """Expected energy of the panel days [first, end) of each position `kwh[M, D]`.

    ln(kWh a day) is expected where the two cycles before stood, moved with the cohort; its spread is how far the own
    earlier cycles were from such an expectation, shrunk towards the fleet's as if that were `fleet_cycles` cycles. Days
    before `since[M]` belong to another customer. A cycle counts from `least_share` measured days.
    Coverage of the 90 % band on untouched homes: benchmarks/cycles.py.
    """
    length = np.maximum(end - first, 1)
    known = np.pad(np.cumsum(np.isfinite(kwh), axis=1), ((0, 0), (1, 0)))
    total = np.pad(np.cumsum(np.nan_to_num(kwh), axis=1), ((0, 0), (1, 0)))
    others = np.pad(np.cumsum(cohort_log, axis=1), ((0, 0), (1, 0)))
    row, days = np.arange(len(kwh)), kwh.shape[1]

    def window(back: int) -> tuple[Integers, Floats, Floats]:
        """Measured days, energy of these, mean of the cohort of the cycle `back` cycles before."""
        low, high = first - back * length, end - back * length
        inside = (low >= np.maximum(since, 0)) | (back == 0)
        low, high = np.clip(low, 0, days), np.clip(high, 0, days)
        number = np.where(inside, known[row, high] - known[row, low], 0)
        mean = (others[row, high] - others[row, low]) / np.maximum(high - low, 1)
        return number, total[row, high] - total[row, low], mean

    measured, energy, now = window(0)
    level, cohort = [], []
    for back in range(1, EARLIER_CYCLES + 1):
        number, used, mean = window(back)
        enough = number >= least_share * length
        with np.errstate(divide="ignore", invalid="ignore"):
            level.append(np.where(enough, np.log(np.maximum(used / number, 0.0) + log_offset_kwh), np.nan))
        cohort.append(mean)
    levels, moved = np.stack(level, axis=1), np.stack(level, axis=1) - np.stack(cohort, axis=1)
    centre = _blend(moved[:, 0], moved[:, 1])
    errors = np.stack([moved[:, at] - _blend(moved[:, at + 1], moved[:, at + 2]) for at in range(3)], axis=1)
    count = np.isfinite(errors).sum(axis=1)
    spread = np.sqrt((np.nansum(errors**2, axis=1) + fleet_cycles * fleet_log_sigma**2) / (count + fleet_cycles))
    low, middle, high = (
        length * np.maximum(np.exp(centre + now + sign * band_sigmas * spread) - log_offset_kwh, 0.0)
        for sign in (-1.0, 0.0, 1.0)
    )
    return CycleExpectation(
        np.where(measured > 0, energy, np.nan), measured, middle, low, high,
        np.where(np.isfinite(centre), np.isfinite(levels).sum(axis=1), 0),
        np.exp(levels[:, 0]) - log_offset_kwh, np.exp(now - cohort[0]),
    )  # fmt: skip


def _blend(recent: Floats, earlier: Floats) -> Floats:
    """The recent cycle weighted with the one before it; either alone where the other is not known."""
    both = RECENT_SHARE * recent + (1 - RECENT_SHARE) * earlier
    return np.where(np.isfinite(both), both, np.where(np.isfinite(recent), recent, earlier))
