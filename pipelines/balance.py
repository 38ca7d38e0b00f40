"""What went into each area and what its customers' meters counted: one pass over the fleet before the rules run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.area_balance import AreaBalance
from anomaly.area_sums import AreaSums
from pipelines.panels import Source, panel_of
from rules.model import Rulebook

SIGN = {"add": 1.0, "subtract": -1.0}
"""How a point counts towards its account; a point that only checks another does not."""


def area_balance(source: Source, rulebook: Rulebook) -> AreaBalance | None:
    """The balance of every area with a supply meter; None for a fleet without any, which then costs nothing.

    Only slices that hold a meter of such an area are read, without their curves.
    """
    positions = source.fleet.positions
    fed = _fed_areas(positions, source.areas)
    if not len(fed):
        return None
    names = np.array(sorted(fed["area_id"].unique().to_list()), dtype=object)
    index = pl.DataFrame({"area_id": names.tolist(), "area": np.arange(len(names))})
    feeds = _at_positions(fed.join(index, on="area_id").select("position", "area"), len(positions))
    customers = positions.filter(~pl.col("is_supply")).join(index, on="area_id").select("position", "area")
    delivers, sign = _at_positions(customers, len(positions)), _signs(source.fleet.installations, len(positions))
    bare = replace(source, curves=replace(source.curves, rows=0), electrical=source.electrical.clear())
    sums = AreaSums(len(names), source.landed.grid.borders - 1, int(rulebook.setting("balance_days")))
    for rows in source.slices():
        if (feeds[rows] >= 0).any() or (delivers[rows] >= 0).any():
            sums.add(panel_of(bare, rows), feeds[rows], delivers[rows], sign[rows])
    most = int(rulebook.setting("balance_areas_without_neighbours"))
    return sums.balance(
        names,
        _neighbours(source.areas, index, most),
        most_missing_share=rulebook.setting("balance_most_missing_share"),
    )


def _fed_areas(positions: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    """(position of a supply meter, area it feeds): as the areas table names them, else by the area of the meter."""
    supply = positions.filter(pl.col("is_supply")).select("position", "meter_id", "area_id")
    named = areas.select("area_id", meter_id="supply_meter_id").drop_nulls().unique()
    by_name = supply.drop("area_id").join(named, on="meter_id").select("position", "area_id")
    rest = supply.join(named, on="area_id", how="anti").join(named, on="meter_id", how="anti")
    by_place = rest.drop_nulls("area_id").select("position", "area_id")
    return pl.concat([by_name, by_place]).unique().sort("area_id", "position")


def _at_positions(placed: pl.DataFrame, count: int) -> NDArray[np.int64]:
    """`[M]` area index of each position, -1 where it has none."""
    area = np.full(count, -1, np.int64)
    area[placed["position"].to_numpy()] = placed["area"].to_numpy()
    return area


def _signs(installations: pl.DataFrame, count: int) -> NDArray[np.float64]:
    """`[M]` +1, -1 or 0: the role of the position's meter; a check meter beside it has no say."""
    roles = (
        installations.filter(pl.col("point_role") != "check")
        .group_by("position")
        .agg(pl.col("point_role").sort_by("first_on", "meter_id").last().cast(pl.String))
    )
    sign = np.zeros(count)
    sign[roles["position"].to_numpy()] = roles["point_role"].replace_strict(SIGN, return_dtype=pl.Float64).to_numpy()
    return sign


def _neighbours(areas: pl.DataFrame, index: pl.DataFrame, most: int) -> NDArray[np.int64]:
    """`[P, 2]` areas next to each other, both ways round; without any on file all pairs of up to `most` areas."""
    told = areas.select("area_id", other=pl.col("neighbours").str.split(";")).explode("other")
    told = told.with_columns(pl.col("other").str.strip_chars()).drop_nulls().filter(pl.col("other") != "")
    if len(told):
        pairs = told.join(index, on="area_id").join(index.rename({"area_id": "other", "area": "next"}), on="other")
        both = pl.concat([pairs.select("area", "next"), pairs.select(area="next", next="area")])
    elif len(index) <= most:
        both = index.select("area").join(index.select(next="area"), how="cross")
    else:
        both = pl.DataFrame({"area": [], "next": []}, schema={"area": pl.Int64, "next": pl.Int64})
    both = both.filter(pl.col("area") != pl.col("next")).unique().sort("area", "next")
    return both.to_numpy().astype(np.int64).reshape(-1, 2)
