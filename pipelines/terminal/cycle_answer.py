"""The answer of `kwhy cycle`: who may be billed, who not, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipelines.output import open_output
from pipelines.report.edition import edition
from pipelines.terminal.printing import Answer, Prose, Shown, lines_table
from pipelines.terminal.words import words
from rules.rulebook import load

ORDER = ("hold", "reread", "note", "bill")
"""Decisions as people work through them."""


def cycle_answer(folder: Path, lang: str) -> Answer:
    """One row per account of the cycle; people see the counts, then everybody who is not simply billed."""
    output = open_output(folder)
    rows = pl.read_parquet(folder / "cycle.parquet")
    page, t = edition(lang, output.as_of, load()), words(lang)
    counts = _counts(rows)

    def people() -> Iterator[Shown]:
        span = page.f.span(rows["cycle_start"].min(), rows["cycle_end"].max())  # type: ignore[arg-type]
        yield t("cycle.title", cycle=output.run["cycle"]["cycle_id"], span=span, accounts=page.f.number(len(rows)))
        width = max(len(page.f.number(count)) for count in counts.values())
        for decision in ORDER:
            yield f"  {page.f.number(counts[decision]):>{width}}  {t(f'cycle.{decision}')}"
        asking = rows.filter(pl.col("decision") != "bill").sort(
            pl.col("decision").cast(pl.Enum(ORDER)), (pl.col("kwh") - pl.col("expected_kwh")).abs(), "account_id",
            descending=[False, True, False],
        )  # fmt: skip
        if asking.is_empty():
            return
        names = (t("cycle.account"), t("cycle.decision"), t("cycle.kwh"), t("cycle.expected"), t("cycle.reason"))
        table = lines_table(*zip(names, ("left", "left", "right", "right", "fold"), strict=True))
        for row in asking.to_dicts():
            reason = row["reason"] if lang == "en" else row["reason_zh"]
            numbers = (page.f.number(row["kwh"]), page.f.number(row["expected_kwh"]))
            table.add_row(row["account_id"], t(f"cycle.short_{row['decision']}"), *numbers, Prose(reason))
        yield table

    return Answer(rows, people)


def _counts(rows: pl.DataFrame) -> dict[str, int]:
    """Accounts per decision; every decision is named."""
    return {decision: int((rows["decision"] == decision).sum()) for decision in ORDER}
