"""B02: a meter counts much more, or much less, than the supply meter of its area sees of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.area_moves import areas_of, movable_areas, usable_days
from anomaly.area_sums import net_kwh
from anomaly.loss_model import LossPrior
from anomaly.meter_coefficients import Coefficient, CoefficientSearch, wrong_coefficients
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
    source="methods.md §1.4 per-meter coefficient, one meter at a time; measured by benchmarks/wiring_areas.py",
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
    min_nats: float,
    min_error_ratio: float,
    most_errors: int,
) -> Detections:
    """A meter counts much more, or much less, than the supply meter of its area sees of it.

    Nearly all meters are in order: one at a time is asked by which coefficient its kWh would have to be multiplied for
    the loss of the area to follow its model.

    Fires when that coefficient is `min_error_ratio` or more away from 1 either way and clearly above 0 (an account
    that the area does not feed at all is B01), and the loss is likelier with it by `min_nats` (e times as many meters
    as 20 need a nat more; what other meters explain as well is taken off). The next meter is looked for with that
    one corrected.
    Cannot see: errors below about a third, for which daily reads are too coarse; meters that count the same every
    day; a meter's error apart from use that nobody meters and that follows its days.
    """
    if panel.balance is None or not panel.shape[1]:
        return nothing(panel)
    prior = LossPrior(usual_loss_share, loss_spread_share, least_noise_share)
    search = CoefficientSearch(
        window_days, within_days, min_days, outlier_mads, prior, min_nats, min_error_ratio, most_errors
    )
    area = movable_areas(panel, panel.balance)
    found = wrong_coefficients(area, net_kwh(panel), panel.balance, search)
    return _told(panel, sorted(found), panel.balance.area_ids[area], min_error_ratio)


def _told(panel: Panel, found: list[Coefficient], area_id: NDArray[np.object_], min_error_ratio: float) -> Detections:
    """One finding per meter, from the first of the month in which the window begins until now: it is a state."""
    position = np.array([one.position for one in found], dtype=np.int64)
    coefficient, error, nats, mean = (
        np.array([getattr(one, name) for one in found], dtype=np.float64)
        for name in ("coefficient", "error", "nats", "kwh_per_day")
    )
    first, days = (np.array([getattr(one, name) for one in found], dtype=np.int64) for name in ("first_day", "days"))
    month = panel.dates(first).astype("datetime64[M]").astype("datetime64[D]")
    ratio = 1 / np.maximum(coefficient, LEAST_COEFFICIENT)
    return detections(
        panel,
        position,
        np.maximum(month, panel.days[0]),
        np.full(len(found), panel.shape[1]),
        measured=coefficient,
        expected=1.0,
        limit=min_error_ratio - 1,
        strength=nats,
        kwh_at_stake=np.abs((1 - coefficient) * mean) * days,
        facts={
            "counted_ratio": ratio,
            "counted_kwh_per_day": mean,
            "seen_kwh_per_day": coefficient * mean,
            "error_percent": 100 * error,
            "evidence_nats": nats,
            "used_days": days,
            "pattern": np.where(ratio > 1, "counts_too_much", "counts_too_little").astype(object),
            "area_text": area_id[position],
        },
    )
