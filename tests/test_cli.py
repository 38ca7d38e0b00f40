"""The command line: forms, languages, exit codes, and errors that say what to do."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import click
import polars as pl
import pytest

from anomaly.errors import UsageError
from cli import cli
from pipelines.terminal.printing import Answer, give
from tests.command_line import finished_scan, kwhy, small_book
from tests.report_fixture import cases
from tests.report_series import JUMP, MISREAD, PAIR_A

ROOT = Path(__file__).parent.parent
HEAVY = ("polars", "numpy", "scipy", "numba", "jinja2", "rich", "dataframely")


@pytest.fixture
def scanned(tmp_path: Path) -> Path:
    return finished_scan(tmp_path / "out")


def test_help_is_light() -> None:
    loaded = f"[name for name in {HEAVY!r} if name in sys.modules]"
    told = f"import atexit, sys, cli; atexit.register(lambda: print({loaded}, file=sys.stderr)); cli.main()"
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", told, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    print(f"kwhy --help: {time.perf_counter() - began:.2f} s")
    assert ran.stderr == "[]\n"
    assert "Start with: kwhy demo" in ran.stdout


def test_commands_come_in_the_order_people_meet_them() -> None:
    first, then = ["demo", "check", "scan", "cycle"], ["cases", "case", "diff", "evidence", "tasks"]
    assert list(cli.commands) == [*first, *then, "calibrate", "rules"]


@pytest.mark.parametrize("command", cli.commands.values(), ids=cli.commands.keys())
def test_every_command_and_option_has_help(command: click.Command) -> None:
    assert command.help
    assert len(command.get_short_help_str(200)) <= 70
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
    assert kwhy(command.name, "--help").exit_code == 0


def test_the_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"of {name}")
    assert kwhy("--version").stdout == "kwhy, version of kwhy\n"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LC_ALL": "zh_CN.UTF-8"}, "未结异常"),
        ({"LC_ALL": "", "LC_MESSAGES": "", "LANG": "zh_CN.UTF-8"}, "未结异常"),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "zh_CN.UTF-8"}, "Open cases"),
        ({"LC_ALL": "de_DE.UTF-8"}, "Open cases"),
        ({"LC_ALL": "", "LC_MESSAGES": "", "LANG": ""}, "Open cases"),
    ],
)
def test_the_language_is_that_of_the_environment(
    scanned: Path, environment: dict[str, str], said: str
) -> None:
    assert said in kwhy("cases", scanned, **environment).stdout


def test_lang_may_stand_before_or_after_the_command(scanned: Path) -> None:
    after, before = kwhy("cases", scanned, "--lang", "zh"), kwhy("--lang", "zh", "cases", scanned)
    assert before.stdout == after.stdout
    assert "串户" in after.stdout


def test_cases_for_people(scanned: Path) -> None:
    told = kwhy("cases", scanned)
    assert told.exit_code == 0
    assert told.stderr == ""
    assert "Open cases: 3" in told.stdout
    assert (
        told.stdout.index("c5e0a7f31b2d")
        < told.stdout.index("a91c44d20e6f")
        < told.stdout.index("b7720f9e8c13")
    )
    assert "94 % Read written down wrongly" in told.stdout
    assert "hold bill" in told.stdout
    assert "d03b5512aa90" not in told.stdout
    assert all(len(line) <= 80 for line in told.stdout.splitlines() if "Explain one" not in line)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), ["c5e0a7f31b2d", "a91c44d20e6f", "b7720f9e8c13"]),
        (("--top", "1"), ["c5e0a7f31b2d"]),
        (("--family", "jump"), ["b7720f9e8c13"]),
        (("--family", "grid"), []),
        (("--status", "suppressed"), ["d03b5512aa90"]),
        (("--status", "all"), ["c5e0a7f31b2d", "a91c44d20e6f", "b7720f9e8c13", "d03b5512aa90"]),
        (("--status", "all", "--family", "reading_error", "--top", "1"), ["a91c44d20e6f"]),
    ],
)
@pytest.mark.parametrize("explain", [False, True])
def test_cases_can_be_chosen(
    scanned: Path, options: tuple[str, ...], expected: list[str], explain: bool
) -> None:
    more = ("--explain",) if explain else ()
    rows = json.loads(kwhy("cases", scanned, *options, *more, "--format", "json").stdout)
    assert [row["case_id"] for row in rows] == expected
    told = kwhy("cases", scanned, *options, *more).stdout
    assert told.strip()
    assert all((row["case_id"] in told) == (row["case_id"] in expected) for row in cases().to_dicts())


def test_the_number_of_open_cases_is_that_of_the_scan_not_of_the_screen(scanned: Path) -> None:
    assert "Open cases: 3" in kwhy("cases", scanned, "--top", "1").stdout


def test_cases_for_machines_are_the_cases_of_the_scan(scanned: Path) -> None:
    (row,) = json.loads(kwhy("cases", scanned, "--top", "1", "--format", "json").stdout)
    assert list(row) == cases().columns
    assert [cause["cause"] for cause in row["causes"]] == ["swapped_pair", "customer_use", "unknown"]
    assert row["cannot_exclude"] == ["customer_use"]


READERS = {"csv": pl.read_csv, "json": pl.read_json, "ndjson": pl.read_ndjson, "parquet": pl.read_parquet}


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("explain", [(), ("--explain",)])
def test_every_form_holds_the_same_cases(
    scanned: Path, tmp_path: Path, form: str, explain: tuple[str, ...]
) -> None:
    printed = kwhy("cases", scanned, *explain, "--format", form)
    target = tmp_path / f"cases.{form}"
    written = kwhy("cases", scanned, *explain, "-o", target)
    assert written.stdout == ""
    assert str(target) in written.stderr
    assert target.read_bytes() == printed.stdout_bytes
    rows = READERS[form](io.BytesIO(printed.stdout_bytes))
    assert rows["case_id"].to_list() == ["c5e0a7f31b2d", "a91c44d20e6f", "b7720f9e8c13"]
    assert rows["kwh_at_stake"].to_list() == [824.6, 360.0, 606.8]


def test_format_beats_the_ending(scanned: Path, tmp_path: Path) -> None:
    target = tmp_path / "cases.txt"
    kwhy("cases", scanned, "--format", "json", "-o", target)
    assert len(json.loads(target.read_text(encoding="utf-8"))) == 3
    kwhy("cases", scanned, "-o", target)
    assert "Open cases: 3" in target.read_text(encoding="utf-8")


def test_an_ending_without_a_format_is_refused(scanned: Path, tmp_path: Path) -> None:
    refused = kwhy("cases", scanned, "-o", tmp_path / "cases.doc")
    assert refused.exit_code == 2
    assert "names no format" in refused.stderr


def test_parquet_refuses_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    with pytest.raises(UsageError, match="not for reading"):
        give(Answer(pl.DataFrame({"x": [1]}), list), "parquet", None)


def test_a_number_that_is_none_is_null_in_json(tmp_path: Path) -> None:
    give(Answer(pl.DataFrame({"kwh": [float("nan"), 1.5]}), list), None, tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == [{"kwh": None}, {"kwh": 1.5}]


@pytest.mark.parametrize("who", ["a91c44d20e6f", "a91c", MISREAD])
def test_one_case_in_words(scanned: Path, who: str) -> None:
    told = kwhy("case", scanned, who).stdout
    assert "one wrong digit" in told
    assert "Register runs backwards" in told


def test_one_case_for_machines_has_its_findings_and_tasks(scanned: Path) -> None:
    told = json.loads(kwhy("case", scanned, PAIR_A, "--format", "json").stdout)
    assert told["account_id"] == PAIR_A
    assert [case["case_id"] for case in told["cases"]] == ["c5e0a7f31b2d"]
    assert {finding["code"] for finding in told["findings"]} == {"X01", "J01"}
    assert [task["step"] for task in told["tasks"]] == [1, 2, 3, 4]


def test_an_unknown_case_is_answered_in_three_lines(scanned: Path) -> None:
    refused = kwhy("case", scanned, "nobody")
    assert refused.exit_code == 4
    assert refused.stdout == ""
    what, where, todo = refused.stderr.splitlines()
    assert what.startswith("kwhy: 'nobody' is no account")
    assert where == f"  where: {scanned}"
    assert todo.startswith("  to do: ")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    for words in (
        ["cases"],
        ["case", "x"],
        ["tasks", "--out", "x.csv"],
        ["evidence", "x", "--out", "x.html"],
    ):
        refused = kwhy(words[0], tmp_path / "none", *words[1:], "--lang", "zh")
        assert refused.exit_code == 4
        assert "位置：" in refused.stderr
        assert "处理：" in refused.stderr


@pytest.mark.parametrize(
    ("name", "start"), [("list.xlsx", b"PK"), ("list.csv", b"\xef\xbb\xbf"), ("t.html", b"<!")]
)
def test_tasks_by_the_ending_of_the_file(scanned: Path, tmp_path: Path, name: str, start: bytes) -> None:
    written = kwhy("tasks", scanned, "--out", tmp_path / name)
    assert written.exit_code == 0
    assert (tmp_path / name).read_bytes().lower().startswith(start.lower())
    assert "written: " in written.stderr
    assert kwhy("tasks", scanned, "--out", tmp_path / name, "--quiet").stderr == ""


def test_evidence_page(scanned: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert kwhy("evidence", scanned, JUMP, "--out", page, "--lang", "zh").exit_code == 0
    assert 'lang="zh' in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words",
    [("tasks", "--out", "list.pdf"), ("evidence", "a91c", "--out", "page.pdf"), ("tasks", "--out", "list")],
)
def test_files_nobody_can_write_are_refused(scanned: Path, words: tuple[str, ...]) -> None:
    refused = kwhy(words[0], scanned, *words[1:])
    assert refused.exit_code == 2
    assert "name a file that ends in" in refused.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("scan", "book", "--as-of", "2024-13-01", "--out", "x"),
        ("scan", "book", "--as-of", "today", "--out", "x"),
        ("scan", "book", "--out", "x"),
        ("scan", "book", "--as-of", "2024-01-01"),
        ("scan", "book", "--as-of", "2024-01-01", "--out", "x", "--workers", "0"),
        ("cases", "x", "--top", "0"),
        ("cases", "x", "--format", "yaml"),
        ("cases",),
        ("nothing",),
        ("rules", "R99"),
    ],
)
def test_wrong_usage_is_2(words: tuple[str, ...]) -> None:
    refused = kwhy(*words)
    assert refused.exit_code == 2
    assert refused.stdout == ""


def test_check_tells_what_is_in_a_book(tmp_path: Path) -> None:
    book = small_book(tmp_path / "book")
    assert "register_reads" in kwhy("check", book).stdout
    assert "账本" in kwhy("check", book, "--lang", "zh").stdout
    report = json.loads(kwhy("check", book, "--format", "json").stdout)
    assert report["meters"] == 1
    assert report["first_read"].startswith("2024-01-01")
    rows = pl.read_csv(io.StringIO(kwhy("check", book, "--format", "csv").stdout))
    assert rows.filter(pl.col("table") == "register_reads")["accepted"].to_list() == [40]
    assert kwhy("check", tmp_path / "none").exit_code == 4


def test_rules_are_listed_and_explained() -> None:
    listed = json.loads(kwhy("rules", "--format", "json").stdout)
    assert {
        "code": "R01",
        "title": "Register runs backwards",
        "leads_to": "Register ran backwards",
    }.keys() <= set(listed[0])
    assert len(listed) >= 40
    assert "R07" in kwhy("rules").stdout
    explained = kwhy("rules", "r07")
    assert "min_likelihood_ratio" in explained.stdout
    assert "单次抄录错误" in kwhy("rules", "R07", "--lang", "zh").stdout
    assert json.loads(kwhy("rules", "R07", "--format", "json").stdout)["limits"]["spread_log"]["unit"] == "ln"


def test_a_mistyped_rule_is_suggested() -> None:
    assert "R0" in kwhy("rules", "R99").stderr
