"""Power polled during remote load-on tests: which meter stood where, who was asked, and was the load on."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from anomaly.polled_tasks import months_back, parties_of
from pipelines.fleet import Fleet

LANDED: dict[str, Any] = {
    "position": pl.Int64, "task_id": pl.String, "meter_id": pl.String, "at": pl.Datetime("us"), "power_kw": pl.Float64,
    "asked_position": pl.Int64, "other_position": pl.Int64, "switched_on": pl.Boolean,
}  # fmt: skip
"""One poll as panels are cut from it; the positions are those of Fleet."""

STEP = r"(?i)^\s*(on|off)(_related|\s+\S.*?)?\s*$"
"""`on`, `off`: the case's first account was asked; `on_related`: the other one; `on ACCOUNT`: that one."""

REASONS = ("unknown_step", "unknown_meter", "unknown_task", "unknown_account", "other_area")
"""Why a poll belongs to no test, the first that holds."""


def land_polls(
    polls: pl.DataFrame, fleet: Fleet, as_of: dt.date, *, history_days: int
) -> tuple[pl.DataFrame, dict[str, int]]:
    """(LANDED rows, polls that belong to no test, counted by REASONS).

    `asked_position` and `other_position` are the first points of the accounts in the area of the polled meter: areas
    are never cut in two, so no result depends on how the fleet is sliced.
    """
    if not len(polls):
        return pl.DataFrame(schema=LANDED), {}
    placed = _with_step(_placed(polls, fleet))
    named = _with_parties(placed, as_of, history_days)
    homes = _homes(fleet)
    asked = homes.rename({"account_id": "asked_account_id", "home_position": "asked_position"})
    other = homes.rename({"account_id": "other_account_id", "home_position": "other_position"})
    found = named.join(asked, on=["group", "asked_account_id"], how="left", maintain_order="left")
    found = found.join(other, on=["group", "other_account_id"], how="left", maintain_order="left")
    known = pl.col("asked_account_id").is_in(homes["account_id"].implode())
    why = (
        pl.when(pl.col("switched_on").is_null()).then(pl.lit("unknown_step"))
        .when(pl.col("position").is_null()).then(pl.lit("unknown_meter"))
        .when(pl.col("asked_account_id").is_null()).then(pl.lit("unknown_task"))
        .when(~known).then(pl.lit("unknown_account"))
        .when(pl.col("asked_position").is_null()).then(pl.lit("other_area"))
    )  # fmt: skip
    told = found.with_columns(why=why)
    counts = {reason: int((told["why"] == reason).sum()) for reason in REASONS}
    unmatched = {reason: count for reason, count in counts.items() if count}
    return told.filter(pl.col("why").is_null()).select(*LANDED), unmatched


def _group() -> pl.Expr:
    """What slices never cut: the area, else the box, else the account."""
    return pl.coalesce("area_id", "box_id", "account_id", "point_id").alias("group")


def _homes(fleet: Fleet) -> pl.DataFrame:
    """The first position of each account in each group."""
    customers = fleet.positions.filter(pl.col("account_id").is_not_null())
    return customers.group_by(_group(), "account_id").agg(home_position=pl.col("position").min())


def _placed(polls: pl.DataFrame, fleet: Fleet) -> pl.DataFrame:
    """Polls with the position their meter had on that day (on the day of a change: the later one), null where none."""
    day = pl.col("at").dt.date()
    rows = polls.with_row_index("poll")
    stood = (
        rows.join(fleet.installations.select("meter_id", "position", "first_on", "last_on"), on="meter_id")
        .filter(day.is_between("first_on", "last_on"))
        .sort("poll", "first_on", "position", descending=[False, True, False])
        .unique("poll", keep="first", maintain_order=True)
        .select("poll", "position")
    )
    where = fleet.positions.select("position", _group(), pl.col("account_id").alias("polled_account_id"))
    return rows.join(stood, on="poll", how="left").join(where, on="position", how="left").sort("poll")


def _with_step(polls: pl.DataFrame) -> pl.DataFrame:
    """`switched_on` (null: not a step), whether the other account was asked, and the account named in the step."""
    parts = pl.col("step").str.extract_groups(STEP)
    word, whom = parts.struct[0].str.to_lowercase(), parts.struct[1].str.strip_chars()
    related = whom.str.to_lowercase() == "_related"
    return polls.with_columns(
        switched_on=word == "on",
        asks_related=related.fill_null(False),
        named_account_id=pl.when(~related).then(whom),
    )


def _with_parties(polls: pl.DataFrame, as_of: dt.date, history_days: int) -> pl.DataFrame:
    """`asked_account_id` and `other_account_id`, as the task's case or the step itself names them; null where none."""
    months = months_back(as_of, history_days)
    of_task = polls.group_by("task_id").agg(pl.col("polled_account_id").drop_nulls().unique().sort()).sort("task_id")
    parties = {task: parties_of(task, accounts, months) for task, accounts in of_task.rows()}
    rows = [(task, *both) for task, both in parties.items() if both is not None]
    schema = {"task_id": pl.String, "first_account_id": pl.String, "second_account_id": pl.String}
    named = polls.join(
        pl.DataFrame(rows, schema=schema, orient="row"), on="task_id", how="left", maintain_order="left"
    )
    first, second, chosen = pl.col("first_account_id"), pl.col("second_account_id"), pl.col("named_account_id")
    asked = pl.coalesce(chosen, pl.when("asks_related").then(second).otherwise(first))
    other = pl.when(asked == first).then(second).when(asked == second).then(first)
    return named.with_columns(asked_account_id=asked, other_account_id=other)
