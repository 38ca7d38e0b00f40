"""X11: what a remote load-on test showed: whose meter rose and fell with one customer's load."""

from __future__ import annotations

from math import log

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.load_test import FOLLOWS, QUIET, TEST, Reading, asked, behaviour, last_work, rises
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing

PAIR = ("first_account_id", "second_account_id")


def not_polled(panel: Panel, **_: object) -> NDArray[np.object_]:
    """`[M]` whom no load-on test was about: neither polled, nor asked, nor named as the partner."""
    reason = np.full(panel.shape[0], "not_polled", dtype=object)
    for column in ("row", "asked_row", "other_row"):
        reason[panel.polls[column].drop_nulls().to_numpy()] = ""
    return reason


@detector(
    "X11",
    family="cross_wiring",
    unit="nat",
    source="methods.md §1.2 remote load-on test; known in Germany as the cooker trick: switch on, see whose meter runs",
    unjudged=not_polled,
)
def load_on_test(
    panel: Panel,
    *,
    min_load_kw: float,
    same_share: float,
    quiet_kw: float,
    min_pairs: int,
    min_polls: int,
    floor_kw: float,
    min_sigmas: float,
    coincidence_chance: float,
    missed_chance: float,
    min_nats: float,
) -> Detections:
    """What a remote load-on test showed: whose meter rose and fell with one customer's load.

    The customer switched a load on and off at least `min_pairs` times while the meters of the box were polled. A meter
    follows if it rose each time by `min_load_kw` or more and by the same power within `same_share`, well above its own
    scatter; it is quiet below `quiet_kw`. A meter follows by chance with `coincidence_chance`; a customer's own meter
    does not follow, though nothing is exchanged, with `missed_chance`. All tests of a pair are added up. A home nobody
    had named is believed less by the number of homes that were polled, homes that follow together by their number.

    Fires when polls of a test are there. `measured` is positive where the load appeared at another home, negative (it
    speaks against an exchange) where the customer's own meter followed, and near 0 where the test decides nothing: no
    meter followed, switched only once, polled too rarely, or meters or wires were changed since.
    Cannot see: a customer who did not do as asked or who lives elsewhere than the file says; a circuit other than the
    one the load was on; homes outside the area of the meters polled.
    """
    if not len(panel.polls) or not panel.shape[0]:
        return nothing(panel)
    reading = Reading(min_load_kw, same_share, quiet_kw, int(min_pairs), int(min_polls), floor_kw, min_sigmas)
    tests = _observed(panel, reading)
    shown, hidden = log((1 - missed_chance) / coincidence_chance), log(1 / missed_chance)
    pairs = _together(_outdated(panel, _weighed(tests, shown, hidden, min_nats, int(min_pairs))))
    return _told(panel, pairs, min_nats)


def _observed(panel: Panel, reading: Reading) -> pl.DataFrame:
    """One row per test: how the customer's own meter, the partner's and the best of all others behaved."""
    homes = behaviour(rises(panel, reading), reading)
    tests = asked(panel)
    joined = tests.join(homes, on=TEST, how="left")
    own = pl.col("account_id") == pl.col("asked_account_id")
    partner = (pl.col("account_id") == pl.col("other_account_id")).fill_null(False)
    follows = pl.col("state") == FOLLOWS
    elsewhere = follows & ~own
    best = joined.sort(*TEST, partner & elsewhere, "row", descending=[False, False, True, False], nulls_last=True)
    return best.group_by(*tests.columns, maintain_order=True).agg(
        pl.col("state").filter(own).first().alias("own_state"),
        pl.col("mean_kw").filter(own).first().alias("own_kw"),
        pl.col("state").filter(partner).first().alias("other_state"),
        pl.col("account_id").filter(elsewhere).first().alias("shown_account_id"),
        pl.col("row").filter(elsewhere).first().alias("shown_row"),
        pl.col("mean_kw").filter(elsewhere).first().alias("shown_kw"),
        followers=elsewhere.sum(),
        others=(~own).sum(),
        pairs=pl.col("pairs").max().fill_null(0),
    )


def _weighed(tests: pl.DataFrame, shown: float, hidden: float, min_nats: float, min_pairs: int) -> pl.DataFrame:
    """Each test with its pair, what it says in nats, and the pattern it is told by.

    `shown` nats speak for the home whose meter follows, `hidden` nats against the one whose meter stays quiet.
    """
    own = _says(pl.col("own_state"), -shown, hidden)
    partner = _says(pl.col("other_state"), shown, -hidden)
    named = (pl.col("shown_account_id") == pl.col("other_account_id")).fill_null(False)
    others = pl.when(named).then(0.0).otherwise(pl.col("others").clip(lower_bound=1).log())
    elsewhere = own + shown - pl.col("followers").clip(lower_bound=1).log() - others
    third = (pl.col("followers") > 0) & ~named & (elsewhere >= min_nats)
    at_own, at_other = pl.col("own_state") == FOLLOWS, pl.col("followers") > 0
    nats = (
        pl.when((pl.col("followers") > 0) & (named | third)).then(elsewhere)
        .when(at_own & (pl.col("followers") == 0)).then(own + partner)
        .when(at_own).then(own)
        .otherwise(0.0)
    )  # fmt: skip
    pattern = (
        pl.when(pl.col("times_on") < min_pairs).then(pl.lit("load_once"))
        .when(pl.col("pairs") < min_pairs).then(pl.lit("polls_sparse"))
        .when(at_other & (nats >= min_nats)).then(pl.lit("load_elsewhere"))
        .when(at_own & (nats <= -min_nats)).then(pl.lit("load_at_own"))
        .when(at_own | at_other).then(pl.lit("load_at_several"))
        .otherwise(pl.lit("load_nowhere"))
    )  # fmt: skip
    moved = pl.col("shown_account_id"), pl.col("shown_row")
    return tests.with_columns(
        nats=nats.fill_null(0.0),
        pattern=pattern,
        partner_account_id=pl.when(third).then(moved[0]).otherwise(pl.col("other_account_id")),
        partner_row=pl.when(third | named).then(moved[1]).otherwise(pl.col("other_row")),
        load_kw=pl.when(at_own & ~at_other).then("own_kw").otherwise("shown_kw").fill_null(0.0),
        shown_account_id=pl.when(at_own & ~at_other).then("asked_account_id").otherwise(moved[0]),
    )


def _says(state: pl.Expr, follows: float, quiet: float) -> pl.Expr:
    return pl.when(state == FOLLOWS).then(follows).when(state == QUIET).then(quiet).otherwise(0.0)


def _outdated(panel: Panel, tests: pl.DataFrame) -> pl.DataFrame:
    """A test before the last work on meters or wires of either home says nothing of how they are now."""
    last = last_work(panel)
    day = tests["first_at"].to_numpy().astype("datetime64[D]")
    changed = last[tests["asked_row"].to_numpy()] > day
    partner = tests["partner_row"].fill_null(-1).to_numpy()
    known = partner >= 0
    changed[known] |= last[partner[known]] > day[known]
    old = pl.Series(changed)
    return tests.with_columns(
        nats=pl.when(old).then(0.0).otherwise("nats"),
        pattern=pl.when(old).then(pl.lit("wiring_changed")).otherwise("pattern"),
    )


def _together(tests: pl.DataFrame) -> pl.DataFrame:
    """One row per pair (or asked account): its tests added up, told by the one that says most."""
    partner, one = pl.col("partner_account_id"), pl.col("asked_account_id")
    keyed = tests.with_columns(
        first_account_id=pl.min_horizontal(one, partner),
        second_account_id=pl.when(partner.is_not_null()).then(pl.max_horizontal(one, partner)),
        size=pl.col("nats").abs().round(6),
    )
    ordered = keyed.sort(*PAIR, "size", "first_at", *TEST, descending=[False, False, True, True, False, False])
    return ordered.group_by(PAIR, maintain_order=True).agg(
        pl.col("nats").sort_by("first_at", *TEST).sum(),
        pl.col("first_at").first().alias("test_at"),
        pl.col("first_at").min().dt.date().alias("start"),
        pl.col(
            "asked_row", "partner_row", "asked_account_id", "shown_account_id", "load_kw", "times_on", "followers",
            "pattern",
        ).first(),
        tests=pl.len(),
    )  # fmt: skip


def _told(panel: Panel, pairs: pl.DataFrame, min_nats: float) -> Detections:
    """A pair by its smaller position. What a test showed holds until now."""
    asked_row = pairs["asked_row"].to_numpy()
    partner = pairs["partner_row"].fill_null(-1).to_numpy()
    alone = partner < 0
    row = np.where(alone, asked_row, np.minimum(asked_row, partner))
    start = pairs["start"].to_numpy().astype("datetime64[D]")
    today = panel.days[-1] + np.timedelta64(1, "D") if len(panel.days) else start
    nats = np.round(pairs["nats"].to_numpy(), 6)
    return detections(
        panel,
        row,
        start,
        np.maximum(start + np.timedelta64(1, "D"), today),
        measured=nats,
        expected=0.0,
        limit=min_nats,
        strength=np.abs(nats),
        related=np.where(alone, -1, np.maximum(asked_row, partner)),
        facts={
            "test_at": pairs["test_at"].to_numpy(),
            "asked_account_id": pairs["asked_account_id"].to_numpy(),
            "shown_account_id": pairs["shown_account_id"].to_numpy(),
            "load_kw": pairs["load_kw"].to_numpy(),
            "times_count": pairs["times_on"].to_numpy(),
            "tests_count": pairs["tests"].to_numpy(),
            "candidates_count": np.maximum(pairs["followers"].to_numpy().astype(np.int64) - 1, 0),
            "pattern": pairs["pattern"].to_numpy(),
        },
    )
