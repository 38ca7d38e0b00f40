"""The parts of a difference add up to it, whatever is missing; and each part takes what is its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.decomposition import PARTS, Period, Response, decompose, own_by_hour, uncertainty
from anomaly.degree_days import weather_response

WEEK = np.arange(31) % 7
FLAT = Response(np.zeros(1), np.zeros(1), np.zeros((1, 7)))


def period(kwh: list[float] | np.ndarray, length: int = 31, billed_kwh: float = np.nan, **levels: float) -> Period:
    """One case; `levels` are constant heating, cooling, cohort_log or cohort_weather_log."""
    values = np.full((1, length), np.nan)
    values[0, : len(kwh)] = kwh
    inside = (np.arange(length) < len(kwh)).astype(float)[None]

    def constant(name: str) -> np.ndarray:
        return np.full((1, length), levels.get(name, 0.0))

    return Period(
        inside, values, WEEK[:length][None], constant("heating"), constant("cooling"), constant("cohort_log"),
        constant("cohort_weather_log"), np.array([billed_kwh]),
    )  # fmt: skip


def told(current: Period, reference: Period, response: Response = FLAT) -> dict[str, float]:
    """The parts by name."""
    _, parts = decompose(current, reference, response)
    return dict(zip(PARTS, parts[0].tolist(), strict=True))


EIGHT = [8.0] * 28
CASES = [
    pytest.param(period([8.0] * 31), period(EIGHT), FLAT, "days", 24.0, id="three days more"),
    pytest.param(period([12.0] * 28), period(EIGHT), FLAT, "own", 112.0, id="the home itself"),
    pytest.param(period(EIGHT, billed_kwh=324.0), period(EIGHT), FLAT, "artefact", 100.0, id="above the register"),
    pytest.param(
        period([12.0] * 28, heating=10.0), period(EIGHT, heating=2.0),
        Response(np.array([0.5]), np.zeros(1), np.zeros((1, 7))), "weather", 112.0, id="colder",
    ),
    pytest.param(
        period([12.0] * 28, cohort_log=np.log(1.5)), period(EIGHT), FLAT, "cohort", 112.0, id="everybody rose"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("current", "reference", "response", "part", "kwh"), CASES)
def test_each_part_takes_what_is_its_own(
    current: Period, reference: Period, response: Response, part: str, kwh: float
) -> None:
    parts = told(current, reference, response)
    assert parts.pop(part) == pytest.approx(kwh)
    assert list(parts.values()) == pytest.approx([0.0] * 5, abs=1e-9)


def test_more_weekends_are_the_calendar() -> None:
    pattern = np.array([[8.0, 8.0, 8.0, 8.0, 8.0, 15.0, 15.0]])
    ten = np.arange(10)
    current, reference = (
        Period(np.ones((1, 10)), pattern[:, day], day[None], *[np.zeros((1, 10))] * 4, np.array([np.nan]))
        for day in ((ten + 5) % 7, ten % 7)
    )
    parts = told(current, reference, Response(np.zeros(1), np.zeros(1), pattern))
    assert parts["calendar"] == pytest.approx(current.kwh.sum() - reference.kwh.sum())
    assert parts["own"] == pytest.approx(0.0, abs=1e-9)


energies = st.lists(st.one_of(st.floats(0, 500), st.just(np.nan)), min_size=1, max_size=31)


@given(
    energies, energies, st.floats(0, 20), st.floats(0, 20), st.floats(-2, 2), st.floats(-2, 2),
    st.one_of(st.floats(0, 1e5), st.just(np.nan)), st.lists(st.floats(0, 50), min_size=7, max_size=7),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_the_parts_add_up_to_the_difference(
    current: list[float], reference: list[float], heating: float, cooling: float, cohort: float, by_weather: float,
    billed_kwh: float, pattern: list[float],
) -> None:  # fmt: skip
    response = Response(np.array([0.7]), np.array([0.3]), np.array([pattern]))
    levels = {"heating": heating, "cooling": cooling, "cohort_log": cohort, "cohort_weather_log": by_weather}
    now = period(current, billed_kwh=billed_kwh, **levels)
    delta, parts = decompose(now, period(reference), response)
    if np.isfinite(current).any() and np.isfinite(reference).any():
        assert abs(parts.sum() - delta[0]) <= 1e-9 * max(1.0, np.abs(parts).max())
    else:
        assert np.isnan(parts).all()
        assert np.isnan(delta[0])


@given(st.lists(st.floats(0, 9), min_size=48, max_size=48), st.floats(0, 3), st.floats(0, 3), st.floats(1, 60))
@settings(max_examples=100, deadline=None)
def test_base_night_and_day_add_up_to_the_own_change(
    hours: list[float], before_kw: float, after_kw: float, half_days: float
) -> None:
    expected, seen = np.array([hours[:24]]), np.array([hours[24:]])
    split = own_by_hour(np.array([half_days]), expected, seen, np.array([before_kw]), np.array([after_kw]))
    assert split.sum() == pytest.approx(half_days * (seen.sum() - expected.sum()), abs=1e-9 * 24 * 60 * 9)


def test_a_load_round_the_clock_is_base() -> None:
    before = np.full((1, 24), 0.3)
    split = own_by_hour(np.array([28.0]), before, before + 0.2, np.array([0.3]), np.array([0.5]))
    assert split[0].tolist() == pytest.approx([28 * 4.8, 0.0, 0.0], abs=1e-9)


def test_a_car_that_charges_at_night_is_night() -> None:
    before, after = np.full((1, 24), 0.3), np.full((1, 24), 0.3)
    after[0, 1:5] += 3.0
    split = own_by_hour(np.array([28.0]), before, after, np.array([0.3]), np.array([0.3]))
    assert split[0].tolist() == pytest.approx([0.0, 28 * 12.0, 0.0], abs=1e-9)


def test_the_uncertainty_of_one_case_does_not_depend_on_others_beside_it() -> None:
    rng = np.random.default_rng(1)
    now, then = period(rng.gamma(4, 2, 28)), period(rng.gamma(4, 2, 28))
    alone = uncertainty(now, then, FLAT, resamples=50, seed=7)
    now_twice, then_twice, flat_twice = (
        type(one)(*(np.concatenate([value, value]) for value in vars(one).values())) for one in (now, then, FLAT)
    )
    both = uncertainty(now_twice, then_twice, flat_twice, resamples=50, seed=7)
    assert both[1].tolist() == alone[0].tolist()
    of_means = [np.nanstd(one.kwh) / np.sqrt(28) for one in (now, then)]
    assert alone[0, PARTS.index("own")] == pytest.approx(28 * np.hypot(*of_means), rel=0.35)


LIMITS = {"least_days": 60, "least_degree_days": 10, "least_explained": 0.3}


class TestWeatherResponse:
    def test_a_heated_home_is_recognised(self) -> None:
        rng = np.random.default_rng(3)
        temperature = 11 + 9 * np.sin(np.arange(365) / 58) + rng.normal(0, 2, 365)
        kwh = 6 + 0.8 * np.maximum(15.0 - temperature, 0) + rng.normal(0, 1, 365)
        found = weather_response(kwh[None], temperature, **LIMITS)
        assert found.sufficient[0]
        assert found.heating_kwh[0] == pytest.approx(0.8, abs=0.05)
        assert found.cooling_kwh[0] == pytest.approx(0.0, abs=0.05)

    @pytest.mark.parametrize(
        ("kwh", "temperature"),
        [
            pytest.param(np.full(365, 8.0), np.linspace(0, 20, 365), id="constant use"),
            pytest.param(np.full(365, np.nan), np.linspace(0, 20, 365), id="nothing measured"),
            pytest.param(np.linspace(20, 5, 365), np.full(365, np.nan), id="no weather"),
            pytest.param(np.r_[np.linspace(20, 5, 30), np.full(335, np.nan)], np.linspace(0, 20, 365), id="one month"),
            pytest.param(np.linspace(5, 20, 365), np.linspace(0, 17, 365), id="more use when it is warm but not hot"),
        ],
    )
    def test_no_response_is_claimed_where_there_is_none(self, kwh: np.ndarray, temperature: np.ndarray) -> None:
        found = weather_response(kwh[None], temperature, **LIMITS)
        assert not found.sufficient[0]
        assert (found.heating_kwh[0], found.cooling_kwh[0]) == (0.0, 0.0)
