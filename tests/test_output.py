"""Opening a scan output and finding what people name."""

import json
from pathlib import Path

import polars as pl
import pytest

from anomaly.errors import KwhyError
from anomaly.frames_outputs import OUTPUTS
from pipelines.output import (
    REQUIRED_COLUMNS,
    SERIES_COLUMNS,
    NotInOutputError,
    OutputBrokenError,
    OutputMissingError,
    OutputNewerError,
    ScanOutput,
    open_output,
)
from tests import report_fixture as fixture
from tests.report_series import JUMP, MISREAD, PAIR_A, PAIR_B, QUIET


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> ScanOutput:
    return open_output(fixture.write_output(tmp_path_factory.mktemp("scan")))


def test_the_columns_asked_for_are_those_of_the_contract() -> None:
    for table, columns in {**REQUIRED_COLUMNS, "series": SERIES_COLUMNS}.items():
        assert set(columns) <= set(OUTPUTS[table].column_names())


def test_tables_and_as_of_are_there(output: ScanOutput) -> None:
    assert output.as_of.isoformat() == "2024-04-01"
    assert output.cases.height == 4
    assert output.series_of([QUIET]).height == 210


@pytest.mark.parametrize(
    ("who", "case_id"),
    [
        ("a91c44d20e6f", "a91c44d20e6f"),
        ("a91c", "a91c44d20e6f"),
        (MISREAD, "a91c44d20e6f"),
        ("T-b772-3", "b7720f9e8c13"),
        (PAIR_B, "c5e0a7f31b2d"),
    ],
)
def test_a_case_is_found_by_any_of_its_names(output: ScanOutput, who: str, case_id: str) -> None:
    assert output.find_case(who)["case_id"] == case_id


def test_a_case_is_found_by_every_account_it_names(tmp_path: Path) -> None:
    """Of a ring or a box incident more accounts are in the story than the two columns can hold."""
    ring = pl.when(pl.col("account_id") == PAIR_A).then(pl.lit([JUMP, PAIR_A, PAIR_B, "third"]))
    cases = fixture.cases().with_columns(account_ids=ring.otherwise("account_ids"))
    output = open_output(fixture.write_output(tmp_path, cases=cases))
    assert output.find("third").cases[0]["case_id"] == "c5e0a7f31b2d"
    assert [case["case_id"] for case in output.find(JUMP).cases] == ["c5e0a7f31b2d", "b7720f9e8c13"]


def test_an_account_without_a_case_is_found_by_its_series(output: ScanOutput) -> None:
    subject = output.find(QUIET)
    assert (subject.account_id, subject.cases) == (QUIET, ())
    with pytest.raises(NotInOutputError, match="has no case in this scan"):
        output.find_case(QUIET)


@pytest.mark.parametrize("who", ["nobody", "a91", ""])
def test_an_unknown_name_says_what_to_do(output: ScanOutput, who: str) -> None:
    with pytest.raises(NotInOutputError, match="kwhy cases"):
        output.find(who)


def test_a_prefix_of_two_cases_is_refused_with_candidates(tmp_path: Path) -> None:
    cases = fixture.cases().with_columns(case_id=pl.lit("abcd-") + pl.int_range(pl.len()).cast(pl.String))
    output = open_output(fixture.write_output(tmp_path, cases=cases))
    with pytest.raises(NotInOutputError, match="beginning of 4 case ids"):
        output.find("abcd")


def test_the_leading_case_of_an_account_comes_first(tmp_path: Path) -> None:
    cases = fixture.cases().with_columns(account_ids=pl.lit([JUMP]))
    subject = open_output(fixture.write_output(tmp_path, cases=cases)).find(JUMP)
    assert [case["rank"] for case in subject.cases] == [1, 2, 3, None]


def test_a_missing_folder_file_or_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputMissingError, match="kwhy scan"):
        open_output(tmp_path / "nowhere")
    with pytest.raises(OutputMissingError, match=r"run\.json"):
        open_output(tmp_path)
    folder = fixture.write_output(tmp_path / "scan")
    (folder / "tasks.parquet").unlink()
    with pytest.raises(OutputMissingError, match=r"tasks\.parquet"):
        open_output(folder)


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing", b"plain text"])
def test_a_broken_file_is_named(tmp_path: Path, content: bytes) -> None:
    folder = fixture.write_output(tmp_path)
    (folder / "cases.parquet").write_bytes(content)
    with pytest.raises(OutputBrokenError, match=r"cases\.parquet cannot be read"):
        open_output(folder)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    folder = fixture.write_output(tmp_path, cases=fixture.cases().drop("rank"))
    with pytest.raises(OutputBrokenError, match="lacks rank"):
        open_output(folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"as_of": "2024-04-01"}'])
def test_a_broken_run_is_named(tmp_path: Path, text: str) -> None:
    folder = fixture.write_output(tmp_path)
    (folder / "run.json").write_text(text)
    with pytest.raises(OutputBrokenError, match=r"run\.json"):
        open_output(folder)


def test_a_newer_output_is_refused(tmp_path: Path) -> None:
    folder = fixture.write_output(tmp_path)
    (folder / "run.json").write_text(json.dumps({**fixture.RUN, "output_version": 99}))
    with pytest.raises(OutputNewerError, match="update kwhy"):
        open_output(folder)


def test_series_of_another_run_are_not_mixed_in(tmp_path: Path) -> None:
    output = open_output(fixture.write_output(tmp_path))
    (tmp_path / "run.json").write_text(json.dumps({**fixture.RUN, "run_id": "another"}))
    with pytest.raises(OutputBrokenError, match="rewritten while it was being read"):
        output.series_of([MISREAD])


def test_findings_without_facts_are_accepted(tmp_path: Path) -> None:
    output = open_output(fixture.write_output(tmp_path, findings=fixture.findings().drop("facts")))
    assert output.findings["facts"].null_count() == output.findings.height


def test_findings_of_a_pair_touch_both_accounts(output: ScanOutput) -> None:
    found = output.findings_of(output.find_case(PAIR_A))
    assert set(found["code"]) == {"X01", "J01"}
    assert issubclass(NotInOutputError, KwhyError)
