"""The section on use per day: one chart, sentence and table for each position of the accounts asked about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, median

import polars as pl
from markupsafe import Markup

from pipelines.report.chart import Caption
from pipelines.report.daily_chart import Day, daily_chart
from pipelines.report.edition import Edition

DAYS_ON_A_PAGE = 260
"""Where there are several charts they show this many days together, which keeps the page below 150 KB."""
DAYS_IN_A_CHART = 366
"""A chart alone on its page shows a year."""
DAYS_BEFORE = 120
USUAL_DAYS = 60
NAMED_ONE_BY_ONE = 3

Span = tuple[date, date]


@dataclass(frozen=True)
class UsePart:
    """Use of one position: name, sentences to read first, chart, and the rows behind it."""

    name: str
    sentences: list[str]
    chart: Markup
    table_title: str
    rows: list[tuple[str, str, str, str]]


def use_parts(series: pl.DataFrame, flagged: Sequence[Span], edition: Edition) -> list[UsePart]:
    """One part per account and point of the series; `flagged` are half-open spans of days."""
    positions = series.partition_by("account_id", "point_id", maintain_order=True)
    room = DAYS_IN_A_CHART if len(positions) < 2 else max(DAYS_ON_A_PAGE // len(positions), 1)
    parts = [_part(position, flagged, room, index, edition) for index, position in enumerate(positions)]
    return parts


def days_of(position: pl.DataFrame, flagged: Sequence[Span]) -> list[Day]:
    """Every date of a position from its first to its last, with unknown days where the series has none."""
    columns = ("kwh", "spread", "low_kwh", "expected_kwh", "high_kwh")
    known = {row["date"]: row for row in position.select("date", *_present(position, columns)).to_dicts()}
    first, last = min(known), max(known)
    dates = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return [_day(on, known.get(on, {}), flagged) for on in dates]


def usual_kwh(days: Sequence[Day]) -> float | None:
    """Median use per day before the first flagged day, else over all days that are not flagged."""
    first = next((index for index, day in enumerate(days) if day.flagged), len(days))
    before = [day.kwh for day in days[:first] if day.kwh is not None][-USUAL_DAYS:]
    return median(before) if before else None


def _present(position: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    return [column for column in columns if column in position.columns]


def _day(on: date, row: dict[str, float | None], flagged: Sequence[Span]) -> Day:
    return Day(
        on,
        row.get("kwh"),
        bool(row.get("spread")),
        row.get("low_kwh"),
        row.get("expected_kwh"),
        row.get("high_kwh"),
        any(start <= on < max(end, start + timedelta(days=1)) for start, end in flagged),
    )


def _part(
    position: pl.DataFrame, flagged: Sequence[Span], room: int, index: int, edition: Edition
) -> UsePart:
    account, point = position["account_id"][0], position["point_id"][0]
    days = days_of(position, flagged)
    shown = _window(days, room)
    f, t = edition.f, edition.t
    caption = Caption(
        f"use{index}",
        t("chart.daily_title", account=account),
        t("chart.daily_description", first=f.day(shown[0].on), last=f.day(shown[-1].on)),
    )
    sentences = [_finding(days, edition), *_gaps(shown, edition)]
    if len(shown) < len(days):
        sentences.append(t("use.shown", span=f.span(shown[0].on, shown[-1].on + timedelta(days=1))))
    return UsePart(
        t("use.account", account=account)
        if point in (None, account)
        else t("use.point", account=account, point=point),
        sentences,
        daily_chart(shown, _changes(position), caption, edition),
        t("use.table", days=len(shown)),
        [_row(day, edition) for day in shown],
    )


def _window(days: list[Day], room: int) -> list[Day]:
    """The last days, or those from some weeks before the first flagged one if it is further back."""
    if len(days) <= room:
        return days
    first_flagged = next((index for index, day in enumerate(days) if day.flagged), len(days))
    start = min(len(days) - room, max(0, first_flagged - min(DAYS_BEFORE, room // 3)))
    return days[start : start + room]


def _finding(days: Sequence[Day], edition: Edition) -> str:
    """The sentence above the chart: what the flagged days show against the usual."""
    f, t = edition.f, edition.t
    usual = usual_kwh(days)
    marked = [day for day in days if day.flagged]
    if not marked:
        return t("use.unread") if usual is None else t("use.plain", usual=f.kwh(usual))
    known = [day for day in marked if day.kwh is not None]
    span = f.span(marked[0].on, marked[-1].on + timedelta(days=1))
    if not known:
        return t("use.flagged_unread", span=span)
    if len(known) <= NAMED_ONE_BY_ONE:
        flagged = t("use.comma").join(f"{f.day(day.on)} {f.kwh(day.kwh)}" for day in known)
    else:
        flagged = t("use.mean", kwh=f.kwh(fmean(day.kwh or 0.0 for day in known)), span=span)
    compared = t("use.alone") if usual is None else t("use.usual", usual=f.kwh(usual))
    return t("use.flagged", flagged=flagged, compared=compared)


def _gaps(days: Sequence[Day], edition: Edition) -> list[str]:
    missing = sum(day.kwh is None for day in days)
    return [edition.t("use.missing", days=missing, all=len(days))] if missing else []


def _changes(position: pl.DataFrame) -> list[date]:
    """Dates on which another meter is in place than the day before."""
    meters = position.select("date", "meter_id").drop_nulls().sort("date")
    changed = pl.col("meter_id").ne(pl.col("meter_id").shift()).fill_null(value=False)
    return meters.filter(changed)["date"].to_list()


def _row(day: Day, edition: Edition) -> tuple[str, str, str, str]:
    notes = {"flagged": day.flagged, "spread": day.spread, "missing": day.kwh is None}
    note = ", ".join(edition.t(f"use.note_{name}") for name, holds in notes.items() if holds)
    number = edition.f.number
    expected = number(day.expected_kwh, 1) if day.expected_kwh is not None else ""
    return edition.f.day(day.on), number(day.kwh, 2) if day.kwh is not None else "", expected, note
