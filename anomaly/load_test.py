"""Scoring remote load-on tests: whose meter rose and fell while one customer switched a load on and off.

A customer is asked to switch a load of 2 kW or more on and off, twice, while every meter of the box is polled. What is
asked of a meter is whether it rose by one and the same power every time the load was on.
Source: methods.md §1.2, remote load-on test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from anomaly.panel import Panel

TEST = ("task_id", "asked_row")
"""One test: a task, and the customer who was asked."""

FOLLOWS, QUIET, UNCLEAR = "follows", "quiet", "unclear"

DECIMALS = 6
"""Powers are rounded before they are compared, so that another order of addition gives the same."""


@dataclass(frozen=True)
class Reading:
    """How polls are read.

    A meter follows the load if it rose every time by `min_load_kw` or more, by the same power within `same_share` of
    the largest rise, and by `min_sigmas` of its own scatter (at least `floor_kw`). It is quiet below `quiet_kw`.
    `min_pairs` times on and off are needed, each with `min_polls` polls on either side.
    """

    min_load_kw: float
    same_share: float
    quiet_kw: float
    min_pairs: int
    min_polls: int
    floor_kw: float
    min_sigmas: float


def rises(panel: Panel, reading: Reading) -> pl.DataFrame:
    """One row per test, home (account) and time the load was on, for homes polled on both sides of it.

    Columns: task_id, asked_row, row, account_id, on_phase, rise_kw, sigma_kw. `rise_kw` is the mean while on less the
    mean of the stretches off right before and after; its sigma comes from the scatter of the meter's polls within
    stretches. Supply and check meters are no homes.
    """
    phases = _stretches(panel)
    off = phases.filter(~pl.col("switched_on")).select(*TEST, "row", "phase", "mean_kw", "polls")
    on = phases.filter("switched_on")
    before, after = (off.with_columns(phase=pl.col("phase") + step) for step in (1, -1))
    keys = [*TEST, "row", "phase"]
    near = on.join(before, on=keys, how="left", suffix="_before").join(after, on=keys, how="left", suffix="_after")
    sides = [pl.col(f"mean_kw_{side}") * pl.col(f"polls_{side}") for side in ("before", "after")]
    count = pl.sum_horizontal("polls_before", "polls_after")
    sigma = pl.max_horizontal(pl.col("scatter_kw"), pl.lit(reading.floor_kw))
    enough = (pl.col("polls") >= reading.min_polls) & (pl.col("off_polls") >= reading.min_polls)
    accounts = panel.positions.select("account_id", row=pl.int_range(pl.len(), dtype=pl.Int64))
    return (
        near.with_columns(off_kw=pl.sum_horizontal(sides) / count, off_polls=count)
        .filter(enough)
        .join(accounts, on="row", how="left")
        .select(
            *TEST, "row", "account_id", on_phase="phase",
            rise_kw=(pl.col("mean_kw") - pl.col("off_kw")).round(DECIMALS),
            sigma_kw=(sigma * (1 / pl.col("polls") + 1 / pl.col("off_polls")).sqrt()).round(DECIMALS),
        )
        .sort(*TEST, "row", "on_phase")
    )  # fmt: skip


def _stretches(panel: Panel) -> pl.DataFrame:
    """Mean power of each meter in each stretch of load on or off, and the meter's scatter within its stretches."""
    homes = ~panel.flag("is_supply") & (panel.column("point_role") != "check")
    polls = panel.polls.filter(pl.Series(homes[panel.polls["row"].to_numpy()], dtype=pl.Boolean)).unique()
    ordered = polls.sort(*TEST, "at", "switched_on", "row", "power_kw")
    turned = pl.col("switched_on") != pl.col("switched_on").shift(1).over(TEST)
    numbered = ordered.with_columns(phase=turned.fill_null(True).cast(pl.Int64).cum_sum().over(TEST))
    phases = numbered.group_by(*TEST, "row", "phase", maintain_order=True).agg(
        pl.col("switched_on").first(), mean_kw=pl.col("power_kw").mean(), polls=pl.len(),
        squares=pl.col("power_kw").var(ddof=0) * pl.len(),
    )  # fmt: skip
    spare = (pl.col("polls").sum() - pl.len()).clip(lower_bound=1).over(*TEST, "row")
    return phases.with_columns(scatter_kw=(pl.col("squares").sum().over(*TEST, "row") / spare).sqrt())


def behaviour(risen: pl.DataFrame, reading: Reading) -> pl.DataFrame:
    """How each home behaved in each test: `follows`, `quiet` or `unclear`.

    Columns: task_id, asked_row, account_id, row (the point that followed, else the first), pairs, mean_kw, state. A
    home with several points follows if one of them does, and is quiet if all are.
    """
    rise = pl.col("rise_kw")
    same = (rise.max() - rise.min()).round(DECIMALS) <= (reading.same_share * rise.max()).round(DECIMALS)
    strong = (rise.min() >= reading.min_load_kw) & (rise / pl.col("sigma_kw") >= reading.min_sigmas).all()
    points = risen.group_by(*TEST, "account_id", "row", maintain_order=True).agg(
        pairs=pl.len(), mean_kw=rise.mean().round(DECIMALS), follows=same & strong,
        quiet=rise.abs().max() < reading.quiet_kw,
    )  # fmt: skip
    often = pl.col("pairs") >= reading.min_pairs
    points = points.with_columns(follows=pl.col("follows") & often, quiet=pl.col("quiet") & often)
    first = points.sort(*TEST, "account_id", "follows", "row", descending=[False, False, False, True, False])
    whole = first.group_by(*TEST, "account_id", maintain_order=True).agg(
        pl.col("row", "pairs", "mean_kw").first(), pl.col("follows").any(), pl.col("quiet").all()
    )
    state = pl.when("follows").then(pl.lit(FOLLOWS)).when("quiet").then(pl.lit(QUIET)).otherwise(pl.lit(UNCLEAR))
    return whole.with_columns(state=state).drop("follows", "quiet")


def asked(panel: Panel) -> pl.DataFrame:
    """One row per test: task_id, asked_row, other_row, asked and other account, first_at, times the load was on.

    A home named as the partner in one poll of the test is so in all.
    """
    turned = pl.col("switched_on") & ~pl.col("switched_on").shift(1, fill_value=False)
    accounts = panel.positions["account_id"]
    tests = (
        panel.polls.sort(*TEST, "at", "switched_on")
        .group_by(*TEST, maintain_order=True)
        .agg(pl.col("other_row").drop_nulls().min(), first_at=pl.col("at").min(), times_on=turned.sum())
    )
    return tests.with_columns(
        asked_account_id=accounts.gather(tests["asked_row"]), other_account_id=accounts.gather(tests["other_row"])
    )


def last_work(panel: Panel) -> np.ndarray:
    """`[M]` the last day on which the meter or the wires of a position were worked on, as on file; NaT where never."""
    works = panel.events.filter(pl.col("kind") == "works").select("row", day=pl.col("at").dt.date())
    done = pl.concat([panel.exchanges.select("row", "day"), works]).drop_nulls()
    last = np.full(panel.shape[0], np.datetime64("NaT", "D"))
    latest = done.group_by("row").agg(pl.col("day").max())
    last[latest["row"].to_numpy()] = latest["day"].to_numpy().astype("datetime64[D]")
    return last
