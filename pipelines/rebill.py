"""The rebill proposal of exchanged homes, month by month: what a clerk books once the exchange is confirmed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.rebill import Rebilled, rebilled, ring_of
from rules.model import LANGUAGES, Rulebook

Row = dict[str, Any]
Floats = NDArray[np.float64]

REBILLS = {
    "case_id": pl.String, "month": pl.Date, "account_id": pl.String, "related_account_id": pl.String,
    "from_day": pl.Date, "days_counted": pl.Int32, "days_missing": pl.Int32, "measured_kwh": pl.Float64,
    "proposed_kwh": pl.Float64, "difference_kwh": pl.Float64, "low_kwh": pl.Float64, "high_kwh": pl.Float64,
    "money_difference": pl.Float64, "basis": pl.String, "note_en": pl.String, "note_zh": pl.String,
}  # fmt: skip

DECIMALS = 4
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class _Since:
    """From which day on homes are exchanged, how far off that may be, and what it rests on."""

    change: dt.date
    earliest: dt.date
    latest: dt.date
    basis: str


@dataclass(frozen=True, eq=False)
class _Homes:
    """The homes of one exchange: their days, `kwh[n, D]`, and whose meter measures each (index)."""

    account_ids: list[str]
    source: NDArray[np.int64]
    days: NDArray[np.datetime64]
    kwh: Floats


def rebill_table(
    cases: pl.DataFrame, findings: pl.DataFrame, series: pl.DataFrame, positions: pl.DataFrame, rulebook: Rulebook,
    as_of: dt.date,
) -> pl.DataFrame:  # fmt: skip
    """One row per home and month of every open case of exchanged homes, sorted; the columns of REBILLS.

    The numbers are sums of the rows of `series` (energy delivered to the customer), so that each can be traced;
    `positions` knows prices and since when the present customer lives there.
    """
    exchanged = (pl.col("status") == "open") & (pl.col("cause") == "swapped_pair")
    chosen = cases.filter(exchanged & pl.col("related_account_id").is_not_null())
    pairs = findings.filter(
        (pl.col("status") == "reported") & pl.col("related_account_id").is_not_null()
    ).join(chosen, on="case_id", how="semi")
    links = {key[0]: rows for key, rows in pairs.partition_by("case_id", as_dict=True).items()}
    named = chosen["account_ids"].explode().drop_nulls().unique()
    days = series.filter(pl.col("account_id").is_in(named.implode()))
    by_account = {key[0]: rows for key, rows in days.partition_by("account_id", as_dict=True).items()}
    known = positions.filter(pl.col("account_id").is_in(named.implode())).group_by("account_id").agg(
        pl.col("customer_since").max(), pl.col("price_per_kwh").drop_nulls().first()
    )  # fmt: skip
    about = {row["account_id"]: row for row in known.to_dicts()}
    told = _Telling(rulebook, as_of)
    rows = [
        row for case in chosen.to_dicts() for row in _rows(case, links[case["case_id"]], by_account, about, told)
    ]
    return pl.DataFrame(rows, REBILLS, orient="row").sort("case_id", "month", "account_id")


def _rows(
    case: Row, pairs: pl.DataFrame, by_account: dict[Any, pl.DataFrame], about: dict[str, Row], told: _Telling
) -> Iterator[Row]:
    links = [{**row, "facts": json.loads(row["facts"])} for row in pairs.to_dicts()]
    homes = _homes(case, links, by_account)
    if homes is None:
        return
    since = _since(links, homes, about)
    at = [int((np.datetime64(day, "D") - homes.days[0]) / DAY) for day in (since.change, since.earliest, since.latest)]
    change, earliest, latest = (min(max(index, 0), len(homes.days) - 1) for index in at)
    month = homes.days.astype("datetime64[M]")
    first = month[min(earliest, change)]
    inside = month >= first
    shift = int(np.argmax(inside))
    number = (month[inside] - first).astype(np.int64)
    sums = rebilled(
        homes.kwh[:, inside], homes.source, number,
        change=change - shift, earliest=earliest - shift, latest=latest - shift,
    )  # fmt: skip
    starts = (first + np.arange(int(number[-1]) + 1)).astype("datetime64[D]")
    for place, account in enumerate(homes.account_ids):
        for index, start in enumerate(starts):
            yield _row(case, homes, since, sums, place, start.item(), index, about.get(account, {}), told)


def _row(
    case: Row, homes: _Homes, since: _Since, sums: Rebilled, place: int, month: dt.date, index: int, about: Row,
    told: _Telling,
) -> Row:  # fmt: skip
    def kwh(values: Floats) -> float:
        return round(float(values[place, index]), DECIMALS) + 0.0

    counted, missing = int(sums.counted_days[index]), int(sums.missing_days[index])
    difference, price = kwh(sums.difference_kwh), about.get("price_per_kwh")
    return {
        "case_id": case["case_id"],
        "month": month,
        "account_id": homes.account_ids[place],
        "related_account_id": homes.account_ids[int(homes.source[place])],
        "from_day": max(month, since.change) if counted + missing else None,
        "days_counted": counted,
        "days_missing": missing,
        "measured_kwh": kwh(sums.measured_kwh),
        "proposed_kwh": kwh(sums.proposed_kwh),
        "difference_kwh": difference,
        "low_kwh": kwh(sums.low_kwh),
        "high_kwh": kwh(sums.high_kwh),
        "money_difference": None if price is None else round(difference * price, 2) + 0.0,
        "basis": since.basis,
        **told.notes(since, missing),
    }


def _homes(case: Row, links: list[Row], by_account: dict[Any, pl.DataFrame]) -> _Homes | None:
    """The homes of the case with their days; None where one of them has no day in the series."""
    pair = (case["account_id"], case["related_account_id"])
    ring = [link for link in links if link["facts"].get("ring_count", 2) > 2]
    measured_by = ring_of([link["account_id"] for link in ring], [link["related_account_id"] for link in ring])
    measured_by = measured_by or dict(zip(pair, reversed(pair), strict=True))
    meters = {case["account_id"]: case["meter_id"], case["related_account_id"]: case["related_meter_id"]}
    for link in ring:
        meters |= {link["account_id"]: link["meter_id"], link["related_account_id"]: link["related_meter_id"]}
    accounts = list(measured_by)
    if any(account not in by_account for account in accounts):
        return None
    days = [days_of_meter(by_account[account], meters[account]) for account in accounts]
    span = pl.concat([rows["date"] for rows in days])
    dates = np.arange(span.min(), np.datetime64(span.max(), "D") + DAY, dtype="datetime64[D]")
    kwh = np.full((len(accounts), len(dates)), np.nan)
    for place, rows in enumerate(days):
        at = ((rows["date"].to_numpy().astype("datetime64[D]") - dates[0]) / DAY).astype(np.int64)
        kwh[place, at] = rows["kwh"].fill_null(np.nan).to_numpy()
    source = np.array([accounts.index(measured_by[account]) for account in accounts])
    return _Homes(accounts, source, dates, kwh)


def days_of_meter(rows: pl.DataFrame, meter_id: str | None) -> pl.DataFrame:
    """The series of the point at which a meter hangs, across meter changes; of the first point where none is named."""
    mine = rows.filter(pl.col("meter_id") == meter_id)
    point = (rows if mine.is_empty() else mine).sort("point_id", "date")["point_id"][0]
    return rows.filter(pl.col("point_id").eq_missing(pl.lit(point)))


def _since(links: list[Row], homes: _Homes, about: dict[str, Row]) -> _Since:
    """The day of the change: of the strongest finding that dates it, X01 first; else as far back as both are known."""
    dated = [link for link in links if link["facts"].get("change_day")]
    dated.sort(key=lambda link: (link["code"] != "X01", -link["measured"], link["finding_id"]))
    if not dated:
        return _as_far_back_as_known(homes, about)
    facts = dated[0]["facts"]
    change = dt.date.fromisoformat(facts["change_day"][:10])
    if not facts.get("earliest_day") or not facts.get("latest_day"):
        week = dt.timedelta(days=7)
        return _Since(change, change - week, change + week, "assumed_week")
    earliest, latest = (dt.date.fromisoformat(facts[name][:10]) for name in ("earliest_day", "latest_day"))
    if earliest == latest:
        # Work done during a day leaves that day's energy partly to either home.
        return _Since(change, earliest, latest + dt.timedelta(days=1), "named_day")
    return _Since(change, earliest, latest, "dated")


def _as_far_back_as_known(homes: _Homes, about: dict[str, Row]) -> _Since:
    read = np.isfinite(homes.kwh)
    first = [homes.days[int(days.argmax())].item() for days in read if days.any()]
    moved_in = [about.get(account, {}).get("customer_since") for account in homes.account_ids]
    start = max([day for day in (*first, *moved_in) if day is not None], default=homes.days[0].item())
    return _Since(start, start, start, "static")


class _Telling:
    """The notes of a row, each sentence written once."""

    def __init__(self, rulebook: Rulebook, as_of: dt.date) -> None:
        self._rulebook = rulebook
        self._as_of = as_of

    def notes(self, since: _Since, missing: int) -> dict[str, str]:
        """`note_en` and `note_zh`: what the change day rests on, and days that are left out."""
        facts = {
            "change_day": since.change, "earliest_day": since.earliest, "latest_day": since.latest,
            "missing_days": missing,
        }  # fmt: skip
        keys = [f"rebill_{since.basis}", *(["rebill_missing"] if missing else [])]
        return {
            f"note_{lang}": (" " if lang == "en" else "").join(
                self._rulebook.say("evidence", key, facts, lang, self._as_of) for key in keys
            )
            for lang in LANGUAGES
        }
