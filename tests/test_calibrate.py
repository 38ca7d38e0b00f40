"""`kwhy calibrate`: limits of X01 refitted from boxes in which nothing was done, or refused with a reason."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anomaly.errors import KwhyError, UsageError
from anomaly.null_limits import Scores, box_numbers, disturbed, null_scores, of_slices, refit, tail_limit
from anomaly.profile import DAILY, INTERVALS
from anomaly.registry import load_all
from anomaly.swap_plan import Plan, Windows
from anomaly.swap_scan import drift_counts
from pipelines.calibrate import calibrate
from rules.rulebook import load
from tests.command_line import kwhy
from tests.lives import DAYS, exchanged, lives, town

RULES = load()
LIMITS = RULES.detectors["X01"].limit_values()
BOXES, MEMBERS = 120, 4
START = dt.date(2025, 1, 1)


class TestTail:
    @pytest.mark.parametrize("count", [400, 4000])
    def test_the_limit_is_what_one_in_a_hundred_reach(self, count: int) -> None:
        scores = np.random.default_rng(1).exponential(2.0, count)
        truth = 2.0 * np.log(100)
        assert tail_limit(scores, false_share=0.01, tail_share=0.05) == pytest.approx(truth, rel=0.15)

    def test_a_heavy_tail_is_followed_beyond_the_scores(self) -> None:
        rng = np.random.default_rng(2)
        heavy = tail_limit(rng.pareto(4.0, 2000), false_share=0.001, tail_share=0.05)
        light = tail_limit(rng.exponential(0.33, 2000), false_share=0.001, tail_share=0.05)
        assert heavy > 2 * light

    def test_neither_order_nor_ties_matter(self) -> None:
        scores = np.repeat(np.random.default_rng(3).exponential(2.0, 200), 2)
        assert tail_limit(scores, false_share=0.01, tail_share=0.05) == tail_limit(
            scores[::-1], false_share=0.01, tail_share=0.05
        )

    @pytest.mark.parametrize("scores", [np.full(200, 3.0), np.array([1.0, 2.0])], ids=["all the same", "two"])
    def test_odd_scores_have_a_limit_too(self, scores: np.ndarray) -> None:
        assert scores.min() <= tail_limit(scores, false_share=0.01, tail_share=0.05) <= scores.max() + 5

    def test_no_scores_no_limit(self) -> None:
        with pytest.raises(ValueError, match="no scores"):
            tail_limit(np.empty(0), false_share=0.01, tail_share=0.05)


def scores_of(nats: np.ndarray, members: int | np.ndarray = 12) -> Scores:
    return Scores(np.arange(len(nats)), np.broadcast_to(members, len(nats)), nats)


SETTINGS = {"before_nats": 9.0, "floor_nats": 6.6, "false_share": 0.01, "tail_share": 0.05}


class TestRefit:
    def test_too_few_boxes_have_none(self) -> None:
        nats = np.random.default_rng(1).exponential(2.0, 120)
        assert refit(scores_of(nats), min_boxes=121, **SETTINGS) is None
        assert refit(scores_of(nats), min_boxes=120, **SETTINGS) is not None
        same = Scores(np.arange(120) // 2, np.full(120, 12), nats)
        assert refit(same, min_boxes=61, **SETTINGS) is None, "two dates of a box are one box"

    def test_never_below_the_floor(self) -> None:
        low = refit(scores_of(np.random.default_rng(1).exponential(0.2, 500)), min_boxes=100, **SETTINGS)
        assert low is not None
        assert (low.limit_nats, low.at_floor) == (6.6, True)

    def test_large_boxes_must_be_safe_too(self) -> None:
        rng = np.random.default_rng(1)
        nats = np.concatenate([rng.exponential(1.5, 900), rng.exponential(4.0, 150)])
        members = np.repeat([8, 30], [900, 150])
        both = refit(scores_of(nats, members), min_boxes=100, **SETTINGS)
        small = refit(scores_of(nats[:900]), min_boxes=100, **SETTINGS)
        assert both is not None
        assert small is not None
        assert both.limit_nats > small.limit_nats + 5
        assert (nats[900:] >= both.limit_nats).mean() <= 0.03

    def test_it_tells_how_many_were_above(self) -> None:
        told = refit(scores_of(np.linspace(0, 20, 1000)), min_boxes=100, **SETTINGS)
        assert told is not None
        assert told.share_before == pytest.approx(0.55, abs=0.002)
        assert told.share_after <= 0.011


@cache
def homes() -> np.ndarray:
    return lives(BOXES, MEMBERS, seed=5)


def scored(kwh: np.ndarray, curves: bool) -> dict[tuple[str, bool], Scores]:
    view = town(kwh, MEMBERS, curves=curves)
    plan = Plan(Windows(8, 4), Windows(4, 2), 26)
    spreads = {key: one.fleet_spread() for key, one in drift_counts(view, plan, max_members=64).items()}
    view = dataclasses.replace(view, fleet_drift={key: one for key, one in spreads.items() if one is not None})
    box = box_numbers(view, max_members=64)
    return null_scores(view, load_all()["X01"].function, LIMITS, box, np.ones(len(kwh) // MEMBERS, bool))


class TestScores:
    def test_every_box_has_a_score_for_every_kind_it_has(self) -> None:
        found = scored(homes()[: 30 * MEMBERS], curves=True)
        assert {(INTERVALS, True), (INTERVALS, False), (DAILY, True), (DAILY, False)} <= set(found)
        for (_, known), scores in found.items():
            assert scores.boxes == 30
            assert len(scores.nats) == (90 if known else 30)
            assert set(scores.members) == {MEMBERS}

    def test_an_exchange_stands_out_in_its_box_alone(self) -> None:
        kwh = homes()[: 30 * MEMBERS]
        before, after = (scored(one, curves=True)[INTERVALS, False] for one in (kwh, exchanged(kwh, 40, 42, 100)))
        changed = np.flatnonzero(after.nats != before.nats)
        assert len(changed) == 1
        assert after.nats[changed[0]] > before.nats.max() + 10

    def test_slices_number_their_boxes_on(self) -> None:
        both = of_slices([scores_of(np.ones(3)), scores_of(np.ones(2))])
        assert both.box.tolist() == [0, 1, 2, 3, 4]

    def test_who_is_disturbed(self) -> None:
        view = town(homes()[:8], MEMBERS, curves=False)
        at = dt.datetime(2026, 1, 1) + dt.timedelta(days=50)
        ticket = pl.DataFrame({"row": [2], "at": [at]}, schema_overrides={"row": pl.Int64})
        view = dataclasses.replace(view, tickets=pl.concat([view.tickets, ticket], how="diagonal_relaxed"))
        assert np.flatnonzero(disturbed(view, 40)).tolist() == [2]
        assert not disturbed(view, 51).any()
        assert box_numbers(view, max_members=64).tolist() == [0] * 4 + [1] * 4


def write(folder: Path, *, boxes: int, works: int = 0) -> Path:
    """A book of boxes of four homes read daily; in the first `works` boxes the utility worked lately."""
    folder.mkdir(parents=True)
    kwh = homes()[: boxes * MEMBERS].sum(axis=2)
    names = [f"A{row:04d}" for row in range(len(kwh))]
    dial = np.round(np.concatenate([np.full((len(kwh), 1), 100.0), 100 + np.cumsum(kwh, axis=1)], axis=1), 2)
    days = [dt.datetime.combine(START, dt.time()) + dt.timedelta(days=at) for at in range(DAYS + 1)]
    meters = [f"m{name}" for name in names]
    pl.DataFrame(
        {"meter_id": np.repeat(meters, len(days)), "read_at": days * len(names), "register_kwh": dial.ravel()}
    ).write_parquet(folder / "register_reads.parquet")
    box = [f"box {row // MEMBERS:03d}" for row in range(len(names))]
    pl.DataFrame({"meter_id": meters, "account_id": names, "installed_on": START, "area_id": "one"}).write_parquet(
        folder / "installations.parquet"
    )
    pl.DataFrame({"account_id": names, "box_id": box, "area_id": "one"}).write_parquet(folder / "accounts.parquet")
    if works:
        at = days[150]
        done = {"meter_id": meters[: works * MEMBERS : MEMBERS], "at": at, "kind": "works"}
        pl.DataFrame(done).write_parquet(folder / "events.parquet")
    return folder


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("calibrated") / "book", boxes=BOXES, works=5)


@pytest.fixture(scope="module")
def overlay(book: Path) -> Path:
    out = book.parent / "ours.toml"
    assert kwhy("calibrate", book, "--out", out).exit_code == 0
    return out


def test_the_overlay_is_one_the_rulebook_accepts(overlay: Path) -> None:
    entries = tomllib.loads(overlay.read_text(encoding="utf-8"))["detector"]["X01"]["limits"]
    assert set(entries) == {"known_daily_nats", "scan_daily_nats"}, "this book has daily totals only"
    merged = load(overlay)
    for name, entry in entries.items():
        assert merged.detectors["X01"].limits[name].value == entry["value"] >= 6.6
        for part in ("kwhy calibrate: book ", "2025-01-01 to 2025-07-02", "115 boxes", f"before: {LIMITS[name]:g}"):
            assert part in entry["source"]
    assert "ours" in merged.version


def test_the_same_book_gives_the_same_overlay(book: Path, overlay: Path, tmp_path: Path) -> None:
    again = tmp_path / "ours.toml"
    calibrate(book, again)
    assert again.read_bytes() == overlay.read_bytes()


def test_the_answer_is_a_table_from_old_to_new(book: Path, overlay: Path, tmp_path: Path) -> None:
    ran = kwhy("calibrate", book, "--out", tmp_path / "a.toml", "--as-of", "2025-07-02", "--format", "json")
    rows = {row["limit"]: row for row in json.loads(ran.stdout)}
    assert len(rows) == 8
    daily = rows["scan_daily_nats"]
    assert daily["boxes"] == 115
    assert daily["before_nats"] == LIMITS["scan_daily_nats"]
    assert daily["false_after"] <= 4
    assert rows["known_curves_nats"]["after_nats"] is None
    told = kwhy("calibrate", book, "--out", tmp_path / "b.toml", "--lang", "zh").stdout
    assert "120 个表箱中的 115 个" in told
    assert "不变" in told


def test_a_file_is_never_replaced_unasked(book: Path, overlay: Path) -> None:
    before = overlay.read_bytes()
    refused = kwhy("calibrate", book, "--out", overlay)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert overlay.read_bytes() == before
    assert kwhy("calibrate", book, "--out", overlay, "--force").exit_code == 0
    assert overlay.read_bytes() == before


def test_an_overlay_ends_in_toml(book: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        calibrate(book, tmp_path / "ours.txt")


def test_too_few_boxes_are_refused_with_their_number(tmp_path: Path) -> None:
    small = write(tmp_path / "book", boxes=104, works=6)
    with pytest.raises(KwhyError) as refused:
        calibrate(small, tmp_path / "ours.toml")
    for part in ("100 are needed", "of 104 boxes", "98 were without", "2025-01-01 to 2025-07-02"):
        assert part in refused.value.what
    assert refused.value.todo
    assert not (tmp_path / "ours.toml").exists()


def test_a_book_without_reads_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "book", boxes=2)
    pl.read_parquet(folder / "register_reads.parquet").clear().write_parquet(folder / "register_reads.parquet")
    with pytest.raises(KwhyError, match="no read"):
        calibrate(folder, tmp_path / "ours.toml")
