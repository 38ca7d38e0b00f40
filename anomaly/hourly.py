"""Voltages and currents of the same instants, hour by hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class HourlyElectrical:
    """K positions of a slice with electrical reads, H hours from `first_hour` on; NaN where nothing was read.

    rows         `[K]` positions of the panel
    voltage_v    `[K, H]` of the phase the meter is filed on (the mean of its phases if it has three)
    line_a       `[K, H]` current of the line conductor
    neutral_a    `[K, H]` current of the neutral conductor
    phase        `[K]` index into PHASES of the phase the reads are filed under, -1 where unknown or three
    """

    rows: NDArray[np.int64]
    first_hour: np.datetime64
    voltage_v: NDArray[np.float32]
    line_a: NDArray[np.float32]
    neutral_a: NDArray[np.float32]
    phase: NDArray[np.int8]
