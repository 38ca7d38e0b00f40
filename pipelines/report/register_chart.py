"""Chart of register reads around a moment: the line as read, and where a corrected read would lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup

from pipelines.report import chart
from pipelines.report.chart import Caption
from pipelines.report.edition import Edition
from pipelines.report.scale import Scale, finite

MARGIN = 0.12
MARKS_SHOWN = 60
BEST_QUALITIES = ("valid", "edited", "derived")


@dataclass(frozen=True)
class RegisterPoint:
    """One register read as it stands in the book; `corrected_kwh` is what the register more likely showed."""

    at: datetime
    register_kwh: float
    quality: str = "valid"
    meter_id: str = ""
    flagged: bool = False
    corrected_kwh: float | None = None


def register_chart(points: Sequence[RegisterPoint], caption: Caption, edition: Edition) -> Markup:
    """Draw reads in order of time; reads of two meters are not joined."""
    shown = [point for point in points if finite([point.register_kwh])]
    if not shown:
        return chart.draw("nothing.svg.j2", caption, text=edition.t("chart.nothing"))
    x, y = _scales(shown)
    first = shown[0].at
    dots = [_dot(point, x.at(_days(point.at - first)), y, edition) for point in shown]
    candidates = _candidates(shown, dots, y, edition)
    kinds = [
        ("line", len(shown) > 1),
        ("estimate", any(dot["kind"] == "estimate" for dot in dots)),
        ("flagged", any(point.flagged for point in shown)),
        ("candidate", bool(candidates)),
    ]
    return chart.draw(
        "register.svg.j2",
        caption,
        legend=chart.legend((kind, edition.t(f"chart.legend_{kind}")) for kind, there in kinds if there),
        axis_title=edition.t("chart.register_kwh"),
        y_marks=chart.value_axis(y, edition.f),
        x_marks=_day_marks(shown, x, edition),
        lines=_lines(shown, dots),
        dots=dots,
        candidates=candidates,
    )


def _scales(points: Sequence[RegisterPoint]) -> tuple[Scale, Scale]:
    values = finite([value for point in points for value in (point.register_kwh, point.corrected_kwh)])
    low, high = min(values), max(values)
    margin = (high - low) * MARGIN or 1.0
    span = _days(points[-1].at - points[0].at) or 1.0
    return (
        Scale(-0.02 * span, span * 1.04, chart.LEFT + 14, chart.RIGHT),
        Scale(low - margin, high + margin, chart.BOTTOM, chart.TOP),
    )


def _days(span: timedelta) -> float:
    return span.total_seconds() / 86400


def _dot(point: RegisterPoint, x: float, y: Scale, edition: Edition) -> dict[str, Any]:
    label = edition.f.register(point.register_kwh)
    best = point.quality in BEST_QUALITIES
    return {
        "x": x,
        "y": y.at(point.register_kwh),
        "kind": "flagged" if point.flagged else "dot" if best else "estimate",
        "label": label if point.flagged else "",
        "at_end": x + chart.text_width(label) + 12 > chart.RIGHT,
        "tip": f"{edition.f.moment(point.at)}: {label} kWh, {edition.quality(point.quality)}",
    }


def _lines(points: Sequence[RegisterPoint], dots: list[dict[str, Any]]) -> list[str]:
    starts = [
        index
        for index, point in enumerate(points)
        if index == 0 or point.meter_id != points[index - 1].meter_id
    ]
    spans = zip(starts, [*starts[1:], len(points)], strict=True)
    return [
        " ".join(f"{dot['x']},{dot['y']}" for dot in dots[start:end])
        for start, end in spans
        if end - start > 1
    ]


def _candidates(
    points: Sequence[RegisterPoint], dots: list[dict[str, Any]], y: Scale, edition: Edition
) -> list[dict[str, Any]]:
    """The corrected read, joined to its neighbours, with its value."""
    found = []
    for index, point in enumerate(points):
        if point.corrected_kwh is None or not finite([point.corrected_kwh]):
            continue
        x, at_y = dots[index]["x"], y.at(point.corrected_kwh)
        joined = [(dot["x"], dot["y"]) for dot in dots[max(0, index - 1) : index]]
        joined += [(x, at_y)] + [(dot["x"], dot["y"]) for dot in dots[index + 1 : index + 2]]
        found.append(
            {
                "x": x,
                "y": at_y,
                "line": " ".join(f"{px},{py}" for px, py in joined),
                "label": edition.f.register(point.corrected_kwh),
                "at_end": dots[index]["at_end"],
                "below": at_y > dots[index]["y"],
            }
        )
    return found


def _day_marks(points: Sequence[RegisterPoint], x: Scale, edition: Edition) -> list[tuple[float, str]]:
    first, last = points[0].at, points[-1].at
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (last - midnight).days
    every = max(1, days // MARKS_SHOWN)
    marks = [midnight + timedelta(days=offset) for offset in range(0, days + 1, every)]
    return chart.spaced(
        [(x.at(_days(day - first)), edition.f.day(day.date()), index) for index, day in enumerate(marks)]
    )
