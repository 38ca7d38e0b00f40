"""Sentences with facts in them. The ending of a fact's name decides how it is written."""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from anomaly.errors import KwhyError

Text = Mapping[str, str]
Terms = Mapping[str, Mapping[str, Text]]

COMMON_FACTS = (
    "start_day",
    "last_day",
    "span_days",
    "stake_kwh",
    "meter_id",
    "related_meter_id",
    "account_id",
    "related_account_id",
)
"""Facts every finding has from its own columns: `last_day` is end - 1, `stake_kwh` is kwh_at_stake."""

TERM_SECTIONS = ("operation", "event", "pattern")
"""Facts of these names hold a key of the wording section of the same name."""

SPAN = "span"
"""A placeholder made of start_day and last_day: one day, or the first to the last."""

_DECIMALS = {"_kwh_per_day": 1, "_kwh": 2, "_kw": 2, "_kva": 1, "_v": 1, "_a": 2, "_c": 1, "_money": 2}
_COUNTS = ("_days", "_hours", "_minutes", "_count", "_intervals", "_reads", "_periods")
_OTHERS = ("_ratio", "_percent", "_multiplier", "_day", "_at", "_id", "_text")
SUFFIXES = (*_DECIMALS, *_COUNTS, *_OTHERS)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def placeholders(template: str) -> dict[str, str]:
    """Fact name → format of the placeholders of a template. Raises ValueError for unbalanced braces."""
    return {name: spec or "" for _, name, spec, _ in string.Formatter().parse(template) if name is not None}


def suffix_of(name: str) -> str | None:
    """The ending that fixes how a fact is written, or None for a name nobody can format."""
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)


def render(
    text: Text,
    facts: Mapping[str, Any],
    lang: str,
    as_of: date,
    terms: Terms | None = None,
    *,
    where: str = "",
) -> str:
    """The text in `lang` (`en`, `zh`) with its facts written for people.

    Dates outside the as-of year carry their year; numbers take their decimals from the ending of the fact's
    name, or from the placeholder (`{x_kwh:0}`); `{n_days:day|days}` adds the noun in its number. `terms`
    holds the sections that `operation`, `event` and `pattern` are looked up in. Raises KwhyError when a
    fact is missing or unusable.
    """
    parts = []
    for literal, name, spec, _ in string.Formatter().parse(text[lang]):
        parts.append(literal)
        if name is None:
            continue
        if name == SPAN:
            parts.append(render(_span_text(facts), facts, lang, as_of, where=where))
            continue
        value = facts.get(name)
        if value is None:
            raise KwhyError(
                f"fact {name} is missing",
                where=where,
                todo="the detector must supply every fact its sentence names",
            )
        try:
            if name in TERM_SECTIONS:
                parts.append(
                    render((terms or {})[name][value], facts, lang, as_of, terms, where=f"{name}.{value}")
                )
            else:
                parts.append(_written(name, value, spec or "", lang, as_of))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise KwhyError(
                f"fact {name} cannot be written: {value!r}",
                where=where,
                todo="supply a value of the fact's unit",
            ) from error
    return "".join(parts)


def _span_text(facts: Mapping[str, Any]) -> Text:
    if facts.get("start_day") == facts.get("last_day"):
        return {"en": "{start_day}", "zh": "{start_day}"}
    return {"en": "{start_day} to {last_day}", "zh": "{start_day}至{last_day}"}


def _written(name: str, value: Any, spec: str, lang: str, as_of: date) -> str:
    suffix = suffix_of(name)
    if suffix is None:
        raise ValueError(f"{name} has no known unit")
    if suffix in _DECIMALS:
        return _number(float(value), int(spec) if spec else _DECIMALS[suffix])
    if suffix in _COUNTS:
        return _counted(float(value), spec, lang)
    return _WRITERS[suffix](value, lang, as_of)


def _number(value: float, decimals: int) -> str:
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    text = f"{abs(value):,.{decimals}f}"
    return f"−{text}" if value < 0 and text.strip("0.,") else text


def _counted(value: float, nouns: str, lang: str) -> str:
    text = _number(value, 0 if abs(value - round(value)) < 0.05 else 1)
    if not nouns or lang == "zh":
        return text
    singular, plural = nouns.split("|")
    return f"{text} {singular if text == '1' else plural}"


def _ratio(value: Any, lang: str, as_of: date) -> str:
    number = float(value)
    return "×" + _number(number, 0 if number >= 10 else 1 if number >= 1 else 2)


def _percent(value: Any, lang: str, as_of: date) -> str:
    text = _number(float(value), 0)
    return f"{text}%" if lang == "zh" else f"{text} %"


def _multiplier(value: Any, lang: str, as_of: date) -> str:
    number = float(value)
    return _number(number, 0) if number == round(number) else f"{number:g}"


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return datetime.fromisoformat(str(value))


def _day(value: Any, lang: str, as_of: date) -> str:
    day = _moment(value)
    elsewhen = day.year != as_of.year
    if lang == "zh":
        return f"{day.year}年{day.month}月{day.day}日" if elsewhen else f"{day.month}月{day.day}日"
    text = f"{day.day} {_MONTHS[day.month - 1]}"
    return f"{text} {day.year}" if elsewhen else text


def _at(value: Any, lang: str, as_of: date) -> str:
    return f"{_day(value, lang, as_of)} {_moment(value):%H:%M}"


def _plain(value: Any, lang: str, as_of: date) -> str:
    return str(value)


_WRITERS: dict[str, Callable[[Any, str, date], str]] = {
    "_ratio": _ratio,
    "_percent": _percent,
    "_multiplier": _multiplier,
    "_day": _day,
    "_at": _at,
    "_id": _plain,
    "_text": _plain,
}
