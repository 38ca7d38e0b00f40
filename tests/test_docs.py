"""The documentation says what the program says."""

from __future__ import annotations

import re

import click
import pytest

from anomaly.frames import INPUTS, REQUIRED_TABLES
from cli import cli
from docs import generate
from tests.readme import README, ROOT, after_installing, shell_commands


@pytest.mark.parametrize("name", ["README.md", "docs/rules.md", "docs/rules.zh.md"])
def test_generated_text_is_up_to_date(name: str) -> None:
    path = ROOT / name
    same = path.read_text(encoding="utf-8") == generate.pages()[path]
    assert same, f"{name} is behind the program: run python -m docs.generate"


def test_the_pictures_are_what_the_demo_draws() -> None:
    behind = [path.name for path, chart in generate.pictures().items() if path.read_text(encoding="utf-8") != chart]
    assert behind == [], "run python -m docs.generate"


def test_the_readme_has_two_commands_and_both_install_first() -> None:
    demo, tests = shell_commands()
    assert after_installing(demo) == ["kwhy", "demo"]
    assert after_installing(tests) == ["pytest"]


@pytest.mark.parametrize("command", cli.commands)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert re.search(rf"^kwhy {command}\b", README, re.MULTILINE)


def test_commands_the_readme_shows_exist() -> None:
    shown = {
        name for text in re.findall(r"`([^`\n]+)`", README) for name in re.findall(r"^kwhy ([a-z]+)", text)
    }
    assert shown <= set(cli.commands)
    options = {opt for one in cli.commands.values() for param in one.params for opt in param.opts}
    used = set(re.findall(r"(?<![\w|<!-])(--[a-z][a-z-]*)", README))
    assert used <= options | {"--help"}


def test_the_readme_names_every_table_of_the_book() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", README, re.MULTILINE)
    assert [name for name, _ in rows if name in INPUTS] == [name for name, _ in rows]
    assert {name for name, _ in rows} == set(INPUTS)
    assert {name for name, without in rows if without == "no scan"} == set(REQUIRED_TABLES)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_licence_and_attribution_are_there() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    for name in ("NOTICE", "README.md", "pipelines/sample/ATTRIBUTION.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "Low Carbon London" in text, name
        assert re.search(r"CC BY 4\.0|Creative Commons Attribution 4\.0", text), name


def test_the_command_block_follows_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.commands, "dream", click.Command("dream", help="Something new."))
    assert "kwhy dream" in generate.commands()
    assert generate.pages()[ROOT / "README.md"] != README
