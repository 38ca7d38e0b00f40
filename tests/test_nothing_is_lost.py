"""Every row read is somewhere, conflicts are settled in one way, and what is implausible is told of."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path

import numpy as np
import pytest

from tests.scan_fixture import installed, instant, lay_tables, read, reads


class TestConflicts:
    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_the_best_quality_wins_in_any_order(self, tmp_path: Path, order: tuple[int, ...]) -> None:
        rival = [
            read("M", instant(1), 11.0, quality="edited"),
            read("M", instant(1), 19.0, quality="estimated"),
            read("M", instant(1), 15.0, quality="questionable"),
        ]
        register = [{**row, "quality": "valid"} for row in reads("M", [10, None, 12, 13])]
        laid = lay_tables(
            tmp_path, 3, register_reads=[*register, *(rival[at] for at in order)], installations=[installed("M", "A")]
        )
        assert laid.panel.register_kwh[0].tolist() == [10, 11, 12, 13]
        assert laid.panel.quality[0].tolist() == [0, 1, 0, 0]
        assert laid.aside() == []

    @pytest.mark.parametrize("twice", [False, True])
    @pytest.mark.parametrize("at", [pytest.param(instant(1), id="midnight"), pytest.param(instant(1, 9), id="morning")])
    def test_a_tie_leaves_the_moment_out_and_is_told(self, tmp_path: Path, at: dt.datetime, twice: bool) -> None:
        pair = [read("M", at, 11.0), read("M", at, 10.0)]
        register = [*pair, *reads("M", [9.0, None, 13.0]), *(pair if twice else [])]
        for rows in (register, register[::-1]):
            laid = lay_tables(tmp_path / str(len(rows)), 2, register_reads=rows, installations=[installed("M", "A")])
            assert laid.kwh("A") == pytest.approx([2, 2])
            assert laid.panel.spread.all()
            assert np.isnan(laid.panel.register_kwh[0, 1])
            told = laid.panel.set_aside.select("reason", "meter_id", "reads", "first_at", "low_kwh", "high_kwh").rows()
            assert told == [("conflict", "M", 2, at, 10.0, 11.0)]

    def test_agreeing_reads_count_once(self, tmp_path: Path) -> None:
        register = reads("M", [10, 11, 12]) * 3 + [read("M", instant(1, 9), 11.4)] * 2
        laid = lay_tables(tmp_path, 2, register_reads=register, installations=[installed("M", "A")])
        assert laid.kwh("A") == pytest.approx([1, 1])
        assert laid.aside() == []
        assert laid.counts["on_grid"] == 3
        assert laid.counts["repeated_or_contested"] == 6

    def test_equal_to_the_decimals_is_equal(self, tmp_path: Path) -> None:
        register = [*reads("M", [10, 11.001, 12]), read("M", instant(1), 11.004)]
        laid = lay_tables(tmp_path, 2, register_reads=register, installations=[installed("M", "A")])
        assert laid.aside() == []
        assert laid.kwh("A") == pytest.approx([1, 1])

    def test_fold_tells_the_two_passes_of_an_hour_apart(self, tmp_path: Path) -> None:
        register = [
            *reads("M", [10, 11, 12]),
            read("M", instant(1, 1, 30), 11.1, fold=0),
            read("M", instant(1, 1, 30), 11.2, fold=1),
        ]
        laid = lay_tables(tmp_path, 2, register_reads=register, installations=[installed("M", "A")])
        assert laid.aside() == []

    def test_a_repeated_midnight(self, tmp_path: Path) -> None:
        register = [
            *reads("M", [10, None, 12], fold=0),
            read("M", instant(1), 11.0, fold=1),
            read("M", instant(1), 10.9, fold=0),
        ]
        laid = lay_tables(tmp_path, 2, register_reads=register, installations=[installed("M", "A")])
        assert laid.aside() == []
        assert laid.panel.register_kwh[0].tolist() == [10, 10.9, 12]

    def test_conflicting_intervals(self, tmp_path: Path) -> None:
        curve = [
            {
                "meter_id": "M",
                "interval_start": instant(0, hour),
                "minutes": 60,
                "kwh": 0.5,
                "quality": "valid",
                "fold": 0,
            }
            for hour in range(24)
        ]
        curve += [dict(curve[3]), {**curve[4], "kwh": 9.0}, {**curve[5], "kwh": 9.0, "quality": "estimated"}]
        for rows in (curve, curve[::-1]):
            laid = lay_tables(
                tmp_path / f"{rows is curve}",
                1,
                register_reads=reads("M", [0, 12]),
                installations=[installed("M", "A")],
                interval_reads=rows,
            )
            (one,) = laid.panel.curves
            assert np.flatnonzero(np.isnan(one.kwh[0, 0])).tolist() == [4]
            assert np.nansum(one.kwh) == pytest.approx(11.5)
            assert one.conflicts.tolist() == [[1]]


class TestNothingIsLost:
    ROWS = (
        *reads("M", [10, 11, 12, 13, 14, 15]),
        read("M", instant(2), 12.0),
        read("M", instant(3, 9), 13.5),
        read("M", instant(2), 99.0),
        read("M", instant(0), 3.0, channel="import_t1"),
        read("M", instant(4), 2.0, channel="export"),
        read("M", instant(9), 15.0),
        read("M", instant(5, 0, 1), 15.0),
        read("M", instant(1), None, quality="missing"),
        read("M", instant(9), None, quality="missing"),
        read("M", instant(1), -5.0),
        read("M", instant(-3), 8.0),
        read("X", instant(1), 77.0),
        read("X", instant(2), 78.0),
        read("GONE", instant(4), 50.0),
        read("GONE", instant(1), 49.0),
        read("M", instant(1), 4.0, channel="kvarh"),
        read("M", instant(1), float("nan")),
        read("M", instant(3), None),
    )
    INSTALLATIONS = (installed("M", "A"), installed("GONE", "B", -9, 2))

    def test_every_row_is_somewhere(self, tmp_path: Path) -> None:
        laid = lay_tables(
            tmp_path,
            5,
            register_reads=[{"channel": "import", "quality": "valid", **row} for row in self.ROWS],
            installations=list(self.INSTALLATIONS),
        )
        counts = laid.counts
        assert counts["read"] == len(self.ROWS) == counts["accepted"] + counts["quarantined"]
        assert counts["quarantined"] == 3
        places = {
            "after_as_of": 3,
            "before_window": 0,
            "without_register": 1,
            "set_aside": 5,
            "beside_grid": 3,
            "on_grid": 6,
            "repeated_or_contested": 3,
        }
        assert {name: counts[name] for name in places} == places
        assert sum(places.values()) == counts["accepted"]

    def test_every_implausible_row_is_told_and_kept_out(self, tmp_path: Path) -> None:
        laid = lay_tables(
            tmp_path,
            5,
            register_reads=[{"channel": "import", "quality": "valid", **row} for row in self.ROWS],
            installations=list(self.INSTALLATIONS),
        )
        assert sorted(laid.aside()) == [
            ("after_removal", "GONE", 1),
            ("before_installation", "M", 1),
            ("conflict", "M", 2),
            ("negative", "M", 1),
            ("no_installation", "X", 2),
        ]
        register = laid.panel.register_kwh[laid.row("A")]
        assert register[-6:].tolist()[:2] == [10, 11]
        assert np.nanmin(register) >= 0
        assert np.isfinite(laid.panel.register_kwh[laid.row("B")]).sum() == 1

    def test_reads_older_than_the_history_are_counted(self, tmp_path: Path) -> None:
        register = [
            read("M", instant(-2000), 1.0),
            read("M", instant(-1500), None, quality="missing"),
            *reads("M", [10, 11]),
        ]
        laid = lay_tables(
            tmp_path,
            1,
            register_reads=[{"quality": "valid", **row} for row in register],
            installations=[installed("M", "A", -3000)],
        )
        assert laid.counts["before_window"] == 2
        assert laid.counts["without_register"] == 0
        assert laid.panel.shape == (1, 1)

    def test_intervals_are_counted_too(self, tmp_path: Path) -> None:
        def interval(meter: str, at: dt.datetime, channel: str = "import", minutes: int = 60) -> dict[str, object]:
            return {"meter_id": meter, "interval_start": at, "minutes": minutes, "kwh": 1.0, "channel": channel}

        rows = [
            interval("M", instant(0)),
            interval("M", instant(0)),
            interval("M", instant(1, 23)),
            interval("M", instant(2)),
            interval("M", instant(1, 23), minutes=120),
            interval("X", instant(1)),
            interval("M", instant(-1)),
            interval("M", instant(1), "export"),
            interval("M", instant(1), minutes=7),
        ]
        laid = lay_tables(
            tmp_path, 2, register_reads=reads("M", [1, 2, 3]), installations=[installed("M", "A")], interval_reads=rows
        )
        counts = laid.tally.counts["interval_reads"]
        assert counts["read"] == 9
        assert counts["quarantined"] == 1
        places = {"after_as_of": 2, "before_window": 1, "other_channel": 1, "not_in_place": 1, "kept": 3}
        assert {name: counts[name] for name in places} == places

    def test_intervals_of_meters_not_in_place_are_told_of(self, tmp_path: Path) -> None:
        def interval(meter: str, at: dt.datetime) -> dict[str, object]:
            return {"meter_id": meter, "interval_start": at, "minutes": 60, "kwh": 1.0}

        rows = [
            interval("X", instant(0)),
            interval("X", instant(1)),
            interval("LATE", instant(0, 5)),
            interval("GONE", instant(2)),
            interval("GONE", instant(1)),
        ]
        laid = lay_tables(
            tmp_path,
            4,
            register_reads=reads("M", [1, 2, 3, 4]),
            installations=[installed("M", "A"), installed("LATE", "B", 1), installed("GONE", "C", -9, 1)],
            interval_reads=rows,
        )
        aside = laid.panel.set_aside.filter(laid.panel.set_aside["channel"] == "curve")
        assert sorted(aside.select("reason", "meter_id", "reads").rows()) == [
            ("after_removal", "GONE", 1),
            ("before_installation", "LATE", 1),
            ("no_installation", "X", 2),
        ]
