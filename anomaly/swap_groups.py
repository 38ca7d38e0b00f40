"""Who can have been exchanged with whom: homes of one box, else of one small area, as padded arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel

Integers = NDArray[np.int64]

SIZES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""Groups are padded up to these sizes, so that groups of one size are one array."""

BLOCK_ROWS = 1_000
"""Positions handled at once, so that memory does not grow with the slice."""


def groups_of(panel: Panel, *, max_members: int, daily_only: bool = True) -> list[Integers]:
    """Arrays `[G, g]` of positions, -1 where padded: every box of two or more, then areas of all others.

    Positions that belong to no box, or are alone in theirs, are compared within their area. Groups of more than
    `max_members` are left out. Supply and check meters are in no group, nor, if `daily_only`, positions read monthly.
    """
    key = ("groups", max_members, daily_only)
    if key not in panel.made_before:
        parts = members_of(panel, daily_only)
        panel.made_before[key] = [padded for part in parts for padded in padded_groups(part, max_members)]
    return list(panel.made_before[key])


def not_compared(panel: Panel, *, max_members: int, daily_only: bool = True) -> NDArray[np.object_]:
    """`[M]` why a position is in no group: `no_neighbours` or `group_too_large`; empty where it is in one."""
    key = ("not_compared", max_members, daily_only)
    if key in panel.made_before:
        return np.asarray(panel.made_before[key])
    reason = np.full(panel.shape[0], "no_neighbours", dtype=object)
    for part in members_of(panel, daily_only):
        large = part.with_columns(count=pl.len().over("group")).filter(pl.col("count") > max_members)
        reason[large["row"].to_numpy()] = "group_too_large"
    for groups in groups_of(panel, max_members=max_members, daily_only=daily_only):
        reason[groups[groups >= 0]] = ""
    panel.made_before[key] = reason
    return reason


def members_of(panel: Panel, daily_only: bool) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows and their group, sorted: of boxes, and of areas for those without a box or alone in it."""
    judged = (panel.daily | (not daily_only)) & ~panel.flag("is_supply") & (panel.column("point_role") != "check")
    members = (
        panel.positions.select(
            "area_id", "box_id", row=pl.int_range(pl.len(), dtype=pl.Int64), judged=pl.Series(judged)
        )
        .filter("judged")
        .with_columns(in_box=pl.len().over("area_id", "box_id"))
        .with_columns(boxed=pl.col("box_id").is_not_null() & (pl.col("in_box") >= 2))
    )
    boxes = members.filter("boxed").with_columns(group=pl.struct("area_id", "box_id").rank("dense"))
    others = members.filter(~pl.col("boxed"), pl.col("area_id").is_not_null())
    areas = others.with_columns(group=pl.col("area_id").rank("dense"))
    return boxes.sort("group", "row"), areas.sort("group", "row")


def blocks(groups: Integers) -> Iterator[Integers]:
    """Parts `[G', g]` of an array of groups, each of about BLOCK_ROWS positions."""
    step = max(BLOCK_ROWS // groups.shape[1], 1)
    for first in range(0, len(groups), step):
        yield groups[first : first + step]


def padded_groups(members: pl.DataFrame, max_members: int) -> Iterator[Integers]:
    """Arrays `[G, g]` of the rows of each `group`, in their order, -1 where padded; by size, large ones left out."""
    row, group = members["row"].to_numpy(), members["group"].to_numpy()
    if not len(row):
        return
    _, first, count = np.unique(group, return_index=True, return_counts=True)
    fits = np.flatnonzero((count >= 2) & (count <= min(max_members, SIZES[-1])))
    width = np.array(SIZES)[np.searchsorted(SIZES, count[fits])]
    for size in np.unique(width):
        mine = fits[width == size]
        place = np.arange(size)
        at = np.minimum(first[mine][:, None] + place, len(row) - 1)
        yield np.where(place < count[mine][:, None], row[at], -1).astype(np.int64)
