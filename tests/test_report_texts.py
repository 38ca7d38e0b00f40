"""The fixed texts: the same in both languages, all of them used; how numbers and dates are written."""

import re
from datetime import date, datetime
from pathlib import Path

import pytest

from anomaly.comparison import BASES
from anomaly.decomposition import PARTS
from anomaly.errors import KwhyError
from anomaly.vocabulary import (
    COVERAGE_STATUSES,
    OUTCOME_RESULTS,
    QUALITIES,
    TASK_KINDS,
    TASK_STATES,
    VALUE_PARTS,
)
from pipelines.report.edition import edition
from pipelines.report.formatting import Formats
from pipelines.report.texts import TEXTS_PATH, TextsError, load_texts, page_texts
from pipelines.report.value_section import LONE_LANES
from pipelines.report.worklist_tables import CASE_COLUMNS, QUARANTINE_COLUMNS, RESULTS, TO_FILL_IN
from pipelines.why import HOUR_PARTS
from tests.report_fixture import RULES

AS_OF = date(2024, 4, 1)
EN, ZH = Formats("en", AS_OF), Formats("zh", AS_OF)
PACKAGE = TEXTS_PATH.parent


def test_every_text_has_both_languages_and_the_same_placeholders() -> None:
    assert set(page_texts("en").entries) == set(page_texts("zh").entries)


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('[a]\nb = { en = "x" }', "needs exactly en and zh"),
        ('[a]\nb = { en = "x", zh = " " }', "zh empty"),
        ('[a]\nb = { en = "x {n}", zh = "x" }', "the placeholders differ"),
        ('[a]\nb = "x"', "needs exactly en and zh"),
    ],
)
def test_an_entry_that_differs_is_refused(tmp_path: Path, entry: str, problem: str) -> None:
    path = tmp_path / "texts.toml"
    path.write_text(entry, encoding="utf-8")
    with pytest.raises(TextsError, match=f"a.b: {problem}"):
        load_texts(path)


def test_another_language_is_refused() -> None:
    with pytest.raises(KwhyError, match="use en or zh"):
        page_texts("de")


def test_no_text_is_left_unused() -> None:
    """Every key is named in a module or template, or belongs to a family that is looked up by a value."""
    sources = [*PACKAGE.glob("*.py"), *PACKAGE.glob("templates/*"), PACKAGE.parent / "listing.py"]
    source = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    by_value = {f"quality.{name}" for name in QUALITIES}
    by_value |= {f"steps.kind_{name}" for name in TASK_KINDS} | {
        f"steps.state_{name}" for name in TASK_STATES
    }
    by_value |= {f"steps.name_{step}" for step in range(1, 5)} | {
        f"unchecked.{name}" for name in COVERAGE_STATUSES
    }
    by_value |= {f"why.{name}" for name in (*BASES, *PARTS, *HOUR_PARTS)}
    by_value |= {f"value.{how}{name}" for how in ("", "more_") for name in VALUE_PARTS}
    by_value |= {f"value.lane_{name}" for name in LONE_LANES}
    by_value |= {f"use.note_{name}" for name in ("flagged", "spread", "missing")}
    by_value |= {f"list.result_{name}" for name in RESULTS} | {f"list.{name}" for name in COVERAGE_STATUSES}
    columns = ("code", "check", "why_not", "suppressed_by", *CASE_COLUMNS, *TO_FILL_IN, *QUARANTINE_COLUMNS)
    by_value |= {f"list.{name}" for name in columns}
    by_value |= {f"chart.legend_{name}" for name in re.findall(r'"(\w+)": (?:bars|parts)', source)}
    by_value |= {f"chart.legend_{name}" for name in ("line", "estimate", "flagged", "candidate")}
    by_value |= {f"list.{name}" for name in re.findall(r'"(read_\w+)"', source)}
    by_value |= {f"list.{name}" for name in re.findall(r'\.sheet\("(\w+)"\)', source)}
    unused = [key for key in page_texts("en").entries if f'"{key}"' not in source and key not in by_value]
    unused = [key for key in unused if f"'{key}'" not in source]
    assert unused == []


def test_results_are_those_of_the_contract() -> None:
    assert RESULTS == OUTCOME_RESULTS


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(1234.5, 2, "1,234.50"), (-3.0, 0, "−3"), (-0.001, 2, "0.00"), (None, 0, "–"), (float("nan"), 0, "–")],
)
def test_numbers(value: float | None, decimals: int, text: str) -> None:
    assert EN.number(value, decimals) == text


def test_energy_and_measures() -> None:
    assert [EN.kwh(value) for value in (9.183, 91.83, 1234.5, None)] == [
        "9.18 kWh",
        "91.8 kWh",
        "1,234 kWh",
        "–",
    ]
    assert EN.measure(2.0, "ratio") == "×2.00"
    assert EN.measure(0.83, "1") == "0.83"
    assert (EN.measure(14.0, "d"), ZH.measure(14.0, "d")) == ("14 days", "14 天")
    assert ZH.measure(12.34, "kWh/d") == "12.3 kWh/天"


def test_shares_never_become_certainty() -> None:
    assert [EN.percent(share) for share in (0.0, 0.004, 0.5, 0.996, 1.0)] == [
        "0 %",
        "< 1 %",
        "50 %",
        "> 99 %",
        "100 %",
    ]


def test_days_carry_their_year_when_it_is_another() -> None:
    assert (EN.day(date(2024, 3, 12)), ZH.day(date(2024, 3, 12))) == ("12 Mar", "3月12日")
    assert (EN.day(date(2023, 3, 12)), ZH.day(date(2023, 3, 12))) == ("12 Mar 2023", "2023年3月12日")
    assert EN.moment(datetime(2024, 3, 12, 0, 0)) == "12 Mar 00:00"


def test_spans_name_their_last_day() -> None:
    assert EN.span(date(2024, 3, 12), date(2024, 3, 15)) == "12 Mar – 14 Mar"
    assert EN.span(date(2024, 3, 12), date(2024, 3, 13)) == "12 Mar"
    assert EN.span(date(2024, 3, 12), date(2024, 3, 12)) == "12 Mar"


def test_reasons_are_written_with_the_numbers_of_the_rule() -> None:
    page = edition("en", AS_OF, RULES)
    code = next(code for code, rule in RULES.detectors.items() if rule.requires.days)
    assert str(RULES.detectors[code].requires.days) in page.reason(code, "too_few_days")
    assert "weather, events" in page.reason(code, "table_missing:weather,events")
    assert page.reason(code, "said by somebody") == "said by somebody"
    assert page.reason("Z99", "too_few_days") == "too_few_days"
    assert page.reason(code, None) == "no reason given"
