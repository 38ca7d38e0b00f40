"""The words of the command line, in both languages, from texts.toml."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import MappingProxyType

from anomaly.errors import KwhyError
from pipelines.report.texts import PageTexts, load_texts

TEXTS_PATH = Path(__file__).with_name("texts.toml")


@cache
def words(lang: str) -> PageTexts:
    """Texts of the command line in `en` or `zh`."""
    entries = load_texts(TEXTS_PATH)
    return PageTexts(lang, MappingProxyType({key: both[lang] for key, both in entries.items()}))


def error_lines(error: KwhyError, lang: str) -> list[str]:
    """An error in three lines: what is wrong, where, what to do. Lines that say nothing are left out."""
    t = words(lang)
    named = [(t("error.where"), error.where), (t("error.todo"), error.todo)]
    colon = "：" if lang == "zh" else ": "
    return [f"kwhy: {error.what}", *(f"  {name}{colon}{text}" for name, text in named if text)]
