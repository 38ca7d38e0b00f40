"""Loading the rulebook: the standard, then overlays; accepted whole, or refused with all its problems."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from anomaly.errors import RulebookError
from rules import entries
from rules.agreement import Registry, check_agreement
from rules.model import Rulebook
from rules.reading import Entry, Problems, suggestion
from rules.wording import TERM_SECTIONS

STANDARD = Path(__file__).with_name("standard")
STANDARD_FILES = (
    "detectors.toml",
    "causes.toml",
    "checks.toml",
    "suppressors.toml",
    "wording.toml",
    "settings.toml",
)
WORDING_SECTIONS = ("headline", *TERM_SECTIONS, "unit", "evidence", "reason", "cycle")
SECTIONS = ("detector", "cause", "check", "suppressor", "setting", *WORDING_SECTIONS)

# What an overlay may say although the standard does not: the parts of an entry that may be absent.
_OPTIONAL_KEYS = {
    "detector": ("london_flags_per_1000", "causes", "requires"),
    "check": ("safety", "tools"),
}

Kind = TypeVar("Kind")


def load(*overlays: Path, registry: Registry | None = None) -> Rulebook:
    """The standard rulebook with the differences of the overlays, in that order; the later one wins.

    `registry` maps each detector code to the names of its parameters; with it, codes and limits must match
    exactly. Raises RulebookError with every problem of every file, each as `file: table.key: problem`.
    """
    problems = Problems()
    merged: dict[str, Any] = {}
    for name in STANDARD_FILES:
        _adopt(merged, _read(STANDARD / name, problems), name, problems)
    for overlay in overlays:
        _overlay(merged, _read(overlay, problems), (), overlay.name, problems)
    version = _version(merged, overlays)
    rulebook = _build(merged, version, problems)
    check_agreement(rulebook, registry, problems)
    if problems.found:
        listed = "\n  ".join(sorted(set(problems.found)))
        count = len(set(problems.found))
        raise RulebookError(
            f"the rulebook has {count} problem{'s' if count > 1 else ''}:\n  {listed}",
            todo="correct the files named above; nothing was loaded",
        )
    return rulebook


def _read(path: Path, problems: Problems) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problems.found.append(f"{path.name}: cannot be read: {error.strerror or error}")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.found.append(f"{path.name}: is not valid TOML: {error}")
    return {}


def _adopt(merged: dict[str, Any], content: dict[str, Any], file: str, problems: Problems) -> None:
    """Take over one file of the standard; its sections belong to no other file."""
    for section, tables in content.items():
        problems.files[(section,)] = file
        if section not in SECTIONS or not isinstance(tables, dict):
            problems.add((section,), f"unknown section{suggestion(section, SECTIONS)}")
            continue
        merged[section] = tables


def _overlay(
    base: dict[str, Any], changes: Mapping[str, Any], path: tuple[str, ...], file: str, problems: Problems
) -> None:
    """Lay changes over the base in place: the same keys with other values, nothing new."""
    for key, value in changes.items():
        here = (*path, key)
        standard = base.get(key)
        if isinstance(standard, dict) and isinstance(value, dict):
            _overlay(standard, value, here, file, problems)
            continue
        problems.files[here] = file
        if standard is None and not _may_be_new(here):
            problems.add(
                here, f"unknown key{suggestion(key, base)}: an overlay changes what the standard has"
            )
        elif isinstance(standard, dict):
            problems.add(here, "must be a table")
        elif isinstance(standard, list) != isinstance(value, list) and standard is not None:
            problems.add(here, "must be a list" if isinstance(standard, list) else "must not be a list")
        else:
            base[key] = value


def _may_be_new(path: tuple[str, ...]) -> bool:
    return len(path) > 2 and path[2] in _OPTIONAL_KEYS.get(path[0], ())


def _version(merged: Mapping[str, Any], overlays: tuple[Path, ...]) -> str:
    content = json.dumps(merged, sort_keys=True, ensure_ascii=False, default=str)
    names = "+".join(("standard", *(overlay.stem for overlay in overlays)))
    return f"{names}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def _build(merged: Mapping[str, Any], version: str, problems: Problems) -> Rulebook:
    def section(name: str, read: Callable[[Entry], Kind]) -> Mapping[str, Kind]:
        tables = merged.get(name, {})
        return MappingProxyType({key: read(Entry(tables[key], (name, key), problems)) for key in tables})

    return Rulebook(
        version=version,
        detectors=section("detector", entries.detector_rule),
        causes=section("cause", entries.cause_rule),
        checks=section("check", entries.check_rule),
        suppressors=section("suppressor", entries.suppressor_rule),
        wording=MappingProxyType({name: section(name, entries.sentence) for name in WORDING_SECTIONS}),
        settings=section("setting", Entry.limit),
    )
