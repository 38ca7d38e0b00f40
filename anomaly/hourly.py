"""Voltages and currents of the same instants, hour by hour: of a slice's positions, and of the fleet's areas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

GROUPS = 3
"""Meters of an area fall into three groups whose voltages move together: its phases."""


@dataclass(frozen=True, eq=False)
class AreaVoltages:
    """How the voltages of the A areas of the whole fleet move, over the H hours of `HourlyElectrical`.

    area_ids     `[A]` sorted
    reference    `[A, GROUPS, H]` mean of a group's meters, each as its share above or below its own usual voltage;
                 NaN where nobody of the group was read
    members      `[A, GROUPS]` meters behind it
    near         `[A, L]` the areas whose voltages move most like an area's, itself first, -1 where there are no more
    neighbours   `[P, 2]` pairs of areas filed as next to each other, both directions, sorted; of areas without any
                 pair nobody said what is next to them
    supply       `[A]` row of `supply_v`, -1 where the supply meter has no voltages of three phases
    supply_v     `[S, 3, H]` volts of phases A, B, C at supply meters
    """

    area_ids: NDArray[np.object_]
    reference: NDArray[np.float32]
    members: NDArray[np.int64]
    near: NDArray[np.int64]
    neighbours: NDArray[np.int64]
    supply: NDArray[np.int64]
    supply_v: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class HourlyElectrical:
    """K positions of a slice with electrical reads, H hours from `first_hour` on; NaN where nothing was read.

    An hour holds the sample nearest to its full hour, at most ten minutes away (the earlier of two equally near).

    rows         `[K]` positions of the panel, ascending
    voltage_v    `[K, H]` of the phase the meter is filed on (phase A first if it has several)
    line_a       `[K, H]` current of the line conductor (the largest if there are several)
    neutral_a    `[K, H]` current of the neutral conductor
    phase        `[K]` index into PHASES of the phase the reads are filed under, -1 where unknown or three
    three_phase  `[K]` true where reads of more than one phase are filed
    group        `[K]` group of the area that the meter's voltage belongs to, -1 without voltages or area, and for
                 supply meters: these are no members
    area         `[K]` index into `areas`, -1 where the area is not known
    areas        the areas of the whole fleet, None where no area has voltages
    """

    rows: NDArray[np.int64]
    first_hour: np.datetime64
    voltage_v: NDArray[np.float32]
    line_a: NDArray[np.float32]
    neutral_a: NDArray[np.float32]
    phase: NDArray[np.int8]
    three_phase: NDArray[np.bool_]
    group: NDArray[np.int8]
    area: NDArray[np.int64]
    areas: AreaVoltages | None = None

    @property
    def hours(self) -> int:
        """How many hours the window has."""
        return int(self.voltage_v.shape[1])

    @cached_property
    def remembered(self) -> dict[Any, Any]:
        """What was worked out of these voltages before, by the limits it was worked out with."""
        return {}
