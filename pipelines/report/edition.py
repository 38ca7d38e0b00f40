"""One language edition: the formats, the fixed texts and the rulebook's words, bundled for templates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipelines.report.formatting import Formats
from pipelines.report.texts import PageTexts, page_texts
from rules.model import Rulebook

WORDLESS_UNITS = frozenset({"text", "photo", "date", "1"})
"""Units of values that are written in words: the box on the sheet stays without one."""


@dataclass(frozen=True)
class CheckText:
    """One check as people read it; what does not apply is empty."""

    name: str
    do: str
    record: str
    unit: str
    passes: str
    tools: str
    safety: str


@dataclass(frozen=True)
class Edition:
    """Formats `f`, texts `t` and rulebook in one language.

    Names the rulebook does not have stay as they are: an output may have been written with another
    rulebook than
    the one at hand, and must still be readable.
    """

    f: Formats
    t: PageTexts
    rules: Rulebook

    @property
    def lang(self) -> str:
        """`en` or `zh`."""
        return self.f.lang

    @property
    def comma(self) -> str:
        """What stands between the items of a list."""
        return self.t("page.comma")

    def cause(self, name: str) -> str:
        """Title of a cause."""
        return self.rules.causes[name].title[self.lang] if name in self.rules.causes else name

    def code(self, code: str) -> str:
        """Title of a detector code."""
        return self.rules.detectors[code].title[self.lang] if code in self.rules.detectors else code

    def suppressor(self, name: str | None) -> str:
        """Title of a suppressor: why a finding or case is not reported."""
        entry = self.rules.suppressors.get(name or "")
        return entry.title[self.lang] if entry else name or ""

    def suppressor_explained(self, name: str | None) -> str:
        """Why that reason makes a finding innocent; empty when the rulebook does not have it."""
        entry = self.rules.suppressors.get(name or "")
        return entry.explain[self.lang] if entry else ""

    def reason(self, code: str, reason: str | None) -> str:
        """Why a check was not made: the sentence for `too_few_days` or `table_missing:NAME,NAME`."""
        name, _, tables = (reason or "").partition(":")
        rule = self.rules.detectors.get(code)
        if not name:
            return self.t("unchecked.no_reason")
        if rule is None or name not in self.rules.wording["reason"]:
            return str(reason)
        facts = {
            "table_text": self.comma.join(tables.split(",")),
            "needed_reads": rule.requires.reads,
            "needed_days": rule.requires.days,
            "needed_percent": rule.requires.actual_share * 100,
        }
        return self.rules.say("reason", name, facts, self.lang, self.f.as_of)

    def check(self, check: Mapping[str, Any]) -> CheckText:
        """A check of a task in this language, with what the rulebook adds: its name, tools and safety."""
        entry = self.rules.checks.get(check["check"])
        units = [unit.strip() for unit in (check["unit"] or "").split(";")]
        return CheckText(
            name=entry.title[self.lang] if entry else check["check"],
            do=check[f"do_{self.lang}"],
            record=(entry.record[self.lang] if entry else check["record"]) or "",
            unit="; ".join(self.rules.unit(unit, self.lang) for unit in units if unit not in WORDLESS_UNITS),
            passes=check[f"pass_{self.lang}"] or "",
            tools=entry.tools[self.lang] if entry and entry.tools else "",
            safety=entry.safety[self.lang] if entry and entry.safety else "",
        )

    def quality(self, name: str | None) -> str:
        """A read's quality in words."""
        return self.t.optional(f"quality.{name}") or (name or "")

    def headline(self, case: Mapping[str, Any]) -> str:
        """Headline of a case in this language."""
        return str(case[f"headline_{self.lang}"])


def edition(lang: str, as_of: date, rules: Rulebook) -> Edition:
    """The edition in `en` or `zh` of a scan at `as_of`. Raises KwhyError for another language."""
    return Edition(Formats(lang, as_of), page_texts(lang), rules)
