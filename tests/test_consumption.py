"""Registers to energy: the law of conservation on single dials, against an oracle that only interpolates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.consumption import DialEnergy, Dials, dial_energy

LIMITS = {"near_top_share": 0.9, "usual_multiple": 4.06, "floor_kwh_per_day": 5.0}
TOP_TICKS = 1_000_000
"""A dial of four digits and two decimals."""


def energy_of(
    ticks: list[int | None],
    *,
    offset: list[float] | None = None,
    start: tuple[int, int] | None = None,
    end: tuple[int, int] | None = None,
    decimals: int = 2,
    top: int = TOP_TICKS,
) -> DialEnergy:
    """Energy of one dial; `start` and `end` are (border, ticks) as recorded at installation and removal."""
    none = (-1, 0)
    (start_at, start_ticks), (end_at, end_ticks) = start or none, end or none
    row = np.array([[0 if value is None else value for value in ticks]], np.int64)
    dials = Dials(
        row,
        np.array([[value is not None for value in ticks]], bool),
        np.array([offset or [0.0] * len(ticks)], np.float32),
        np.array([10.0**decimals]),
        np.array([top]),
        np.array([start_at]),
        np.array([start_ticks]),
        np.array([end_at]),
        np.array([end_ticks]),
    )
    return dial_energy(dials, **LIMITS)


def interpolated(times: list[float], register_kwh: list[float], days: int) -> np.ndarray:
    """Energy per day of a register drawn as straight lines between its reads; NaN outside them."""
    border = np.arange(days + 1.0)
    at = np.interp(border, times, register_kwh)
    at[(border < times[0] - 1e-9) | (border > times[-1] + 1e-9)] = np.nan
    return np.diff(at)


@st.composite
def dials(draw: st.DrawFn) -> tuple[list[int | None], list[float], list[int]]:
    """(ticks per border, offsets, unrolled ticks): a dial of up to 4.9 kWh a day, with gaps and off-time reads."""
    days = draw(st.integers(1, 20))
    use = draw(st.lists(st.integers(0, 490), min_size=days + 1, max_size=days + 1))
    begin = draw(st.one_of(st.integers(0, TOP_TICKS - 1), st.integers(TOP_TICKS - 3000, TOP_TICKS - 1)))
    here = draw(st.lists(st.booleans(), min_size=days + 1, max_size=days + 1))
    late = draw(st.lists(st.sampled_from([0.0, 0.0, 0.4375, 0.75]), min_size=days + 1, max_size=days + 1))
    midnight = begin + np.concatenate([[0], np.cumsum(use)[:-1]])
    unrolled = [int(at + int(part * day_use)) for at, part, day_use in zip(midnight, late, use, strict=True)]
    ticks = [value % TOP_TICKS if present else None for value, present in zip(unrolled, here, strict=True)]
    return ticks, late, unrolled


@given(dials())
@settings(max_examples=300, deadline=None)
def test_the_days_sum_to_the_register_difference_over_any_span(
    dial: tuple[list[int | None], list[float], list[int]],
) -> None:
    ticks, late, unrolled = dial
    energy = energy_of(ticks, offset=late)
    known = [at for at, value in enumerate(ticks) if value is not None]
    days = len(ticks) - 1
    if not known:
        assert np.isnan(energy.kwh).all()
        return
    expected = interpolated([at + late[at] for at in known], [unrolled[at] / 100 for at in known], days)
    np.testing.assert_allclose(energy.kwh[0], expected, atol=0.005)
    sharp = [at for at in known if late[at] == 0.0]
    for first in sharp:
        for last in sharp:
            if first < last:
                total = energy.kwh[0, first:last].sum()
                assert total == pytest.approx((unrolled[last] - unrolled[first]) / 100, abs=0.005)


@given(dials())
@settings(max_examples=200, deadline=None)
def test_steps_sum_to_the_register_difference_and_a_rollover_is_positive(
    dial: tuple[list[int | None], list[float], list[int]],
) -> None:
    ticks, late, unrolled = dial
    energy = energy_of(ticks, offset=late)
    known = [at for at, value in enumerate(ticks) if value is not None]
    assert np.isfinite(energy.step_kwh[0]).sum() == max(len(known) - 1, 0)
    assert (energy.step_kwh[energy.rolled] >= 0).all()
    if len(known) > 1:
        assert np.nansum(energy.step_kwh) == pytest.approx((unrolled[known[-1]] - unrolled[known[0]]) / 100)
        assert np.nansum(energy.step_days) == pytest.approx(
            known[-1] + late[known[-1]] - known[0] - late[known[0]], abs=1e-4
        )


def test_a_gap_is_spread_evenly_and_marked() -> None:
    energy = energy_of([100, None, None, 400, 500])
    np.testing.assert_allclose(energy.kwh[0], [1, 1, 1, 1])
    assert energy.spread[0].tolist() == [True, True, True, False]


def test_a_daily_read_at_ten_is_not_a_gap() -> None:
    energy = energy_of([100, 200, 300], offset=[0.4, 0.4, 0.4])
    assert not energy.spread.any()
    assert np.isnan(energy.kwh[0, 0]), "nobody knows the first day's morning"
    assert energy.kwh[0, 1] == pytest.approx(1.0)


def test_nothing_is_known_before_the_first_and_after_the_last_read() -> None:
    energy = energy_of([None, 100, 250, None])
    assert np.isnan(energy.kwh[0, [0, 2]]).all()
    assert not energy.spread[0, [0, 2]].any()
    assert energy.kwh[0, 1] == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("ticks", "rolled"),
    [
        pytest.param([999_700, 999_900, 100, 300], True, id="over-the-top-and-on"),
        pytest.param([999_700, 999_900, 100], True, id="over-the-top-at-the-last-read"),
        pytest.param([899_900, 899_999, 100, 300], False, id="not-in-the-top-tenth"),
        pytest.param([900_000, 900_000, 100, 300], False, id="top-tenth-but-too-much-energy-through-the-top"),
        pytest.param([999_700, 999_900, 100, 999_990], False, id="came-back-above: one low read"),
        pytest.param([999_700, 999_900, 300, 100], False, id="goes-on-falling"),
        pytest.param([999_900, 999_900, 999_800, 999_900], False, id="a-small-step-back-at-the-top"),
        pytest.param([1_500_000, 1_500_100, 100, 300], False, id="a-read-beyond-the-dial-cannot-turn-over"),
    ],
)
def test_rollover(ticks: list[int | None], rolled: bool) -> None:
    energy = energy_of(ticks)
    assert energy.rolled.any() == rolled
    assert (np.nanmin(energy.step_kwh) >= 0) == rolled


def test_rollover_through_a_gap_exactly_at_the_bound() -> None:
    step = [999_000, 999_100, 999_200, None, 1_026]  # 4.06 × 1 kWh + 5 kWh a day, over two days: 18.12 kWh
    assert energy_of([*step[:4], 999_200 + 1_812 - TOP_TICKS]).rolled.any()
    assert not energy_of([*step[:4], 999_200 + 1_813 - TOP_TICKS]).rolled.any()


def test_recorded_start_and_end_close_both_ends() -> None:
    energy = energy_of([None, None, 150, 250, None], start=(1, 100), end=(3, 420))
    assert np.isnan(energy.kwh[0, 0])
    np.testing.assert_allclose(energy.kwh[0, 1:], [0.5, 1.0, 1.7])
    assert not energy.spread.any()


def test_a_start_register_stands_in_place_of_the_read_of_that_midnight() -> None:
    energy = energy_of([130, 250, 350], start=(0, 100))
    np.testing.assert_allclose(energy.kwh[0], [1.5, 1.0])
    np.testing.assert_allclose(energy.step_kwh[0, 1:], [1.2, 1.0], err_msg="steps are between reads, not records")


def test_records_outside_the_panel_change_nothing() -> None:
    plain = energy_of([100, 200, 300])
    recorded = energy_of([100, 200, 300], end=(2, 900))
    np.testing.assert_array_equal(plain.kwh, recorded.kwh)


@pytest.mark.parametrize("borders", [0, 1, 2])
def test_short_panels(borders: int) -> None:
    energy = energy_of([100] * borders) if borders else energy_of([])
    assert energy.kwh.shape == (1, max(borders - 1, 0))


def test_decimals_are_the_resolution() -> None:
    energy = energy_of([1, 2, 4], decimals=4, top=10**8)
    np.testing.assert_allclose(energy.kwh[0], [0.0001, 0.0002])
    assert energy_of([1, 2, 4], decimals=0).kwh[0].tolist() == [1.0, 2.0]
