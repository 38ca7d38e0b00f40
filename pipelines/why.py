"""Why a case's period used more, or less, than its reference: the parts of the difference, for every open jump."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.cohort import cohort_log
from anomaly.comparison import BASES, Compared, compared
from anomaly.day_shape import day_shape
from anomaly.decomposition import PARTS, Period, Response, decompose, own_by_hour, uncertainty
from anomaly.degree_days import cooling_degree_days, heating_degree_days, weather_response
from anomaly.panel import Panel
from anomaly.statistics import row_median
from pipelines.panels import Source, panel_of
from rules.model import Rulebook

WHY = pl.Struct(
    {
        "delta_kwh": pl.Float64, "basis": pl.String, "start": pl.Date, "end": pl.Date, "reference_start": pl.Date,
        "reference_end": pl.Date,
        "parts": pl.List(pl.Struct({"part": pl.String, "kwh": pl.Float64, "sd_kwh": pl.Float64})),
    }
)  # fmt: skip
"""The column `why` of cases: what is held against what, by how much they differ, and the parts that add up to it."""

HOUR_PARTS = ("base", "night", "day")
"""How the home's own change is split where there are curves; these three add up to `own`."""

OUTER = tuple(PARTS.index(name) for name in ("weather", "cohort", "calendar"))
"""Parts that change how much is expected of a day, whoever lives there."""

SEED = 20
CASES_AT_ONCE = 1000
DECIMALS = 6

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def with_why(
    cases: pl.DataFrame, source: Source, medians: Floats, weather: pl.DataFrame, rulebook: Rulebook
) -> pl.DataFrame:
    """The cases with a column `why` (WHY): the difference of every open jump of one account, taken apart.

    The account's metering point is that of the case's meter. Null where there is too little to compare.
    """
    meters = source.fleet.installations.select("meter_id", "position")
    jumps = (
        cases.filter(pl.col("status") == "open", pl.col("family") == "jump", pl.col("related_account_id").is_null())
        .select("case_id", "meter_id", "start", "end")
        .drop_nulls()
        .join(meters.unique("meter_id", keep="first", maintain_order=True), on="meter_id", how="inner")
        .sort("position", "case_id")
    )
    told = [pl.DataFrame(schema={"case_id": pl.String, "why": WHY})]
    for some in jumps.iter_slices(CASES_AT_ONCE):
        panel = panel_of(source, some["position"].unique().sort().to_numpy())
        told.append(_told(some, panel, cohort_log(panel, medians), _temperatures(weather, panel), rulebook))
    return cases.join(pl.concat(told), on="case_id", how="left", maintain_order="left")


def _temperatures(weather: pl.DataFrame, panel: Panel) -> Floats:
    """`[D]` mean temperature of each day over all stations, NaN where none was reported."""
    daily = weather.group_by("date").agg(pl.col("temperature_c").mean().round(2))
    days = pl.DataFrame({"date": panel.days}).join(daily, on="date", how="left", maintain_order="left")
    return days["temperature_c"].fill_null(np.nan).to_numpy()


def _told(
    cases: pl.DataFrame, panel: Panel, cohort: Floats, temperature_c: Floats, rulebook: Rulebook
) -> pl.DataFrame:
    row = np.searchsorted(panel.positions["position"].to_numpy(), cases["position"].to_numpy())
    start, end = (_day_index(cases[name], panel) for name in ("start", "end"))
    found = compared(
        panel.kwh[row], start, end,
        most_days=int(rulebook.setting("why_most_days")), least_days=int(rulebook.setting("why_least_days")),
        least_share=rulebook.setting("why_least_share"),
    )  # fmt: skip
    keep = np.flatnonzero(found.basis >= 0)
    found = Compared(*(getattr(found, name)[keep] for name in vars(found)))
    row, cases = row[keep], cases[keep]
    if not len(row):
        return pl.DataFrame(schema={"case_id": pl.String, "why": WHY})
    homes = _homes(panel, row, start[keep], cohort[row], temperature_c, rulebook)
    current = _period(panel, row, homes, found.first, found.end)
    reference = _period(panel, row, homes, found.reference_first, found.reference_end)
    delta, parts = decompose(current, reference, homes.response)
    resamples = int(rulebook.setting("why_resamples"))
    spread = uncertainty(current, reference, homes.response, resamples=resamples, seed=SEED)
    hours = _hours(panel, row, found, current, reference, parts)
    return _column(cases, panel, found, delta, np.hstack([parts, hours]), spread)


def _day_index(dates: pl.Series, panel: Panel) -> Integers:
    return np.asarray((dates.to_numpy().astype("datetime64[D]") - panel.days[0]).astype(np.int64))


def _column(
    cases: pl.DataFrame, panel: Panel, found: Compared, delta: Floats, parts: Floats, spread: Floats
) -> pl.DataFrame:
    """One row per case with its `why`; a part that is not known is left out."""
    names = (*PARTS, *HOUR_PARTS)
    case, part = np.nonzero(np.isfinite(parts))
    sd_kwh = np.hstack([spread, np.full((len(spread), len(HOUR_PARTS)), np.nan)])
    listed = pl.DataFrame(
        {
            "row": case, "part": np.array(names, dtype=object)[part],
            "kwh": np.round(parts[case, part], DECIMALS), "sd_kwh": np.round(sd_kwh[case, part], DECIMALS),
        },
        schema_overrides={"part": pl.String},
    ).with_columns(pl.col("sd_kwh").fill_nan(None))  # fmt: skip
    each = listed.group_by("row", maintain_order=True).agg(parts=pl.struct("part", "kwh", "sd_kwh"))
    told = pl.DataFrame(
        {
            "row": np.arange(len(cases)), "delta_kwh": np.round(delta, DECIMALS),
            "basis": [BASES[at] for at in found.basis], "start": panel.dates(found.first),
            "end": panel.dates(found.end), "reference_start": panel.dates(found.reference_first),
            "reference_end": panel.dates(found.reference_end),
        }
    ).join(each, on="row", maintain_order="left")  # fmt: skip
    return cases.select("case_id").with_columns(told.select(why=pl.struct(*WHY.to_schema())).to_series().cast(WHY))


@dataclass(frozen=True, eq=False)
class _Homes:
    """What K homes do by themselves, learned before their change; `[K, D]` but for the response."""

    response: Response
    heating: Floats
    cooling: Floats
    cohort: Floats
    cohort_weather: Floats


def _homes(
    panel: Panel, row: Integers, start: Integers, cohort: Floats, temperature_c: Floats, rulebook: Rulebook
) -> _Homes:
    limits = {
        "least_days": int(rulebook.setting("weather_least_days")),
        "least_degree_days": int(rulebook.setting("weather_least_degree_days")),
        "least_explained": rulebook.setting("weather_least_explained"),
    }
    day = np.arange(panel.shape[1])
    before = np.where(panel.spread[row] | (day >= start[:, None]), np.nan, panel.kwh[row])
    own = weather_response(before, temperature_c, **limits)
    warmth = np.broadcast_to(np.nan_to_num(temperature_c, nan=18.0), before.shape)
    heating = heating_degree_days(warmth, own.heating_point_c)
    cooling = cooling_degree_days(warmth, own.cooling_point_c)
    others = weather_response(cohort, temperature_c, **limits)
    by_weather = others.heating_kwh[:, None] * heating_degree_days(warmth, others.heating_point_c)
    by_weather = by_weather + others.cooling_kwh[:, None] * cooling_degree_days(warmth, others.cooling_point_c)
    # Without a response of its own the home's weather is in what its like do: nothing is taken off there.
    by_weather = np.where((own.heating_kwh + own.cooling_kwh > 0)[:, None], by_weather, 0.0)
    weekday = panel.days.astype("datetime64[D]").astype(np.int64) % 7
    pattern = np.stack([row_median(before[:, weekday == one]) for one in range(7)], axis=1)
    level = row_median(before)
    pattern = np.where(np.isfinite(pattern), pattern, np.nan_to_num(level)[:, None])
    return _Homes(Response(own.heating_kwh, own.cooling_kwh, pattern), heating, cooling, cohort, by_weather)


def _period(panel: Panel, row: Integers, homes: _Homes, first: Integers, end: Integers) -> Period:
    """The days [first, end) of each home, padded to the longest."""
    place = np.arange(int((end - first).max()))
    day = first[:, None] + place
    inside = (day < end[:, None]).astype(np.float64)
    at = np.clip(day, 0, panel.shape[1] - 1)
    each = np.arange(len(row))[:, None]
    weekday = panel.days.astype("datetime64[D]").astype(np.int64) % 7
    kwh = np.where(inside > 0, panel.kwh[row[:, None], at], np.nan)
    return Period(
        inside, kwh, weekday[at], homes.heating[each, at], homes.cooling[each, at], homes.cohort[each, at],
        homes.cohort_weather[each, at], np.full(len(row), np.nan),
    )  # fmt: skip


def _hours(
    panel: Panel, row: Integers, found: Compared, current: Period, reference: Period, parts: Floats
) -> Floats:
    """`[K, 3]` the own change by hours, NaN without curves on both sides."""
    half = (current.inside.sum(axis=1) + reference.inside.sum(axis=1)) / 2
    seen = day_shape(panel, row, found.first, found.end)
    before = day_shape(panel, row, found.reference_first, found.reference_end)
    u_c, u_r = (_mean(one.kwh) for one in (current, reference))
    with np.errstate(invalid="ignore", divide="ignore"):
        grown = u_c / seen.mean_kwh.sum(axis=1)
        stays = (u_r + parts[:, list(OUTER)].sum(axis=1) / half) / before.mean_kwh.sum(axis=1)
        split = own_by_hour(
            half, before.mean_kwh * stays[:, None], seen.mean_kwh * grown[:, None],
            before.smallest_kw * stays, seen.smallest_kw * grown,
        )  # fmt: skip
    return np.where(np.isfinite(split).all(axis=1)[:, None], split, np.nan)


def _mean(kwh: Floats) -> Floats:
    """`[K]` mean of the measured days; a comparison has some on both sides."""
    return np.asarray(np.nan_to_num(kwh).sum(axis=1) / np.maximum(np.isfinite(kwh).sum(axis=1), 1))
