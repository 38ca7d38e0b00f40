"""The section on a pair: the days of both meters back to back around the exchange."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
from markupsafe import Markup

from pipelines.output import Row, ScanOutput
from pipelines.rebill import days_of_meter
from pipelines.report.chart import Caption
from pipelines.report.edition import Edition
from pipelines.report.mirror_chart import Exchange, MirrorDay, mirror_chart
from pipelines.report.register_section import facts_of

DAYS_EACH_SIDE = 60


@dataclass(frozen=True)
class PairPart:
    """Two meters: the sentence to read first, the chart and the rows behind it."""

    sentence: str
    chart: Markup
    table_title: str
    heads: list[tuple[str, bool]]
    rows: list[tuple[str, str, str]]


def pair_part(output: ScanOutput, case: Row, series: pl.DataFrame, edition: Edition) -> PairPart | None:
    """The pair of a cross-wiring case; None for any other case, and where a home has no day to show."""
    if case["family"] != "cross_wiring" or not case["related_account_id"]:
        return None
    names = (case["account_id"], case["related_account_id"])
    meters = (case["meter_id"], case["related_meter_id"])
    own = [series.filter(pl.col("account_id") == name) for name in names]
    if any(rows.is_empty() for rows in own):
        return None
    days = [days_of_meter(rows, meter) for rows, meter in zip(own, meters, strict=True)]
    exchange = _exchange(output, case)
    shown = _shown(days, exchange.on if exchange else None)
    f, t = edition.f, edition.t
    both = {"up": names[0], "down": names[1]}
    sentence = t("pair.sentence", day=f.day(exchange.on), **both) if exchange else t("pair.sentence_static", **both)
    caption = Caption("pair", t("pair.title", **both), t("pair.description"))
    return PairPart(
        sentence,
        mirror_chart(shown, names, exchange, caption, edition),
        t("pair.table", days=len(shown)),
        [(t("use.day"), False), *((name, True) for name in names)],
        [(f.day(day.on), _kwh(day.up_kwh, edition), _kwh(day.down_kwh, edition)) for day in shown],
    )


def _exchange(output: ScanOutput, case: Row) -> Exchange | None:
    """The day both homes were exchanged on, as the strongest finding dates it; None where none does."""
    findings = output.findings_of(case).filter(pl.col("family") == "cross_wiring").sort(
        pl.col("status") != "reported", pl.col("code") != "X01", "measured", "finding_id",
        descending=[False, False, True, False],
    )  # fmt: skip
    for row in findings.to_dicts():
        days = {name: _day(facts_of(row).get(name)) for name in ("change_day", "earliest_day", "latest_day")}
        change = days["change_day"]
        if change is not None:
            return Exchange(change, days["earliest_day"] or change, days["latest_day"] or change)
    return None


def _day(value: object) -> date | None:
    return date.fromisoformat(value[:10]) if isinstance(value, str) else None


def _shown(days: list[pl.DataFrame], change: date | None) -> list[MirrorDay]:
    """Some weeks on both sides of the change, or the last ones; every date once, unknown days as None."""
    known = [dict(zip(rows["date"], rows["kwh"].fill_nan(None), strict=True)) for rows in days]
    first, last = min(min(one) for one in known), max(max(one) for one in known)
    span = timedelta(days=DAYS_EACH_SIDE)
    middle = change if change is not None else last - span
    first, last = max(first, middle - span), min(last, middle + span)
    dates = [first + timedelta(days=offset) for offset in range(max((last - first).days + 1, 1))]
    return [MirrorDay(on, known[0].get(on), known[1].get(on)) for on in dates]


def _kwh(value: float | None, edition: Edition) -> str:
    return "" if value is None else edition.f.number(value, 2)
