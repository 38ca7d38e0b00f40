"""Who is metered by what: positions, dials, spans, slices, and what the installation file says against itself."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.book import open_book
from pipelines.fleet import FOREVER, Fleet, open_fleet
from tests.scan_fixture import Rows, day, installed, reads, write_book

AS_OF = day(60)


def fleet_of(folder: Path, installations: Rows, *, accounts: Rows | None = None, as_of: dt.date = AS_OF) -> Fleet:
    """The fleet of a book with these installations."""
    tables: dict[str, Rows] = {"register_reads": reads("M", [1.0]), "installations": installations}
    if accounts:
        tables["accounts"] = accounts
    return open_fleet(open_book(write_book(folder / "book", tables)), as_of=as_of)


def spans(fleet: Fleet) -> list[tuple[str, dt.date, dt.date]]:
    """(meter, first, last day in place) in the fleet's order."""
    return fleet.installations.select("meter_id", "first_on", "last_on").rows()


def told(fleet: Fleet) -> list[tuple[str, str]]:
    """(reason, meter) of every contradiction."""
    return fleet.contradictions.select("reason", "meter_id").rows()


class TestPositions:
    def test_one_per_account_and_point_whatever_meters_come_and_go(self, tmp_path: Path) -> None:
        rows = [
            installed("M", "A", 0, 9),
            installed("N", "A", 9),
            installed("O", "A", point_id="2"),
            installed("S", None),
        ]
        fleet = fleet_of(tmp_path, rows)
        assert fleet.positions.select("account_id", "point_id", "meter_id").rows() == [
            ("A", "2", "O"),
            ("A", "A", "N"),
            (None, "S", "S"),
        ]
        assert fleet.positions["is_supply"].to_list() == [False, False, True]
        assert fleet.positions["first_installed_on"].to_list()[1] == day(0)

    def test_an_empty_point_is_the_account(self, tmp_path: Path) -> None:
        fleet = fleet_of(tmp_path, [installed("M", "A", 0, 9, point_id="A"), installed("N", "A", 9, point_id=None)])
        assert len(fleet.positions) == 1

    def test_what_is_installed_later_is_not_known(self, tmp_path: Path) -> None:
        rows = [installed("M", "A", 0, 70, end_register=7.0), installed("N", "A", 70), installed("O", "B", 60)]
        fleet = fleet_of(tmp_path, rows)
        assert spans(fleet) == [("M", day(0), FOREVER), ("O", day(60), FOREVER)]
        assert fleet.installations["end_register"].to_list() == [None, None]

    def test_accounts_give_box_and_class_and_a_dated_area_wins(self, tmp_path: Path) -> None:
        accounts: Rows = [
            {"account_id": "A", "area_id": "T1", "box_id": "B7", "customer_class": "public"},
            {"account_id": "B", "area_id": "T1", "box_id": None, "customer_class": None},
        ]
        rows = [installed("M", "A", area_id="T2"), installed("N", "B")]
        fleet = fleet_of(tmp_path, rows, accounts=accounts)
        assert fleet.positions.select("account_id", "area_id", "box_id").rows() == [
            ("B", "T1", None),
            ("A", "T2", "B7"),
        ]
        assert told(fleet) == [("area_disagreement", "M")]

    def test_the_same_row_twice_is_one(self, tmp_path: Path) -> None:
        fleet = fleet_of(tmp_path, [installed("M", "A"), installed("M", "A")])
        assert len(fleet.installations) == 1
        assert told(fleet) == []


class TestDials:
    def test_abutting_rows_of_a_meter_are_one_dial(self, tmp_path: Path) -> None:
        rows = [installed("M", "A", 0, 9), installed("M", "A", 9, 20, multiplier=2.0), installed("M", "B", 20)]
        fleet = fleet_of(tmp_path, rows)
        assert len(fleet.dials) == 1
        assert fleet.installations["moved_in"].to_list() == [False, False, True]
        assert fleet.installations["goes_on"].to_list() == [True, True, False]

    def test_a_meter_that_rests_between_is_two(self, tmp_path: Path) -> None:
        rows = [installed("M", "A", 0, 9, end_register=5.0), installed("M", "B", 12, start_register=0.0)]
        fleet = fleet_of(tmp_path, rows)
        assert fleet.dials.select("first_on", "last_on", "start_register", "end_register").rows() == [
            (day(0), day(9), None, 5.0),
            (day(12), FOREVER, 0.0, None),
        ]
        assert not fleet.installations["moved_in"].any()

    @pytest.mark.parametrize(
        ("digits", "decimals", "expected"), [(5, 1, (5, 1)), (None, None, (6, 2)), (-3, 99, (1, 6)), (40, -2, (12, 0))]
    )
    def test_digits(self, tmp_path: Path, digits: int | None, decimals: int | None, expected: tuple[int, int]) -> None:
        rows = [installed("M", "A", register_digits=digits, register_decimals=decimals)]
        dials = fleet_of(tmp_path, rows).dials
        assert dials.select("register_digits", "register_decimals").row(0) == expected


class TestContradictions:
    def test_a_clean_change_is_none(self, tmp_path: Path) -> None:
        fleet = fleet_of(tmp_path, [installed("M", "A", 0, 9), installed("N", "A", 9), installed("O", "B")])
        assert told(fleet) == []

    def test_overlap(self, tmp_path: Path) -> None:
        fleet = fleet_of(tmp_path, [installed("M", "A", 0, 12), installed("N", "A", 9, 30), installed("O", "A", 30)])
        assert fleet.contradictions.select("reason", "meter_id", "other_meter_id", "first_day", "last_day").rows() == [
            ("overlap", "M", "N", day(9), day(12))
        ]
        assert spans(fleet)[0] == ("M", day(0), day(9))

    def test_two_points(self, tmp_path: Path) -> None:
        fleet = fleet_of(tmp_path, [installed("M", "A"), installed("M", "B", 9, 20), installed("M", "C", 30)])
        assert fleet.contradictions.select("reason", "position", "detail", "first_day", "last_day").rows() == [
            ("two_points", 0, "B", day(9), day(20)),
            ("two_points", 0, "C", day(30), FOREVER),
        ]

    def test_a_meter_that_moves_is_at_one_point_at_a_time(self, tmp_path: Path) -> None:
        assert told(fleet_of(tmp_path, [installed("M", "A", 0, 9), installed("M", "B", 9, 20)])) == []

    def test_three_points_one_after_another_overlap_in_pairs(self, tmp_path: Path) -> None:
        fleet = fleet_of(tmp_path, [installed("M", "A", 0, 12), installed("M", "B", 9, 30), installed("M", "C", 20)])
        assert fleet.contradictions.select("position", "detail", "first_day", "last_day").rows() == [
            (0, "B", day(9), day(12)),
            (1, "C", day(20), day(30)),
        ]

    def test_removed_before_installed(self, tmp_path: Path) -> None:
        assert told(fleet_of(tmp_path, [installed("M", "A", 9, 3)])) == [("removed_before_installed", "M")]

    def test_a_check_meter_is_no_overlap_and_ends_nothing(self, tmp_path: Path) -> None:
        rows = [
            installed("M", "A", 0, 30),
            installed("C", "A", 9, point_role="check"),
            installed("N", "A", 30),
        ]
        fleet = fleet_of(tmp_path, rows)
        assert told(fleet) == []
        assert spans(fleet) == [("M", day(0), day(30)), ("C", day(9), FOREVER), ("N", day(30), FOREVER)]


@given(st.permutations(range(8)), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_file_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        installed(
            f"M{rng.integers(3)}",
            f"A{rng.integers(3)}",
            int(rng.integers(0, 20)),
            int(rng.integers(10, 50)),
            register_digits=int(rng.integers(4, 8)),
            multiplier=float(rng.integers(1, 4)),
            area_id=f"T{rng.integers(2)}",
        )
        for _ in order
    ]
    one = fleet_of(tmp_path_factory.mktemp("one"), rows)
    other = fleet_of(tmp_path_factory.mktemp("other"), [rows[at] for at in order])
    for name in ("positions", "installations", "dials", "contradictions"):
        assert getattr(one, name).equals(getattr(other, name)), name


class TestSlices:
    def rows(self) -> Rows:
        """Areas of 5, 1 and 4 accounts, two boxes without an area, two accounts with neither."""
        areas = [f"T{at}" for at in (1, 1, 1, 1, 1, 2, 3, 3, 3, 3)]
        return [
            installed(f"M{at}", f"A{at:02}", area_id=area) for at, area in enumerate([*areas, None, None, None, None])
        ]

    def accounts(self) -> Rows:
        boxes = {10: "B1", 11: "B1"}
        return [{"account_id": f"A{at:02}", "box_id": boxes.get(at)} for at in range(14)]

    @pytest.mark.parametrize("size", [1, 3, 5, 6, 100])
    def test_slices_hold_whole_areas_and_everybody_once(self, tmp_path: Path, size: int) -> None:
        fleet = fleet_of(tmp_path, self.rows(), accounts=self.accounts())
        slices = fleet.slices(size)
        assert [lo for lo, _ in slices] == [0, *(hi for _, hi in slices[:-1])]
        assert slices[-1][1] == len(fleet.positions) == 14
        group = fleet.positions.select(pl.coalesce("area_id", "box_id", "account_id")).to_series()
        for lo, hi in slices:
            assert lo == 0 or group[lo] != group[lo - 1]
            assert hi == 14 or group[hi] != group[hi - 1]
        if size == 1:
            assert [hi - lo for lo, hi in slices] == [5, 1, 4, 2, 1, 1]

    def test_nobody(self, tmp_path: Path) -> None:
        fleet = fleet_of(tmp_path, [installed("M", "A", 90)])
        assert fleet.slices(5) == ()
        assert len(fleet.positions) == len(fleet.dials) == 0
