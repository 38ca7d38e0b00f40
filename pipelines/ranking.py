"""Which case comes first: its expected value, the budget of jumps, what is drawn by lot, and the lanes."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.cases import COMPLAINT_CODE
from anomaly.diagnosis import UNKNOWN, CauseModel
from anomaly.findings import digest
from anomaly.priority import BY_CIRCUMSTANCE, CauseWorth, published, value_parts
from anomaly.vocabulary import LANES, VALUE_PARTS
from rules.model import Rulebook

SPIKE_CODE = "J02"
"""The rule of the spike channel; every other jump is in the sustained channel."""

CHANNELS = ("sustained", "spike")
PARTS = pl.List(pl.Struct({"part": pl.String, "amount": pl.Float64}))
LEVEL_UNIT = "kWh/d"
"""Unit of findings that hold one level of use against another; only these say that a bill doubles."""

DISCONNECTIONS = {"account_id": pl.String, "at": pl.Datetime("us")}


def disconnections(installations: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Accounts whose meter recorded a disconnection while it hung there (DISCONNECTIONS), from the fleet's rows."""
    cut = events.filter(pl.col("kind") == "disconnect").select("meter_id", "at")
    hung = installations.select("meter_id", "account_id", "first_on", "last_on").drop_nulls("account_id")
    joined = cut.join(hung, on="meter_id").filter(pl.col("at").dt.date().is_between("first_on", "last_on"))
    return joined.select("account_id", "at").cast(DISCONNECTIONS)  # type: ignore[arg-type]


def chances_of(cases: pl.DataFrame, model: CauseModel) -> NDArray[np.float64]:
    """`[cases, causes]` probabilities, also of no case at all."""
    if not len(cases):
        return np.empty((0, len(model.causes)))
    return cases["chances"].to_numpy()


def valued(
    cases: pl.DataFrame, findings: pl.DataFrame, circumstances: pl.DataFrame, model: CauseModel, rulebook: Rulebook
) -> pl.DataFrame:
    """Cases with `money_at_stake` (where a price is known), `priority` and the `value_parts` that add up to it.

    `findings` carry their `case_id`; `circumstances` are those of `circumstances_of`.
    """
    prices = circumstances.select("account_id", "price_per_kwh")
    priced = cases.join(prices, on="account_id", how="left", nulls_equal=False, maintain_order="left")
    money = priced["kwh_at_stake"] * priced["price_per_kwh"]
    assumed = money.fill_null(priced["kwh_at_stake"] * rulebook.setting("assumed_price_per_kwh")).to_numpy()
    times = _times(cases, findings, circumstances, rulebook)
    amount = np.array([rulebook.setting(f"{name}_money") for name in BY_CIRCUMSTANCE])
    parts, total = published(value_parts(chances_of(cases, model), assumed, _worth(model, rulebook), times, amount))
    return priced.with_columns(
        money_at_stake=money.round(2), priority=pl.Series(total, dtype=pl.Float64), value_parts=_listed(parts)
    ).drop("price_per_kwh")


def _worth(model: CauseModel, rulebook: Rulebook) -> CauseWorth:
    """The rulebook's amounts by cause. What nobody can name yet teaches most, whatever it turns out to be."""
    rules = [rulebook.causes[cause] for cause in model.causes]
    unnamed = np.array([cause == UNKNOWN for cause in model.causes])
    return CauseWorth(
        recovery=np.array([rule.recovery for rule in rules]),
        harm=np.array([rule.harm for rule in rules]),
        information=unnamed * rulebook.setting("information_money"),
        visit=np.array([rulebook.setting(f"visit_{rule.settled_at}_money") for rule in rules]),
    )


def _listed(parts: NDArray[np.float64]) -> pl.Series:
    """A list of the parts that are not 0 per row of `parts[cases, VALUE_PARTS]`."""
    case, part = np.nonzero(parts)
    some = pl.DataFrame(
        {"row": case, "part": np.array(VALUE_PARTS, dtype=object)[part], "amount": parts[case, part]},
        schema={"row": pl.Int64, "part": pl.String, "amount": pl.Float64},
    )
    each = some.group_by("row", maintain_order=True).agg(value_parts=pl.struct("part", "amount"))
    rows = pl.DataFrame({"row": np.arange(len(parts))}, schema={"row": pl.Int64})
    listed = rows.join(each, on="row", how="left", maintain_order="left")["value_parts"]
    return listed.fill_null(pl.Series([[]], dtype=PARTS)).cast(PARTS)


def circumstances_of(
    cases: pl.DataFrame, positions: pl.DataFrame, tickets: pl.DataFrame, cut: pl.DataFrame, rulebook: Rulebook,
    as_of: dt.date,
) -> pl.DataFrame:  # fmt: skip
    """One row per account of the cases: its price, and what makes a wrong bill worse for its customer.

    `complaint` an open ticket (as old as the rule about complaints looks back) · `urges` how often it was asked again ·
    `sensitive` on file · `disconnection` disconnected on file, or a disconnection (`cut`) lately. All but the price are
    numbers: 0, 1 or how often.
    """
    window_days = rulebook.detectors[COMPLAINT_CODE].limits["window_days"].value
    recent = tickets.filter(pl.col("opened_at").cast(pl.Date) >= as_of - dt.timedelta(days=window_days))
    asked = recent.group_by("account_id").agg(complaint=pl.lit(1.0), urges=pl.col("urges").fill_null(0).max())
    lately = as_of - dt.timedelta(days=int(rulebook.setting("disconnection_days")))
    off = cut.filter(pl.col("at").dt.date() >= lately).select("account_id", cut=pl.lit(True)).unique()
    named = cases.select(account_id=pl.col("account_ids").explode()).drop_nulls().unique()
    each = positions.join(named, on="account_id", how="semi").group_by("account_id").agg(
        pl.col("price_per_kwh").drop_nulls().first(),
        sensitive=pl.col("sensitive").fill_null(False).any(),
        disconnected=(pl.col("status") == "disconnected").fill_null(False).any(),
    )  # fmt: skip
    told = each.join(asked, on="account_id", how="left").join(off, on="account_id", how="left")
    return told.select(
        "account_id", "price_per_kwh", pl.col("complaint").fill_null(0.0),
        pl.col("urges").cast(pl.Float64).fill_null(0.0), pl.col("sensitive").cast(pl.Float64),
        disconnection=(pl.col("disconnected") | pl.col("cut").fill_null(False)).cast(pl.Float64),
    )  # fmt: skip


def _times(
    cases: pl.DataFrame, findings: pl.DataFrame, circumstances: pl.DataFrame, rulebook: Rulebook
) -> NDArray[np.float64]:
    """`[cases, BY_CIRCUMSTANCE]` how often each holds: urges are those of all customers of the case, others 0 or 1."""
    once = ("complaint", "sensitive", "disconnection")
    named = cases.select("case_id", account_id=pl.col("account_ids")).explode("account_id").unique()
    party = named.join(circumstances, on="account_id")
    of_case = party.group_by("case_id").agg(pl.col(*once).max(), pl.col("urges").sum())
    ratio = rulebook.setting("doubled_ratio")
    higher = (pl.col("expected") > 0) & pl.col("measured").is_finite()
    higher &= pl.col("measured") > ratio * pl.col("expected")
    level = (pl.col("unit") == LEVEL_UNIT) & (pl.col("channel") == "import") & pl.col("account_id").is_not_null()
    doubled = findings.filter((pl.col("status") == "reported") & level & higher).select("case_id").unique()
    told = cases.select("case_id").join(of_case, on="case_id", how="left", maintain_order="left")
    told = told.with_columns(doubled=pl.col("case_id").is_in(doubled["case_id"].implode()).cast(pl.Float64))
    return told.select(pl.col(BY_CIRCUMSTANCE).fill_null(0.0)).to_numpy()


def within_budget(cases: pl.DataFrame, *, accounts: int, rulebook: Rulebook) -> pl.DataFrame:
    """Open jump cases beyond each channel's budget are suppressed by `budget`, the weakest first.

    Whoever asked gets an answer, and danger does not wait for a place: cases with a complaint and of the safety lane
    are outside the budget. A case that no jump rule started (an odd curve whose cause nobody knows) comes after those
    that one did. The last places of each budget go to cases `drawn` by lot from those beyond it.
    """
    outside = pl.col("codes").list.contains(COMPLAINT_CODE) | _is_dangerous(rulebook)
    is_jump = (pl.col("family") == "jump") & pl.col("open") & ~outside
    spike = pl.col("codes").list.set_difference([SPIKE_CODE]).list.len() == 0
    channel = pl.when(~is_jump).then(None).when(spike).then(pl.lit("spike")).otherwise(pl.lit("sustained"))
    ordered = cases.with_columns(jump_channel=channel).sort(
        [pl.col("leading_family") == "jump", "strength", "case_id"], descending=[True, True, False]
    )
    place = pl.int_range(pl.len()).over("jump_channel")
    told = ordered.with_columns(place=pl.when(pl.col("jump_channel").is_not_null()).then(place))
    stays, drawn = _places(told, accounts, rulebook)
    beyond = pl.col("jump_channel").is_not_null() & ~pl.Series(stays)
    return told.with_columns(
        drawn=pl.Series(drawn),
        open=pl.col("open") & ~beyond,
        suppressed_by=pl.when(beyond).then(pl.lit("budget")).when(~pl.col("open")).then("suppressed_by"),
    ).drop("place")


def _places(cases: pl.DataFrame, accounts: int, rulebook: Rulebook) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(who has a place within a budget, who of them was drawn by lot), by `jump_channel` and `place`.

    Lots are a hash of the case's id with a fixed seed: whatever the order or the strength, and the same tomorrow.
    """
    seed, share = int(rulebook.setting("exploration_seed")), rulebook.setting("exploration_share")
    stays, drawn = np.zeros(len(cases), bool), np.zeros(len(cases), bool)
    for name in CHANNELS:
        allowed = _allowed(name, accounts, rulebook)
        mine = (cases["jump_channel"] == name).fill_null(False).to_numpy()
        place = cases["place"].fill_null(0).to_numpy()
        beyond = np.flatnonzero(mine & (place >= allowed))
        lots = np.array([digest(f"{seed}|{case_id}") for case_id in cases["case_id"].gather(beyond)], dtype=str)
        chosen = beyond[np.argsort(lots, kind="stable")[: int(round(share * allowed, 6))]]
        stays |= mine & (place < allowed - len(chosen))
        drawn[chosen] = True
    return stays | drawn, drawn


def _allowed(channel: str, accounts: int, rulebook: Rulebook) -> int:
    """How many open cases a channel may hold."""
    share = np.floor(rulebook.setting(f"{channel}_budget_share") * accounts)
    return int(max(rulebook.setting(f"{channel}_budget_cases"), share))


def _is_dangerous(rulebook: Rulebook) -> pl.Expr:
    """Whether a rule about danger reported something in the case, however likely its causes are."""
    dangerous = [code for code, rule in rulebook.detectors.items() if rule.safety]
    return pl.col("codes").list.set_intersection(dangerous).list.len() > 0


def ranked(cases: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """Open cases with their `lane` and `rank`: lane by lane, within a lane by priority; ties go by id."""
    lane = pl.when(_is_dangerous(rulebook)).then(pl.lit("safety")).when("drawn").then(pl.lit("exploration"))
    told = cases.with_columns(lane=pl.when("open").then(lane.otherwise(pl.lit("ranked"))))
    order = pl.col("lane").replace_strict(LANES, range(len(LANES)), default=len(LANES), return_dtype=pl.Int32)
    ordered = told.sort(order, "priority", "case_id", descending=[False, True, False])
    place = pl.int_range(1, pl.len() + 1, dtype=pl.Int32)
    return ordered.with_columns(rank=pl.when("open").then(place))
