"""Two runs side by side: what is new, gone or moved, and why."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.differences import differences
from pipelines.output import open_output
from pipelines.terminal.changes import diff_answer
from rules.rulebook import load
from tests.command_line import kwhy
from tests.report_fixture import cases, findings, write_output


def told(old: Path, new: Path) -> pl.DataFrame:
    return differences(open_output(old), open_output(new))


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A scan's output."""
    return write_output(tmp_path / "earlier")


def later(tmp_path: Path, **replaced: pl.DataFrame) -> Path:
    """Another one, with other tables."""
    return write_output(tmp_path / "later", **replaced)


FIRST = cases().filter(pl.col("status") == "open").sort("rank")["case_id"][0]
OTHERS = cases().filter(pl.col("case_id") != FIRST)
CODES = sorted(set(findings().filter(pl.col("case_id") == FIRST, pl.col("status") == "reported")["code"]))


def moved(**columns: pl.Expr) -> pl.DataFrame:
    """The fixture's cases with the first one changed."""
    here = pl.col("case_id") == FIRST
    return cases().with_columns(
        pl.when(here).then(value).otherwise(pl.col(name)).cast(cases().schema[name]).alias(name)
        for name, value in columns.items()
    )


def test_equal_runs_have_no_differences(earlier: Path, tmp_path: Path) -> None:
    assert told(earlier, later(tmp_path)).is_empty()


def test_a_case_that_is_gone_says_which_finding_went(earlier: Path, tmp_path: Path) -> None:
    without = findings().filter(pl.col("case_id") != FIRST)
    (row,) = told(earlier, later(tmp_path, cases=OTHERS, findings=without)).to_dicts()
    assert (row["change"], row["case_id"], row["before"], row["after"]) == ("gone", FIRST, "#1", "")
    assert (row["why"], row["codes"]) == ("finding_gone", CODES)


def test_a_new_case_says_what_is_found_now(earlier: Path, tmp_path: Path) -> None:
    without = findings().filter(pl.col("case_id") != FIRST)
    (row,) = told(later(tmp_path, cases=OTHERS, findings=without), earlier).to_dicts()
    assert (row["change"], row["before"], row["after"]) == ("new", "", "#1")
    assert (row["why"], row["codes"]) == ("finding_new", CODES)


def test_what_began_after_the_earlier_run_says_so(earlier: Path, tmp_path: Path) -> None:
    old = later(tmp_path, cases=OTHERS, findings=findings().filter(pl.col("case_id") != FIRST))
    record = json.loads((old / "run.json").read_text())
    start = cases().filter(pl.col("case_id") == FIRST)["start"][0]
    (old / "run.json").write_text(json.dumps({**record, "as_of": str(start - dt.timedelta(days=1))}))
    assert told(old, earlier)["why"].to_list() == ["later_reads"]


def test_a_case_set_aside_names_the_reason(earlier: Path, tmp_path: Path) -> None:
    here = pl.col("case_id") == FIRST
    aside = findings().with_columns(pl.when(here).then(pl.lit("suppressed")).otherwise("status").alias("status"))
    closed = moved(status=pl.lit("suppressed"), suppressed_by=pl.lit("budget"), rank=pl.lit(None))
    (row,) = told(earlier, later(tmp_path, cases=closed, findings=aside)).to_dicts()
    assert (row["change"], row["after"], row["why"]) == ("closed", "budget", "finding_suppressed")


MOVES = [
    pytest.param({"cause": pl.lit("record_error")}, "cause", "record_error", id="another cause"),
    pytest.param({"probability": pl.lit(0.31)}, "probability", "0.31", id="another probability"),
    pytest.param({"hold_bill": ~pl.col("hold_bill")}, "bill", None, id="the bill may go"),
    pytest.param({"needs_visit": ~pl.col("needs_visit")}, "visit", None, id="somebody has to go there"),
    pytest.param({"kwh_at_stake": pl.col("kwh_at_stake") * 1.25}, "kwh", None, id="a quarter more at stake"),
]


@pytest.mark.parametrize(("columns", "change", "after"), MOVES)
def test_an_open_case_that_moved(
    earlier: Path, tmp_path: Path, columns: dict[str, pl.Expr], change: str, after: str | None
) -> None:
    (row,) = told(earlier, later(tmp_path, cases=moved(**columns))).to_dicts()
    assert row["change"] == change
    assert row["before"] != row["after"]
    assert after in (None, row["after"])


def test_a_tenth_more_energy_is_not_told(earlier: Path, tmp_path: Path) -> None:
    assert told(earlier, later(tmp_path, cases=moved(kwh_at_stake=pl.col("kwh_at_stake") * 1.1))).is_empty()


def test_a_case_whose_month_moved_is_the_same_case(earlier: Path, tmp_path: Path) -> None:
    renamed = moved(case_id=pl.lit("0123456789abcdef"))
    linked = findings().with_columns(pl.col("case_id").replace(FIRST, "0123456789abcdef"))
    assert told(earlier, later(tmp_path, cases=renamed, findings=linked)).is_empty()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_command_tells_both_languages(earlier: Path, tmp_path: Path, lang: str) -> None:
    other = later(tmp_path, cases=moved(cause=pl.lit("record_error"), probability=pl.lit(0.4)))
    answer = kwhy("diff", earlier, other, "--lang", lang)
    assert answer.exit_code == 0
    assert FIRST in answer.stdout
    title = load().causes["record_error"].title[lang]
    assert title.split()[0] in answer.stdout


def test_machines_get_rows_and_what_the_runs_differ_in(earlier: Path, tmp_path: Path) -> None:
    other = later(tmp_path, cases=moved(cause=pl.lit("record_error")))
    record = json.loads((other / "run.json").read_text())
    (other / "run.json").write_text(json.dumps({**record, "rulebook_version": "another"}))
    document = diff_answer(earlier, other, "en").document
    assert [one["name"] for one in document["runs"]] == ["rulebook_version"]
    assert [one["change"] for one in document["changes"]] == ["cause"]


def test_a_folder_that_is_not_there_is_told(earlier: Path, tmp_path: Path) -> None:
    answer = kwhy("diff", earlier, tmp_path / "nowhere")
    assert answer.exit_code == 4
    assert "there is no such scan output folder" in answer.stderr
