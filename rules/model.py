"""What the rulebook holds, as frozen dataclasses. Texts are read-only mappings with keys `en` and `zh`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from rules.wording import TERM_SECTIONS, Terms, Text, render

LANGUAGES = ("en", "zh")
LimitValue = int | float | tuple[float, ...]


@dataclass(frozen=True)
class Limit:
    """One number with its unit and the source it was taken from."""

    value: LimitValue
    unit: str
    source: str


@dataclass(frozen=True)
class Requires:
    """What a position must have before a rule may judge it; what it lacks goes to coverage.

    `reads` and `days` are counts, `actual_share` is 0…1, `frequency` is `any`, `daily` or `periodic`.
    """

    tables: tuple[str, ...] = ()
    reads: int = 0
    days: int = 0
    actual_share: float = 0.0
    curve: bool = False
    rates: bool = False
    export: bool = False
    electrical: bool = False
    frequency: str = "any"


@dataclass(frozen=True)
class DetectorRule:
    """One detector's entry. `causes` maps a cause to the likelihood ratio of a finding at its limit.

    `growth` maps some of these causes to the units above the limit over which that ratio grows e-fold.
    A `two_sided` ratio shrinks below the limit as it grows above it, so that findings may speak against a cause.
    A `supporting` finding is evidence in a case that others opened; alone it opens none.
    A `safety` finding speaks of danger: its case comes before all that is ranked by value.
    `london_flags_per_1000` is measured on untouched London accounts over a year; None until measured.
    """

    code: str
    title: Text
    explain: Text
    causes: Mapping[str, float]
    growth: Mapping[str, float]
    requires: Requires
    excludes_days: bool
    supporting: bool
    safety: bool
    two_sided: bool
    london_flags_per_1000: float | None
    limits: Mapping[str, Limit]

    def limit_values(self) -> dict[str, LimitValue]:
        """The keyword arguments of the detector function."""
        return {name: limit.value for name, limit in self.limits.items()}


@dataclass(frozen=True)
class CauseRule:
    """One cause: its prior, what it costs, and the four steps that settle it (`steps[0]` is step 1)."""

    name: str
    title: Text
    explain: Text
    family: str
    prior: float
    settled_at: str
    hold_bill: bool
    recovery: float
    harm: float
    cannot_exclude: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class CheckRule:
    """One check of the field sheet: what to do, what to record in which unit, and when it passes."""

    name: str
    title: Text
    where: str
    do: Text
    record: Text
    unit: str
    passes: Text
    safety: Text | None
    tools: Text | None


@dataclass(frozen=True)
class SuppressorRule:
    """One innocent explanation and its limits."""

    name: str
    title: Text
    explain: Text
    limits: Mapping[str, Limit]

    def limit_values(self) -> dict[str, LimitValue]:
        """The keyword arguments of the suppressor function."""
        return {name: limit.value for name, limit in self.limits.items()}


@dataclass(frozen=True)
class Sentence:
    """A template in both languages and the facts it needs beside those every finding has."""

    text: Text
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Rulebook:
    """The merged rulebook: `version` names the overlays and hashes the content, `wording` is by section."""

    version: str
    detectors: Mapping[str, DetectorRule]
    causes: Mapping[str, CauseRule]
    checks: Mapping[str, CheckRule]
    suppressors: Mapping[str, SuppressorRule]
    wording: Mapping[str, Mapping[str, Sentence]]
    settings: Mapping[str, Limit]

    def setting(self, name: str) -> float:
        """A scan-wide number. Raises KeyError for an unknown name: a bug."""
        value = self.settings[name].value
        if isinstance(value, tuple):
            raise KeyError(f"setting {name} is a list")
        return value

    def say(self, section: str, key: str, facts: Mapping[str, Any], lang: str, as_of: date) -> str:
        """A sentence with its facts filled in, e.g. `say("headline", "R07", facts, "zh", as_of)`.

        Raises KwhyError when a fact is missing or unusable, KeyError for an unknown section or key (a bug).
        """
        return render(self.wording[section][key].text, facts, lang, as_of, self._terms, where=f"{section}.{key}")

    @cached_property
    def _terms(self) -> Terms:
        """The sections a sentence may look words up in."""
        return {name: {key: one.text for key, one in self.wording[name].items()} for name in TERM_SECTIONS}

    def unit(self, unit: str, lang: str) -> str:
        """A unit as people write it; physical units are the same in both languages."""
        named = self.wording["unit"].get(unit)
        return named.text[lang] if named else unit
