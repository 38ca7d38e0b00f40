"""A home's response to the weather: kWh per degree-day above and below its own balance points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HEATING_POINTS_C = (12.0, 13.5, 15.0, 16.5, 18.0)
COOLING_POINTS_C = (19.0, 21.0, 23.0, 25.0)
"""Balance points that are tried. Source: CalTRACK's grids, 13-18 °C and 19-24 °C, widened by one step."""


@dataclass(frozen=True, eq=False)
class WeatherResponse:
    """Per series: balance points, kWh per degree-day `[K]` (0 where there is none), and the share explained.

    `sufficient` is false where too few days have degree-days or the fit explains too little: then both are 0.
    """

    heating_point_c: Floats
    cooling_point_c: Floats
    heating_kwh: Floats
    cooling_kwh: Floats
    explained: Floats
    sufficient: NDArray[np.bool_]


def heating_degree_days(temperature_c: Floats, point_c: Floats) -> Floats:
    """`[K, D]` degrees by which each day was colder than the balance point of each series."""
    return np.maximum(point_c[:, None] - temperature_c, 0.0)


def cooling_degree_days(temperature_c: Floats, point_c: Floats) -> Floats:
    """`[K, D]` degrees by which each day was warmer than the balance point of each series."""
    return np.maximum(temperature_c - point_c[:, None], 0.0)


def weather_response(
    kwh: Floats, temperature_c: Floats, *, least_days: int, least_degree_days: int, least_explained: float
) -> WeatherResponse:
    """The best change-point model kWh = a + b_h HDD + b_k CDD of each series `kwh[K, D]`, by least squares.

    `temperature_c[D]` is the daily mean. A negative response counts as none. A response is only trusted
    from `least_days` measured days, `least_degree_days` with degree-days, and `least_explained` of the variance.
    Source: change-point degree-day regression (PRISM, CalTRACK 2.0).
    """
    known = np.isfinite(kwh) & np.isfinite(temperature_c)
    count = known.sum(axis=1)
    filled = np.where(known, kwh, 0.0)
    mean = filled.sum(axis=1) / np.maximum(count, 1)
    total = np.where(known, (filled - mean[:, None]) ** 2, 0.0).sum(axis=1)
    best = [np.zeros(len(kwh)) for _ in range(4)]
    least = total.copy()
    temperature = np.where(np.isfinite(temperature_c), temperature_c, 0.0)
    for heating_c in HEATING_POINTS_C:
        for cooling_c in COOLING_POINTS_C:
            cold, warm = np.maximum(heating_c - temperature, 0.0), np.maximum(temperature - cooling_c, 0.0)
            heating, cooling, error = _fit(filled, known, cold, warm, least_degree_days)
            better = error < least * (1 - 1e-9)
            least = np.where(better, error, least)
            found = (heating, cooling, np.full(len(kwh), heating_c), np.full(len(kwh), cooling_c))
            best = [np.where(better, new, old) for new, old in zip(found, best, strict=True)]
    with np.errstate(invalid="ignore", divide="ignore"):
        explained = np.where(total > 0, 1.0 - least / total, 0.0)
    good = (count >= least_days) & (explained >= least_explained)
    heating, cooling = (np.where(good, part, 0.0) for part in best[:2])
    return WeatherResponse(best[2], best[3], heating, cooling, explained, good)


def _fit(
    kwh: Floats, known: NDArray[np.bool_], cold: Floats, warm: Floats, least_degree_days: int
) -> tuple[Floats, Floats, Floats]:
    """(kWh per heating, per cooling degree-day, squared error) `[K]`, each response at least 0."""
    both = _least_squares(kwh, known, cold, warm, least_degree_days)
    only_cold = _least_squares(kwh, known, cold, np.zeros_like(warm), least_degree_days)
    only_warm = _least_squares(kwh, known, np.zeros_like(cold), warm, least_degree_days)
    fitting = (both[0] >= 0) & (both[1] >= 0)
    heating, cooling, error = (np.where(fitting, part, np.inf if at == 2 else 0.0) for at, part in enumerate(both))
    for other in (only_cold, only_warm):
        better = (other[0] >= 0) & (other[1] >= 0) & (other[2] < error)
        so_far = (heating, cooling, error)
        heating, cooling, error = (np.where(better, new, old) for new, old in zip(other, so_far, strict=True))
    return heating, cooling, error


def _least_squares(
    kwh: Floats, known: NDArray[np.bool_], cold: Floats, warm: Floats, least_degree_days: int
) -> tuple[Floats, Floats, Floats]:
    weight = known.astype(np.float64)
    count = np.maximum(weight.sum(axis=1), 1.0)
    enough_cold = (weight @ (cold > 0)) >= least_degree_days
    enough_warm = (weight @ (warm > 0)) >= least_degree_days
    mean_y, mean_c, mean_w = (kwh * weight).sum(axis=1) / count, weight @ cold / count, weight @ warm / count
    cc = np.where(enough_cold, weight @ cold**2 - count * mean_c**2, 0.0)
    ww = np.where(enough_warm, weight @ warm**2 - count * mean_w**2, 0.0)
    cw = np.where(enough_cold & enough_warm, weight @ (cold * warm) - count * mean_c * mean_w, 0.0)
    cy = np.where(enough_cold, (kwh * weight) @ cold - count * mean_c * mean_y, 0.0)
    wy = np.where(enough_warm, (kwh * weight) @ warm - count * mean_w * mean_y, 0.0)
    total = (kwh**2 * weight).sum(axis=1) - count * mean_y**2
    # A tiny ridge keeps a response without degree-days at 0 instead of 0 / 0.
    cc, ww = cc + 1e-9, ww + 1e-9
    determinant = cc * ww - cw**2
    heating = (ww * cy - cw * wy) / determinant
    cooling = (cc * wy - cw * cy) / determinant
    return heating, cooling, np.asarray(total - heating * cy - cooling * wy)
