"""R03: the register keeps counting too fast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.capacity import runs_over_capacity
from anomaly.expectation import multiplier_at
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.runaway import Levels, base_ratio, best_split, dial_kwh_per_day, levels, mean_kwh

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEAST_BEFORE = 14
SCREEN_DAYS = 3
SCREEN_SHARE = 0.25


@detector(
    "R03",
    family="reading_error",
    unit="kWh/d",
    source="DL/T 698.45 event 310D 飞走; 376.1 ERC29; ×3 happens to 0.8 % of real homes a month",
)
def over_registration(
    panel: Panel,
    *,
    capacity_ratio: float,
    contract_ratio: float,
    min_days: float,
    usual_ratio: float,
    highest_ratio: float,
    floor_kwh_per_day: float,
    window_days: int,
) -> Detections:
    """The register keeps counting too fast.

    Fires when (a) the steps of at least `min_days` running exceed `capacity_ratio` times the meter's capacity;
    or (b), for at least `min_days` up to now, the median day is `usual_ratio` times the one before (and
    that many times `floor_kwh_per_day`) and `highest_ratio` times the highest day ever before, the quietest
    quarter of the days still lies above that highest day, and - where there is a curve - what always runs rose
    to half of `usual_ratio` at least.
    Cannot see: ×2 to ×5, which real use makes too (jumps tell of it); the first two days; positions read
    monthly below capacity.
    """
    row, start, end, measured, expected, limit, stake = _together(
        _above_capacity(panel, capacity_ratio, contract_ratio, min_days),
        _far_above_usual(panel, min_days, usual_ratio, highest_ratio, floor_kwh_per_day, window_days),
    )
    return detections(
        panel,
        row.astype(np.int64),
        start.astype(np.int64),
        end.astype(np.int64),
        measured=measured,
        expected=expected,
        limit=limit,
        kwh_at_stake=stake,
        facts={
            "measured_kwh_per_day": measured,
            "usual_kwh_per_day": expected,
            "limit_kwh_per_day": limit,
            "change_ratio": measured / np.maximum(expected, 1e-3),
            "excess_days": end - start,
        },
    )


def _above_capacity(panel: Panel, capacity_ratio: float, contract_ratio: float, min_days: float) -> Floats:
    """Columns row, start, end, measured, expected, limit, stake of runs above capacity."""
    found = runs_over_capacity(panel, capacity_ratio=capacity_ratio, contract_ratio=contract_ratio)
    keep = found.days >= min_days - 0.5
    multiplier = multiplier_at(panel, found.row, found.last)
    usual = np.nan_to_num(panel.usual_kwh[found.row])
    per_day = found.energy_kwh / np.maximum(found.days, 1.0) * multiplier
    limit = capacity_ratio * found.capacity_kwh_per_day * multiplier
    stake = found.excess_kwh * multiplier
    return np.stack([found.row, found.before, found.last, per_day, usual, limit, stake])[:, keep]


def _far_above_usual(
    panel: Panel,
    min_days: float,
    usual_ratio: float,
    highest_ratio: float,
    floor_kwh: float,
    window_days: int,
) -> Floats:
    """The same columns of positions that rose by an order of magnitude and stayed there."""
    rows = _screened(panel, usual_ratio)
    kwh = dial_kwh_per_day(panel, rows)
    last = np.full(len(rows), panel.shape[1], np.int64)
    multiplier = multiplier_at(panel, rows, last)
    floor = floor_kwh / multiplier
    split = best_split(kwh, floor / 10, least_before=LEAST_BEFORE, least_after=int(min_days))
    found = levels(kwh, split, window_days=window_days)
    base = np.maximum(found.before_kwh, floor)
    with np.errstate(invalid="ignore"):
        keep = (
            (split > 0)
            & (found.after_kwh >= usual_ratio * base)
            & (found.after_kwh >= highest_ratio * found.highest_before_kwh)
            & (found.low_after_kwh > found.highest_before_kwh)
            & (found.days_after >= min_days)
        )
        always = base_ratio(panel, rows, split, window_days=window_days)
        keep &= ~(always < usual_ratio / 2)
    return _columns(rows, split, panel.shape[1], found, base, multiplier, usual_ratio)[:, keep]


def _columns(
    rows: Integers,
    split: Integers,
    end: int,
    found: Levels,
    base: Floats,
    multiplier: Floats,
    usual_ratio: float,
) -> Floats:
    before = np.nan_to_num(found.before_kwh) * multiplier
    after = np.nan_to_num(found.after_kwh) * multiplier
    stake = np.maximum(after - before, 0.0) * (end - split)
    limit = usual_ratio * np.nan_to_num(base) * multiplier
    return np.stack([rows, split, np.full(len(rows), end), after, before, limit, stake])


def _screened(panel: Panel, usual_ratio: float) -> Integers:
    """Positions whose last days are far above their first third: cheap, and generous."""
    days = panel.shape[1]
    if days < LEAST_BEFORE + SCREEN_DAYS:
        return np.empty(0, np.int64)
    with np.errstate(invalid="ignore"):
        recent = mean_kwh(panel.kwh[:, -2 * SCREEN_DAYS :])
        early = mean_kwh(panel.kwh[:, : max(days // 3, LEAST_BEFORE)])
        far = (recent >= SCREEN_SHARE * usual_ratio * early) | (np.isfinite(recent) & (early == 0))
    return np.flatnonzero(far & panel.daily)


def _together(capacity: Floats, usual: Floats) -> Floats:
    """Both kinds; a position above capacity is told once."""
    return np.concatenate([capacity, usual[:, ~np.isin(usual[0], capacity[0])]], axis=1)
