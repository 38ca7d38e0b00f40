"""The tables of the work list as typed frames, in the order people work through them."""

from collections.abc import Callable

import polars as pl

from pipelines.output import ScanOutput
from pipelines.report.edition import Edition

MAIN_COLUMNS = (
    "rank",
    "case_id",
    "account_id",
    "headline",
    "cause",
    "probability",
    "kwh_at_stake",
    "money_at_stake",
    "hold_bill",
    "needs_visit",
    "due_at",
)
OTHER_COLUMNS = (
    "cannot_exclude",
    "meter_id",
    "related_account_id",
    "related_meter_id",
    "area_id",
    "box_id",
    "tickets",
)
CASE_COLUMNS = (*MAIN_COLUMNS, *OTHER_COLUMNS)
RESULTS = ("confirmed", "refuted", "inconclusive", "explained")
TO_FILL_IN = ("result", "cause_found", "decided_on", "note")
QUARANTINE_COLUMNS = ("table", "file", "line", "rule", "reason")


def case_table(output: ScanOutput, status: str, page: Edition) -> pl.DataFrame:
    """Cases of one status, best rank first; texts and `suppressed_by` in the page's language."""
    cases = output.cases.filter(pl.col("status") == status)
    due = output.tasks.filter(pl.col("step") == 1).group_by("case_id").agg(pl.col("due_at").min())
    rows = cases.sort("rank", "kwh_at_stake", "case_id", descending=[False, True, False], nulls_last=True)
    rows = rows.join(due, on="case_id", how="left", maintain_order="left").with_columns(
        headline=pl.col(f"headline_{page.lang}"),
        cause=_titles(pl.col("cause"), cases["cause"], page.cause),
        cannot_exclude=_lists(pl.col("cannot_exclude"), cases["cannot_exclude"].explode(), page),
        tickets=pl.col("ticket_ids").list.join(", "),
        hold_bill=_yes_no(pl.col("hold_bill"), page),
        needs_visit=_yes_no(pl.col("needs_visit"), page),
        suppressed_by=_titles(pl.col("suppressed_by"), cases["suppressed_by"], page.suppressor),
    )
    return rows.select(*CASE_COLUMNS, "suppressed_by")


def coverage_table(output: ScanOutput, page: Edition) -> pl.DataFrame:
    """One row per code: positions checked, without enough data, not applicable, and the commonest reason."""
    whole = output.coverage.filter(pl.col("account_id").is_null(), pl.col("meter_id").is_null())
    counts = [
        pl.col("positions").filter(pl.col("status") == status).sum().alias(status)
        for status in ("evaluated", "insufficient_data", "not_applicable")
    ]
    not_made = pl.col("status") != "evaluated"
    commonest = (
        pl.col("reason")
        .filter(not_made)
        .sort_by(pl.col("positions").filter(not_made), descending=True)
        .first()
    )
    table = (
        whole.sort("code", "status", "reason")
        .group_by("code", maintain_order=True)
        .agg(*counts, why_not=commonest)
    )
    reasons = [page.reason(code, why) if why else "" for code, why in table.select("code", "why_not").rows()]
    titles = [page.code(code) for code in table["code"]]
    table = table.with_columns(
        pl.Series("check", titles, dtype=pl.String), pl.Series("why_not", reasons, dtype=pl.String)
    )
    return table.select("code", "check", "evaluated", "insufficient_data", "not_applicable", "why_not")


def _titles(column: pl.Expr, values: pl.Series, title: Callable[[str], str]) -> pl.Expr:
    """Replace names by their titles; each name is looked up once."""
    names = values.drop_nulls().unique().to_list()
    return column.replace_strict(names, [title(name) for name in names], default=None, return_dtype=pl.String)


def _lists(column: pl.Expr, values: pl.Series, page: Edition) -> pl.Expr:
    return column.list.eval(_titles(pl.element(), values, page.cause)).list.join(page.comma)


def _yes_no(column: pl.Expr, page: Edition) -> pl.Expr:
    return pl.when(column).then(pl.lit(page.t("list.yes"))).otherwise(pl.lit(page.t("list.no")))
