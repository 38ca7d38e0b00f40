"""Texts for people: in both languages, with the same facts, numbers and dates as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from anomaly.errors import KwhyError
from rules.explain import explain_rule, leading_cause, rule_list
from rules.model import Rulebook
from rules.rulebook import load
from rules.wording import COMMON_FACTS, TERM_SECTIONS, Text, placeholders, render, suffix_of

AS_OF = date(2013, 4, 1)
RULEBOOK = load()
SAMPLES: dict[str, Any] = {"_day": "2013-03-12", "_at": "2013-03-12 14:30:00", "_id": "M1", "_text": "5↔1"}
SECTIONS_WITH_FACTS = ("headline", "evidence", "reason", "operation")


def texts(rulebook: Rulebook) -> Iterator[tuple[str, Text]]:
    """Every text of the rulebook with its name."""
    for code, rule in rulebook.detectors.items():
        yield from ((f"{code}.title", rule.title), (f"{code}.explain", rule.explain))
    for name, cause in rulebook.causes.items():
        yield from ((f"{name}.title", cause.title), (f"{name}.explain", cause.explain))
    for name, suppressor in rulebook.suppressors.items():
        yield from ((f"{name}.title", suppressor.title), (f"{name}.explain", suppressor.explain))
    for name, check in rulebook.checks.items():
        for part in ("title", "do", "record", "passes", "safety", "tools"):
            if getattr(check, part) is not None:
                yield f"{name}.{part}", getattr(check, part)
    for section, sentences in rulebook.wording.items():
        for key, sentence in sentences.items():
            yield f"{section}.{key}", sentence.text


def sample_facts(names: tuple[str, ...]) -> dict[str, Any]:
    """A plausible value for each fact name."""
    facts: dict[str, Any] = {
        "operation": "transposed",
        "event": "voltage_loss",
        "pattern": "gap",
        "digits_text": "5↔1",
    }
    return facts | {
        name: SAMPLES.get(suffix_of(name) or "", 12.0) for name in names if name not in TERM_SECTIONS
    }


def test_every_text_is_there_in_both_languages() -> None:
    for name, text in texts(RULEBOOK):
        assert set(text) == {"en", "zh"}, name
        assert re.search(r"[\u4e00-\u9fff]", text["zh"]), f"{name}: no Chinese"
        assert not re.search(r"[\u4e00-\u9fff]", text["en"]), f"{name}: Chinese in the English text"
        assert not text["zh"].isascii(), name


def test_chinese_sentences_use_chinese_punctuation() -> None:
    for name, text in texts(RULEBOOK):
        assert not re.search(r"[\u4e00-\u9fff][,;!?]", text["zh"]), f"{name}: {text['zh']}"


def test_both_languages_name_the_same_facts() -> None:
    for name, text in texts(RULEBOOK):
        assert set(placeholders(text["en"])) == set(placeholders(text["zh"])), name


def test_every_detector_has_a_headline() -> None:
    assert set(RULEBOOK.wording["headline"]) == set(RULEBOOK.detectors)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_sentence_can_be_written(lang: str) -> None:
    for section in SECTIONS_WITH_FACTS:
        for key, sentence in RULEBOOK.wording[section].items():
            written = RULEBOOK.say(section, key, sample_facts((*sentence.facts, *COMMON_FACTS)), lang, AS_OF)
            assert "{" not in written
            assert written


def test_the_headline_of_a_misread_reads_as_promised() -> None:
    facts = {
        "previous_kwh": 4512.3, "read_kwh": 4152.98, "read_day": "2013-03-12", "back_day": date(2013, 3, 13),
        "corrected_kwh": 4512.98, "operation": "transposed", "digits_text": "5↔1",
        "stake_kwh": 359.32, "pattern": "came_back",
    }  # fmt: skip
    assert RULEBOOK.say("headline", "R07", facts, "en", AS_OF) == (
        "Register went from 4,512.30 to 4,152.98 on 12 Mar and back on 13 Mar: two digits exchanged (5↔1) "
        "would explain it (right: 4,512.98); 359 kWh would be billed wrongly."
    )
    assert "两位数字对调（5↔1）" in RULEBOOK.say("headline", "R07", facts, "zh", AS_OF)


@pytest.mark.parametrize(
    ("template", "value", "en", "zh"),
    [
        ("{x_kwh}", 1234.5, "1,234.50", "1,234.50"),
        ("{x_kwh:0}", 1234.5, "1,234", "1,234"),
        ("{x_kwh}", -0.5, "−0.50", "−0.50"),
        ("{x_kwh}", -0.001, "0.00", "0.00"),
        ("{x_kwh_per_day}", 12.34, "12.3", "12.3"),
        ("{x_day}", "2013-03-12", "12 Mar", "3月12日"),
        ("{x_day}", "2012-12-31", "31 Dec 2012", "2012年12月31日"),
        ("{x_at}", "2013-03-12 04:30:00", "12 Mar 04:30", "3月12日 04:30"),
        ("{x_ratio}", 2.0, "×2.0", "×2.0"),
        ("{x_ratio}", 0.333, "×0.33", "×0.33"),
        ("{x_ratio}", 40.0, "×40", "×40"),
        ("{x_percent}", 97.6, "98 %", "98%"),
        ("{x_days:day|days}", 1, "1 day", "1"),
        ("{x_days:day|days}", 1200, "1,200 days", "1,200"),
        ("{x_hours:hour|hours}", 2.5, "2.5 hours", "2.5"),
        ("{x_multiplier}", 40.0, "40", "40"),
        ("{x_multiplier}", 0.667, "0.667", "0.667"),
        ("{x_id}", "000123", "000123", "000123"),
    ],
)
def test_facts_are_written_by_the_ending_of_their_name(template: str, value: Any, en: str, zh: str) -> None:
    (name,) = placeholders(template)
    text = {"en": template, "zh": template}
    assert render(text, {name: value}, "en", AS_OF) == en
    assert render(text, {name: value}, "zh", AS_OF) == zh


@pytest.mark.parametrize(
    ("last", "en", "zh"),
    [("2013-03-12", "12 Mar", "3月12日"), ("2013-03-14", "12 Mar to 14 Mar", "3月12日至3月14日")],
)
def test_a_span_of_one_day_is_told_as_one_day(last: str, en: str, zh: str) -> None:
    text = {"en": "{span}", "zh": "{span}"}
    facts = {"start_day": "2013-03-12", "last_day": last}
    assert render(text, facts, "en", AS_OF) == en
    assert render(text, facts, "zh", AS_OF) == zh


@pytest.mark.parametrize(
    ("template", "facts", "said"),
    [
        ("{x_kwh}", {}, "fact x_kwh is missing"),
        ("{x_kwh}", {"x_kwh": None}, "fact x_kwh is missing"),
        ("{x_kwh}", {"x_kwh": float("nan")}, "cannot be written: nan"),
        ("{x_kwh}", {"x_kwh": "much"}, "cannot be written: 'much'"),
        ("{x_day}", {"x_day": "yesterday"}, "cannot be written: 'yesterday'"),
        ("{x}", {"x": 1}, "cannot be written: 1"),
        ("{operation}", {"operation": "eaten"}, "cannot be written: 'eaten'"),
    ],
)
def test_a_fact_that_cannot_be_written_is_refused(template: str, facts: dict[str, Any], said: str) -> None:
    with pytest.raises(KwhyError) as caught:
        render({"en": template, "zh": template}, facts, "en", AS_OF, {"operation": {}}, where="headline.X")
    assert said in str(caught.value)
    assert "headline.X" in str(caught.value)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_rule_is_explained(lang: str) -> None:
    for code, rule in RULEBOOK.detectors.items():
        explained = explain_rule(RULEBOOK, code, lang, "First line.\n\nFires when.")
        assert rule.title[lang] in explained
        assert rule.explain[lang] in explained
        assert all(name in explained for name in (*rule.limits, *rule.causes))
        assert "  Fires when." in explained
    listed = rule_list(RULEBOOK, lang)
    assert [code for code, _, _ in listed] == list(RULEBOOK.detectors)


LEADS_TO = {
    "Q01": "missing_reads",
    "R01": "register_rollback",
    "R04": "over_capacity",
    "R05": "meter_stopped",
    "R06": "meter_stopped",
    "R07": "misread",
    "R08": "readings_exchanged",
    "R10": "wrong_multiplier",
    "C01": "interval_sum_mismatch",
    "E04": "estimate_true_up",
    "A01": "vacant_use",
    "A02": "occupied_zero",
    "J01": "customer_use",
    "G01": "voltage_or_current_loss",
    "G02": "outage",
}


@pytest.mark.parametrize("code", LEADS_TO)
def test_a_finding_alone_leads_to_its_cause(code: str) -> None:
    assert leading_cause(RULEBOOK, RULEBOOK.detectors[code]).name == LEADS_TO[code]
