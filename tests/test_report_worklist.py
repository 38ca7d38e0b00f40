"""The work list and the tables behind `kwhy cases` and `kwhy case`."""

import re
import zipfile
from pathlib import Path

import polars as pl
import pytest

from anomaly.errors import UsageError
from pipelines import listing
from pipelines.output import ScanOutput, open_output
from pipelines.report.worklist import write_worklist
from pipelines.report.worklist_tables import CASE_COLUMNS
from tests import report_fixture as fixture
from tests.report_fixture import RULES
from tests.report_series import JUMP, MISREAD, QUIET, ROLLOVER

FORMULA = '=HYPERLINK("http://x","y")'


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> ScanOutput:
    return open_output(fixture.write_output(tmp_path_factory.mktemp("scan")))


def parts(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as book:
        return {
            name: book.read(name).decode() for name in book.namelist() if name.endswith((".xml", ".rels"))
        }


@pytest.mark.parametrize(
    ("lang", "names"),
    [
        ("en", ["Open cases", "Not reported", "Data quality", "Notes", "Choices"]),
        ("zh", ["异常清单", "被抑制", "数据质量", "说明", "选项"]),
    ],
)
def test_the_workbook_has_its_sheets(output: ScanOutput, tmp_path: Path, lang: str, names: list[str]) -> None:
    book = parts(write_worklist(output, tmp_path / "list.xlsx", rules=RULES, lang=lang))
    sheets = re.findall(r'<sheet name="([^"]+)"', book["xl/workbook.xml"])
    assert sorted(sheets) == sorted(names)
    open_cases = book["xl/worksheets/sheet1.xml"]
    assert 'orientation="landscape"' in open_cases
    assert "<autoFilter" in open_cases
    assert 'state="frozen"' in open_cases
    assert "<dataBar" in open_cases
    assert open_cases.count("<dataValidation ") == 3
    assert 'paperSize="9"' in open_cases
    assert f"<t>{MISREAD}</t>" in book["xl/sharedStrings.xml"], "ids are texts"


def test_nothing_in_a_cell_can_become_a_formula(tmp_path: Path) -> None:
    cases = fixture.cases().with_columns(headline_en=pl.lit(FORMULA), box_id=pl.lit("@SUM(1)"))
    output = open_output(fixture.write_output(tmp_path, cases=cases))
    book = parts(write_worklist(output, tmp_path / "list.xlsx", rules=RULES))
    assert not any("<f>" in text for name, text in book.items() if "worksheets" in name)
    assert "hyperlink" not in "".join(book[name] for name in book if "worksheets" in name).lower()
    text = write_worklist(output, tmp_path / "list.csv", rules=RULES).read_text(encoding="utf-8-sig")
    rows = pl.read_csv(text.encode(), infer_schema=False)
    assert rows["headline"].unique().to_list() == [f"'{FORMULA}"]
    assert rows["box_id"].unique().to_list() == ["'@SUM(1)"]


def test_the_csv_has_a_mark_for_spreadsheets_and_contract_names(output: ScanOutput, tmp_path: Path) -> None:
    content = write_worklist(output, tmp_path / "list.csv", rules=RULES, lang="zh").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = pl.read_csv(content, infer_schema=False)
    assert rows.columns == [*CASE_COLUMNS, "status", "suppressed_by"]
    assert rows["status"].to_list() == ["open", "open", "open", "suppressed"]
    assert rows["suppressed_by"].to_list()[3] == RULES.suppressors["rollover"].title["zh"]


def test_an_empty_scan_still_gives_a_workbook(tmp_path: Path) -> None:
    empty = {
        name: getattr(fixture, name)().clear()
        for name in ("cases", "tasks", "findings", "quarantine", "coverage")
    }
    output = open_output(fixture.write_output(tmp_path, **empty))
    assert write_worklist(output, tmp_path / "list.xlsx", rules=RULES).stat().st_size > 0
    assert listing.cases_title(output, rules=RULES) == "No open cases."


def test_another_ending_is_refused(output: ScanOutput, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.xlsx or \.csv"):
        write_worklist(output, tmp_path / "list.ods", rules=RULES)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("who", [MISREAD, JUMP, ROLLOVER, QUIET])
def test_a_case_in_words_names_what_it_must(output: ScanOutput, who: str, lang: str) -> None:
    text = listing.case_text(output, who, rules=RULES, lang=lang)
    assert "None" not in text
    assert RULES.detectors["T01"].title[lang] in text, "what was not checked"
    if who != QUIET:
        assert output.find_case(who)["case_id"] in text


def test_explained_cases_carry_evidence_for_and_against(output: ScanOutput) -> None:
    text = listing.explained_cases(output, rules=RULES, top=2)
    assert "− The read of 13 Mar is in order again" in text
    assert "Cannot be excluded yet" in text
    assert "b7720f9e8c13" not in text
