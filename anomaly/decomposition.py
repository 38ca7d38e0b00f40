"""Why one period used more than another: a difference taken apart into parts that add up to it exactly.

With n days and u kWh a day in the current period c and its reference r, and N = (n_c + n_r) / 2,

    delta     = E_c - E_r                                      what is to be explained, as billed
    artefact  = (E_c - n_c u_c) - (E_r - n_r u_r)              billed beyond what the register counted
    days      = (n_c - n_r) (u_c + u_r) / 2                    more or fewer days
    weather   = N [b_h (H_c - H_r) + b_k (K_c - K_r)]          degree-days times the home's own response
    cohort    = N u_r (g - g_w)                                what like homes did beyond the weather's share
    calendar  = N sum_w (s_c(w) - s_r(w)) (p(w) - mean p)      other weekdays, by the home's own weekday pattern
    own       = N (u_c - u_r) - weather - cohort - calendar    the home's own change: the remainder

so that artefact + days + weather + cohort + calendar + own = delta. `days` and the rest is the exact two-factor
Shapley split of n u. With curves, `own` is split further into base, night and day (`own_by_hour`).
Source: symmetric midpoint decomposition; change-point degree-day models as in CalTRACK and PRISM.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

PARTS = ("artefact", "days", "weather", "cohort", "calendar", "own")
WEEKDAYS = 7
NIGHT_HOURS = (23, 0, 1, 2, 3, 4, 5, 6)
"""Hours that begin at 23:00 to 06:00."""


@dataclass(frozen=True, eq=False)
class Period:
    """One period of each of K cases, padded to L days.

    inside        `[K, L]` 1 for a day of the period, 0 for padding
    kwh           `[K, L]` energy of the day, NaN where not measured
    weekday       `[K, L]` 0 to 6
    heating       `[K, L]` heating degree-days at the home's balance point (0 where there is no weather)
    cooling       `[K, L]` cooling degree-days likewise
    cohort_log    `[K, L]` by how much, in log kWh, like homes stood above their own median (0 where not known)
    cohort_weather_log `[K, L]` the part of that which degree-days explain
    billed_kwh    `[K]` energy on the bill; NaN where the bill is what the register counted
    """

    inside: Floats
    kwh: Floats
    weekday: Integers
    heating: Floats
    cooling: Floats
    cohort_log: Floats
    cohort_weather_log: Floats
    billed_kwh: Floats


@dataclass(frozen=True, eq=False)
class Response:
    """What the home does by itself: kWh per heating and per cooling degree-day `[K]`, weekday pattern `[K, 7]` kWh."""

    heating_kwh: Floats
    cooling_kwh: Floats
    weekday_kwh: Floats


def decompose(current: Period, reference: Period, response: Response) -> tuple[Floats, Floats]:
    """(delta `[K]`, parts `[K, 6]` in the order of PARTS), kWh; all NaN where a period has no measured day."""
    return _parts(current, reference, response, current.inside, reference.inside)


def uncertainty(
    current: Period, reference: Period, response: Response, *, resamples: int, seed: int
) -> Floats:
    """`[K, 6]` standard deviation of each part over resampled days of both periods.

    The same days are drawn for every case, so that a case's figure does not depend on which others stand beside it.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        chosen_c = _resampled(current.inside, rng)
        chosen_r = _resampled(reference.inside, rng)
        drawn.append(_parts(current, reference, response, chosen_c, chosen_r)[1])
    with np.errstate(invalid="ignore"):
        return np.asarray(np.std(np.stack(drawn), axis=0))


def _resampled(inside: Floats, rng: np.random.Generator) -> Floats:
    """`[K, L]` how often each day is drawn: as many draws as the period has days."""
    length = inside.sum(axis=1)
    place = np.floor(rng.random(inside.shape[1]) * length[:, None]).astype(np.int64)
    count = np.zeros(inside.shape)
    row = np.broadcast_to(np.arange(len(inside))[:, None], place.shape)
    np.add.at(count, (row, np.minimum(place, inside.shape[1] - 1)), inside)
    return count


def _parts(
    current: Period, reference: Period, response: Response, weight_c: Floats, weight_r: Floats
) -> tuple[Floats, Floats]:
    n_c, n_r = current.inside.sum(axis=1), reference.inside.sum(axis=1)
    u_c, u_r = _mean(current.kwh, weight_c), _mean(reference.kwh, weight_r)
    metered_c, metered_r = n_c * u_c, n_r * u_r
    billed_c = np.where(np.isfinite(current.billed_kwh), current.billed_kwh, metered_c)
    billed_r = np.where(np.isfinite(reference.billed_kwh), reference.billed_kwh, metered_r)
    half = (n_c + n_r) / 2
    known_c, known_r = np.isfinite(current.kwh) * weight_c, np.isfinite(reference.kwh) * weight_r
    heating = _mean(current.heating, known_c) - _mean(reference.heating, known_r)
    cooling = _mean(current.cooling, known_c) - _mean(reference.cooling, known_r)
    weather = half * (response.heating_kwh * heating + response.cooling_kwh * cooling)
    ratio = np.exp(_mean(current.cohort_log, known_c) - _mean(reference.cohort_log, known_r))
    by_weather = np.exp(_mean(current.cohort_weather_log, known_c) - _mean(reference.cohort_weather_log, known_r))
    cohort = half * u_r * (ratio - by_weather)
    pattern = response.weekday_kwh - response.weekday_kwh.mean(axis=1, keepdims=True)
    mix = _weekday_shares(current.weekday, known_c) - _weekday_shares(reference.weekday, known_r)
    calendar = half * (mix * pattern).sum(axis=1)
    own = half * (u_c - u_r) - weather - cohort - calendar
    artefact = (billed_c - metered_c) - (billed_r - metered_r)
    days = (n_c - n_r) * (u_c + u_r) / 2
    measured = np.isfinite(u_c) & np.isfinite(u_r)
    parts = np.stack([artefact, days, weather, cohort, calendar, own], axis=1)
    return np.where(measured, billed_c - billed_r, np.nan), np.where(measured[:, None], parts, np.nan)


def _mean(values: Floats, weight: Floats) -> Floats:
    """`[K]` weighted mean over the known days; NaN without any."""
    counted = np.where(np.isfinite(values), weight, 0.0)
    total = counted.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((np.nan_to_num(values) * counted).sum(axis=1) / np.where(total > 0, total, np.nan))


def _weekday_shares(weekday: Integers, weight: Floats) -> Floats:
    """`[K, 7]` share of each weekday among the weighted days."""
    shares = np.stack([(weight * (weekday == day)).sum(axis=1) for day in range(WEEKDAYS)], axis=1)
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-12))


def own_by_hour(
    half_days: Floats, expected_kwh: Floats, seen_kwh: Floats, expected_base_kw: Floats, seen_base_kw: Floats
) -> Floats:
    """`[K, 3]` the own change as base, night and day, kWh over the period; they add up to `own`.

    `expected_kwh[K, 24]` is the day profile the other parts leave, summing to u_r + (weather + cohort + calendar) / N;
    `seen_kwh[K, 24]` the one measured, summing to u_c; `half_days[K]` is N; `*_base_kw[K]` the usual smallest hour.
    What the smallest hour rose by counts round the clock as base, a third of it in the eight hours of the night.
    NaN where a profile is not known.
    """
    apart = seen_kwh - expected_kwh
    base_kwh = 24.0 * (seen_base_kw - expected_base_kw)
    night_kwh = apart[:, list(NIGHT_HOURS)].sum(axis=1) - base_kwh * len(NIGHT_HOURS) / 24
    day_kwh = apart.sum(axis=1) - night_kwh - base_kwh
    return np.asarray(half_days[:, None] * np.stack([base_kwh, night_kwh, day_kwh], axis=1))
