"""Who can have been exchanged across boxes: homes of one area that were worked on within a week of each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.swap_groups import members_of, padded_groups

Integers = NDArray[np.int64]

CREW_DAYS = 7
"""Meters a crew hangs within a week may have been mixed up (assumed: one round of a crew)."""


@dataclass(frozen=True, eq=False)
class Crews:
    """Areas in which homes of two boxes were worked on within a week, and these homes.

    areas   `[G, g]` positions of all homes of the areas, -1 where padded: what they do on a day is the measure
    unit    `[G, g]` number of each home's box; homes without one share a number, for they are compared anyway
    group   `[T]` area of each day of work; `day[T]` the last of these works
    at_work `[T, g]` homes worked on in the seven days up to it
    """

    areas: Integers
    unit: Integers
    group: Integers
    day: Integers
    at_work: NDArray[np.bool_]


def crews_of(panel: Panel, *, max_members: int) -> Iterator[Crews]:
    """Crews of the panel's areas of at most `max_members` homes.

    A meter change is work at one home; `works` of the utility are work at every home of the meter's box.
    """
    homes = _homes(panel)
    work = _work(panel, homes)
    days = work.select("area", "day").unique()
    together = (
        days.join(work, on="area", suffix="_work")
        .filter((pl.col("day_work") <= pl.col("day")) & (pl.col("day_work") > pl.col("day") - CREW_DAYS))
        .select("area", "day", "row", "unit").unique()
        .filter(pl.col("unit").n_unique().over("area", "day") >= 2)
        .sort("area", "day", "row")
    )  # fmt: skip
    touched = homes.filter(pl.col("area").is_in(together["area"].unique().to_list()))
    for areas in padded_groups(touched.select("row", group="area"), max_members):
        yield _crews(areas, together, homes)


def _homes(panel: Panel) -> pl.DataFrame:
    """row, area and unit (box, or one for all homes of the area without a box), sorted."""
    boxed, others = members_of(panel, daily_only=True)
    homes = pl.concat([boxed.drop("group"), others.drop("group")]).filter(pl.col("area_id").is_not_null())
    unit = pl.struct("area_id", pl.when("boxed").then("box_id"))
    return homes.select(
        "row", "boxed", area=pl.col("area_id").rank("dense").cast(pl.Int64), unit=unit.rank("dense").cast(pl.Int64)
    ).sort("area", "row")


def _work(panel: Panel, homes: pl.DataFrame) -> pl.DataFrame:
    """area, unit, row, day: every home and panel day of work on it."""
    changed = panel.exchanges.select("row", "day").join(homes, on="row")
    works = (
        panel.events.filter(pl.col("kind") == "works").select("row", day=pl.col("at").dt.date()).join(homes, on="row")
    )
    box = works.filter("boxed").select("day", "unit").join(homes.filter("boxed"), on="unit")
    work = pl.concat([part.select("area", "unit", "row", "day") for part in (changed, works, box)]).drop_nulls()
    first = panel.days[0].item() if len(panel.days) else None
    return work.with_columns(day=(pl.col("day") - pl.lit(first, pl.Date)).dt.total_days()).unique()


def _crews(areas: Integers, together: pl.DataFrame, homes: pl.DataFrame) -> Crews:
    """The crews of some areas as arrays."""
    group, place = np.nonzero(areas >= 0)
    at = pl.DataFrame({"row": areas[group, place], "group": group, "place": place})
    unit = np.full(areas.shape, -1, np.int64)
    unit[group, place] = at.join(homes, on="row", how="left", maintain_order="left")["unit"].to_numpy()
    mine = together.join(at, on="row").with_columns(task=pl.struct("group", "day").rank("dense") - 1)
    tasks = mine.select("task", "group", "day").unique().sort("task")
    at_work = np.zeros((len(tasks), areas.shape[1]), bool)
    at_work[mine["task"].to_numpy(), mine["place"].to_numpy()] = True
    return Crews(areas, unit, tasks["group"].to_numpy(), tasks["day"].to_numpy(), at_work)
