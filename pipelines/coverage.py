"""What was looked at and what was not: the coverage table. Silence never means clean."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import polars as pl

from anomaly.eligibility import REASONS
from pipelines.detect import COVERAGE, Rules, SliceResult, not_judged, status_of
from rules.model import Rulebook

IN_THE_BOOKS_NATURE = (
    "wrong_frequency", "no_rates", "no_export", "no_curve", "no_electrical", "no_neighbours", "fleet_too_small",
    "no_supply_meter", "no_areas_beside",
    "not_polled",
)  # fmt: skip
"""Reasons that are one row when they hold for every position; a short history is told of each position."""


def lacking_tables(seen: Collection[str], rulebook: Rulebook, *, curves: bool) -> dict[str, str]:
    """Codes that the book as a whole cannot feed, with the reason: `table_missing:NAME`.

    `seen` are the tables with rows dated up to as-of; `curves` says whether anything serves as a load curve.
    """
    lacking = {}
    for code, rule in rulebook.detectors.items():
        tables = [*rule.requires.tables, *(["electrical_reads"] if rule.requires.electrical else [])]
        missing = [table for table in tables if table not in seen]
        if rule.requires.curve and not curves:
            missing = [*missing, "interval_reads"]
        if missing:
            lacking[code] = "table_missing:" + ",".join(dict.fromkeys(missing))
    return lacking


def coverage_table(results: Sequence[SliceResult], rules: Rules, positions: pl.DataFrame) -> pl.DataFrame:
    """One summary row per code with the positions judged, and one row per position and code that was not.

    What the whole book lacks is one row. The `positions` of one code always sum to the number of positions.
    """
    frames = [pl.DataFrame(schema=COVERAGE)]
    for code in rules.detectors:
        why = {one.unjudged.get(code, "") for one in results}
        if code in rules.lacking:
            frames.append(_one_row(code, rules.lacking[code], len(positions)))
        elif len(why) == 1 and why <= set(IN_THE_BOOKS_NATURE):
            frames.append(_one_row(code, why.pop(), len(positions)))
        else:
            judged = sum(one.judged.get(code, 0) for one in results)
            frames.append(pl.DataFrame([(code, None, None, "evaluated", "", judged)], COVERAGE, orient="row"))
            frames.extend(_of_whole_slices(code, results, positions))
    told = pl.concat([*frames, *(one.coverage for one in results)])
    return told.sort("code", "account_id", "meter_id", "status", "reason", nulls_last=False)


def _one_row(code: str, reason: str, positions: int) -> pl.DataFrame:
    status = status_of(pl.Series([reason])).item()
    return pl.DataFrame([(code, None, None, status, reason, positions)], COVERAGE, orient="row")


def _of_whole_slices(code: str, results: Sequence[SliceResult], positions: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Rows of the slices in which nobody could be judged, while elsewhere somebody could."""
    for one in results:
        if code in one.unjudged:
            verdict = np.full(len(one.positions), REASONS.index(one.unjudged[code]), np.int8)
            yield not_judged(positions[one.positions], code, verdict)
