"""Chart of two meters back to back: one account's kWh per day above the line, the other's below it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup

from pipelines.report import chart
from pipelines.report.chart import Caption
from pipelines.report.edition import Edition
from pipelines.report.formatting import MINUS
from pipelines.report.scale import Scale, bounds, finite

BAR_SHARE = 0.82
LABEL_INSET = 6


@dataclass(frozen=True)
class MirrorDay:
    """One day of two meters; None where nothing is known."""

    on: date
    up_kwh: float | None
    down_kwh: float | None


@dataclass(frozen=True)
class Exchange:
    """From which day on the meters are exchanged, and how far off that may be (last day included).

    None where no day is known: then they are exchanged all the time shown.
    """

    on: date
    earliest: date
    latest: date


def mirror_chart(
    days: Sequence[MirrorDay], names: tuple[str, str], exchange: Exchange | None, caption: Caption, edition: Edition
) -> Markup:
    """Draw days in order (one per date). The colour follows the home, the side follows the meter.

    Single bars far beyond the others end at the edge: the table and the chart of each account hold their values.
    """
    values = [value for day in days for value in (day.up_kwh, day.down_kwh)]
    if not finite(values):
        return chart.draw("nothing.svg.j2", caption, text=edition.t("chart.nothing"))
    low, high = bounds(values)
    high = max(high, -low)
    y = Scale(-high, high, chart.BOTTOM, chart.TOP)
    x = Scale(0.0, float(len(days)), chart.LEFT, chart.RIGHT)
    first = days[0].on
    parts = {
        "bars": _bars(days, x, y, exchange),
        "gaps": [*_gaps([day.up_kwh for day in days], x, y.at(0.0), chart.TOP, edition),
                 *_gaps([day.down_kwh for day in days], x, y.at(0.0), chart.BOTTOM, edition)],
        "changes": [x.at((exchange.on - first).days)] if exchange else [],
        "doubts": _doubts(exchange, first, x),
    }  # fmt: skip
    return chart.draw(
        "mirror.svg.j2",
        caption,
        legend=chart.legend(_legend(parts, names, edition)),
        axis_title=edition.t("chart.kwh_per_day"),
        y_marks=[(at, label.lstrip(MINUS)) for at, label in chart.value_axis(y, edition.f)],
        x_marks=chart.date_marks(first, days[-1].on, x, edition.f),
        zero=y.at(0.0),
        names=[edition.t("pair.meter_of", account=name) for name in names],
        inset=LABEL_INSET,
        **parts,
    )


def _bars(days: Sequence[MirrorDay], x: Scale, y: Scale, exchange: Exchange | None) -> dict[str, str]:
    """One path per home: `read` for the home above before the exchange, `other` for the other one."""
    width = round(BAR_SHARE * (x.at(1.0) - x.at(0.0)), 1)
    zero = y.at(0.0)
    paths: dict[str, list[str]] = {"read": [], "other": []}
    for index, day in enumerate(days):
        exchanged = exchange is None or day.on >= exchange.on
        for kwh, sign, home in ((day.up_kwh, 1.0, "read"), (day.down_kwh, -1.0, "other")):
            if finite([kwh]):
                side = {"read": "other", "other": "read"}[home] if exchanged else home
                paths[side].append(f"M{x.at(index)} {zero}V{y.at(sign * (kwh or 0.0))}h{width}V{zero}z")
    return {name: "".join(steps) for name, steps in paths.items()}


def _gaps(
    values: Sequence[float | None], x: Scale, zero: float, edge: float, edition: Edition
) -> list[dict[str, Any]]:
    """Days without energy, on one side of the line."""
    spans = chart.runs([not finite([value]) for value in values])
    top, height = min(zero, edge), round(abs(zero - edge), 1)
    tip = edition.t("chart.missing")
    return [
        {"x": x.at(start), "y": top, "width": round(x.at(end) - x.at(start), 1), "height": height, "tip": tip}
        for start, end in spans
    ]


def _doubts(exchange: Exchange | None, first: date, x: Scale) -> list[dict[str, float]]:
    """The days on which the exchange may have happened, where it is more than one."""
    if exchange is None or exchange.earliest >= exchange.latest:
        return []
    start, stop = x.at((exchange.earliest - first).days), x.at((exchange.latest - first).days + 1)
    return [{"x": start, "width": round(stop - start, 1)}]


def _legend(parts: dict[str, Any], names: tuple[str, str], edition: Edition) -> list[tuple[str, str]]:
    t = edition.t
    entries = [
        ("read", t("pair.legend_read", account=names[0]), parts["bars"]["read"]),
        ("other", t("pair.legend_other", account=names[1]), parts["bars"]["other"]),
        ("change", t("pair.legend_change"), parts["changes"]),
        ("band", t("pair.legend_band"), parts["doubts"]),
        ("gap", t("pair.legend_gap"), parts["gaps"]),
    ]
    return [(kind, text) for kind, text, there in entries if there]
