"""What the evidence of a case cannot tell apart, in the sentences that apply to the rules that spoke."""

from __future__ import annotations

import polars as pl

from pipelines.output import Row
from pipelines.report.edition import Edition

BY_HABITS = frozenset({"X01", "X02", "X03", "X07", "X10"})
"""Rules that know a home by how it uses electricity: whoever moves takes that along."""

BY_LIKENESS = frozenset({"X01", "X10"})
"""Rules that pick the partner because the use fits."""

ONE_SIDED = frozenset({"X04", "X05", "X06", "X07", "X09"})
"""Rules that may speak on what one of the two homes shows."""

DATED = frozenset({"X01", "X10"})
"""Rules that see the day of the exchange."""

ACROSS_AREAS = frozenset({"B01", "B05", "X14"})
ACROSS_BOXES = frozenset({"X13", "X14"})


def blind_spots(case: Row, findings: pl.DataFrame, series: pl.DataFrame, edition: Edition) -> list[str]:
    """Sentences for a case of two homes or more; none for any other case.

    `findings` are those of the case; `series` the days of its accounts, which say in which boxes and areas they are.
    """
    if case["family"] != "cross_wiring" or not case["related_account_id"]:
        return []
    speaking = findings.filter((pl.col("status") == "reported") & (pl.col("family") == "cross_wiring"))
    codes = set((speaking if len(speaking) else findings)["code"])
    boxes, areas = (series[name].unique().to_list() for name in ("box_id", "area_id"))
    applies = {
        "blind.similar_homes": bool(codes & BY_LIKENESS),
        "blind.one_sided": bool(codes & ONE_SIDED) and not codes - ONE_SIDED - {"B02", "B03", "B04"},
        "blind.static": not codes & DATED,
        "blind.same_area": len(areas) == 1 and areas[0] is not None and not codes & ACROSS_AREAS,
        "blind.same_box": len(boxes) == 1 and boxes[0] is not None and not codes & ACROSS_BOXES,
        "blind.tenants": bool(codes & BY_HABITS),
    }
    return [edition.t(name) for name, holds in applies.items() if holds]
