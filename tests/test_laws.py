"""Laws that every rule of the registry keeps, whatever it looks for."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.panel import Panel
from anomaly.registry import Detections, load_all
from pipelines.case_text import Speaker
from rules.model import LANGUAGES
from rules.rulebook import load
from tests.panels import panel
from tests.scan_fixture import NOT_WORDS, Result, scan_book, write_book
from tests.towns import faulty_town

REGISTRY = load_all()
RULEBOOK = load(registry={code: set(one.parameters) for code, one in REGISTRY.items()})
CODES = tuple(REGISTRY)
NEED_A_TOWN_IN_ORDER = {"B01", "B02", "B04", "B05"}
"""Rules that weigh a whole area: they see one fault where nearly all else in it is in order."""
NEED_MORE_TABLES = {"X11", "X12", "X13", "X14"}
"""Rules about polls, voltages and neutral currents, which a town does not have."""

CALENDAR = ("C09", "B01", "B02")
"""Clock changes have their dates; rules about a state begin with the month, so that their ids last one."""

SHIFT_DAYS = 28


def found_by(code: str, seen: Panel) -> Detections:
    """What one rule finds with the standard limits."""
    return REGISTRY[code].function(seen, **RULEBOOK.detectors[code].limit_values())


@pytest.mark.parametrize("code", CODES)
class TestEveryRule:
    def test_says_when_it_fires_and_what_it_cannot_see(self, code: str) -> None:
        told = REGISTRY[code].documentation
        assert re.search(r"^Fires ", told, re.MULTILINE), told
        assert "Cannot see" in told
        assert REGISTRY[code].source
        assert REGISTRY[code].unit

    def test_has_limits_with_unit_and_source_texts_and_a_cause(self, code: str) -> None:
        rule = RULEBOOK.detectors[code]
        assert set(rule.limits) == set(REGISTRY[code].parameters)
        assert all(limit.unit and limit.source for limit in rule.limits.values())
        assert rule.causes
        for text in (rule.title, rule.explain, RULEBOOK.wording["headline"][code].text):
            assert all(text[lang].strip() for lang in LANGUAGES)
        assert any("\u4e00" <= letter <= "\u9fff" for letter in rule.explain["zh"])

    @pytest.mark.parametrize(
        "seen",
        [
            pytest.param(lambda: panel(np.empty((0, 11))), id="nobody"),
            pytest.param(lambda: panel(np.full((2, 41), np.nan)), id="no-reads"),
            pytest.param(lambda: panel([[100.0], [np.nan]], events=events(0)), id="no-day"),
            pytest.param(lambda: panel([[100.0, 108.0]]), id="one-day"),
            pytest.param(lambda: panel(np.empty((0, 1))), id="nothing"),
            pytest.param(
                lambda: panel(np.empty((0, 11)), curve=(30, np.empty(0, int), 0, np.empty((0, 10, 48)))),
                id="nobodys-curve",
            ),
            pytest.param(
                lambda: panel([[100.0, 108.0, 117.0]], curve=(30, [0], 0, np.full((1, 2, 48), np.nan))),
                id="blank-curve",
            ),
            pytest.param(
                lambda: panel(np.full((1, 3), np.nan), rates=([0], ["import_t1"], np.full((1, 1, 3), np.nan))),
                id="blank-rates",
            ),
            pytest.param(
                lambda: panel(np.full((1, 3), np.nan), export=([0], np.full((1, 3), np.nan))), id="blank-export"
            ),
        ],
    )
    def test_finds_nothing_in_nothing(self, code: str, seen: Callable[[], Panel]) -> None:
        assert len(found_by(code, seen())) == 0

    def test_has_numbers_only_where_it_finds_something(self, code: str) -> None:
        found = found_by(code, rough_panel(np.random.default_rng(11), 30, 60))
        for name in ("measured", "expected", "limit", "strength", "kwh_at_stake"):
            assert np.isfinite(getattr(found, name)).all(), name
        assert (found.kwh_at_stake >= 0).all()
        assert (found.end > found.start).all()
        assert all(len(values) == len(found) for values in found.facts.values())

    def test_does_not_change_its_panel(self, code: str) -> None:
        seen = rough_panel(np.random.default_rng(5), 20, 60)
        before = {name: values.copy() for name, values in vars(seen).items() if isinstance(values, np.ndarray)}
        found_by(code, seen)
        for name, values in before.items():
            np.testing.assert_array_equal(getattr(seen, name), values, err_msg=name)


def events(row: int) -> pl.DataFrame:
    """One event of every kind about a position."""
    kinds = [
        "disconnect",
        "reconnect",
        "outage_start",
        "outage_end",
        "clock_error",
        "voltage_loss",
        "works",
        "reverse_power",
    ]
    at = [dt.datetime(2026, 1, 1) for _ in kinds]
    return pl.DataFrame({"row": [row] * len(kinds), "meter_id": "meter-0", "at": at, "kind": kinds, "detail": None})


def rough_panel(rng: np.random.Generator, count: int, days: int) -> Panel:
    """Registers of all kinds: gaps, misreads, falls, stuck dials, monthly reads, estimates, a few vacant homes."""
    use = rng.gamma(4.0, rng.uniform(0.0, 6.0, (count, 1)), (count, days))
    register = rng.uniform(0, 9e5, (count, 1)) + np.concatenate([np.zeros((count, 1)), np.cumsum(use, axis=1)], axis=1)
    faults = rng.random(register.shape) < 0.01
    register = np.where(faults, register * rng.choice([0.1, 10.0, 0.999, 1.001], register.shape), register)
    register[::5, days // 2 :] = register[::5, days // 2, None]
    register[3::7, days // 2 :] += 20.0 * np.arange(days + 1 - days // 2)
    register[1::7, days // 3 :] -= 400.0
    register = np.where(rng.random(register.shape) < 0.05, np.nan, register % 1e6)
    register[2::6] = np.where(np.arange(days + 1) % 30 == 3, register[2::6], np.nan)
    return panel(
        register,
        quality=rng.choice([0, 0, 0, 0, 3], register.shape),
        read_frequency=["periodic" if at % 6 == 2 else "daily" for at in range(count)],
        status=["vacant" if at % 8 == 3 else "active" for at in range(count)],
        curve=(
            60,
            list(range(0, count, 2)),
            0,
            np.abs(np.round(rng.gamma(1.0, 0.3, (len(range(0, count, 2)), days, 24)), 3)),
        ),
        events=events(1),
    )


def taken(seen: Panel, rows: list[int]) -> Panel:
    """The registers of some positions, in the given order, as a panel of their own (no curve)."""
    named = {
        name: seen.positions[name].to_list()
        for name in ("account_id", "point_id", "meter_id", "read_frequency", "status")
    }
    return panel(
        seen.register_kwh[rows],
        quality=np.maximum(seen.quality[rows], 0),
        **{name: [values[row] for row in rows] for name, values in named.items()},
    )


def signature(found: Detections, seen: Panel, order: list[int] | None = None) -> set[tuple[Any, ...]]:
    """Findings without their place in the panel: the meters, days and rounded numbers."""
    meters = seen.positions["meter_id"].to_list()
    rows = zip(
        found.position.tolist(),
        found.related.tolist(),
        found.start.tolist(),
        found.end.tolist(),
        np.round(found.measured, 6).tolist(),
        np.round(found.kwh_at_stake, 4).tolist(),
        strict=True,
    )
    return {
        (
            frozenset(meters[at] for at in (position, related) if at >= 0),
            start,
            end,
            *((measured,) if related < 0 else ()),
            stake,
        )
        for position, related, start, end, measured, stake in rows
    }


@given(st.integers(0, 10_000), st.permutations(range(12)))
@settings(max_examples=12, deadline=None)
def test_the_order_of_positions_changes_nothing(seed: int, order: list[int]) -> None:
    rough = rough_panel(np.random.default_rng(seed), 12, 45)
    plain, turned = taken(rough, list(range(12))), taken(rough, order)
    for code in CODES:
        assert signature(found_by(code, plain), plain) == signature(found_by(code, turned), turned), code


@given(st.integers(0, 10_000), st.integers(1, 13))
@settings(max_examples=12, deadline=None)
def test_shifting_all_days_by_four_weeks_shifts_the_findings(seed: int, months: int) -> None:
    """Four weeks, because onsets are looked for on a fixed grid of every fourth day or so."""
    rough = rough_panel(np.random.default_rng(seed), 10, 45)
    rows = list(range(10))
    here, there = taken(rough, rows), taken(rough, rows)
    later = np.timedelta64(SHIFT_DAYS * months, "D")
    object.__setattr__(there, "days", there.days + later)
    for code in CODES:
        plain, moved = found_by(code, here), found_by(code, there)
        assert (plain.start + later).tolist() == moved.start.tolist(), code
        assert (plain.end + later).tolist() == moved.end.tolist(), code
        np.testing.assert_allclose(plain.measured, moved.measured, err_msg=code)
        np.testing.assert_allclose(plain.strength, moved.strength, err_msg=code)


@pytest.fixture(scope="module", params=[3, 8])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The scan of a town with every kind of fault."""
    folder = tmp_path_factory.mktemp("town")
    made = faulty_town(request.param)
    return scan_book(write_book(folder / "book", dict(made.tables)), made.as_of, folder / "out")


def test_every_finding_can_be_told_in_both_languages(town: Result) -> None:
    as_of = dt.date.fromisoformat(town.run["as_of"])
    speaker = Speaker(RULEBOOK, as_of)
    able = set(CODES) - NEED_A_TOWN_IN_ORDER - NEED_MORE_TABLES
    assert len(able & town.codes()) >= len(able) - 5, "a town with every fault makes nearly every rule speak"
    for row in town.findings.to_dicts():
        facts = json.loads(row["facts"])
        for lang in LANGUAGES:
            said = speaker.headline({**row, "facts": facts}, lang)
            assert not [mark for mark in NOT_WORDS if mark in said], (row["code"], said)
            assert said[0] != " "
            assert said.strip().endswith((".", "。", "?", "？", "!", ")", "）")), (row["code"], said)


def test_days_of_a_town_moved_by_weeks_move_its_findings(tmp_path: Path) -> None:
    """The whole way, with curves, rates and exchanges; rules bound to the calendar (clock changes, months) apart."""
    made = faulty_town(3)
    later = dt.timedelta(days=SHIFT_DAYS)
    moved = {
        name: table.with_columns(pl.col(column) + later for column, kind in table.schema.items() if kind.is_temporal())
        for name, table in made.tables.items()
    }
    here = scan_book(write_book(tmp_path / "here", dict(made.tables)), made.as_of, tmp_path / "out")
    there = scan_book(write_book(tmp_path / "there", moved), made.as_of + later, tmp_path / "later")
    keys = ("code", "meter_id", "related_meter_id", "start", "end", "measured", "status")
    by_calendar = pl.col("suppressed_by").eq_missing("clock_change")
    status = pl.when(by_calendar).then(pl.lit("reported")).otherwise("status").alias("status")
    plain, shifted = (
        result.findings.filter(~pl.col("code").is_in(CALENDAR)).with_columns(status).select(*keys)
        for result in (here, there)
    )
    assert len(plain) > 50
    assert plain.with_columns(pl.col("start", "end") + later).sort(keys).equals(shifted.sort(keys))
