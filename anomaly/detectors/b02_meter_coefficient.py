"""B02: a meter counts much more, or much less, than the supply meter of its area sees of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.area_moves import areas_of, movable_areas, usable_days
from anomaly.area_sums import net_kwh
from anomaly.loss_model import LossPrior
from anomaly.meter_coefficients import CoefficientFit, coefficients, gross_errors
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing

LEAST_COEFFICIENT = 0.01
"""A coefficient below this is shown as a hundredfold."""


def no_balance(panel: Panel, *, within_days: int, min_days: int, **_: object) -> NDArray[np.object_]:
    """`[M]` why nothing can be said: no supply meter, or too few days measured whole."""
    reason = np.full(panel.shape[0], "no_supply_meter", dtype=object)
    if panel.balance is None:
        return reason
    area = areas_of(panel, panel.balance)
    recent = slice(max(panel.shape[1] - within_days, 0), panel.shape[1])
    whole = usable_days(panel.balance, np.arange(len(panel.balance.area_ids)), recent).sum(axis=1) >= min_days
    known = np.flatnonzero(area >= 0)
    reason[known] = np.where(whole[area[known]], "", "balance_incomplete")
    return reason


@detector(
    "B02",
    family="reading_error",
    unit="1",
    source="methods.md §1.4 per-meter coefficient, ridge to 1; measured by benchmarks/wiring_areas.py",
    estimated_onset=False,
    unjudged=no_balance,
)
def meter_coefficient(
    panel: Panel,
    *,
    window_days: int,
    within_days: int,
    min_days: int,
    outlier_mads: float,
    usual_loss_share: float,
    loss_spread_share: float,
    least_noise_share: float,
    coefficient_spread: float,
    min_z: float,
    min_error_ratio: float,
    min_known_share: float,
) -> Detections:
    """A meter counts much more, or much less, than the supply meter of its area sees of it.

    The loss of the area beyond its model is laid at the doors of its meters: for each the coefficient by which its kWh
    would have to be multiplied, pulled towards 1.

    Fires when a coefficient is `min_error_ratio` or more away from 1 either way, `min_z` standard deviations from the
    median of its area, at least `min_known_share` of it is told by the reads rather than by the pull, and it is
    clearly above 0 (an account that the area does not feed at all is B01).
    Cannot see: errors below about a third, for which daily reads are too coarse; meters that count the same every
    day; one account's meter error from unmetered use that follows its days.
    """
    if panel.balance is None or not panel.shape[1]:
        return nothing(panel)
    prior = LossPrior(usual_loss_share, loss_spread_share, least_noise_share)
    fit = CoefficientFit(window_days, within_days, min_days, outlier_mads, prior, coefficient_spread)
    area = movable_areas(panel, panel.balance)
    found = coefficients(area, net_kwh(panel), panel.balance, fit)
    ratio = 1 / np.maximum(found.coefficient, LEAST_COEFFICIENT)
    at = np.flatnonzero(gross_errors(found, min_error_ratio, min_z, min_known_share))
    at = at[np.argsort(found.position[at], kind="stable")]
    first = panel.dates(found.first_day[at]).astype("datetime64[M]").astype("datetime64[D]")
    return detections(
        panel,
        found.position[at],
        np.maximum(first, panel.days[0]),
        np.full(len(at), panel.shape[1]),
        measured=found.coefficient[at],
        expected=1.0,
        limit=min_error_ratio - 1,
        strength=np.abs(found.z[at]),
        kwh_at_stake=np.abs((1 - found.coefficient) * found.kwh_per_day)[at] * (found.end_day - found.first_day)[at],
        facts={
            "counted_ratio": ratio[at],
            "counted_kwh_per_day": found.kwh_per_day[at],
            "seen_kwh_per_day": (found.coefficient * found.kwh_per_day)[at],
            "error_percent": 100 * found.error[at],
            "pattern": np.where(ratio[at] > 1, "counts_too_much", "counts_too_little").astype(object),
            "area_text": panel.balance.area_ids[area[found.position[at]]],
        },
    )
