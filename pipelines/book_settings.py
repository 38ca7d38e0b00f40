"""`book.toml`: what a book says about itself. Optional; every key is optional; a key nobody knows is
refused."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo

from anomaly.errors import BookError

SETTINGS_FILE = "book.toml"


@dataclass(frozen=True)
class BookSettings:
    """Country and region choose the holiday calendar; `time_zone` (IANA name) is the utility's wall time."""

    country: str | None = None
    region: str | None = None
    currency: str | None = None
    time_zone: str | None = None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` for the nearest known name, else an empty text."""
    nearest = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean '{nearest[0]}'?)" if nearest else ""


def read_settings(book: Path) -> BookSettings:
    """Read `book.toml`. Raises BookError on a file that is not TOML, unknown keys, non-text or an unknown
    zone."""
    path = book / SETTINGS_FILE
    if not path.is_file():
        return BookSettings()
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise BookError(
            f"not a TOML file: {fault}", where=str(path), todo="correct the file or remove it"
        ) from fault
    known = [field.name for field in fields(BookSettings)]
    problems = [f"unknown key '{key}'{did_you_mean(key, known)}" for key in entries if key not in known]
    problems += [
        f"'{key}' must be text in quotes, not {type(entry).__name__}"
        for key, entry in entries.items()
        if key in known and not isinstance(entry, str)
    ]
    zone = entries.get("time_zone")
    if isinstance(zone, str) and not _is_zone(zone):
        problems.append(f"time_zone '{zone}' is not known; write an IANA name such as 'Asia/Shanghai'")
    if problems:
        raise BookError("; ".join(problems), where=str(path), todo=f"known keys: {', '.join(known)}")
    return BookSettings(**entries)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
