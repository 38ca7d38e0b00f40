"""Findings that tell one story become one case: one account, one pair, one box incident."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from anomaly.diagnosis import CauseModel, code_index, weigh
from anomaly.findings import digest
from anomaly.ledger import ledgers
from anomaly.partner_choice import one_partner_each

INCIDENT_CODES = ("Q01", "C10", "G02")
"""Rules whose findings hit a whole box at once when its collector or supply fails."""

COMPLAINT_CODE = "K01"
COMPLAINT_LOOKS_BACK = pl.duration(days=31)
"""Whoever complains has a bill in hand: what was found in the month before belongs to the complaint."""

INCIDENT_ACCOUNTS = 3
"""From this many accounts of one box with the same gap on, the box is the story."""


@dataclass(frozen=True)
class Grouping:
    """How findings are put together. `causes_family` maps a cause to the family its case belongs to."""

    merge_gap_days: int
    cause_family: dict[str, str]


def group(findings: pl.DataFrame, model: CauseModel, grouping: Grouping) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(findings with `case_id`, one row per case with its leading cause and all probabilities).

    Reported findings lead; suppressed ones join the case they belong to, or stand in a suppressed case of
    their own. Two stories of one owner, family and month are one case.
    """
    story = _stories(_with_owner(one_partner_each(findings)), grouping.merge_gap_days)
    while True:
        weighed = _weighed(findings, story, model, grouping)
        merged = weighed["case_id"].rank("dense").cast(pl.Int64) - 1
        renamed = merged.to_numpy()[story]
        if len(np.unique(renamed)) == len(np.unique(story)):
            break
        story = renamed
    tagged = findings.with_columns(case_id=weighed["case_id"][story])
    return tagged, weighed


def _with_owner(findings: pl.DataFrame) -> pl.DataFrame:
    """Name whose story each finding belongs to: a box incident, else account, else meter, else area.

    Evidence about a pair of which one home has a likelier partner (`wires`) is a story of its own.
    """
    box = pl.coalesce("box_id", "area_id")
    incident = ["code", "box", "start", "end"]
    together = findings.with_columns(box=box).with_columns(
        accounts=pl.col("account_id").n_unique().over(incident),
    )
    is_incident = (
        pl.col("code").is_in(INCIDENT_CODES) & pl.col("box").is_not_null() & (pl.col("accounts") >= INCIDENT_ACCOUNTS)
    )
    alone = pl.coalesce(
        pl.lit("account:") + pl.col("account_id"),
        pl.lit("meter:") + pl.col("meter_id"),
        pl.lit("area:") + pl.col("area_id"),
        pl.lit("?"),
    )
    asked = pl.col("code") == COMPLAINT_CODE
    return together.select(
        "end", "family",
        start=pl.when(asked).then(pl.col("start") - COMPLAINT_LOOKS_BACK).otherwise("start"),
        owner=pl.when(is_incident).then(pl.lit("box:") + pl.col("box")).otherwise(pl.coalesce("wires", alone)),
        partner=pl.when(is_incident | pl.col("wires").is_not_null())
        .then(None)
        .otherwise(pl.lit("account:") + pl.col("related_account_id")),
    )  # fmt: skip


def _stories(owned: pl.DataFrame, merge_gap_days: int) -> NDArray[np.int64]:
    """A story number per finding: partners share an owner; findings of one owner close in time share a story.

    Wires stay crossed until somebody mends them: all that speaks of one pair's wiring is one story, whenever it was.
    """
    if not len(owned):
        return np.empty(0, np.int64)
    names = pl.concat([owned["owner"], owned["partner"]]).drop_nulls().unique().sort()
    index = dict(zip(names.to_list(), range(len(names)), strict=True))
    own = owned["owner"].replace_strict(index, return_dtype=pl.Int64).to_numpy()
    paired = np.flatnonzero(owned["partner"].is_not_null().to_numpy())
    partner = owned["partner"].drop_nulls().replace_strict(index, return_dtype=pl.Int64).to_numpy()
    links = coo_matrix((np.ones(len(paired)), (own[paired], partner)), shape=(len(names), len(names)))
    _, component = connected_components(links, directed=False)
    joint = _in_time(component[own], owned, merge_gap_days)
    has_pair = np.zeros(joint.max(initial=-1) + 1, bool)
    has_pair[joint[paired]] = True
    alone = np.where(has_pair[joint], -1, own)
    _, story = np.unique(np.stack([joint, alone]), axis=1, return_inverse=True)
    wired = np.flatnonzero((owned["family"] == "cross_wiring").to_numpy()[paired])
    pair = np.sort(np.stack([own[paired], partner], axis=1), axis=1)[wired]
    return _linked(story.reshape(-1), paired[wired], pair)


def _linked(story: NDArray[np.int64], at: NDArray[np.int64], pair: NDArray[np.int64]) -> NDArray[np.int64]:
    """Stories joined wherever the findings `at[K]` are about the same `pair[K, 2]`."""
    if not len(at):
        return story
    stories = int(story.max()) + 1
    _, number = np.unique(pair, axis=0, return_inverse=True)
    node = stories + number.reshape(-1)
    count = int(node.max()) + 1
    links = coo_matrix((np.ones(len(at)), (story[at], node)), shape=(count, count))
    _, joined = connected_components(links, directed=False)
    return np.asarray(np.unique(joined[story], return_inverse=True)[1])


def _in_time(owner: NDArray[np.int64], owned: pl.DataFrame, merge_gap_days: int) -> NDArray[np.int64]:
    """Number the runs of findings of one owner that overlap or lie at most `merge_gap_days` apart."""
    ordered = (
        owned.select("start", "end", owner=pl.Series(owner), at=pl.int_range(pl.len()))
        .sort("owner", "start", "end", "at")
        .with_columns(until=pl.col("end").cum_max().shift(1).over("owner"))
    )
    apart = (pl.col("start") - pl.col("until")).dt.total_days() > merge_gap_days
    numbered = ordered.with_columns(run=(apart | pl.col("until").is_null()).cum_sum())
    return numbered.sort("at")["run"].to_numpy().astype(np.int64) - 1


def _weighed(findings: pl.DataFrame, story: NDArray[np.int64], model: CauseModel, grouping: Grouping) -> pl.DataFrame:
    """One row per story, in order of its number: causes weighed, identity, span and energy at stake."""
    rows = findings.with_columns(story=pl.Series(story, dtype=pl.Int64))
    open_story = (pl.col("status") == "reported").any().over("story")
    speaking = rows.filter((pl.col("status") == "reported") | ~open_story)
    count = int(story.max(initial=-1)) + 1
    code = code_index(model, speaking["code"])
    excess = (speaking["measured"] - speaking["limit"]).to_numpy()
    # Cut off, not rounded: the published probabilities of a case must not add up to more than one.
    found = weigh(model, speaking["story"].to_numpy(), code, excess, count)
    chance = np.floor(found.probability * 1e6 + 1e-3) / 1e6
    leading = chance.argmax(axis=1) if count else np.empty(0, np.int64)
    cause = np.array(model.causes, dtype=object)[leading]
    ratio = model.log_ratios(code, excess)[np.arange(len(code)), leading[speaking["story"].to_numpy()]]
    speaking = speaking.with_columns(speaks=pl.Series(ratio, dtype=pl.Float64))
    earliest = rows.group_by("story").agg(pl.col("start").min().alias("earliest"))
    stories = _summary(speaking).join(earliest, on="story", maintain_order="left").with_columns(
        cause=pl.Series(cause, dtype=pl.String),
        probability=pl.Series(chance.max(axis=1) if count else [], dtype=pl.Float64),
        chances=pl.Series(chance, dtype=pl.Array(pl.Float64, len(model.causes))),
        family=pl.Series([grouping.cause_family[str(name)] for name in cause], dtype=pl.String),
        ledger=ledgers(model, found, chance),
    )
    return stories.with_columns(case_id=pl.Series(_case_ids(stories), dtype=pl.String))


def _summary(speaking: pl.DataFrame) -> pl.DataFrame:
    """Span, parties, energy and the finding that speaks loudest for the leading cause, per story.

    The parties are those of the loudest finding about a pair, if there is one.
    """
    loudest = speaking.sort(
        ["story", "speaks", "kwh_at_stake", "strength", "finding_id"], descending=[False, True, True, True, False]
    )
    lead = loudest.unique("story", keep="first", maintain_order=True).select(
        "story", pl.col("finding_id").alias("leading_finding"), pl.col("family").alias("leading_family")
    )
    is_pair = pl.col("related_account_id").is_not_null()
    paired_first = loudest.sort("story", is_pair, descending=[False, True], maintain_order=True)
    parties = paired_first.unique("story", keep="first", maintain_order=True).select(
        "story",
        pl.col("account_id").alias("lead_account"),
        pl.col("meter_id").alias("lead_meter"),
        pl.col("related_account_id").alias("lead_related"),
        pl.col("related_meter_id").alias("lead_related_meter"),
    )
    spans = speaking.group_by("story").agg(
        pl.col("start").min(),
        pl.col("end").max(),
        pl.col("start").max().alias("latest_start"),
        pl.col("kwh_at_stake").filter(pl.col("speaks") == pl.col("speaks").max()).max(),
        pl.col("strength").max(),
        pl.col("account_id").n_unique().alias("accounts"),
        pl.col("area_id").drop_nulls().sort().first(),
        pl.col("box_id").drop_nulls().sort().first(),
        (pl.col("status") == "reported").any().alias("open"),
        pl.col("code").unique().sort().alias("codes"),
        (pl.col("family") == "cross_wiring").all().alias("only_wiring"),
        pl.col("suppressed_by").drop_nulls().sort().first(),
        pl.col("account_id").append(pl.col("related_account_id")).drop_nulls().unique().sort().alias("account_ids"),
    )
    stories = spans.join(lead, on="story").join(parties, on="story").sort("story")
    many = (pl.col("accounts") > 1) & pl.col("lead_related").is_null()
    first = pl.min_horizontal("lead_account", "lead_related")
    swapped = pl.col("lead_related") < pl.col("lead_account")
    other = pl.when(pl.col("lead_account").is_not_null()).then(pl.max_horizontal("lead_account", "lead_related"))
    return stories.with_columns(
        account_id=pl.when(many).then(None).otherwise(first),
        related_account_id=pl.when(pl.col("lead_related").is_null()).then(None).otherwise(other),
        meter_id=pl.when(many).then(None).when(swapped).then("lead_related_meter").otherwise("lead_meter"),
        related_meter_id=pl.when(other.is_null()).then(None).when(swapped).then("lead_meter").otherwise("lead_related_meter"),
    )


def _case_ids(stories: pl.DataFrame) -> list[str]:
    """Hash of family, accounts (or box, meter, area) and the month of the earliest finding."""
    who = pl.coalesce(
        pl.concat_str(pl.col("account_id"), pl.col("related_account_id").fill_null(""), separator="+"),
        pl.lit("box ") + pl.col("box_id"),
        pl.lit("meter ") + pl.col("meter_id"),
        pl.lit("area ") + pl.col("area_id"),
        pl.lit("?"),
    )
    keys = stories.select(pl.concat_str("family", who, pl.col("earliest").dt.strftime("%Y-%m"), separator="|"))
    return [digest(key) for key in keys.to_series()]


def case_id_of(family: str, account_id: str, related_account_id: str | None, month: str) -> str:
    """The id of the case of an account, or of a pair (the smaller account first), of a month `YYYY-MM`."""
    return digest(f"{family}|{account_id}+{related_account_id or ''}|{month}")
