"""What a case says to people: its headline, the evidence for and against each cause, what stays open."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, ClassVar

import numpy as np
import polars as pl

from anomaly.diagnosis import UNKNOWN, CauseModel
from rules.model import LANGUAGES, Rulebook

SHOWN_FROM = 0.01
"""Causes less probable than this are left out of the list."""

_WEIGHED = pl.Struct(
    {
        "cause": pl.String,
        "probability": pl.Float64,
        "evidence_for": pl.List(pl.String),
        "evidence_against": pl.List(pl.String),
    }
)

EVIDENCE = {
    "R07": (
        ("correction_fits", "for", None),
        ("next_read_consistent", "for", "came_back"),
        ("no_next_read", "against", "next_read_decides"),
    ),
    "X01": (
        ("both_moved", "for", None),
        ("tenants_exchanged", "against", None),
    ),
    "X05": (("others_fit", "against", None),),
    "X06": (
        ("class_on_file", "against", None),
        ("others_fit", "against", None),
    ),
    "X10": (("lives_change_together", "against", None),),
    "B01": (
        ("other_accounts_fit", "against", None),
        ("blind_inside_area", "against", None),
    ),
    "B02": (("unmetered_use", "against", None),),
    "B03": (("blind_inside_area", "against", None),),
    "X02": (
        ("one_story_for_both", "for", None),
        ("long_away", "against", None),
    ),
    "X03": (
        ("dates_agree", "for", None),
        ("dates_by_chance", "against", None),
    ),
    "X07": (("neighbour_on_holiday", "against", None),),
    "X04": (
        ("lit_again", "for", "meter_ran_on"),
        ("cut_home_silent", "for", "neighbour_called"),
        ("own_reason", "against", None),
        ("others_fit_too", "against", None),
    ),
    "X08": (
        ("coincidence_of_change", "against", None),
        ("others_fit_too", "against", None),
    ),
    "X09": (
        ("own_reason", "against", None),
        ("others_fit_too", "against", None),
    ),
    "X12": (
        ("neutral_chance", "for", None),
        ("neutral_bill", "against", None),
    ),
    "X13": (
        ("several_fit", "against", None),
        ("voltage_blind", "against", None),
    ),
    "X14": (("other_phase", "for", None),),
}
"""Sentences of the wording that a code's facts allow beside its headline: which way they speak, for which pattern."""


class Speaker:
    """Puts findings and cases into words in both languages, from the rulebook's wording."""

    SCHEMA: ClassVar[dict[str, Any]] = {
        "headline_en": pl.String,
        "headline_zh": pl.String,
        "causes": pl.List(_WEIGHED),
        "causes_zh": pl.List(_WEIGHED),
        "cannot_exclude": pl.List(pl.String),
    }

    def __init__(self, rulebook: Rulebook, as_of: dt.date) -> None:
        self._rulebook = rulebook
        self._as_of = as_of
        self._lists: dict[tuple[tuple[tuple[str, str], ...], str], list[str]] = {}
        self._deciding: dict[str, list[str]] = {cause: [] for cause in rulebook.causes}
        for code, rule in rulebook.detectors.items():
            for cause, ratio in rule.causes.items():
                if ratio > 1 and ratio == max(rule.causes.values()):
                    self._deciding[cause].append(code)

    def tell(
        self, case: dict[str, Any], findings: list[dict[str, Any]], not_judged: dict[str, str], model: CauseModel
    ) -> dict[str, Any]:
        """The words of one case (columns of SCHEMA) from its findings and the probabilities of its causes.

        `not_judged` maps the codes that could not be applied to the case's account to their coverage status.
        """
        chances = np.asarray(case["chances"])
        order = sorted(np.flatnonzero(chances >= SHOWN_FROM), key=lambda at: (-chances[at], model.causes[at]))
        told = {lang: {row["finding_id"]: self.headline(row, lang) for row in findings} for lang in LANGUAGES}
        said = {lang: _with_accounts(findings, told[lang], lang) for lang in LANGUAGES}
        weighed = {
            lang: [
                {
                    "cause": model.causes[at],
                    "probability": float(chances[at]),
                    "evidence_for": self._speaking(model.causes[at], findings, said[lang], lang),
                    "evidence_against": self._doubting(model.causes[at], findings, not_judged, said[lang], lang),
                }
                for at in order
            ]
            for lang in LANGUAGES
        }
        open_causes = [name for name in self._rulebook.causes[case["cause"]].cannot_exclude if name != case["cause"]]
        return {
            "headline_en": told["en"][case["leading_finding"]],
            "headline_zh": told["zh"][case["leading_finding"]],
            "causes": weighed["en"],
            "causes_zh": weighed["zh"],
            "cannot_exclude": open_causes,
        }

    def headline(self, finding: dict[str, Any], lang: str) -> str:
        """One finding in one sentence."""
        return self._rulebook.say("headline", finding["code"], self._facts(finding), lang, self._as_of)

    def _speaking(self, cause: str, findings: list[dict[str, Any]], said: dict[str, str], lang: str) -> list[str]:
        """Findings that are likelier under the cause, and what their facts add."""
        sentences = []
        for row in findings:
            if self._ratio(row, cause) > 1:
                sentences.append(said[row["finding_id"]])
                sentences += self._added(row, "for", lang)
        return list(dict.fromkeys(sentences))

    def _doubting(
        self, cause: str, findings: list[dict[str, Any]], not_judged: dict[str, str], said: dict[str, str], lang: str
    ) -> list[str]:
        """Findings the cause does not explain, and the rules that should have spoken for it and did not."""
        sentences = []
        for row in findings:
            rule = self._rulebook.detectors[row["code"]]
            if self._ratio(row, cause) > 1:
                sentences += self._added(row, "against", lang)
            elif cause != UNKNOWN and (cause in rule.causes or not rule.two_sided):
                sentences.append(said[row["finding_id"]])
        fired = {row["code"] for row in findings}
        silent = [code for code in self._deciding[cause] if code not in fired]
        if silent:
            sentences += self._silent(tuple((code, not_judged.get(code, "")) for code in silent), lang)
        return list(dict.fromkeys(sentences))

    def _silent(self, codes: tuple[tuple[str, str], ...], lang: str) -> list[str]:
        """What to say of rules that were silent, each with its coverage status; few such lists serve many cases."""
        if (codes, lang) not in self._lists:
            checked = [code for code, status in codes if not status]
            unchecked = [code for code, status in codes if status == "insufficient_data"]
            told = (("silent", checked), ("not_checked", unchecked))
            self._lists[codes, lang] = [self._named(key, listed, lang) for key, listed in told if listed]
        return self._lists[codes, lang]

    def _ratio(self, finding: dict[str, Any], cause: str) -> float:
        """The likelihood ratio of the cause; what a two-sided code says falls below its limit, and may reverse."""
        rule = self._rulebook.detectors[finding["code"]]
        ratio = rule.causes.get(cause, 1.0)
        if not rule.two_sided or cause not in rule.growth:
            return ratio
        below = min(finding["measured"] - finding["limit"], 0.0) / rule.growth[cause]
        return ratio * math.exp(below)

    def _named(self, key: str, codes: list[str], lang: str) -> str:
        """One sentence that lists rules by their titles."""
        comma = "、" if lang == "zh" else ", "
        titles = [self._rulebook.detectors[code].title[lang] for code in codes]
        if lang == "en":
            titles = [title[0].lower() + title[1:] for title in titles]
        facts = {"titles_text": comma.join(titles)}
        return self._rulebook.say("evidence", key, facts, lang, self._as_of)

    def _added(self, finding: dict[str, Any], side: str, lang: str) -> list[str]:
        """What a finding's facts add, for or against."""
        added = EVIDENCE.get(finding["code"], ())
        if not added:
            return []
        pattern = finding["facts"].get("pattern")
        keys = [key for key, which, when in added if which == side and when in (None, pattern)]
        return [sentence for key in keys if (sentence := self._evidence(key, finding, lang))]

    def _evidence(self, key: str, finding: dict[str, Any], lang: str) -> str | None:
        """A sentence of the wording, if the finding has all the facts it needs."""
        facts = self._facts(finding)
        needed = self._rulebook.wording["evidence"][key].facts
        if any(facts.get(name) is None for name in needed):
            return None
        return self._rulebook.say("evidence", key, facts, lang, self._as_of)

    def _facts(self, finding: dict[str, Any]) -> dict[str, Any]:
        """The detector's own facts and those every finding has."""
        start, end = finding["start"], finding["end"]
        return {
            "start_day": start,
            "last_day": max(start, end - dt.timedelta(days=1)),
            "span_days": (end - start).days,
            "stake_kwh": finding["kwh_at_stake"],
            "meter_id": finding["meter_id"],
            "related_meter_id": finding["related_meter_id"],
            "account_id": finding["account_id"],
            "related_account_id": finding["related_account_id"],
            **finding["facts"],
        }


def _with_accounts(findings: list[dict[str, Any]], said: dict[str, str], lang: str) -> dict[str, str]:
    """Sentences that name whom they are about, where the case is about several accounts."""
    accounts = {row["account_id"] for row in findings if row["account_id"]}
    if len(accounts) < 2:
        return said
    colon = "：" if lang == "zh" else ": "
    named = {row["finding_id"]: row["account_id"] for row in findings if row["account_id"]}
    return {
        finding: sentence if named.get(finding, "") in sentence else f"{named[finding]}{colon}{sentence}"
        for finding, sentence in said.items()
    }
