"""The section on registers: the reads around each flagged moment, as a chart and as a ledger."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import polars as pl
from markupsafe import Markup

from pipelines.report.chart import Caption
from pipelines.report.edition import Edition
from pipelines.report.register_chart import RegisterPoint, register_chart
from pipelines.report.scale import finite

MOMENTS_SHOWN = 3
READS_EACH_SIDE = 7
MOMENT_DAYS_APART = 4


@dataclass(frozen=True)
class Moment:
    """A day on which a register read is doubted; `corrected_kwh` is the register that would fit."""

    account_id: str
    meter_id: str | None
    on: date
    corrected_kwh: float | None


@dataclass(frozen=True)
class RegisterPart:
    """Reads around one moment."""

    sentence: str
    proposal: bool
    chart: Markup
    table_title: str
    rows: list[tuple[str, str, str, str, str]]


def moments(findings: pl.DataFrame) -> list[Moment]:
    """Up to three moments, corrections first, then in the order given; a few days apart are one."""
    found = [_moment(row) for row in findings.filter(pl.col("account_id").is_not_null()).to_dicts()]
    chosen: list[Moment] = []
    for moment in sorted(found, key=lambda moment: moment.corrected_kwh is None):
        near = [one for one in chosen if one.account_id == moment.account_id and _near(one, moment)]
        if not near:
            chosen.append(moment)
    return chosen[:MOMENTS_SHOWN]


def register_parts(series: pl.DataFrame, doubted: Sequence[Moment], edition: Edition) -> list[RegisterPart]:
    """One part per moment that has reads near it."""
    parts = []
    for index, moment in enumerate(doubted):
        points = _points(series, moment)
        if points:
            parts.append(_part(points, moment, index, edition))
    return parts


def facts_of(row: dict[str, Any]) -> dict[str, Any]:
    """A finding's facts; none when the scan wrote none."""
    facts = json.loads(row.get("facts") or "{}")
    return facts if isinstance(facts, dict) else {}


def _moment(row: dict[str, Any]) -> Moment:
    facts = facts_of(row)
    read_day = facts.get("read_day")
    on = date.fromisoformat(read_day[:10]) if isinstance(read_day, str) else row["start"]
    corrected = facts.get("corrected_kwh")
    if not isinstance(corrected, int | float) or not finite([corrected]):
        corrected = None
    return Moment(row["account_id"], row["meter_id"], on, corrected)


def _near(one: Moment, other: Moment) -> bool:
    return abs((one.on - other.on).days) < MOMENT_DAYS_APART


def _points(series: pl.DataFrame, moment: Moment) -> list[RegisterPoint]:
    """The reads nearest to a moment, in order of time."""
    reads = series.filter(pl.col("account_id") == moment.account_id, pl.col("register_kwh").is_finite())
    if moment.meter_id in reads["meter_id"]:
        point = reads.filter(pl.col("meter_id") == moment.meter_id)["point_id"][0]
        reads = reads.filter(pl.col("point_id").eq_missing(point))
    before = reads.filter(pl.col("date") < moment.on).sort("date").tail(READS_EACH_SIDE)
    after = reads.filter(pl.col("date") >= moment.on).sort("date").head(READS_EACH_SIDE + 1)
    return [_point(row, moment) for row in pl.concat([before, after]).to_dicts()]


def _point(row: dict[str, Any], moment: Moment) -> RegisterPoint:
    flagged = row["date"] == moment.on
    return RegisterPoint(
        row.get("read_at") or datetime.combine(row["date"], time()),
        row["register_kwh"],
        row["quality"] or "valid",
        row["meter_id"] or "",
        flagged,
        moment.corrected_kwh if flagged else None,
    )


def _part(points: list[RegisterPoint], moment: Moment, index: int, edition: Edition) -> RegisterPart:
    f, t = edition.f, edition.t
    meter = moment.meter_id or points[0].meter_id
    title = t("chart.register_title", day=f.day(moment.on), meter=meter)
    caption = Caption(f"register{index}", title, t("chart.register_description"))
    doubted = next((point for point in points if point.corrected_kwh is not None), None)
    sentence = t("registers.plain", meter=meter, day=f.day(moment.on))
    if doubted is not None:
        read, corrected = f.register(doubted.register_kwh), f.register(doubted.corrected_kwh)
        sentence = t("registers.corrected", day=f.day(moment.on), read=read, corrected=corrected)
    return RegisterPart(
        sentence,
        doubted is not None,
        register_chart(points, caption, edition),
        t("registers.table", reads=len(points)),
        _rows(points, edition),
    )


def _rows(points: list[RegisterPoint], edition: Edition) -> list[tuple[str, str, str, str, str]]:
    rows = []
    for before, point in zip([None, *points[:-1]], points, strict=True):
        joined = before is not None and before.meter_id == point.meter_id
        difference = point.register_kwh - before.register_kwh if joined and before else None
        corrected = point.corrected_kwh
        rows.append(
            (
                edition.f.moment(point.at),
                edition.f.register(point.register_kwh),
                edition.f.number(difference, 2) if difference is not None else "",
                edition.f.register(corrected) if corrected is not None else "",
                edition.quality(point.quality),
            )
        )
    return rows
