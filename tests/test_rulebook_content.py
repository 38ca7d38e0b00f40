"""What the standard rulebook holds is complete: causes, checks, priors, units and sources."""

from __future__ import annotations

import tomllib

import pytest

from anomaly.frames import CAUSE_FAMILY, INPUTS
from rules.entries import TABLES
from rules.rulebook import STANDARD, STANDARD_FILES, load


def test_every_cause_of_the_contract_has_an_entry_and_four_steps() -> None:
    causes = load().causes
    assert set(causes) == set(CAUSE_FAMILY)
    for name, cause in causes.items():
        assert cause.family == CAUSE_FAMILY[name]
        assert len(cause.steps) == 4
        assert all(cause.steps), f"{name} has an empty step"


def test_every_check_is_used_and_every_used_check_exists() -> None:
    rulebook = load()
    used = {check for cause in rulebook.causes.values() for step in cause.steps for check in step}
    assert used == set(rulebook.checks)


def test_priors_add_up_and_unknown_is_at_least_one_half() -> None:
    causes = load().causes
    assert sum(cause.prior for cause in causes.values()) == pytest.approx(1.0, abs=0.02)
    assert causes["unknown"].prior >= 0.5


def test_tables_a_rule_may_require_are_those_of_the_contract() -> None:
    assert set(TABLES) == set(INPUTS)


def test_every_number_has_a_unit_and_a_source() -> None:
    rulebook = load()
    numbers = [
        (f"{code}.{name}", limit)
        for code, rule in rulebook.detectors.items()
        for name, limit in rule.limits.items()
    ]
    numbers += [(name, limit) for name, limit in rulebook.settings.items()]
    for name, limit in numbers:
        assert limit.unit, name
        assert len(limit.source) > 5, name


def test_names_of_limits_end_in_their_unit() -> None:
    units = {
        "_kwh": "kWh",
        "_kwh_per_day": "kWh/d",
        "_minutes": "min",
        "_hours": "h",
        "_percent": "%",
        "_kw": "kW",
    }
    for code, rule in load().detectors.items():
        for name, limit in rule.limits.items():
            for ending, unit in units.items():
                assert not name.endswith(ending) or limit.unit == unit, f"{code}.{name} is in {limit.unit}"


def test_the_standard_files_hold_no_section_twice() -> None:
    sections: list[str] = []
    for file in STANDARD_FILES:
        sections += tomllib.loads((STANDARD / file).read_text(encoding="utf-8"))
    assert len(sections) == len(set(sections))
