"""What the charts share: the frame, the legend, month marks and the Jinja2 environment they are drawn with.

A chart is an SVG with its own `<style>` (literal colours, light and dark), `<title>` and `<desc>`; nothing in
it depends on the page around it, so it can be printed, mailed or put into another page as it stands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines.report.formatting import Formats
from pipelines.report.scale import Scale

WIDTH = 760
HEIGHT = 250
LEFT = 52
RIGHT = 748
TOP = 44
BOTTOM = 214
LEGEND_KEY = 18
LEGEND_GAP = 16
WIDE_CHARACTER = 0x2E80
DAYS_LABELLED = 62
LABEL_GAP = 8
LABEL_STEPS = (1, 2, 3, 4, 6, 12, 24, 60, 120)


@dataclass(frozen=True)
class Caption:
    """Name of a chart in the page (`id`, unique), its title and one sentence of description."""

    id: str
    title: str
    description: str


@cache
def environment() -> Environment:
    """Templates of this package; an undefined name in a template is an error, text is escaped."""
    folder = Path(__file__).with_name("templates")
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def draw(template: str, caption: Caption, **parts: Any) -> Markup:
    """Render a chart template to SVG text."""
    frame = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM}
    return Markup(environment().get_template(template).render(caption=caption, frame=frame, **parts))


def value_axis(scale: Scale, formats: Formats) -> list[tuple[float, str]]:
    """Grid lines of a value axis: pixel and label."""
    ticks = scale.ticks()
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    decimals = next((digits for digits in (0, 1, 2) if round(step, digits) == step), 3)
    return [(scale.at(tick), formats.number(tick, decimals)) for tick in ticks]


def legend(entries: Iterable[tuple[str, str]]) -> list[tuple[float, str, str]]:
    """Place legend entries (kind, text) from the left: x, kind, text."""
    placed, x = [], float(LEFT)
    for kind, text in entries:
        placed.append((round(x, 1), kind, text))
        x += LEGEND_KEY + text_width(text) + LEGEND_GAP
    return placed


def text_width(text: str, size: float = 11.5) -> float:
    """Estimated width of a text in pixels: Chinese characters are square, others about half as wide."""
    wide = sum(ord(character) >= WIDE_CHARACTER for character in text)
    return round(size * (wide + 0.53 * (len(text) - wide)), 4)


def date_marks(first: date, last: date, at: Scale, formats: Formats) -> list[tuple[float, str]]:
    """Marks of a date axis: days over a few weeks, else months; as many labels as do not touch each other."""
    if (last - first).days <= DAYS_LABELLED:
        days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        return spaced(
            [(at.at((day - first).days), formats.day(day), index) for index, day in enumerate(days)]
        )
    starts = list(_month_starts(first, last))
    labels = [formats.month(month, year=index == 0 or month.month == 1) for index, month in enumerate(starts)]
    places = [at.at((month - first).days) for month in starts]
    return spaced([(x, text, month.month - 1) for x, text, month in zip(places, labels, starts, strict=True)])


def spaced(marks: Sequence[tuple[float, str, int]]) -> list[tuple[float, str]]:
    """Marks (pixel, label, number) with every second, third … label only, so that labels keep apart."""
    if len(marks) < 2:
        return [(x, text) for x, text, _ in marks]
    between = (marks[-1][0] - marks[0][0]) / (len(marks) - 1)
    widest = max(text_width(text) for _, text, _ in marks) + LABEL_GAP
    every = next((step for step in LABEL_STEPS if step * between >= widest), LABEL_STEPS[-1])
    return [
        (x, text if number % every == 0 and x + text_width(text) <= RIGHT + LABEL_GAP else "")
        for x, text, number in marks
    ]


def runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """Half-open index spans over which the flags are true."""
    edges = [index for index in range(len(flags) + 1) if _at(flags, index) != _at(flags, index - 1)]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _at(flags: Sequence[bool], index: int) -> bool:
    return 0 <= index < len(flags) and bool(flags[index])


def _month_starts(first: date, last: date) -> Iterable[date]:
    month = first if first.day == 1 else (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    while month <= last:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)
