"""Reading one entry strictly: every wrong, missing or unknown key is noted, none stops the reading."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from rules.model import LANGUAGES, Limit, LimitValue
from rules.wording import Text

Path = tuple[str, ...]


def suggestion(word: str, known: Iterable[str]) -> str:
    """` (did you mean …?)` for a misspelt word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


@dataclass
class Problems:
    """All problems so far, each as `file: table.key: problem`. `files` says which file a path came from."""

    files: dict[Path, str] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)

    def add(self, path: Path, problem: str) -> None:
        """Note a problem at a path of the merged rulebook."""
        self.found.append(f"{self._file(path)}: {'.'.join(path)}: {problem}")

    def _file(self, path: Path) -> str:
        for length in range(len(path), 0, -1):
            if path[:length] in self.files:
                return self.files[path[:length]]
        return "rulebook"


class Entry:
    """One table of the rulebook. Each reader takes its key; `finish` reports the keys nobody took."""

    def __init__(self, content: Any, path: Path, problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self.content: Mapping[str, Any] = content if isinstance(content, dict) else {}
        self.taken: set[str] = set()
        if not isinstance(content, dict):
            problems.add(path, "must be a table")

    @property
    def name(self) -> str:
        """The last part of the path: the code, cause or check."""
        return self.path[-1]

    def problem(self, key: str, problem: str) -> None:
        """Note a problem at a key of this entry."""
        self.problems.add((*self.path, key), problem)

    def word(self, key: str, allowed: Iterable[str] = ()) -> str:
        """A non-empty word, one of `allowed` where given."""
        value = self._take(key, str, "a text")
        if value is None:
            return ""
        choices = list(allowed)
        if not value.strip():
            self.problem(key, "is empty")
        elif choices and value not in choices:
            self.problem(key, f"{value!r} is not one of {', '.join(choices)}{suggestion(value, choices)}")
        return str(value)

    def words(self, key: str, *, optional: bool = False) -> tuple[str, ...]:
        """A list of different words; empty when optional and absent."""
        value = self._take(key, list, "a list of texts", optional=optional)
        if value is None:
            return ()
        if not all(isinstance(item, str) for item in value):
            self.problem(key, "must be a list of texts")
            return ()
        if len(set(value)) < len(value):
            self.problem(key, "names something twice")
        return tuple(value)

    def flag(self, key: str, *, optional: bool = False) -> bool:
        """true or false; false when optional and absent."""
        return bool(self._take(key, bool, "true or false", optional=optional))

    def number(self, key: str, low: float, high: float) -> float:
        """A number in [low, high]."""
        value = self._take(key, float, "a number")
        if value is None:
            return low
        if not low <= value <= high:
            self.problem(key, f"{value} is not between {low:g} and {high:g}")
        return float(value)

    def text(self, key: str) -> Text:
        """A text in both languages."""
        return self.entry(key).languages()

    def optional_text(self, key: str) -> Text | None:
        """A text in both languages, or None when absent."""
        return self.text(key) if key in self.content else None

    def languages(self) -> Text:
        """This entry as a text: `en` and `zh`, both filled, the second in Chinese."""
        both = {lang: self.word(lang) for lang in LANGUAGES}
        self.finish()
        if both["zh"] and not any("\u4e00" <= character <= "\u9fff" for character in both["zh"]):
            self.problem("zh", "is not Chinese")
        return MappingProxyType(both)

    def limits(self, key: str) -> Mapping[str, Limit]:
        """A table of limits, each `{ value, unit, source }`; empty when absent."""
        self.taken.add(key)
        tables = Entry(self.content.get(key, {}), (*self.path, key), self.problems)
        return MappingProxyType({name: tables.entry(name).limit() for name in tables.content})

    def limit(self) -> Limit:
        """This entry as a limit."""
        limit = Limit(self._limit_value(), self.word("unit"), self.word("source"))
        self.finish()
        return limit

    def entry(self, key: str) -> Entry:
        """The table under a key."""
        self.taken.add(key)
        if key not in self.content:
            self.problem(key, "is missing")
        return Entry(self.content.get(key, {}), (*self.path, key), self.problems)

    def finish(self) -> None:
        """Report keys that no reader took."""
        for key in self.content:
            if key not in self.taken:
                self.problem(key, f"unknown key{suggestion(key, self.taken)}")

    def _limit_value(self) -> LimitValue:
        value = self.content.get("value")
        if isinstance(value, list):
            self.taken.add("value")
            if not value or not all(_is_number(item) for item in value):
                self.problem("value", "must be a number or a list of numbers")
                return ()
            return tuple(float(item) for item in value)
        number = self._take("value", float, "a number or a list of numbers")
        return 0.0 if number is None else number

    def _take(self, key: str, kind: type, expected: str, *, optional: bool = False) -> Any:
        self.taken.add(key)
        if key not in self.content:
            if not optional:
                self.problem(key, "is missing")
            return None
        value = self.content[key]
        fits = _is_number(value) if kind is float else isinstance(value, kind)
        if not fits:
            self.problem(key, f"must be {expected}, not {value!r}")
            return None
        return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")
