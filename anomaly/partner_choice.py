"""A home is on one other meter at most: of contradicting evidence about pairs the strongest decides."""

from __future__ import annotations

import polars as pl

LINKED_CODES = ("X01",)
"""Rules whose findings share a home only where three or more are in one ring."""


def one_partner_each(findings: pl.DataFrame) -> pl.DataFrame:
    """Findings with a column `wires`: null, or the name of a pair that another pair of one of its homes outweighs.

    Cross-wiring evidence is added up per pair, or per ring; the heaviest first takes its homes, and what is left over
    about these homes and others speaks for itself alone. Ties go by account.
    """
    about_pairs = pl.col("account_id").is_not_null() & pl.col("related_account_id").is_not_null()
    wired = findings.with_row_index("at").filter(pl.col("family") == "cross_wiring", about_pairs)
    if wired.is_empty():
        return findings.with_columns(wires=pl.lit(None, pl.String))
    pairs = wired.select(
        "at",
        first=pl.min_horizontal("account_id", "related_account_id"),
        second=pl.max_horizontal("account_id", "related_account_id"),
        linked=pl.col("code").is_in(LINKED_CODES) & (pl.col("status") == "reported"),
        nats=pl.when(pl.col("unit") == "nat").then("measured").otherwise(0.0).round(6),
    )
    weight = pairs.group_by("first", "second").agg(pl.col("nats").sum(), pl.col("linked").any())
    ordered = weight.sort(["nats", "first", "second"], descending=[True, False, False])
    outweighed = _outweighed(ordered.select("first", "second", "linked").rows())
    rows = pairs.select("first", "second").rows()
    named = [f"wires:{pair[0]}+{pair[1]}" if pair in outweighed else None for pair in rows]
    told = pairs.select("at", wires=pl.Series(named, dtype=pl.String))
    return findings.with_row_index("at").join(told, on="at", how="left", maintain_order="left").drop("at")


def _outweighed(ordered: list[tuple[str, str, bool]]) -> set[tuple[str, str]]:
    """Pairs, heaviest first, of which a home is taken already; links of a ring may share homes with one another."""
    left_over: set[tuple[str, str]] = set()
    taken: set[str] = set()
    ringed: set[str] = set()
    for first, second, linked in ordered:
        homes = {first, second}
        if homes & (taken - ringed if linked else taken):
            left_over.add((first, second))
            continue
        taken |= homes
        ringed |= homes if linked else set()
    return left_over
