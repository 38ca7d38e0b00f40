"""From the meters of whole areas to how the fleet's areas move: group by group, and which areas move alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.hourly import GROUPS
from anomaly.voltage import crossed, group_means, mean_of, per_unit, voltage_groups, without

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def area_references(
    voltage_v: NDArray[np.float32], area: Integers, phase: NDArray[np.int8], areas: int, *, told_share: float
) -> tuple[NDArray[np.int8], NDArray[np.float32], Integers]:
    """Group `[K]` of each meter, and per area the reference `[areas, GROUPS, H]` and members `[areas, GROUPS]`.

    `area[K]` is an index below `areas`; -1 (no area, or a supply meter) belongs to nothing and gets group -1.
    """
    group = np.full(len(area), -1, np.int8)
    reference = np.full((areas, GROUPS, voltage_v.shape[1]), np.nan, np.float32)
    members = np.zeros((areas, GROUPS), np.int64)
    share = per_unit(voltage_v)
    read = (area >= 0) & np.isfinite(share).any(axis=1)
    for one in np.unique(area[read]):
        rows = np.flatnonzero(read & (area == one))
        mine = voltage_groups(share[rows], phase[rows].astype(np.int64), told_share=told_share)
        total, count = group_means(share[rows], mine, GROUPS)
        group[rows], reference[one] = mine, mean_of(total, count)
        members[one] = np.bincount(mine, minlength=GROUPS)
    return group, reference, members


def near_areas(reference: NDArray[np.float32], members: Integers, *, most: int) -> Integers:
    """`[A, L]` areas whose mean voltage moves most like each area's, itself first, at most `most`; -1 beyond.

    Areas of one feeder share its voltage: they are next to each other on the grid, and know best what is shared.
    Areas without voltages are near nobody.
    """
    weight = members[:, :, None] * np.isfinite(reference)
    mean = mean_of((np.nan_to_num(reference) * weight).sum(axis=1), weight.sum(axis=1))
    read = np.flatnonzero(members.sum(axis=1) > 0)
    near = np.full((len(members), min(most, max(len(read), 1))), -1, np.int64)
    if not len(read):
        return near
    if len(read) <= most:
        near[read] = read
        return _itself_first(near, read)
    fleet = mean_of(np.nan_to_num(mean[read]).sum(axis=0), np.isfinite(mean[read]).sum(axis=0))
    own = without(mean[read], fleet[None])
    z = np.nan_to_num(crossed(own, own).fisher_z(2), nan=-np.inf)
    z[np.arange(len(read)), np.arange(len(read))] = np.inf
    near[read] = read[np.argsort(-z, axis=1, kind="stable")[:, : near.shape[1]]]
    return _itself_first(near, read)


def _itself_first(near: Integers, read: Integers) -> Integers:
    """Every area's own index in the first place."""
    at = np.argmax(near[read] == read[:, None], axis=1)
    near[read, at] = near[read, 0]
    near[read, 0] = read
    return near
