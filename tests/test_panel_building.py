"""From a book to the panel: reads at odd times, odd installations, curves, rates and electrical reads."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.scan_fixture import day, installed, instant, lay_tables, read, reads


class TestOffTimeReads:
    def test_monthly_reads_at_half_past_ten(self, tmp_path: Path) -> None:
        months = [0, 31, 59, 90, 120]
        register = [read("M", instant(at, 10, 30), 1000.0 + 8 * at) for at in months]
        laid = lay_tables(tmp_path, 130, register_reads=register, installations=[installed("M", "A", -300)])
        kwh = np.array(laid.kwh("A"))
        assert np.isnan(kwh[0])
        assert np.isnan(kwh[120:]).all()
        assert kwh[1:120].sum() == pytest.approx(8 * 119)
        assert laid.panel.spread[0, 1:120].all()
        assert laid.panel.positions["read_frequency"].to_list() == ["periodic"]
        assert laid.panel.step_days[0, months[1:]].tolist() == pytest.approx([31, 28, 31, 30])

    def test_the_read_nearest_after_midnight_counts(self, tmp_path: Path) -> None:
        register = [
            read("M", instant(0), 10.0),
            read("M", instant(1, 18), 12.0),
            read("M", instant(1, 6), 11.5),
            read("M", instant(2), 13.0),
        ]
        laid = lay_tables(tmp_path, 2, register_reads=register, installations=[installed("M", "A")])
        assert laid.panel.register_kwh[0].tolist() == [10.0, 11.5, 13.0]
        assert sum(laid.kwh("A")) == pytest.approx(3.0)

    def test_seconds_after_midnight_are_another_moment(self, tmp_path: Path) -> None:
        register = [*reads("M", [10.0, 11.0, 12.0]), read("M", instant(1, second=30), 11.01)]
        laid = lay_tables(tmp_path, 2, register_reads=register, installations=[installed("M", "A")])
        assert laid.aside() == []
        assert laid.panel.register_kwh[0].tolist() == [10, 11, 12]

    def test_sub_daily_registers_serve_as_the_curve(self, tmp_path: Path) -> None:
        register = [read("M", instant(0) + dt.timedelta(hours=at), at / 10) for at in range(49)]
        laid = lay_tables(tmp_path, 2, register_reads=register, installations=[installed("M", "A", multiplier=2.0)])
        (curve,) = laid.panel.curves
        assert curve.minutes == 60
        np.testing.assert_allclose(curve.day_kwh, [[4.8, 4.8]])
        assert laid.kwh("A") == pytest.approx([4.8, 4.8])

    def test_the_repeated_hour_of_sub_daily_registers(self, tmp_path: Path) -> None:
        hours = [(0, 0), (1, 0), (1, 1), *((hour, 0) for hour in range(2, 24))]
        register = [read("M", instant(0, hour), at / 10, fold=fold) for at, (hour, fold) in enumerate(hours)]
        register.append(read("M", instant(1), 2.5, fold=0))
        laid = lay_tables(tmp_path, 1, register_reads=register, installations=[installed("M", "A")])
        (curve,) = laid.panel.curves
        assert curve.day_kwh[0, 0] == pytest.approx(2.5)
        assert curve.repeated_kwh[0, 0] == pytest.approx(0.1)
        assert laid.kwh("A") == pytest.approx([2.5])


class TestOddInstallations:
    @pytest.mark.parametrize(
        "columns",
        [
            pytest.param({"multiplier": 0.0}, id="multiplier-0"),
            pytest.param({"multiplier": -3.0}, id="multiplier-negative"),
            pytest.param({"multiplier": 1e12}, id="multiplier-absurd"),
            pytest.param({"register_decimals": 400, "register_digits": -3}, id="dial-absurd"),
            pytest.param({"start_register": 1e300, "end_register": -1e300}, id="records-absurd"),
        ],
    )
    def test_absurd_numbers_do_not_stop_the_panel(self, tmp_path: Path, columns: dict[str, float]) -> None:
        laid = lay_tables(
            tmp_path,
            4,
            register_reads=reads("M", [1, 2, 3, 4, 5]),
            installations=[installed("M", "A", 0, 3, **columns)],
        )
        assert laid.panel.shape == (1, 4)

    def test_an_absurd_register_does_not_stop_the_panel(self, tmp_path: Path) -> None:
        laid = lay_tables(
            tmp_path, 4, register_reads=reads("M", [1, 2, 1e300, 4, 5]), installations=[installed("M", "A")]
        )
        assert laid.kwh("A")[0] == pytest.approx(1)
        assert laid.kwh("A")[3] == pytest.approx(1)

    @pytest.mark.parametrize(("decimals", "expected"), [(0, [1, 2]), (4, [1.1111, 1.1112])])
    def test_decimals(self, tmp_path: Path, decimals: int, expected: list[float]) -> None:
        laid = lay_tables(
            tmp_path,
            2,
            register_reads=reads("M", [10, 11.11111, 12.22226 + (decimals == 0) * 0.5]),
            installations=[installed("M", "A", register_decimals=decimals)],
        )
        assert laid.kwh("A") == pytest.approx(expected, abs=1e-9)

    def test_nothing_installed_yet(self, tmp_path: Path) -> None:
        laid = lay_tables(tmp_path, 2, register_reads=reads("M", [1, 2, 3]), installations=[installed("M", "A", 9)])
        assert laid.panel.shape == (0, 2)
        assert laid.aside() == [("no_installation", "M", 3)]

    def test_reads_only_after_as_of(self, tmp_path: Path) -> None:
        laid = lay_tables(tmp_path, -4, register_reads=reads("M", [1, 2, 3]), installations=[installed("M", "A", -9)])
        assert laid.panel.shape == (1, 1), "a panel has one day at least"
        assert laid.counts["after_as_of"] == 3

    def test_installed_without_reads(self, tmp_path: Path) -> None:
        laid = lay_tables(
            tmp_path, 2, register_reads=reads("M", [1, 2, 3]), installations=[installed("M", "A"), installed("N", "B")]
        )
        assert np.isnan(laid.kwh("B")).all()

    def test_removed_before_installed(self, tmp_path: Path) -> None:
        laid = lay_tables(
            tmp_path, 5, register_reads=reads("M", [1, 2, 3, 4, 5, 6]), installations=[installed("M", "A", 4, 1)]
        )
        assert sum(count for _, _, count in laid.aside()) == 6, "each read is told of once"
        assert laid.panel.contradictions["reason"].to_list() == ["removed_before_installed"]

    def test_a_quarantined_row_does_not_lengthen_the_panel(self, tmp_path: Path) -> None:
        rows = [{"channel": "import", **row} for row in reads("M", [1, 2, 3])]
        rows.append(read("M", instant(-30), 1.0, channel="kvarh"))
        laid = lay_tables(tmp_path, 2, register_reads=rows, installations=[installed("M", "A", -90)])
        assert laid.panel.shape == (1, 2)

    def test_points_of_one_account_are_positions_of_their_own(self, tmp_path: Path) -> None:
        rows = [
            installed("M", "A", point_id="main"),
            installed("S", "A", point_id="sub", point_role="subtract"),
            installed("C", "A", point_id="check", point_role="check"),
            installed("SUPPLY", None, area_id="T1"),
        ]
        register = reads("M", [0, 5]) + reads("S", [0, 2]) + reads("C", [0, 4]) + reads("SUPPLY", [0, 9])
        laid = lay_tables(tmp_path, 1, register_reads=register, installations=rows)
        assert [laid.kwh("A", point)[0] for point in ("main", "sub", "check")] == [5, 2, 4]
        assert laid.panel.flag("is_supply").tolist() == [True, False, False, False]


def test_electrical_reads_are_counted_once_and_put_together_over_files(tmp_path: Path) -> None:
    def phase(name: str, amps: float, hour: int = 1) -> dict[str, object]:
        return {
            "meter_id": "M",
            "read_at": instant(0, hour),
            "phase": name,
            "voltage_v": 230.0,
            "current_a": amps,
            "power_kw": amps * 0.23,
        }

    rows = [phase("A", 1.0), phase("B", 2.0), phase("C", 3.0), phase("N", 9.0), phase("A", 1.0)]
    tables = {"register_reads": reads("M", [0, 1]), "installations": [installed("M", "A")]}
    whole = lay_tables(tmp_path / "one", 1, **tables, electrical_reads=rows)
    book = tmp_path / "two" / "book" / "electrical_reads"
    book.mkdir(parents=True)
    for number, row in enumerate(rows):
        pl.DataFrame([row]).write_parquet(book / f"{number}.parquet")
    split = lay_tables(tmp_path / "two", 1, **tables)
    for laid in (whole, split):
        assert laid.panel.electrical is not None
        assert laid.panel.electrical.power_kw[0, 0] == pytest.approx(6 * 0.23)
        assert laid.panel.electrical.current_a[0, 0] == 3.0
        assert laid.panel.electrical.voltage_v[0, 0] == 230.0
    assert whole.tally.counts["electrical_reads"]["read"] == 5


def test_export_and_rates_are_of_one_dial(tmp_path: Path) -> None:
    rows = [installed("OLD", "A", -9, 2), installed("NEW", "A", 2, multiplier=10.0)]
    register = reads("OLD", [5, 6, 7]) + reads("NEW", [0, 1, 2], first=2)
    register += [
        {**row, "channel": "export"} for row in reads("OLD", [100, 101, 102]) + reads("NEW", [0, 3, 6], first=2)
    ]
    register = [{"channel": "import", **row} for row in register]
    laid = lay_tables(tmp_path, 4, register_reads=register, installations=rows)
    assert laid.panel.export is not None
    np.testing.assert_allclose(laid.panel.export.kwh[0], [1, 1, 30, 30])


def test_leading_zeros_stay(tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    (book / "register_reads.csv").write_text(
        "meter_id,read_at,register_kwh\n007,2026-01-01,1\n007,2026-01-02T00:00:00,2\n"
    )
    (book / "installations.csv").write_text("meter_id,account_id,installed_on\n007,0042,2026-01-01\n")
    laid = lay_tables(tmp_path, 1)
    assert laid.panel.positions.select("account_id", "meter_id").rows() == [("0042", "007")]
    assert laid.kwh("0042") == [1.0]


def test_dates_before_as_of_only(tmp_path: Path) -> None:
    """What is dated later has no influence: the same panel comes from the book cut off at as-of."""
    register = reads("M", [1, 2, 3, 4, 5, 6, 7]) + reads("N", [1, 2, 3], first=4)
    rows = [installed("M", "A", -5, 5, end_register=9.0), installed("N", "A", 5, start_register=0.0)]
    whole = lay_tables(tmp_path / "whole", 3, register_reads=register, installations=rows)
    known = [row for row in register if row["read_at"] <= dt.datetime.combine(day(3), dt.time())]
    cut = lay_tables(tmp_path / "cut", 3, register_reads=known, installations=[installed("M", "A", -5)])
    np.testing.assert_array_equal(whole.panel.kwh, cut.panel.kwh)
    assert whole.panel.positions.equals(cut.panel.positions)
    assert len(whole.panel.contradictions) == 0
