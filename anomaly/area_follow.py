"""Which area's voltages a meter follows: its own area's, without the meter itself, against every candidate's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.hourly import GROUPS, AreaVoltages, HourlyElectrical
from anomaly.voltage import (
    Sums,
    commons,
    crossed,
    effective_hours,
    group_means,
    others_mean,
    paired,
    per_unit,
    without,
)  # fmt: skip

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Follow:
    """Limits of following: how many meters make a reference, how many common hours a correlation, what is shared."""

    least_meters: int
    least_hours: float
    areas_per_common: int
    most_commons: int


@dataclass(frozen=True, eq=False)
class Followed:
    """Per row of `HourlyElectrical`: how closely it follows its filed area and the candidate it follows best.

    file_z, new_z   `[K]` Fisher's z of the correlation over the whole window, NaN where it cannot be told
    new_area        `[K]` index of the best candidate, -1 none
    error           `[K]` standard error of the difference of the two
    half_margin     `[K, 2]` new_z - file_z in the first and second half of the window
    half_error      `[K, 2]` their standard errors
    hours           `[K]` hours in common with the own area
    candidates      `[K]` areas compared with
    """

    file_z: Floats
    new_z: Floats
    new_area: Integers
    error: Floats
    half_margin: Floats
    half_error: Floats
    hours: Floats
    candidates: Integers


def follow_areas(hourly: HourlyElectrical, limits: Follow) -> Followed:
    """Hold every meter of the slice against its area and that area's candidates; one step per area."""
    if limits not in hourly.remembered:
        hourly.remembered[limits] = _followed(hourly, limits)
    found: Followed = hourly.remembered[limits]
    return found


def _followed(hourly: HourlyElectrical, limits: Follow) -> Followed:
    count = len(hourly.rows)
    nan = np.full(count, np.nan)
    found = Followed(
        nan, nan.copy(), np.full(count, -1, np.int64), nan.copy(), np.full((count, 2), np.nan),
        np.full((count, 2), np.nan), nan.copy(), np.zeros(count, np.int64),
    )  # fmt: skip
    if hourly.areas is None:
        return found
    member = np.flatnonzero((hourly.group >= 0) & (hourly.area >= 0))
    for area in np.unique(hourly.area[member]):
        rows = member[hourly.area[member] == area]
        _follow_one(hourly, hourly.areas, int(area), rows, limits, found)
    return found


def candidates_of(areas: AreaVoltages, area: int, least_meters: int) -> Integers:
    """Areas that may feed a meter of `area`: those filed as next to it, else those whose voltages move like its own."""
    beside = areas.neighbours[areas.neighbours[:, 0] == area, 1]
    near = beside if len(beside) else areas.near[area]
    near = np.unique(near[(near >= 0) & (near != area)])
    return np.asarray(near[areas.members[near].max(axis=1, initial=0) >= least_meters])


def _follow_one(
    hourly: HourlyElectrical, areas: AreaVoltages, area: int, rows: Integers, limits: Follow, found: Followed
) -> None:
    """Fill `found` for the meters of one area."""
    other = candidates_of(areas, area, limits.least_meters)
    found.candidates[rows] = len(other)
    if not len(other):
        return
    local = np.union1d(areas.near[area][areas.near[area] >= 0], np.append(other, area))
    shared = commons(
        areas.reference[local].reshape(-1, hourly.hours).astype(np.float64), len(local),
        areas_per_common=limits.areas_per_common, most=limits.most_commons,
    )  # fmt: skip
    volts = per_unit(hourly.voltage_v[rows])
    own = without(volts, shared)
    references = areas.reference[other].astype(np.float64)
    references[areas.members[other] < limits.least_meters] = np.nan
    outside = without(references.reshape(-1, hourly.hours), shared)
    inside = _own_references(volts, hourly.group[rows].astype(np.int64), shared, limits.least_meters)
    halves = _halves(own)
    with_own = [_own_sums(own[:, part], inside[:, :, part]) for part in halves]
    with_other = [crossed(own[:, part], outside[:, part]) for part in halves]
    hours = (with_own[0] + with_own[1]).count.max(axis=1)
    independent = effective_hours(own)
    file_z = _best((with_own[0] + with_own[1]).fisher_z(limits.least_hours))
    z = _per_area((with_other[0] + with_other[1]).fisher_z(limits.least_hours), len(other))
    best = np.argmax(np.nan_to_num(z, nan=-np.inf), axis=1)
    found.file_z[rows], found.new_z[rows] = file_z, z[np.arange(len(rows)), best]
    found.new_area[rows] = np.where(np.isfinite(found.new_z[rows]), other[best], -1)
    found.error[rows] = _standard_error(independent)
    found.hours[rows] = hours
    for half, (mine, theirs) in enumerate(zip(with_own, with_other, strict=True)):
        z_half = _per_area(theirs.fisher_z(limits.least_hours / 2), len(other))[np.arange(len(rows)), best]
        found.half_margin[rows, half] = z_half - _best(mine.fisher_z(limits.least_hours / 2))
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.isfinite(own[:, halves[half]]).sum(axis=1) / np.isfinite(own).sum(axis=1)
        found.half_error[rows, half] = _standard_error(independent * share)


def _own_references(volts: Floats, group: Integers, shared: Floats, least_meters: int) -> Floats:
    """`[n, GROUPS, H]` the groups of the own area without the meter itself and what is shared; NaN: too few others."""
    total, count = group_means(volts, group, GROUPS)
    size = np.bincount(group, minlength=GROUPS)
    inside = np.full((len(volts), GROUPS, volts.shape[1]), np.nan)
    for one in range(GROUPS):
        mine = group == one
        if size[one] >= least_meters:
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = np.where(count[one] > 0.5, total[one] / count[one], np.nan)
            inside[~mine, one] = without(mean[None], shared)
        if size[one] > least_meters:
            inside[mine, one] = without(others_mean(volts[mine], group[mine], total, count), shared)
    return inside


def _halves(own: Floats) -> tuple[slice, slice]:
    """The window cut where half of what was read lies on either side."""
    read = np.isfinite(own).sum(axis=0).cumsum()
    middle = int(np.searchsorted(read, read[-1] / 2)) if len(read) else 0
    return slice(0, middle), slice(middle, own.shape[1])


def _own_sums(own: Floats, inside: Floats) -> Sums:
    parts = [paired(own, inside[:, one]) for one in range(GROUPS)]
    return Sums(*(np.stack([getattr(part, name) for part in parts], axis=1) for name in vars(parts[0])))


def _best(z: Floats) -> Floats:
    """The closest group `[n]`; NaN where none can be told."""
    highest = np.max(np.nan_to_num(z, nan=-np.inf), axis=1)
    return np.where(np.isfinite(highest), highest, np.nan)


def _per_area(z: Floats, areas: int) -> Floats:
    """`[n, areas]` closest group of each area."""
    highest = np.nan_to_num(z, nan=-np.inf).reshape(len(z), areas, GROUPS).max(axis=2)
    return np.where(np.isfinite(highest), highest, np.nan)


def _standard_error(independent: Floats) -> Floats:
    """Of a difference of two Fisher z; infinite with three independent hours or fewer."""
    with np.errstate(divide="ignore"):
        return np.sqrt(2.0 / np.maximum(independent - 3.0, 0.0))
