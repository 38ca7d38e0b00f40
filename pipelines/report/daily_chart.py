"""Chart of kWh per day: bars, missing and spread days, the expected band, flagged days, meter changes."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean
from typing import Any

from markupsafe import Markup

from pipelines.report import chart
from pipelines.report.chart import Caption
from pipelines.report.edition import Edition
from pipelines.report.scale import Scale, bounds, finite

BARS_SHOWN = 420
"""More days than this are averaged into equal groups: thinner bars could not be told apart."""
MARKED_ONE_BY_ONE = 3
LABEL_CLEARANCE = 14
THIN_BAR_PX = 5.0


@dataclass(frozen=True)
class Day:
    """One day of a position; `kwh` is None when nothing is known of it."""

    on: date
    kwh: float | None
    spread: bool = False
    low_kwh: float | None = None
    expected_kwh: float | None = None
    high_kwh: float | None = None
    flagged: bool = False
    days: int = 1


@dataclass(frozen=True)
class _Axes:
    x: Scale
    y: Scale
    first: date
    step_px: float

    def left(self, day: Day) -> float:
        return self.x.at((day.on - self.first).days)

    def middle(self, day: Day) -> float:
        return round(self.left(day) + self.step_px / 2, 1)


def daily_chart(
    days: Sequence[Day], changed_on: Iterable[date], caption: Caption, edition: Edition
) -> Markup:
    """Draw days in order (one per date, gaps as days without kWh); `changed_on` are dates of a new meter."""
    shown = grouped([_known(day) for day in days])
    if not shown:
        return chart.draw("nothing.svg.j2", caption, text=edition.t("chart.nothing"))
    axes = _axes(shown)
    parts = {
        "axis_title": _axis_title(shown, edition),
        "y_marks": chart.value_axis(axes.y, edition.f),
        "x_marks": chart.date_marks(shown[0].on, shown[-1].on, axes.x, edition.f),
        "zero": axes.y.at(0.0),
        "bands": _bands(shown, axes),
        "bars": _bars(shown, axes, edition),
        "gaps": _gaps(shown, axes, edition),
        "marks": _marks(shown, axes),
        "outlines": _outlines(shown, axes) if axes.step_px < THIN_BAR_PX else [],
        "cuts": _cuts(shown, axes, edition),
        "changes": [
            axes.x.at((on - axes.first).days) for on in changed_on if shown[0].on <= on <= shown[-1].on
        ],
    }
    return chart.draw("daily.svg.j2", caption, legend=_legend(parts, edition), **parts)


def grouped(days: Sequence[Day]) -> list[Day]:
    """Days as they are, or averaged into at most BARS_SHOWN groups of equal length."""
    size = math.ceil(len(days) / BARS_SHOWN)
    return list(days) if size <= 1 else [_mean(days[at : at + size]) for at in range(0, len(days), size)]


def _mean(days: Sequence[Day]) -> Day:
    return Day(
        days[0].on,
        _average([day.kwh for day in days]),
        any(day.spread for day in days),
        _average([day.low_kwh for day in days]),
        _average([day.expected_kwh for day in days]),
        _average([day.high_kwh for day in days]),
        any(day.flagged for day in days),
        len(days),
    )


def _average(values: list[float | None]) -> float | None:
    known = finite(values)
    return fmean(known) if known else None


def _known(day: Day) -> Day:
    numbers = (day.kwh, day.low_kwh, day.expected_kwh, day.high_kwh)
    kwh, low, expected, high = (value if finite([value]) else None for value in numbers)
    return Day(day.on, kwh, day.spread, low, expected, high, day.flagged)


def _axes(days: Sequence[Day]) -> _Axes:
    low, high = bounds([day.kwh for day in days])
    high = max([high, *finite([day.high_kwh for day in days])])
    span = (days[-1].on - days[0].on).days + days[-1].days
    x = Scale(0.0, float(span), chart.LEFT, chart.RIGHT)
    width = days[0].days * (chart.RIGHT - chart.LEFT) / span
    return _Axes(x, Scale(low, high, chart.BOTTOM, chart.TOP), days[0].on, width)


def _axis_title(days: Sequence[Day], edition: Edition) -> str:
    size = days[0].days
    return edition.t("chart.kwh_per_day") if size == 1 else edition.t("chart.kwh_per_day_mean", days=size)


def _bars(days: Sequence[Day], axes: _Axes, edition: Edition) -> dict[str, list[dict[str, Any]]]:
    """Bars by kind: `flagged`, `spread` or `read`."""
    bars: dict[str, list[dict[str, Any]]] = {"read": [], "spread": [], "flagged": []}
    zero = axes.y.at(0.0)
    width = round(max(axes.step_px * 0.82, 0.6), 1)
    for day in days:
        if day.kwh is None:
            continue
        top = axes.y.at(day.kwh)
        bar = {
            "x": axes.left(day),
            "y": min(top, zero),
            "width": width,
            "height": round(abs(zero - top), 1),
            "tip": f"{edition.f.day(day.on)}: {edition.f.kwh(day.kwh)}",
            "spread": day.spread,
        }
        bars["flagged" if day.flagged else "spread" if day.spread else "read"].append(bar)
    return bars


def _outlines(days: Sequence[Day], axes: _Axes) -> list[str]:
    """Outline around each flagged run of bars too thin to be outlined one by one, as SVG paths."""
    paths = []
    zero = axes.y.at(0.0)
    for start, end in chart.runs([day.flagged and day.kwh is not None for day in days]):
        steps = [
            f"V{axes.y.at(day.kwh or 0.0)}H{round(axes.left(day) + axes.step_px, 1)}"
            for day in days[start:end]
        ]
        paths.append(f"M{axes.left(days[start])} {zero}{''.join(steps)}V{zero}")
    return paths


def _gaps(days: Sequence[Day], axes: _Axes, edition: Edition) -> list[dict[str, Any]]:
    gaps = []
    for start, end in chart.runs([day.kwh is None for day in days]):
        x = axes.left(days[start])
        width = round(axes.middle(days[end - 1]) + axes.step_px / 2 - x, 1)
        text = edition.t("chart.missing_label")
        label = text if width > chart.text_width(text, 10) + 4 else ""
        last = days[end - 1].on + timedelta(days=days[end - 1].days)
        tip = f"{edition.f.span(days[start].on, last)}: {edition.t('chart.missing')}"
        gaps.append({"x": x, "width": width, "label": label, "tip": tip, "middle": round(x + width / 2, 1)})
    return gaps


def _bands(days: Sequence[Day], axes: _Axes) -> list[dict[str, str]]:
    """Expected band and line of each run of days that have one, as SVG point lists."""
    bands = []
    for start, end in chart.runs([None not in (day.low_kwh, day.expected_kwh, day.high_kwh) for day in days]):
        run = days[start:end]
        low = [f"{axes.middle(day)},{axes.y.at(day.low_kwh or 0.0)}" for day in run]
        high = [f"{axes.middle(day)},{axes.y.at(day.high_kwh or 0.0)}" for day in run]
        line = [f"{axes.middle(day)},{axes.y.at(day.expected_kwh or 0.0)}" for day in run]
        bands.append({"area": " ".join([*low, *reversed(high)]), "line": " ".join(line)})
    return bands


def _marks(days: Sequence[Day], axes: _Axes) -> dict[str, list[dict[str, float]]]:
    """A triangle over each flagged day; over a longer run a bracket with one triangle at its beginning."""
    triangles, brackets = [], []
    for start, end in chart.runs([day.flagged for day in days]):
        run = days[start:end]
        each = run if len(run) <= MARKED_ONE_BY_ONE else run[:1]
        triangles += [{"x": axes.middle(day), "y": _above(day, axes)} for day in each]
        if len(run) > MARKED_ONE_BY_ONE:
            top = min(_above(day, axes) for day in run)
            triangles[-1]["y"] = top
            stop = round(axes.left(run[-1]) + axes.step_px, 1)
            brackets.append({"x": axes.middle(run[0]), "y": top - 5, "stop": stop})
    return {"triangles": triangles, "brackets": brackets}


def _above(day: Day, axes: _Axes) -> float:
    return round(axes.y.at(max(day.kwh or 0.0, 0.0)) - 4, 1)


def _cuts(days: Sequence[Day], axes: _Axes, edition: Edition) -> list[dict[str, Any]]:
    """Bars that leave the axis, with their value written; labels that would touch are left to the table."""
    cuts: list[dict[str, Any]] = []
    free_from = {True: float("-inf"), False: float("-inf")}
    for day in days:
        if day.kwh is None or axes.y.low <= day.kwh <= axes.y.high:
            continue
        x, y, up = axes.middle(day), axes.y.at(day.kwh), day.kwh > 0
        text = edition.f.kwh(day.kwh)
        width = chart.text_width(text) + LABEL_CLEARANCE
        at_end = x + width > chart.RIGHT
        fits = (x - width if at_end else x) >= free_from[up]
        free_from[up] = x + (0.0 if at_end else width) if fits else free_from[up]
        cuts.append({"x": x, "y": y + (9 if up else -9), "label": text if fits else "", "at_end": at_end})
    return cuts


def _legend(parts: dict[str, Any], edition: Edition) -> list[tuple[float, str, str]]:
    bars = parts["bars"]
    present = {
        "read": bars["read"],
        "spread": bars["spread"] or any(bar["spread"] for bar in bars["flagged"]),
        "gap": parts["gaps"],
        "flagged": bars["flagged"] or parts["marks"]["triangles"],
        "band": parts["bands"],
        "change": parts["changes"],
    }
    return chart.legend((kind, edition.t(f"chart.legend_{kind}")) for kind, there in present.items() if there)
