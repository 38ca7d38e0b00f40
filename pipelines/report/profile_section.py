"""The section on the shape of the day: average load by time of day before and after the change."""

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from typing import Any

import polars as pl
from markupsafe import Markup

from pipelines.report.chart import Caption
from pipelines.report.edition import Edition
from pipelines.report.profile_chart import Profile, profile_chart
from pipelines.report.scale import finite

COMPARED_DAYS = 28
NIGHT_HOURS = 5


@dataclass(frozen=True)
class ProfilePart:
    """Profiles of one account."""

    name: str
    sentence: str
    chart: Markup
    table_title: str
    rows: list[tuple[str, str, str]]


def profile_parts(series: pl.DataFrame, changed_on: date | None, edition: Edition) -> list[ProfilePart]:
    """One part per account with interval reads near the change."""
    if changed_on is None or "curve_kwh" not in series.columns:
        return []
    days = timedelta(days=COMPARED_DAYS)
    near = pl.col("date").is_between(changed_on - days, changed_on + days, closed="left")
    curves = series.filter(near & pl.col("curve_kwh").list.len().gt(0) & pl.col("curve_minutes").gt(0))
    accounts = curves.partition_by("account_id", maintain_order=True)
    return [_part(account, changed_on, index, edition) for index, account in enumerate(accounts)]


def _part(curves: pl.DataFrame, changed_on: date, index: int, edition: Edition) -> ProfilePart:
    minutes: int = min(curves["curve_minutes"].mode().to_list())
    alike = curves.filter(pl.col("curve_minutes") == minutes)
    before = _profile(alike.filter(pl.col("date") < changed_on), minutes)
    after = _profile(alike.filter(pl.col("date") >= changed_on), minutes)
    account, day = curves["account_id"][0], edition.f.day(changed_on)
    title = edition.t("chart.profile_title", day=day, account=account)
    caption = Caption(f"profile{index}", title, edition.t("chart.profile_description"))
    rows = _rows(before, after, minutes, edition)
    return ProfilePart(
        edition.t("use.account", account=account),
        _sentence(before, after, day, edition),
        profile_chart(before, after, caption, edition),
        edition.t("profile.table", intervals=len(rows)),
        rows,
    )


def _profile(curves: pl.DataFrame, minutes: int) -> Profile | None:
    """Mean load per interval of the day over the days given."""
    if curves.is_empty():
        return None
    slots = 24 * 60 // minutes
    days: list[list[float | None]] = curves["curve_kwh"].to_list()
    load = [_mean([day[slot] for day in days if slot < len(day)], 60 / minutes) for slot in range(slots)]
    return Profile(minutes, load, len(days))


def _mean(values: list[float | None], factor: float) -> float | None:
    known = finite(values)
    return fmean(known) * factor if known else None


def _sentence(before: Profile | None, after: Profile | None, day: str, edition: Edition) -> str:
    if before is None or after is None:
        return edition.t("profile.one_side", day=day)
    numbers: dict[str, Any] = {
        "before": _load(before, 24),
        "after": _load(after, 24),
        "night_before": _load(before, NIGHT_HOURS),
        "night_after": _load(after, NIGHT_HOURS),
    }
    return edition.t(
        "profile.sentence", day=day, **{key: edition.f.number(kw, 2) for key, kw in numbers.items()}
    )


def _load(profile: Profile, hours: int) -> float | None:
    known = finite(profile.load_kw[: hours * 60 // profile.minutes])
    return fmean(known) if known else None


def _rows(
    before: Profile | None, after: Profile | None, minutes: int, edition: Edition
) -> list[tuple[str, str, str]]:
    slots = 24 * 60 // minutes
    number = edition.f.number
    sides = [side.load_kw if side else [None] * slots for side in (before, after)]
    starts = [f"{slot * minutes // 60:02d}:{slot * minutes % 60:02d}" for slot in range(slots)]
    return [(at, number(was, 3), number(now, 3)) for at, was, now in zip(starts, *sides, strict=True)]
