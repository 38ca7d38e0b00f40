"""What an account was expected to use: residuals, the shift test on them, and cohort medians."""

import dataclasses

import numpy as np
import pytest

from anomaly.baseline import Residuals, residuals
from anomaly.cohort import CLASSES, SIZES, cohort_counts, cohort_log, no_cohorts
from anomaly.shift import Split, mean_shift, split_log_likelihood, student_location
from tests.panels import panel, registers

OFFSET_KWH = 0.3


def judged(kwh: np.ndarray, reference: int, cohort: np.ndarray | None = None) -> Residuals:
    return residuals(kwh, cohort, reference, log_offset_kwh=OFFSET_KWH, fleet_log_sigma=0.3)


def test_own_weekday_pattern_is_taken_out() -> None:
    kwh = np.where(np.arange(140) % 7 < 2, 20.0, 10.0)[None]
    assert np.abs(judged(kwh, 112).residual).max() < np.log(2) / 0.2 / 4


def test_spread_is_half_own_half_fleet() -> None:
    flat = judged(np.full((1, 60), 5.0), 30)
    assert flat.sigma[0] == pytest.approx(np.sqrt(0.5) * 0.3)
    assert flat.persistence[0] == 0.0


def test_persistence_is_seen_and_bounded() -> None:
    rng = np.random.default_rng(5)
    steps = rng.normal(0, 0.2, (1, 140))
    assert judged(np.exp(2 + steps), 112).persistence[0] < 0.35
    assert 0.5 < judged(np.exp(2 + 0.5 * np.cumsum(steps, axis=1)), 112).persistence[0] <= 0.9


def test_a_home_may_follow_its_cohort_more_than_one_to_one() -> None:
    season = 0.5 * np.sin(np.arange(142) / 142 * 2 * np.pi)[None]
    kwh = np.exp(2.0 + 2.2 * season)
    with_slope = judged(kwh, 112, season).residual[:, 112:]
    without = judged(np.exp(2.0 + 1.2 * season), 112).residual[:, 112:]
    assert np.abs(with_slope).mean() < 0.5 * np.abs(without).mean()


def test_too_few_days_or_contradicting_references_give_no_gain() -> None:
    residual = np.zeros((3, 142))
    residual[0, 112:], residual[0, 112:135] = 5.0, np.nan
    residual[1, 82:112], residual[1, 112:] = 8.0, 4.0
    residual[2] = np.nan
    shift = mean_shift(
        Residuals(residual, np.full(3, 0.3), np.zeros(3)),
        Split(82, 112, 12),
        degrees_of_freedom=4.0,
        drift_log=0.17,
    )
    assert list(shift.gain) == [0.0, 0.0, 0.0]
    assert np.isfinite(shift.change_log).all()


def test_gain_is_small_for_noise_and_grows_with_the_shift() -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(3, 142))
    noise[:, 112:] += np.array([0.0, 2.0, 4.0])[:, None]
    shift = mean_shift(
        Residuals(noise, np.full(3, 0.3), np.zeros(3)),
        Split(82, 112, 12),
        degrees_of_freedom=4.0,
        drift_log=0.17,
    )
    assert shift.gain[0] < 0.5
    assert 0.5 < shift.gain[1] < shift.gain[2]
    assert shift.change_log[2] == pytest.approx(1.2, abs=0.15)


def test_student_location_resists_one_wild_value() -> None:
    values = np.array([[1.0, 1.1, 0.9, 1.0, 100.0], [np.nan] * 5])
    location = student_location(values, 4.0)
    assert location[0] == pytest.approx(1.0, abs=0.05)
    assert np.isnan(location[1])


def test_split_fits_best_at_the_onset() -> None:
    residual = np.r_[np.zeros(40), np.full(20, 3.0)][None]
    fits = [split_log_likelihood(residual, day, 4.0)[0] for day in range(20, 55)]
    assert 20 + int(np.argmax(fits)) == 40


def fleet(accounts: int, hot_days: slice, **columns: object) -> np.ndarray:
    rng = np.random.default_rng(9)
    kwh = np.round(rng.uniform(6.5, 11.5, (accounts, 1)) * rng.lognormal(0, 0.1, (accounts, 30)), 2)
    kwh[:, hot_days] *= 2
    return registers(*np.round(kwh, 2))


def test_cohort_median_follows_what_everybody_did() -> None:
    town = panel(fleet(60, slice(25, 30)))
    medians = cohort_counts(town, np.arange(60), log_offset_kwh=OFFSET_KWH).medians(20)
    everybody = cohort_log(town, medians)
    assert everybody.shape == town.shape
    np.testing.assert_allclose(everybody[:, :25], 0.0, atol=0.1)
    np.testing.assert_allclose(everybody[:, 25:], np.log(2), atol=0.1)


def test_cohort_counts_add_up_over_any_slicing() -> None:
    town = panel(fleet(60, slice(10, 12)))
    whole = cohort_counts(town, np.arange(60), log_offset_kwh=OFFSET_KWH)
    parts = no_cohorts(30)
    for rows in (np.arange(0, 7), np.arange(7, 41), np.arange(41, 60)):
        parts = parts + cohort_counts(town, rows, log_offset_kwh=OFFSET_KWH)
    np.testing.assert_array_equal(parts.counts, whole.counts)


def test_a_small_cohort_borrows_its_class_and_a_small_class_everybody() -> None:
    classes = ["residential"] * 50 + ["industrial"] * 5 + [None] * 5
    register = fleet(60, slice(20, 30))
    town = panel(register, customer_class=classes)
    medians = cohort_counts(town, np.arange(60), log_offset_kwh=OFFSET_KWH).medians(20)
    assert medians.shape == (CLASSES, SIZES, 30)
    everybody = cohort_log(town, medians)
    np.testing.assert_allclose(everybody[50:, 25], everybody[0, 25], atol=0.1)


def test_nobody_and_nothing_measured_make_no_cohort() -> None:
    town = panel(np.full((3, 31), np.nan))
    counts = cohort_counts(town, np.arange(3), log_offset_kwh=OFFSET_KWH)
    assert counts.counts.sum() == 0
    assert not cohort_log(town, counts.medians(20)).any()
    few = panel(fleet(5, slice(20, 30)))
    assert not cohort_counts(few, np.arange(5), log_offset_kwh=OFFSET_KWH).medians(20).any()


def test_supply_meters_and_periodic_positions_are_nobodys_cohort() -> None:
    town = panel(fleet(4, slice(0, 0)), is_supply=[True, False, False, False])
    town = dataclasses.replace(
        town,
        positions=town.positions.with_columns(
            read_frequency=np.array(["daily", "periodic", "daily", "daily"])
        ),
    )
    counts = cohort_counts(town, np.arange(4), log_offset_kwh=OFFSET_KWH).counts
    assert counts.sum() == 2 * 30
