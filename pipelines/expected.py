"""What a day was expected to use, for the band on the chart: the position's own same weekdays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.baseline import log_use
from anomaly.panel import Panel
from anomaly.statistics import MAD_TO_SIGMA, row_median

BAND_SIGMAS = 1.645
"""A band of 90 % for a normal spread."""

OFFSET_KWH = 0.3
"""Added before the logarithm, so that an empty day stays finite."""

Floats = NDArray[np.float64]


def expected_band(panel: Panel, rows: NDArray[np.int64], excluded: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Expected, low and high kWh `[K, D]` of each day: median of the same weekdays, spread on the log scale.

    Days spoiled by an error and spread days teach nothing; a position without enough days gets NaN.
    """
    kwh = np.where(excluded[rows] | panel.spread[rows], np.nan, panel.kwh[rows])
    level = log_use(kwh, OFFSET_KWH)
    weekday = panel.days.astype("datetime64[D]").astype(np.int64) % 7
    centre = np.full(level.shape, np.nan)
    for day in range(7):
        same = weekday == day
        centre[:, same] = row_median(level[:, same])[:, None]
    spread = MAD_TO_SIGMA * row_median(np.abs(level - centre))[:, None]

    def energy(log_kwh: Floats) -> Floats:
        return np.maximum(np.exp(log_kwh) - OFFSET_KWH, 0.0)

    return energy(centre), energy(centre - BAND_SIGMAS * spread), energy(centre + BAND_SIGMAS * spread)
