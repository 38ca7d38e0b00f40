"""Chart of the day's shape: average load by time of day, before and after a change, on one scale."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipelines.report import chart
from pipelines.report.chart import Caption
from pipelines.report.edition import Edition
from pipelines.report.scale import Scale, bounds, finite

HOURS = range(0, 25, 3)


@dataclass(frozen=True)
class Profile:
    """Average load per interval of the day, in kW; None where no day had the interval."""

    minutes: int
    load_kw: Sequence[float | None]
    days: int


def profile_chart(
    before: Profile | None, after: Profile | None, caption: Caption, edition: Edition
) -> Markup:
    """Draw one or both profiles as step lines over 24 hours."""
    known = {
        kind: profile
        for kind, profile in (("before", before), ("line", after))
        if profile and finite(profile.load_kw)
    }
    if not known:
        return chart.draw("nothing.svg.j2", caption, text=edition.t("chart.nothing"))
    low, high = bounds([value for profile in known.values() for value in profile.load_kw])
    y = Scale(low, high, chart.BOTTOM, chart.TOP)
    x = Scale(0.0, 24.0, chart.LEFT, chart.RIGHT - 14)
    names = {"before": "chart.legend_before", "line": "chart.legend_after"}
    return chart.draw(
        "profile.svg.j2",
        caption,
        legend=chart.legend(
            (kind, edition.t(names[kind], days=profile.days)) for kind, profile in known.items()
        ),
        axis_title=edition.t("chart.load_kw"),
        y_marks=chart.value_axis(y, edition.f),
        x_marks=[(x.at(hour) - 14, f"{hour:02d}:00") for hour in HOURS],
        zero=y.at(0.0),
        lines=[(kind, _steps(profile, x, y)) for kind, profile in known.items()],
    )


def _steps(profile: Profile, x: Scale, y: Scale) -> str:
    """Path of a step line, broken where an interval is unknown."""
    path = []
    hours = profile.minutes / 60
    for start, end in chart.runs([bool(finite([value])) for value in profile.load_kw]):
        path.append(f"M{x.at(start * hours)} {y.at(profile.load_kw[start] or 0.0)}")
        for index in range(start, end):
            path.append(f"V{y.at(profile.load_kw[index] or 0.0)}H{x.at((index + 1) * hours)}")
    return "".join(path)
