"""How numbers, dates and spans are written for people, one place per language.

Spans come in half-open and are written with their last day included, because that is how people say them.
"""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

LANGUAGES = ("en", "zh")
MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NOTHING = "–"
MINUS = "−"


@dataclass(frozen=True)
class Formats:
    """Formats of one language; dates outside the as-of year carry their year."""

    lang: str
    as_of: date

    def number(self, value: float | None, decimals: int = 0) -> str:
        """`1,234.50`; a real minus sign; a dash for null, NaN and infinity."""
        if value is None or not math.isfinite(value):
            return NOTHING
        text = f"{abs(value):,.{decimals}f}"
        negative = value < 0 and any(digit in "123456789" for digit in text)
        return MINUS + text if negative else text

    def register(self, value: float | None, decimals: int = 2) -> str:
        """A register as its dial shows it: `4,512.30`."""
        return self.number(value, decimals)

    def kwh(self, value: float | None) -> str:
        """Energy with its unit: two decimals below 10 kWh, one below 100, none above."""
        if value is None or not math.isfinite(value):
            return NOTHING
        return f"{self.number(value, _decimals(value))} kWh"

    def measure(self, value: float | None, unit: str) -> str:
        """A finding's value in the unit of its detector; `ratio` is a factor, `1` has no unit."""
        if value is None or not math.isfinite(value):
            return NOTHING
        if unit == "ratio":
            return f"×{self.number(value, 2)}"
        text = self.number(value, 0 if value == round(value) and unit in WHOLE_UNITS else _decimals(value))
        return text if unit == "1" else f"{text} {UNIT_NAMES[self.lang].get(unit, unit)}"

    def percent(self, share: float | None) -> str:
        """A share between 0 and 1 as whole percent; never rounded to certainty."""
        if share is None or not math.isfinite(share):
            return NOTHING
        sign = "%" if self.lang == "zh" else " %"
        if 0.99 < share < 1.0:
            return f"> 99{sign}"
        return f"< 1{sign}" if 0.0 < share < 0.01 else f"{share * 100:.0f}{sign}"

    def day(self, value: date | None, *, year: bool | None = None) -> str:
        """`12 Mar`, `3月12日`; with the year when it is not the as-of year, or when asked."""
        if value is None:
            return NOTHING
        with_year = value.year != self.as_of.year if year is None else year
        if self.lang == "zh":
            return (
                f"{value.year}年{value.month}月{value.day}日"
                if with_year
                else f"{value.month}月{value.day}日"
            )
        text = f"{value.day} {MONTHS_EN[value.month - 1]}"
        return f"{text} {value.year}" if with_year else text

    def month(self, value: date, *, year: bool = False) -> str:
        """`Mar`, `3月`; with the year for the first month of one."""
        if self.lang == "zh":
            return f"{value.year}年{value.month}月" if year else f"{value.month}月"
        return f"{MONTHS_EN[value.month - 1]} {value.year}" if year else MONTHS_EN[value.month - 1]

    def moment(self, value: datetime | None) -> str:
        """A read or due time: day and clock; midnight is written too, because 00:00 is what a freeze is."""
        if value is None:
            return NOTHING
        return f"{self.day(value.date())} {value:%H:%M}"

    def span(self, start: date | None, end: date | None) -> str:
        """Half-open `[start, end)` as people say it: first to last day."""
        if start is None:
            return NOTHING
        last = start if end is None else max(start, end - timedelta(days=1))
        return self.day(start) if last == start else f"{self.day(start)} – {self.day(last)}"

    def cell(self, value: Any) -> str:
        """Whatever a table holds, as text: identifiers untouched, dates and numbers formatted."""
        if isinstance(value, datetime):
            return self.moment(value)
        if isinstance(value, date):
            return self.day(value)
        if isinstance(value, float):
            return self.number(value, _decimals(value))
        return NOTHING if value is None else str(value)


WHOLE_UNITS = frozenset({"d", "h", "reads", "kWh", "kW"})
UNIT_NAMES = {
    "en": {"d": "days", "h": "hours", "kWh/d": "kWh/day"},
    "zh": {"d": "天", "h": "小时", "reads": "次", "kWh/d": "kWh/天"},
}


def _decimals(value: float) -> int:
    size = abs(value)
    return 2 if size < 10 else 1 if size < 100 else 0
