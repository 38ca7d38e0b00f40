"""The loader accepts the standard and the example, and refuses every kind of mistake, all at once."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from anomaly.errors import RulebookError
from rules import rulebook as loader
from rules.rulebook import load

EXAMPLE = Path(loader.__file__).parent / "overlays" / "example.toml"


@pytest.fixture
def standard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the standard rulebook that a test may damage."""
    copy = tmp_path / "standard"
    shutil.copytree(loader.STANDARD, copy)
    monkeypatch.setattr(loader, "STANDARD", copy)
    return copy


def damage(standard: Path, file: str, old: str, new: str) -> None:
    """Replace the first occurrence; the test is void when it is not there."""
    text = (standard / file).read_text(encoding="utf-8")
    assert old in text, f"{old!r} is no longer in {file}"
    (standard / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def refused(*overlays: Path, **options: object) -> list[str]:
    """The problems of a rulebook that must be refused, one a line."""
    with pytest.raises(RulebookError) as caught:
        load(*overlays, **options)  # type: ignore[arg-type]
    return [line.strip() for line in caught.value.what.splitlines()[1:]]


def overlay(tmp_path: Path, text: str, name: str = "local.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_standard_loads_and_names_its_version() -> None:
    rulebook = load()
    assert re.fullmatch(r"standard-[0-9a-f]{12}", rulebook.version)
    assert rulebook.version == load().version
    assert len(rulebook.detectors) >= 44


def test_the_example_overlay_changes_only_what_it_says() -> None:
    plain, example = load(), load(EXAMPLE)
    assert example.version.startswith("standard+example-")
    assert example.version != plain.version
    assert example.detectors["Q01"].limits["missing_days"].value == 5
    assert example.detectors["Q01"].title == plain.detectors["Q01"].title
    assert example.detectors["Q02"] == plain.detectors["Q02"]


def test_the_later_overlay_wins(tmp_path: Path) -> None:
    text = '[detector.Q01.limits]\nmissing_days = { value = 9, unit = "d", source = "here" }'
    assert load(EXAMPLE, overlay(tmp_path, text)).detectors["Q01"].limit_values()["missing_days"] == 9


def test_an_overlay_may_add_a_measurement_and_a_known_cause(tmp_path: Path) -> None:
    text = "[detector.Q01]\nlondon_flags_per_1000 = 1.5\ncauses = { clock_error = 2.0 }"
    rule = load(overlay(tmp_path, text)).detectors["Q01"]
    assert rule.london_flags_per_1000 == 1.5
    assert rule.causes["clock_error"] == 2.0
    assert "missing_reads" in rule.causes


def test_growth_is_of_causes_the_finding_speaks_for(tmp_path: Path) -> None:
    assert load(overlay(tmp_path, "[detector.X01]\ngrowth = { swapped_pair = 4.0 }")).detectors["X01"].growth == {
        "swapped_pair": 4.0
    }
    text = "[detector.X01]\ngrowth = { swapped_pair = 2.8, customer_use = 1.0 }"
    with pytest.raises(RulebookError, match="customer_use"):
        load(overlay(tmp_path, text))


def test_the_rulebook_cannot_be_changed() -> None:
    rulebook = load()
    with pytest.raises(TypeError):
        rulebook.detectors["Q01"].title["en"] = "x"  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        rulebook.detectors["Q01"].code = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            "detectors.toml",
            'title.zh = "缺抄"\n',
            "",
            "detectors.toml: detector.Q01.title.zh: is missing",
        ),
        (
            "detectors.toml",
            'title.zh = "缺抄"',
            'title.zh = "Q01"',
            "detector.Q01.title.zh: is not Chinese",
        ),
        ("detectors.toml", 'title.en = "Reads missing"', 'title.en = " "', "detector.Q01.title.en: is empty"),
        ("detectors.toml", "excludes_days = true", "excludes_day = true", "did you mean excludes_days?"),
        (
            "detectors.toml",
            "excludes_days = true",
            'excludes_days = "yes"',
            "excludes_days: must be true or false",
        ),
        (
            "detectors.toml",
            "missing_reads = 10000.0",
            "mising_reads = 10000.0",
            "did you mean missing_reads?",
        ),
        ("detectors.toml", "missing_reads = 10000.0", "missing_reads = -1.0", "is not between"),
        (
            "detectors.toml",
            "missing_days = { value = 3,",
            'missing_days = { value = "3",',
            "must be a number",
        ),
        (
            "detectors.toml",
            "missing_days = { value = 3,",
            "missing_days = { value = inf,",
            "must be a number",
        ),
        (
            "detectors.toml",
            'missing_days = { value = 3, unit = "d",',
            "missing_days = { value = 3,",
            "unit: is missing",
        ),
        ("detectors.toml", 'frequency = "daily"', 'frequency = "dayly"', "did you mean daily?"),
        ("detectors.toml", 'tables = ["accounts"]', 'tables = ["acounts"]', "is not a table of the book"),
        (
            "causes.toml",
            'steps.4 = ["rebill", "explain_to_customer"]\n',
            "",
            "cause.misread.steps.4: is missing",
        ),
        (
            "causes.toml",
            'steps.4 = ["rebill",',
            'steps.5 = ["rebill"]\nsteps.4 = ["rebill",',
            "steps.5: unknown key",
        ),
        (
            "causes.toml",
            'steps.2 = ["daily_freeze_query",',
            'steps.2 = ["daily_freze_query",',
            "did you mean daily_freeze",
        ),
        ("causes.toml", 'family = "reading_error"', 'family = "reading"', "is not one of"),
        (
            "causes.toml",
            'family = "reading_error"',
            'family = "jump"',
            "cause.misread.family: must be reading_error",
        ),
        ("causes.toml", "[cause.misread]", "[cause.misreads]", "cause.misread: is missing"),
        (
            "causes.toml",
            'steps.1 = ["remote_reread", "read_source"]',
            'steps.1 = ["plate"]',
            "without a visit",
        ),
        ("causes.toml", 'steps.3 = ["corrected_read",', 'steps.3 = ["seals",', "only step 1 is done on site"),
        ("checks.toml", "[check.plate]", "[check.plates]", "check.plates: no cause calls for it"),
        ("checks.toml", 'where = "site"', 'where = "field"', "check.plate.where: 'field' is not one of"),
        ("wording.toml", "自{last_read_day}起", "", "en and zh do not name the same facts: last_read_day"),
        (
            "wording.toml",
            'facts = ["gap_days", "last_read_day"]',
            'facts = ["gap_days"]',
            "is not among the facts",
        ),
        ("wording.toml", "[headline.Q01]", "[headline.Q00]", "headline.Q01: is missing"),
        ("wording.toml", "自{last_read_day}起", "自{last_read_day起", "cannot be read"),
        ("settings.toml", "[setting]", "[settings]", "did you mean setting?"),
        ("settings.toml", "[setting]", "[setting", "is not valid TOML"),
        (
            "settings.toml",
            "due_step_4_working_days = { value = 5",
            "due_step_4_working_days = { value = 1",
            "earlier",
        ),
    ],
)
def test_each_kind_of_mistake_is_refused(standard: Path, file: str, old: str, new: str, said: str) -> None:
    damage(standard, file, old, new)
    problems = refused()
    assert any(said in problem for problem in problems), problems
    assert all(re.match(r"[\w.]+: ", problem) for problem in problems)


def test_all_problems_are_listed_together(standard: Path, tmp_path: Path) -> None:
    damage(standard, "detectors.toml", 'title.zh = "缺抄"\n', "")
    damage(standard, "causes.toml", "prior = 0.02\n", "prior = 7\n")
    damage(standard, "checks.toml", 'unit = "text"\n', "")
    local = overlay(tmp_path, "[detector.Q99]\nexcludes_days = true\n[setting]\nhistory_day = 3")
    text = "\n".join(refused(local))
    for said in (
        "detectors.toml: detector.Q01.title.zh: is missing",
        "causes.toml: cause.misread.prior: 7 is not between 1e-09 and 1",
        "checks.toml: check.plate.unit: is missing",
        "local.toml: detector.Q99: unknown key",
        "local.toml: setting.history_day: unknown key (did you mean history_days?)",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[detector.Q01.limits]\nmising_days = 3", "did you mean missing_days?"),
        ("[detector.Q01]\nlimits = 3", "local.toml: detector.Q01.limits: must be a table"),
        ("[detector.R10.limits]\ncatalogue_ratios = { value = 3 }", "value: must be a list"),
        ("[detector.R01.limits]\nresolution_kwh = { value = [3] }", "value: must not be a list"),
        ("[check.new]\nunit = 'x'", "local.toml: check.new: unknown key"),
        ("[headline.Q02]\nen = 'x {gap_days}'", "local.toml: headline.Q02.en: placeholder 'gap_days'"),
        ("colour = 3", "local.toml: colour: unknown key"),
    ],
)
def test_an_overlay_brings_nothing_new(tmp_path: Path, text: str, said: str) -> None:
    problems = refused(overlay(tmp_path, text))
    assert any(said in problem for problem in problems), problems


def test_an_overlay_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere.toml") == ["nowhere.toml: cannot be read: No such file or directory"]


def test_codes_and_limits_match_the_registry() -> None:
    known = {code: set(rule.limits) for code, rule in load().detectors.items()}
    assert load(registry=known).detectors
    known["Z99"] = set()
    known["Q01"] = {"missing_day", "overdue_ratio"}
    del known["Q02"]
    problems = "\n".join(refused(registry=known))
    assert "detector.Z99: is missing: the detector is registered" in problems
    assert "detector.Q01.limits.missing_day: is missing: the detector takes it" in problems
    assert "limits.missing_days: the detector does not take it (did you mean missing_day?)" in problems
    assert "detector.Q02: no such detector is registered" in problems
