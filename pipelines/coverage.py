"""What was looked at and what was not: the coverage table. Silence never means clean."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from anomaly.eligibility import NOT_APPLICABLE
from pipelines.book import Book
from pipelines.detect import COVERAGE, Rules, SliceResult
from rules.model import Rulebook


def lacking_tables(book: Book, rulebook: Rulebook, *, curve_rows: int) -> dict[str, str]:
    """Codes that the book as a whole cannot feed, with the reason: `table_missing:NAME`."""
    lacking = {}
    for code, rule in rulebook.detectors.items():
        tables = [*rule.requires.tables, *(["electrical_reads"] if rule.requires.electrical else [])]
        missing = [table for table in tables if not book.has(table)]
        if rule.requires.curve and not book.has("interval_reads") and not curve_rows:
            missing = [*missing, "interval_reads"]
        if missing:
            lacking[code] = "table_missing:" + ",".join(dict.fromkeys(missing))
    return lacking


def coverage_table(results: Sequence[SliceResult], rules: Rules, *, positions: int) -> pl.DataFrame:
    """One summary row per code with the positions judged, and one row per position and code that was not.

    Where no position at all could be judged for one and the same reason, that is one row. The `positions`
    of one code always sum to the number of positions in the book.
    """
    told = pl.concat([pl.DataFrame(schema=COVERAGE), *(one.coverage for one in results)])
    per_code = told.group_by("code").agg(pl.len().alias("not_judged"), pl.col("reason").n_unique().alias("reasons"))
    wholly = per_code.filter(pl.col("not_judged") == positions, pl.col("reasons") == 1)["code"]
    first = told.filter(pl.col("code").is_in(wholly.implode())).unique("code", keep="first", maintain_order=True)
    whole = first.with_columns(
        account_id=pl.lit(None, pl.String), meter_id=pl.lit(None, pl.String), positions=pl.lit(positions, pl.Int64)
    )
    lacking = [(code, None, None, "insufficient_data", why, positions) for code, why in rules.lacking.items()]
    alone = {*wholly.to_list(), *rules.lacking}
    judged = [
        (code, None, None, "evaluated", "", sum(one.evaluated.get(code, 0) for one in results))
        for code in rules.detectors
        if code not in alone
    ]
    rows = pl.DataFrame([*lacking, *judged], schema=COVERAGE, orient="row")
    rest = told.filter(~pl.col("code").is_in(wholly.implode()))
    return pl.concat([rows, whole, rest]).sort("code", "account_id", "meter_id", nulls_last=False)


def status_of(reason: str) -> str:
    """The coverage status a reason stands for."""
    return "not_applicable" if reason in NOT_APPLICABLE else "insufficient_data"
