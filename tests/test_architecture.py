"""The house keeps its shape: floors, sizes, names, and everything a rule needs."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from anomaly.registry import load_all
from rules.rulebook import load

ROOT = Path(__file__).parent.parent
FLOORS = ("anomaly", "rules", "pipelines")
CODE = sorted(
    [
        ROOT / "cli.py",
        *(path for top in (*FLOORS, "benchmarks", "docs") for path in (ROOT / top).rglob("*.py")),
    ]
)
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LARGEST_FILE, LARGEST_FUNCTION = 300, 60
VAGUE = {"data", "df", "process", "utils", "util", "manager", "helper", "helpers"}
UNFINISHED = (
    "TO" + "DO",
    "FIX" + "ME",
    "X" * 3,
    "NotImplemented" + "Error",
    "mark." + "skip",
    "mark." + "xfail",
)
ROW_LOOPS = ("iter_" + "rows", "map_" + "elements", "iter" + "tuples")
OURS = re.compile(r"(?<![\w.])/(?:home|root|Users|work|mnt)/\w|local" + r"host:|127[.]0[.]0")
RULES = load()


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.fixture(params=CODE, ids=name_of)
def source(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_imports_go_down_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_files_stay_small(source: Path) -> None:
    assert source.read_text(encoding="utf-8").count("\n") <= LARGEST_FILE


@pytest.mark.parametrize("path", [*CODE, *TESTS], ids=name_of)
def test_functions_stay_small(path: Path) -> None:
    """A test file may be long, for a truth table is read in one piece; a function never."""
    lengths = {one.name: (one.end_lineno or 0) - one.lineno + 1 for one in functions(tree_of(path))}
    assert {name: lines for name, lines in lengths.items() if lines > LARGEST_FUNCTION} == {}


def test_names_say_what_they_mean(source: Path) -> None:
    assert source.stem not in VAGUE
    tree = tree_of(source)
    named = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    named |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    named |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    assert {name.lower().strip("_") for name in named} & VAGUE == set()


def test_everything_public_is_explained(source: Path) -> None:
    tree = tree_of(source)
    assert ast.get_docstring(tree), "the file has no docstring"
    public = [
        node for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    ]  # fmt: skip
    assert [node.name for node in public if not ast.get_docstring(node)] == []


def test_an_init_is_one_docstring() -> None:
    for path in (path for path in CODE if path.name == "__init__.py"):
        (only,) = tree_of(path).body
        assert isinstance(only, ast.Expr), name_of(path)


@pytest.mark.parametrize("path", [*CODE, *TESTS], ids=name_of)
def test_nothing_is_left_unfinished_or_swallowed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [word for word in (*UNFINISHED, *ROW_LOOPS) if re.search(rf"\b{re.escape(word)}\b", text)] == []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler):
            caught = getattr(node.type, "id", None)
            assert node.type is not None, f"line {node.lineno} catches everything"
            assert caught not in {"Exception", "BaseException"}, f"line {node.lineno} catches everything"


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    endings = {".py", ".md", ".toml", ".j2", ".css", ".svg", ""}
    files = [
        path for top in (*FLOORS, "benchmarks", "docs", "tests", ".ci") for path in (ROOT / top).rglob("*")
    ]
    texts = [path for path in [*files, *ROOT.glob("*.*")] if path.is_file() and path.suffix in endings]
    assert [name_of(path) for path in texts if OURS.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("name", [*FLOORS, "cli"])
def test_the_package_is_ours_and_nobody_elses(name: str) -> None:
    """Another distribution with a package of this name would replace ours without a word."""
    owners = set(packages_distributions().get(name, []))
    assert owners <= {"kwhy"}, f"{name} also belongs to {owners - {'kwhy'}}: give kwhy its own environment"
    found = importlib.import_module(name).__file__
    assert found is not None
    assert Path(found).is_relative_to(ROOT)


def test_detectors_and_rulebook_name_the_same_codes() -> None:
    assert set(load_all()) == set(RULES.detectors)


@pytest.mark.parametrize("code", RULES.detectors)
def test_every_code_has_its_four_places(code: str) -> None:
    rule = RULES.detectors[code]
    modules = list((ROOT / "anomaly" / "detectors").glob(f"{code.lower()}_*.py"))
    assert len(modules) == 1
    assert (ROOT / "tests" / "detectors" / f"test_{modules[0].name}").exists()
    assert set(rule.causes) <= set(RULES.causes)
    for text in (rule.title, rule.explain, RULES.wording["headline"][code].text):
        assert text["en"]
        assert text["zh"]
    documentation = load_all()[code].documentation
    assert "Fires when" in documentation
    assert "Cannot see" in documentation
