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
DRAWN_DAYS = 400
"""Longest period whose days can be drawn anew; the same draws serve shorter ones."""

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
    means = (_means(one, one.inside[:, None]) for one in (current, reference))
    delta, parts = _parts(current, reference, response, *means)
    return delta[:, 0], parts[:, 0]


def uncertainty(
    current: Period, reference: Period, response: Response, *, resamples: int, seed: int
) -> Floats:
    """`[K, 6]` standard deviation of each part over resampled days of both periods.

    The same days are drawn for every case, so that a case's figure does not depend on which others stand beside it.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.random((2, resamples, DRAWN_DAYS))
    means = (_means(one, _resampled(one.inside, drawn[at])) for at, one in enumerate((current, reference)))
    _, parts = _parts(current, reference, response, *means)
    return np.asarray(np.std(parts, axis=1))


@dataclass(frozen=True, eq=False)
class _Means:
    """Means over the measured days of a period, `[K, B]` for B ways to weigh its days; NaN without any.

    `weekday_shares[K, B, 7]` is the share of each weekday among them.
    """

    kwh: Floats
    heating: Floats
    cooling: Floats
    cohort_log: Floats
    cohort_weather_log: Floats
    weekday_shares: Floats


def _means(period: Period, weight: Floats) -> _Means:
    """`weight[K, B, L]` says how often each day counts."""
    known = np.isfinite(period.kwh)
    columns = [period.kwh, period.heating, period.cooling, period.cohort_log, period.cohort_weather_log]
    columns += [(period.weekday == day).astype(np.float64) for day in range(WEEKDAYS)]
    values = np.stack([known.astype(np.float64), *(np.where(known, column, 0.0) for column in columns)], axis=2)
    sums = weight @ values
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums[..., 1:] / np.where(sums[..., :1] > 0, sums[..., :1], np.nan)
    return _Means(mean[..., 0], mean[..., 1], mean[..., 2], mean[..., 3], mean[..., 4], mean[..., 5:])


def _resampled(inside: Floats, drawn: Floats) -> Floats:
    """`[K, B, L]` how often each day is drawn: as many draws as the period has days, the first of `drawn[B, …]`."""
    cases, days = inside.shape
    length = inside.sum(axis=1)[:, None, None]
    place = np.minimum((drawn[None, :, :days] * length).astype(np.int64), days - 1)
    way = np.arange(cases * len(drawn)).reshape(cases, len(drawn), 1)
    cell = (way * days + place).reshape(-1)
    counted = np.broadcast_to(inside[:, None], place.shape).reshape(-1)
    return np.bincount(cell, counted, minlength=cases * len(drawn) * days).reshape(place.shape)


def _parts(
    current: Period, reference: Period, response: Response, now: _Means, then: _Means
) -> tuple[Floats, Floats]:
    """(delta `[K, B]`, parts `[K, B, 6]`)."""
    n_c, n_r = (one.inside.sum(axis=1)[:, None] for one in (current, reference))
    half = (n_c + n_r) / 2
    billed_c, billed_r = (
        np.where(np.isfinite(one.billed_kwh[:, None]), one.billed_kwh[:, None], days * mean.kwh)
        for one, days, mean in ((current, n_c, now), (reference, n_r, then))
    )
    artefact = (billed_c - n_c * now.kwh) - (billed_r - n_r * then.kwh)
    days = (n_c - n_r) * (now.kwh + then.kwh) / 2
    colder, warmer = now.heating - then.heating, now.cooling - then.cooling
    weather = half * (response.heating_kwh[:, None] * colder + response.cooling_kwh[:, None] * warmer)
    ratio = np.exp(now.cohort_log - then.cohort_log)
    by_weather = np.exp(now.cohort_weather_log - then.cohort_weather_log)
    cohort = half * then.kwh * (ratio - by_weather)
    pattern = response.weekday_kwh - response.weekday_kwh.mean(axis=1, keepdims=True)
    mix = now.weekday_shares - then.weekday_shares
    calendar = half * (mix * pattern[:, None]).sum(axis=2)
    own = half * (now.kwh - then.kwh) - weather - cohort - calendar
    measured = np.isfinite(now.kwh) & np.isfinite(then.kwh)
    parts = np.stack([artefact, days, weather, cohort, calendar, own], axis=2)
    return np.where(measured, billed_c - billed_r, np.nan), np.where(measured[..., None], parts, np.nan)


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
