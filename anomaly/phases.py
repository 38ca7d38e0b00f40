"""Which phase of its area's transformer a meter's voltage follows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.hourly import HourlyElectrical
from anomaly.voltage import crossed, effective_hours, per_unit

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def followed_phase(
    hourly: HourlyElectrical, rows: Integers, area: Integers, *, least_hours: float, errors: float
) -> NDArray[np.int8]:
    """`[K']` index into PHASES of the phase that each of `rows` follows in `area[K']`, -1 where none stands out.

    Correlation of the meter's voltage with each phase of the area's supply meter, all minus the mean of the three:
    what remains is the imbalance (methods.md §1.5). The first must lead the second by `errors` standard errors.
    """
    phase = np.full(len(rows), -1, np.int8)
    if hourly.areas is None:
        return phase
    known = np.flatnonzero(area >= 0)
    known = known[hourly.areas.supply[area[known]] >= 0]
    for one in np.unique(area[known]):
        mine = known[area[known] == one]
        live = per_unit(hourly.areas.supply_v[hourly.areas.supply[one]])
        mean = live.mean(axis=0)
        own = per_unit(hourly.voltage_v[rows[mine]]) - mean
        z = crossed(own, live - mean).fisher_z(least_hours)
        ordered = np.sort(np.nan_to_num(z, nan=-np.inf), axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.sqrt(2.0 / np.maximum(effective_hours(own) - 3.0, 0.0))
            clear = ordered[:, -1] - ordered[:, -2] > errors * error
        phase[mine] = np.where(clear & np.isfinite(z).all(axis=1), np.argmax(np.nan_to_num(z, nan=-np.inf), axis=1), -1)
    return phase
