"""The fixed texts of pages, sheets and tables, from texts.toml, in both languages.

Every entry is a table with exactly `en` and `zh`, both filled and with the same placeholders; the loader
refuses
anything else and names all problems at once.
"""

import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from anomaly.errors import KwhyError
from pipelines.report.formatting import LANGUAGES

TEXTS_PATH = Path(__file__).with_name("texts.toml")


class TextsError(KwhyError):
    """texts.toml has entries that are not the same in both languages."""


@dataclass(frozen=True)
class PageTexts:
    """Texts of one language by dotted key: `texts("evidence.as_of", day="12 Mar")`."""

    lang: str
    entries: Mapping[str, str]

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key with its placeholders filled. Raises KeyError for an unknown key: a bug."""
        return self.entries[key].format(**values)

    def optional(self, key: str) -> str | None:
        """The text of a key that depends on what a scan wrote, or None."""
        return self.entries.get(key)


@cache
def page_texts(lang: str) -> PageTexts:
    """Texts of the package in `en` or `zh`. Raises KwhyError for another language."""
    if lang not in LANGUAGES:
        raise KwhyError(
            f"there are no texts in {lang!r}", where="--lang", todo=f"use {' or '.join(LANGUAGES)}"
        )
    entries = load_texts(TEXTS_PATH)
    return PageTexts(lang, MappingProxyType({key: both[lang] for key, both in entries.items()}))


def load_texts(path: Path) -> dict[str, dict[str, str]]:
    """All entries of a texts file by dotted key. Raises TextsError with every problem found."""
    entries = dict(_entries(tomllib.loads(path.read_text(encoding="utf-8")), ""))
    problems = [f"{key}: {problem}" for key, both in entries.items() for problem in _problems(both)]
    if problems:
        raise TextsError(
            "; ".join(problems), where=str(path), todo="give each entry en and zh, equally filled"
        )
    return entries


def placeholders(text: str) -> set[str]:
    """Names in braces of a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _entries(table: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, entry in table.items():
        key = f"{prefix}{name}"
        if isinstance(entry, dict) and not set(entry) & set(LANGUAGES):
            yield from _entries(entry, f"{key}.")
        else:
            yield key, entry


def _problems(both: Any) -> Iterator[str]:
    if not isinstance(both, dict) or set(both) != set(LANGUAGES):
        yield f"needs exactly {' and '.join(LANGUAGES)}"
        return
    empty = [lang for lang in LANGUAGES if not isinstance(both[lang], str) or not both[lang].strip()]
    if empty:
        yield f"{' and '.join(empty)} empty"
    elif placeholders(both["en"]) != placeholders(both["zh"]):
        yield "the placeholders differ between en and zh"
