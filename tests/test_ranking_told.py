"""The place of a case in words: what its value is made of, and why it stands above the next, in both languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anomaly.vocabulary import VALUE_PARTS
from pipelines.listing import case_text, explained_cases
from pipelines.output import ScanOutput, open_output
from pipelines.ranking import PARTS
from pipelines.report.edition import Edition, edition
from pipelines.report.value_section import above_lines, value_lines
from pipelines.terminal.answers import cases_answer
from tests import report_fixture as fixture
from tests.report_fixture import RULES
from tests.scan_fixture import day

EN, ZH = (edition(lang, day(60), RULES) for lang in ("en", "zh"))


def case(name: str, lane: str = "ranked", **amounts: float) -> dict[str, Any]:
    """What the sentences read of a case."""
    parts = [{"part": part, "amount": amount} for part, amount in amounts.items()]
    return {"case_id": name, "lane": lane, "priority": sum(amounts.values()), "value_parts": parts}


@pytest.mark.parametrize(
    ("mine", "other", "said"),
    [
        pytest.param(
            case("a", money=50.0), case("b", money=20.5),
            "Above case b because more money would be corrected (50.00 against 20.50).", id="one reason",
        ),
        pytest.param(
            case("a", harm=100.0, complaint=200.0), case("b", harm=150.0),
            "Above case b because its customer has complained (200.00 against 0.00).", id="in spite of less harm",
        ),
        pytest.param(
            case("a", money=40.0, urges=30.0, visit=-2.0), case("b", visit=-22.0),
            "Above case b because more money would be corrected (40.00 against 0.00), its customer has asked again "
            "more often (30.00 against 0.00) and finding out costs less (2.00 against 22.00).", id="three reasons",
        ),
        pytest.param(
            case("a", money=10.0, harm=5.0), case("b", money=5.0, harm=10.0),
            "Worth as much as case b: which of the two comes first means nothing.", id="the same worth",
        ),
        pytest.param(
            case("a", money=10.001), case("b", money=10.0),
            "Worth as much as case b: which of the two comes first means nothing.", id="the same to the cent",
        ),
        pytest.param(
            case("a", lane="safety"), case("b", money=9999.0),
            "Above case b because this one concerns safety, which comes before any amount.", id="danger first",
        ),
        pytest.param(
            case("a"), case("b", lane="exploration", money=9999.0),
            "Above case b because that one was drawn by lot, and such cases stand last.", id="lots last",
        ),
        pytest.param(
            case("a", lane="safety", money=3.0), case("b", lane="safety", money=1.0),
            "Above case b because more money would be corrected (3.00 against 1.00).", id="two dangers, by worth",
        ),
        pytest.param(case("a", money=1.0), {**case("b"), "value_parts": None}, "", id="none was kept"),
    ],
)  # fmt: skip
def test_why_above_the_next(mine: dict[str, Any], other: dict[str, Any], said: str) -> None:
    assert above_lines([mine, other], EN) == [said]


def test_nothing_is_above_nothing() -> None:
    assert above_lines([], EN) == above_lines([case("a")], EN) == []


@pytest.mark.parametrize("page", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize("part", VALUE_PARTS)
def test_every_part_is_a_reason_in_both_languages(part: str, page: Edition) -> None:
    (said,) = above_lines([case("a", **{part: 5.0}), case("b", **{part: -5.0})], page)
    assert "b" in said
    assert "{" not in said
    assert page.t(f"value.{part}") in value_lines(case("a", **{part: 5.0}), page)[0]


@pytest.mark.parametrize(
    ("told", "lines"),
    [
        pytest.param(
            case("a", money=120.0, harm=30.25, visit=-2.0),
            ["Worth looking into (in money): 148.25 = bill to correct 120.00 + harm if left alone 30.25 "
             "− cost of finding out 2.00"], id="a sum",
        ),
        pytest.param(
            case("a", visit=-40.0), ["Worth looking into (in money): −40.00 = − cost of finding out 40.00"],
            id="not worth the way",
        ),
        pytest.param(case("a"), ["Worth looking into (in money): 0.00 = 0.00"], id="nothing"),
        pytest.param({"lane": None, "value_parts": None}, [], id="no value kept"),
        pytest.param({}, [], id="written before values were kept"),
    ],
)  # fmt: skip
def test_the_value_in_words(told: dict[str, Any], lines: list[str]) -> None:
    assert value_lines(told, EN) == lines


@pytest.mark.parametrize("lane", ["safety", "exploration"])
def test_the_lane_is_told_where_it_is_not_the_usual(lane: str) -> None:
    for page in (EN, ZH):
        assert value_lines(case("a", lane=lane), page)[0] == page.t(f"value.lane_{lane}")


@pytest.fixture
def output(tmp_path: Path) -> ScanOutput:
    """The fixture's three open cases: one of each lane, with a value of 30, 20 and 10."""
    found = open_output(fixture.write_output(tmp_path))
    ranked = pl.col("rank").is_not_null()
    worth = pl.when(ranked).then(40.0 - 10.0 * pl.col("rank"))
    lane = pl.col("rank").replace_strict([1, 2, 3], ["safety", "ranked", "exploration"], default=None)
    told = found.cases.with_columns(lane=lane, priority=worth)
    part = pl.struct(part=pl.lit("harm"), amount="priority")
    cases = told.with_columns(value_parts=pl.when(ranked).then(pl.concat_list(part)).cast(PARTS))
    cases.write_parquet(tmp_path / "cases.parquet")
    return replace(found, cases=cases, folder=tmp_path)


def test_explained_cases_say_where_they_stand(output: ScanOutput) -> None:
    text = explained_cases(output, rules=RULES)
    ids = output.cases.drop_nulls("rank").sort("rank")["case_id"].to_list()
    assert EN.t("value.lane_safety") in text
    assert f"Above case {ids[1]} because this one concerns safety" in text
    assert f"Above case {ids[2]} because that one was drawn by lot" in text
    assert text.count("Worth looking into") == 3
    assert "排在异常单" in explained_cases(output, rules=RULES, lang="zh")


def test_the_last_one_shown_is_held_against_the_one_that_follows(output: ScanOutput) -> None:
    text = explained_cases(output, rules=RULES, top=1)
    assert text.count("Above case") == 1
    assert text.count("Worth looking into") == 1


def test_one_case_says_what_it_is_worth(output: ScanOutput) -> None:
    first = output.cases.filter(rank=1)["case_id"].item()
    assert "30.00 = harm if left alone 30.00" in case_text(output, first, rules=RULES)
    aside = output.cases.filter(pl.col("rank").is_null())["case_id"][0]
    assert "Worth" not in case_text(output, aside, rules=RULES)


@pytest.mark.parametrize(("lang", "first"), [("en", "Safety first: 1"), ("zh", "涉及安全，优先处理：1 件")])
def test_lanes_are_listed_apart(output: ScanOutput, lang: str, first: str) -> None:
    choice: dict[str, Any] = {"status": "open", "family": None, "top": None, "explain": False}
    shown = list(cases_answer(output.folder, lang, **choice).people())
    titles = [one for one in shown if isinstance(one, str)]
    assert titles[1] == first
    assert len([one for one in shown if not isinstance(one, str)]) == 3
