"""The ledger of a case: which check moved its leading cause how far from the prior, in nats."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.diagnosis import CauseModel, Weighed

DECIMALS = 8
"""Contributions are rounded so far, finer than the millionth to which they add up."""

LEDGER = pl.List(pl.Struct({"code": pl.String, "cause": pl.String, "side": pl.String, "log_odds": pl.Float64}))


def ledgers(model: CauseModel, found: Weighed, chance: NDArray[np.float64]) -> pl.Series:
    """What led each case to its leading cause: a list of entries per case, the prior first, then one per code.

    `log_odds` in nats compares the cause with the unknown one, so that they sum to ln(P(cause) / P(unknown)). Where
    the unknown cause leads, the likeliest named one is told; where no other was weighed, the list is empty.
    `chance[cases, causes]` are the probabilities as published.
    """
    named = np.where(found.raised, chance, -1.0)
    best = chance.argmax(axis=1) if len(chance) else np.empty(0, np.int64)
    named[:, model.unknown] = -1.0
    told = np.where(best == model.unknown, named.argmax(axis=1), best) if len(chance) else best
    known = found.raised[np.arange(len(told)), told] & (told != model.unknown)
    cause, each = told[found.case], np.arange(len(found.case))
    speaks = np.round(found.log_ratio[each, cause] - found.log_ratio[:, model.unknown], DECIMALS)
    heard = known[found.case] & (speaks != 0)
    first = np.round(model.log_prior[told] - model.log_prior[model.unknown], DECIMALS)
    names = np.array(model.causes, dtype=object)
    prior = pl.DataFrame({"case": np.flatnonzero(known), "log_odds": first[known]}).with_columns(
        code=pl.lit(None, pl.String), cause=pl.Series(names[told[known]], dtype=pl.String), side=pl.lit("prior")
    )
    codes = pl.DataFrame({"case": found.case[heard], "log_odds": speaks[heard]}).with_columns(
        code=pl.Series(np.array(model.codes, dtype=object)[found.code[heard]], dtype=pl.String),
        cause=pl.Series(names[cause[heard]], dtype=pl.String),
        side=pl.when(pl.col("log_odds") > 0).then(pl.lit("for")).otherwise(pl.lit("against")),
    )
    entries = pl.concat([prior, codes.select(prior.columns)]).sort(
        ["case", pl.col("side") != "prior", pl.col("log_odds").abs(), "code"], descending=[False, False, True, False]
    )
    lists = entries.group_by("case", maintain_order=True).agg(ledger=pl.struct("code", "cause", "side", "log_odds"))
    every = pl.DataFrame({"case": np.arange(len(told))}).join(lists, on="case", how="left", maintain_order="left")
    return every["ledger"].cast(LEDGER).fill_null(pl.Series([[]], dtype=LEDGER))
