"""From a book to the panel: the meter change by the contract's own formula, conflicts, off-time reads, nothing lost."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan_fixture import Laid, Rows, day, installed, instant, lay_tables, read, reads

EXCHANGE = 3
OLD = [500.0, 510.0, 521.0, 533.0]
NEW = [7.0, 12.0, 19.0, 27.0]
"""Old meter's freezes of days 0 to 3, new meter's of days 3 to 6."""


def changed(
    folder: Path, *, end: float | None = 540.0, start: float | None = 5.0, old: Rows | None = None, new: Rows | None = None,
    multipliers: tuple[float, float] = (1.0, 1.0),
) -> Laid:  # fmt: skip
    """An account whose meter OLD gives way to NEW on day 3."""
    old_row = installed("OLD", "A", -50, EXCHANGE, end_register=end, multiplier=multipliers[0])
    new_row = installed("NEW", "A", EXCHANGE, start_register=start, multiplier=multipliers[1])
    register = (reads("OLD", OLD) if old is None else old) + (reads("NEW", NEW, first=EXCHANGE) if new is None else new)
    return lay_tables(folder, 6, register_reads=register, installations=[old_row, new_row])


class TestMeterChange:
    def test_the_formula_with_both_reads_on_the_day(self, tmp_path: Path) -> None:
        laid = changed(tmp_path, multipliers=(2.0, 3.0))
        on_the_day = (540.0 - 533.0) * 2 + (12.0 - 5.0) * 3
        assert laid.kwh("A") == pytest.approx([20, 22, 24, on_the_day, 21, 24])
        assert not laid.panel.spread.any()

    def test_a_new_read_that_differs_from_the_start_register_does_not_replace_it(self, tmp_path: Path) -> None:
        laid = changed(tmp_path, start=2.0)
        assert laid.kwh("A")[EXCHANGE] == pytest.approx((540 - 533) + (12 - 2))

    def test_the_old_meters_read_stands_on_the_shared_midnight(self, tmp_path: Path) -> None:
        laid = changed(tmp_path)
        assert laid.panel.register_kwh[0].tolist() == [500, 510, 521, 533, 12, 19, 27]
        assert laid.panel.meter_on(np.zeros(7, int), np.arange(7)).tolist() == ["OLD"] * 4 + ["NEW"] * 3

    def test_without_the_new_read_of_that_midnight(self, tmp_path: Path) -> None:
        laid = changed(tmp_path, new=reads("NEW", NEW[1:], first=EXCHANGE + 1))
        assert laid.kwh("A")[EXCHANGE] == pytest.approx(7 + 7)
        assert not laid.panel.spread[0, EXCHANGE]

    def test_without_the_old_read_of_that_midnight(self, tmp_path: Path) -> None:
        laid = changed(tmp_path, old=reads("OLD", OLD[:3]))
        assert sum(laid.kwh("A")[:4]) == pytest.approx((540 - 500) + (12 - 5))
        assert laid.panel.spread[0].tolist() == [False, False, True, True, False, False]

    def test_a_missing_end_register_falls_back_to_the_last_read_and_is_marked(self, tmp_path: Path) -> None:
        laid = changed(tmp_path, end=None)
        assert laid.kwh("A")[EXCHANGE] == pytest.approx((533 - 533) + (12 - 5))
        assert laid.panel.spread[0].tolist() == [False] * 3 + [True] + [False] * 2

    def test_a_missing_start_register_falls_back_to_the_first_read_and_is_marked(self, tmp_path: Path) -> None:
        laid = changed(tmp_path, start=None)
        assert laid.kwh("A")[EXCHANGE] == pytest.approx((540 - 533) + (12 - 7))
        assert laid.panel.spread[0].tolist() == [False] * 3 + [True] + [False] * 2

    def test_the_last_and_first_read_may_be_of_the_moment_of_the_change(self, tmp_path: Path) -> None:
        laid = changed(
            tmp_path, end=None, start=None,
            old=[*reads("OLD", OLD), read("OLD", instant(EXCHANGE, 10, 30), 537.5)],
            new=[read("NEW", instant(EXCHANGE, 10, 30), 8.5), *reads("NEW", NEW[1:], first=EXCHANGE + 1)],
        )  # fmt: skip
        assert laid.kwh("A")[EXCHANGE] == pytest.approx((537.5 - 533) + (12 - 8.5))
        assert laid.panel.spread[0].tolist() == [False] * 3 + [True] + [False] * 2

    def test_no_mark_at_the_first_meter_and_at_the_last_removal(self, tmp_path: Path) -> None:
        laid = lay_tables(
            tmp_path, 5, register_reads=reads("M", [1, 2, 3], first=1), installations=[installed("M", "A", 1, 3)]
        )
        assert laid.kwh("A")[:2] == pytest.approx([1, 1])
        assert np.isnan(laid.kwh("A")[2:]).all()
        assert not laid.panel.spread.any()

    def test_days_between_two_meters_are_absent(self, tmp_path: Path) -> None:
        rows = [installed("OLD", "A", -50, 2, end_register=523.0), installed("NEW", "A", 4, start_register=5.0)]
        laid = lay_tables(
            tmp_path, 6, register_reads=reads("OLD", OLD[:3]) + reads("NEW", NEW[1:], first=5)[:2], installations=rows
        )
        assert laid.kwh("A")[2] == pytest.approx(523 - 521)
        assert math.isnan(laid.kwh("A")[3])
        assert laid.kwh("A")[4] == pytest.approx(12 - 5)

    def test_a_wrong_end_register_makes_negative_energy_and_no_rollover(self, tmp_path: Path) -> None:
        assert changed(tmp_path, end=400.0).kwh("A")[EXCHANGE] == pytest.approx((400 - 533) + (12 - 5))

    def test_an_old_meter_never_closed_in_the_file_ends_where_the_next_begins(self, tmp_path: Path) -> None:
        rows = [installed("OLD", "A", -50), installed("NEW", "A", EXCHANGE, start_register=5.0)]
        late = reads("OLD", [*OLD, 545.0, 557.0])
        laid = lay_tables(tmp_path, 6, register_reads=late + reads("NEW", NEW, first=EXCHANGE), installations=rows)
        assert laid.kwh("A")[EXCHANGE:] == pytest.approx([7, 7, 8])
        assert laid.aside() == [("after_removal", "OLD", 2)]
        assert laid.panel.contradictions["reason"].to_list() == ["overlap"]

    def test_a_check_meter_beside_the_main_meter_changes_nothing(self, tmp_path: Path) -> None:
        rows = [installed("M", "A"), installed("CHECK", "A", 3, point_role="check")]
        register = reads("M", [1, 2, 3, 4, 5, 6, 7]) + reads("CHECK", [0, 5, 10, 15], first=3)
        laid = lay_tables(tmp_path, 6, register_reads=register, installations=rows)
        assert laid.kwh("A") == pytest.approx([1] * 6)
        assert not len(laid.panel.contradictions)
        assert laid.aside() == []


class TestChangeInTheFile:
    """Two abutting rows of one meter: one dial, the multiplier or the account changes at midnight."""

    def test_multiplier(self, tmp_path: Path) -> None:
        rows = [installed("M", "A", -5, 3, multiplier=10.0), installed("M", "A", 3, multiplier=20.0)]
        laid = lay_tables(tmp_path, 5, register_reads=reads("M", [1, 2, 4, 7, 11, 16]), installations=rows)
        assert laid.kwh("A") == pytest.approx([10, 20, 30, 80, 100])
        assert laid.panel.step_kwh[0, 1:].tolist() == [1, 2, 3, 4, 5]
        assert laid.panel.multiplier[0].tolist() == [10, 10, 10, 20, 20]
        assert not laid.panel.spread.any()
        assert not len(laid.panel.exchanges)

    def test_account_with_a_gap_over_the_change(self, tmp_path: Path) -> None:
        rows = [installed("M", "A", -5, 3), installed("M", "B", 3)]
        laid = lay_tables(tmp_path, 6, register_reads=reads("M", [0, 2, None, None, 8, 11, 15]), installations=rows)
        assert laid.kwh("A")[:3] == pytest.approx([2, 2, 2])
        assert np.isnan(laid.kwh("A")[3:]).all()
        assert laid.kwh("B")[3:] == pytest.approx([2, 3, 4])
        steps = laid.panel.step_kwh[laid.row("B")]
        assert math.isnan(steps[4]), "this step reaches into the time of the other account"
        assert steps[5:].tolist() == [3, 4]

    def test_account_with_a_read_on_the_day(self, tmp_path: Path) -> None:
        rows = [installed("M", "A", -5, 3), installed("M", "B", 3)]
        laid = lay_tables(tmp_path, 5, register_reads=reads("M", [0, 2, 4, 7, 11, 16]), installations=rows)
        assert laid.kwh("A")[:3] == pytest.approx([2, 2, 3])
        assert np.isnan(laid.kwh("A")[3:]).all()
        assert laid.kwh("B")[3:] == pytest.approx([4, 5])

    def test_two_meters_exchanged_between_two_accounts(self, tmp_path: Path) -> None:
        rows = [installed("M", "A", -5, 3), installed("N", "A", 3), installed("N", "B", -5, 3), installed("M", "B", 3)]
        register = reads("M", [0, 1, 2, 3, 4, 5]) + reads("N", [100, 110, 120, 130, 140, 150])
        laid = lay_tables(tmp_path, 5, register_reads=register, installations=rows)
        assert laid.kwh("A") == pytest.approx([1, 1, 1, 10, 10])
        assert laid.kwh("B") == pytest.approx([10, 10, 10, 1, 1])
        told = laid.panel.exchanges.select(
            "row", "old_meter_id", "new_meter_id", "last_old_kwh", "first_new_kwh"
        ).rows()
        assert told == [(0, "M", "N", 3.0, 130.0), (1, "N", "M", 130.0, 3.0)]

    def test_a_change_looks_the_same_when_its_accounts_are_in_two_slices(self, tmp_path: Path) -> None:
        rows = [installed("M", "A", -5, 3, area_id="1"), installed("M", "B", 3, area_id="2")]
        register = [*reads("M", [0, 2, 4, 7, 11, 16]), read("M", instant(2), -4.0)]
        curve = [
            {"meter_id": "M", "interval_start": instant(at, hour), "minutes": 60, "kwh": 0.1}
            for at in range(5) for hour in range(24)
        ]  # fmt: skip
        laid = lay_tables(tmp_path, 5, register_reads=register, installations=rows, interval_reads=curve)
        from pipelines.panels import panel_of

        apart = [panel_of(laid.source, np.array([at])) for at in (0, 1)]
        for at, one in enumerate(apart):
            np.testing.assert_array_equal(one.kwh[0], laid.panel.kwh[at])
            np.testing.assert_array_equal(one.step_kwh[0], laid.panel.step_kwh[at])
            np.testing.assert_array_equal(one.spread[0], laid.panel.spread[at])
        assert [len(one.set_aside) for one in apart] == [1, 0], "told once, where the meter was that day"
        assert [float(np.nansum(one.curves[0].kwh)) for one in apart] == pytest.approx([7.2, 4.8])


@st.composite
def lives(draw: st.DrawFn) -> tuple[int, Rows, Rows, list[dict[str, float]]]:
    """(as-of day, installations, reads, meters): one account whose meter changes up to twice, in all ways."""
    days = draw(st.integers(2, 14))
    changes = sorted(draw(st.sets(st.integers(1, days), max_size=2)))
    borders = [0, *changes, None]
    rows, register, meters = [], [], []
    for number, (first, last) in enumerate(itertools.pairwise(borders)):
        until = days if last is None else last
        use = draw(st.lists(st.integers(0, 480), min_size=until - first + 1, max_size=until - first + 1))
        begin = draw(st.one_of(st.integers(0, 5000), st.integers(997_000, 999_999)))
        levels = begin + np.concatenate([[0], np.cumsum(use)])
        recorded = draw(st.booleans()), draw(st.booleans())
        multiplier = draw(st.sampled_from([1.0, 40.0, 0.5]))
        here = draw(st.lists(st.sampled_from([True, True, False]), min_size=len(use), max_size=len(use)))
        meter = f"M{number}"
        known = {
            float(at): int(levels[at - first]) for at in range(first, until + 1) if here[at - first]
        }  # fmt: skip
        register += [read(meter, instant(int(at)), (ticks % 1_000_000) / 100) for at, ticks in known.items()]
        start = draw(st.integers(0, begin)) if draw(st.booleans()) else begin
        start = max(start, begin - 300)
        if recorded[0] and first > 0:
            known[float(first)] = start
        if recorded[1] and last is not None and last < days:
            known[float(last + 1)] = int(levels[-1])
        rows.append(
            installed(
                meter, "A", first if first else -9, last, multiplier=multiplier, register_digits=4,
                start_register=(start % 1_000_000) / 100 if recorded[0] and first > 0 else None,
                end_register=(int(levels[-1]) % 1_000_000) / 100 if recorded[1] and last is not None else None,
            )
        )  # fmt: skip
        meters.append({"first": first, "last": until + (last is not None), "multiplier": multiplier, "known": known})
    return days, rows, register, meters


@given(lives())
@settings(max_examples=120, deadline=None)
def test_energy_is_conserved_over_every_span_and_every_change(life: tuple[int, Rows, Rows, list[dict]]) -> None:
    days, rows, register, meters = life
    expected = np.full((len(meters), days), np.nan)
    for number, meter in enumerate(meters):
        times = sorted(meter["known"])
        for at in range(int(meter["first"]), min(int(meter["last"]), days)):
            if times and times[0] <= at and at + 1 <= times[-1]:
                ticks = np.interp([at, at + 1], times, [meter["known"][time] for time in times])
                expected[number, at] = (ticks[1] - ticks[0]) / 100 * meter["multiplier"]
    total = np.where(np.isfinite(expected).any(axis=0), np.nansum(expected, axis=0), np.nan)
    with tempfile.TemporaryDirectory() as folder:
        if not register:
            register = [read("nobody", instant(0), 1.0)]
        laid = lay_tables(Path(folder), days, register_reads=register, installations=rows)
        kwh = np.full(days, np.nan)
        kwh[days - laid.panel.shape[1] :] = laid.kwh("A")
        del laid
    np.testing.assert_allclose(kwh, total, atol=0.0051 * 40)


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
            read("M", instant(0), 10.0), read("M", instant(1, 18), 12.0), read("M", instant(1, 6), 11.5),
            read("M", instant(2), 13.0),
        ]  # fmt: skip
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


class TestConflicts:
    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_the_best_quality_wins_in_any_order(self, tmp_path: Path, order: tuple[int, ...]) -> None:
        rival = [
            read("M", instant(1), 11.0, quality="edited"), read("M", instant(1), 19.0, quality="estimated"),
            read("M", instant(1), 15.0, quality="questionable"),
        ]  # fmt: skip
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
            {"meter_id": "M", "interval_start": instant(0, hour), "minutes": 60, "kwh": 0.5, "quality": "valid", "fold": 0}
            for hour in range(24)
        ]  # fmt: skip
        curve += [dict(curve[3]), {**curve[4], "kwh": 9.0}, {**curve[5], "kwh": 9.0, "quality": "estimated"}]
        for rows in (curve, curve[::-1]):
            laid = lay_tables(
                tmp_path / f"{rows is curve}", 1, register_reads=reads("M", [0, 12]), installations=[installed("M", "A")],
                interval_reads=rows,
            )  # fmt: skip
            (one,) = laid.panel.curves
            assert np.flatnonzero(np.isnan(one.kwh[0, 0])).tolist() == [4]
            assert np.nansum(one.kwh) == pytest.approx(11.5)
            assert one.conflicts.tolist() == [[1]]


class TestNothingIsLost:
    ROWS = (
        *reads("M", [10, 11, 12, 13, 14, 15]),
        read("M", instant(2), 12.0), read("M", instant(3, 9), 13.5), read("M", instant(2), 99.0),
        read("M", instant(0), 3.0, channel="import_t1"), read("M", instant(4), 2.0, channel="export"),
        read("M", instant(9), 15.0), read("M", instant(5, 0, 1), 15.0),
        read("M", instant(1), None, quality="missing"), read("M", instant(9), None, quality="missing"),
        read("M", instant(1), -5.0), read("M", instant(-3), 8.0), read("X", instant(1), 77.0), read("X", instant(2), 78.0),
        read("GONE", instant(4), 50.0), read("GONE", instant(1), 49.0),
        read("M", instant(1), 4.0, channel="kvarh"), read("M", instant(1), float("nan")), read("M", instant(3), None),
    )  # fmt: skip
    INSTALLATIONS = (installed("M", "A"), installed("GONE", "B", -9, 2))

    def test_every_row_is_somewhere(self, tmp_path: Path) -> None:
        laid = lay_tables(
            tmp_path, 5, register_reads=[{"channel": "import", "quality": "valid", **row} for row in self.ROWS],
            installations=list(self.INSTALLATIONS),
        )  # fmt: skip
        counts = laid.counts
        assert counts["read"] == len(self.ROWS) == counts["accepted"] + counts["quarantined"]
        assert counts["quarantined"] == 3
        places = {
            "after_as_of": 3, "before_window": 0, "without_register": 1, "set_aside": 5, "beside_grid": 3,
            "on_grid": 6, "repeated_or_contested": 3,
        }  # fmt: skip
        assert {name: counts[name] for name in places} == places
        assert sum(places.values()) == counts["accepted"]

    def test_every_implausible_row_is_told_and_kept_out(self, tmp_path: Path) -> None:
        laid = lay_tables(
            tmp_path, 5, register_reads=[{"channel": "import", "quality": "valid", **row} for row in self.ROWS],
            installations=list(self.INSTALLATIONS),
        )  # fmt: skip
        assert sorted(laid.aside()) == [
            ("after_removal", "GONE", 1), ("before_installation", "M", 1), ("conflict", "M", 2), ("negative", "M", 1),
            ("no_installation", "X", 2),
        ]  # fmt: skip
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
            tmp_path, 1, register_reads=[{"quality": "valid", **row} for row in register],
            installations=[installed("M", "A", -3000)],
        )  # fmt: skip
        assert laid.counts["before_window"] == 2
        assert laid.counts["without_register"] == 0
        assert laid.panel.shape == (1, 1)

    def test_intervals_are_counted_too(self, tmp_path: Path) -> None:
        def interval(meter: str, at: dt.datetime, channel: str = "import", minutes: int = 60) -> dict[str, object]:
            return {"meter_id": meter, "interval_start": at, "minutes": minutes, "kwh": 1.0, "channel": channel}

        rows = [
            interval("M", instant(0)), interval("M", instant(0)), interval("M", instant(1, 23)), interval("M", instant(2)),
            interval("M", instant(1, 23), minutes=120), interval("X", instant(1)), interval("M", instant(-1)),
            interval("M", instant(1), "export"), interval("M", instant(1), minutes=7),
        ]  # fmt: skip
        laid = lay_tables(
            tmp_path, 2, register_reads=reads("M", [1, 2, 3]), installations=[installed("M", "A")], interval_reads=rows
        )
        counts = laid.tally.counts["interval_reads"]
        assert counts["read"] == 9
        assert counts["quarantined"] == 1
        places = {"after_as_of": 2, "before_window": 1, "other_channel": 1, "not_in_place": 1, "kept": 3}
        assert {name: counts[name] for name in places} == places


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
            tmp_path, 2, register_reads=reads("M", [10, 11.11111, 12.22226 + (decimals == 0) * 0.5]),
            installations=[installed("M", "A", register_decimals=decimals)],
        )  # fmt: skip
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
            installed("M", "A", point_id="main"), installed("S", "A", point_id="sub", point_role="subtract"),
            installed("C", "A", point_id="check", point_role="check"), installed("SUPPLY", None, area_id="T1"),
        ]  # fmt: skip
        register = reads("M", [0, 5]) + reads("S", [0, 2]) + reads("C", [0, 4]) + reads("SUPPLY", [0, 9])
        laid = lay_tables(tmp_path, 1, register_reads=register, installations=rows)
        assert [laid.kwh("A", point)[0] for point in ("main", "sub", "check")] == [5, 2, 4]
        assert laid.panel.flag("is_supply").tolist() == [True, False, False, False]


def test_electrical_reads_are_counted_once_and_put_together_over_files(tmp_path: Path) -> None:
    def phase(name: str, amps: float, hour: int = 1) -> dict[str, object]:
        return {
            "meter_id": "M", "read_at": instant(0, hour), "phase": name, "voltage_v": 230.0, "current_a": amps,
            "power_kw": amps * 0.23,
        }  # fmt: skip

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
