"""Bill, bill with a note, hold or read again: the decision about each account of a cycle, with its reason in words."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from rules.model import LANGUAGES, Rulebook

DECISIONS = (
    ("no_meter", "hold"), ("case_hold", "hold"), ("billed_twice", "hold"), ("bill_differs", "hold"),
    ("no_closing_read", "reread"), ("days_missing", "reread"), ("above_band", "reread"), ("below_band", "reread"),
    ("estimated_streak", "reread"), ("true_up", "note"), ("other_length", "note"), ("neighbours_rose", "note"),
    ("jump_explained", "note"), ("no_history", "note"), ("as_expected", "bill"),
)  # fmt: skip
"""Reasons in the order they are asked, and the decision each leads to; the last always holds."""


def decided(
    cycle: pl.DataFrame, bills: pl.DataFrame, findings: pl.DataFrame, cases: pl.DataFrame, rulebook: Rulebook,
    end: dt.date,
) -> pl.DataFrame:  # fmt: skip
    """The accounts of a cycle with decision, reason in both languages and case: the first reason that holds decides."""
    known = cycle.join(_cases(cases), on="account_id", how="left", maintain_order="left")
    known = known.join(_bills(bills, end), on="account_id", how="left", maintain_order="left")
    known = known.join(_true_ups(findings), on="account_id", how="left", maintain_order="left")
    choice = pl.lit(DECISIONS[-1][0])
    conditions = _conditions(rulebook)
    for name, _ in reversed(DECISIONS[:-1]):
        choice = pl.when(conditions[name].fill_null(False)).then(pl.lit(name)).otherwise(choice)
    chosen = known.with_columns(why=choice).with_columns(
        decision=pl.col("why").replace_strict(dict(DECISIONS)),
        case_id=pl.when(pl.col("why").is_in(["case_hold", "jump_explained"])).then("case_id"),
    )
    told = [_told(row, rulebook, end) for row in chosen.to_dicts()]
    return chosen.with_columns(
        pl.Series("reason", [one["en"] for one in told], dtype=pl.String),
        pl.Series("reason_zh", [one["zh"] for one in told], dtype=pl.String),
        *(pl.col(name).fill_null(0.0) for name in ("kwh", "expected_kwh", "low_kwh", "high_kwh")),
        pl.col("measured_days").fill_null(0),
    )


def _conditions(rulebook: Rulebook) -> dict[str, pl.Expr]:
    number = rulebook.setting
    share = pl.col("measured_days") / pl.col("days")
    expected = pl.col("earlier") > 0
    apart = (pl.col("billed_kwh") - pl.col("kwh")).abs()
    share_of_bill = number("cycle_bill_tolerance_share") * pl.col("kwh").abs()
    tolerance = pl.max_horizontal(pl.lit(number("cycle_bill_tolerance_kwh")), share_of_bill)
    unexplained = expected & pl.col("case_id").is_null()
    floor_kwh = number("cycle_floor_kwh")
    length = pl.col("days") / pl.col("usual_days")
    longest = number("cycle_length_ratio")
    return {
        "no_meter": pl.col("measured_days").is_null(),
        "case_hold": pl.col("hold_bill"),
        "billed_twice": pl.col("bills") > 1,
        "bill_differs": pl.col("billed_kwh").is_not_null() & (share >= 1) & (apart > tolerance),
        "no_closing_read": ~pl.col("ended"),
        "days_missing": share < number("cycle_least_share"),
        "above_band": unexplained & (pl.col("kwh") > pl.col("high_kwh") + floor_kwh),
        "below_band": unexplained & (pl.col("kwh") < pl.col("low_kwh") - floor_kwh),
        "estimated_streak": pl.col("estimated") >= number("cycle_estimated_streak"),
        "true_up": pl.col("true_up"),
        "other_length": (length >= longest) | (length <= 1 / longest),
        "neighbours_rose": pl.col("cohort_ratio") >= number("cycle_neighbours_ratio"),
        "jump_explained": pl.col("case_id").is_not_null(),
        "no_history": ~expected,
    }


def _cases(cases: pl.DataFrame) -> pl.DataFrame:
    """The gravest open case of each account, either side of a pair."""
    opened = cases.filter(pl.col("status") == "open").sort("hold_bill", "rank", descending=[True, False])
    told = ("case_id", "hold_bill", "headline_en", "headline_zh", "rank")
    sides = [opened.select(pl.col(name).alias("account_id"), *told) for name in ("account_id", "related_account_id")]
    both = pl.concat(sides).drop_nulls("account_id").sort("hold_bill", "rank", descending=[True, False])
    return both.unique("account_id", keep="first", maintain_order=True).drop("rank")


def _bills(bills: pl.DataFrame, end: dt.date) -> pl.DataFrame:
    """What was billed for the cycle, how many bills cover its last day, and how many in a row were estimated."""
    now = bills.filter(pl.col("cycle_start") < end, pl.col("cycle_end") >= end)
    billed = now.group_by("account_id").agg(
        pl.col("billed_kwh").filter(pl.col("cycle_end") == end).first(), pl.len().alias("bills")
    )
    past = bills.filter(pl.col("cycle_end") <= end).sort("account_id", "cycle_end")
    actual_since = (pl.col("basis").fill_null("actual") != "estimated").reverse().cum_sum().reverse()
    streaks = past.group_by("account_id").agg((actual_since == 0).sum().alias("estimated"))
    return streaks.join(billed, on="account_id", how="full", coalesce=True)


def _true_ups(findings: pl.DataFrame) -> pl.DataFrame:
    """Accounts where an estimate is made up for in this scan."""
    here = findings.filter(pl.col("code") == "E04", pl.col("status") == "reported")
    return here.select("account_id", pl.lit(True).alias("true_up")).drop_nulls().unique()


def _told(row: dict[str, Any], rulebook: Rulebook, as_of: dt.date) -> dict[str, str]:
    """The reason of one account in both languages."""
    days = max(row["days"], 1)
    facts = {
        "cycle_kwh": row["kwh"] or 0.0, "expected_kwh": row["expected_kwh"] or 0.0, "low_kwh": row["low_kwh"] or 0.0,
        "high_kwh": row["high_kwh"] or 0.0, "cycle_days": days, "measured_days": row["measured_days"] or 0,
        "usual_days": row["usual_days"] or 0, "cycle_kwh_per_day": (row["kwh"] or 0.0) / days,
        "before_kwh_per_day": row["before_kwh_per_day"] or 0.0, "billed_kwh": row["billed_kwh"] or 0.0,
        "bills_count": row["bills"] or 0, "estimated_count": row["estimated"] or 0,
        "cohort_ratio": row["cohort_ratio"] or 1.0, "end_day": row["cycle_end"].isoformat(),
    }  # fmt: skip
    return {
        lang: rulebook.say("cycle", row["why"], {**facts, "headline_text": row[f"headline_{lang}"] or ""}, lang, as_of)
        for lang in LANGUAGES
    }
