"""Energy across a meter change, by the contract's own formula, and over any life of a position: the law."""

from __future__ import annotations

import itertools
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan_fixture import Laid, Rows, installed, instant, lay_tables, read, reads

EXCHANGE = 3
OLD = [500.0, 510.0, 521.0, 533.0]
NEW = [7.0, 12.0, 19.0, 27.0]
"""Old meter's freezes of days 0 to 3, new meter's of days 3 to 6."""


def changed(
    folder: Path,
    *,
    end: float | None = 540.0,
    start: float | None = 5.0,
    old: Rows | None = None,
    new: Rows | None = None,
    multipliers: tuple[float, float] = (1.0, 1.0),
) -> Laid:
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
            tmp_path,
            end=None,
            start=None,
            old=[*reads("OLD", OLD), read("OLD", instant(EXCHANGE, 10, 30), 537.5)],
            new=[read("NEW", instant(EXCHANGE, 10, 30), 8.5), *reads("NEW", NEW[1:], first=EXCHANGE + 1)],
        )
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
            for at in range(5)
            for hour in range(24)
        ]
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
        known = {float(at): int(levels[at - first]) for at in range(first, until + 1) if here[at - first]}
        register += [read(meter, instant(int(at)), (ticks % 1_000_000) / 100) for at, ticks in known.items()]
        start = draw(st.integers(0, begin)) if draw(st.booleans()) else begin
        start = max(start, begin - 300)
        if recorded[0] and first > 0:
            known[float(first)] = start
        if recorded[1] and last is not None and last < days:
            known[float(last + 1)] = int(levels[-1])
        rows.append(
            installed(
                meter,
                "A",
                first if first else -9,
                last,
                multiplier=multiplier,
                register_digits=4,
                start_register=(start % 1_000_000) / 100 if recorded[0] and first > 0 else None,
                end_register=(int(levels[-1]) % 1_000_000) / 100 if recorded[1] and last is not None else None,
            )
        )
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
        kwh = laid.kwh("A")
    # A panel begins with the first read of the book: a start register before it is of no day.
    total = total[days - len(kwh) :]
    np.testing.assert_allclose(kwh, total, atol=0.0051 * 40)
