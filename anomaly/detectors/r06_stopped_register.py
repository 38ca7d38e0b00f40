"""R06: the register stands still."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.expectation import multiplier_at
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.statistics import row_median, runs
from anomaly.still import Still, accounted_for, still_runs

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MADE_UP_SHARE = 0.5
"""A step after the stillness with at least half of what was missed means late reads, not a stopped meter
(E04).
"""


@detector(
    "R06",
    family="reading_error",
    unit="d",
    source="DL/T 698.45 event 310E 停走; State Grid screen: 15 days without load evidence",
)
def stopped_register(
    panel: Panel,
    *,
    min_days: float,
    max_chance: float,
    longest_ratio: float,
    periodic_stay: float,
    least_history_days: float,
    resumed_days: float,
) -> Detections:
    """The register stands still.

    Fires when real reads show the same register for at least `min_days` and longer than `longest_ratio`
    times the longest stretch before, where the chance of such a stretch - from the position's own share of
    still days, and how often one followed another - is below `max_chance`, with `least_history_days`
    before. Rarely read positions cannot show short stretches; for them a still day follows another with at
    least `periodic_stay`. Where the register has moved on as before, somebody was away: then only from
    `resumed_days` on.
    Silent: supply meters, vacant, closed or disconnected premises, outages, and stillness that the next
    read makes up (E04).
    Cannot see: a stop in a home that is often empty; whether the premises are simply not in use (A02 asks
    that).
    """
    still = still_runs(panel, min_days=min_days)
    supply = panel.flag("is_supply")[still.row]
    still = still.take(~supply & ~accounted_for(panel, still))
    history, zero_days, stay, longest = _history(panel, still)
    stay = np.where(panel.daily[still.row], stay, np.maximum(stay, periodic_stay))
    chance = (zero_days + 0.5) / (history + 1) * stay ** (still.days - 1)
    usual = _usual_before(panel, still)
    missed = usual * still.days
    made_up = (still.next_border >= 0) & (still.next_kwh >= MADE_UP_SHARE * missed) & (missed > 0)
    long_enough = (still.next_border < 0) | (still.days >= resumed_days)
    keep = np.flatnonzero(
        long_enough
        & ~made_up
        & (chance < max_chance)
        & (still.days > longest_ratio * longest)
        & (history >= least_history_days)
    )
    multiplier = multiplier_at(panel, still.row, still.last)
    per_day = usual * multiplier
    return detections(
        panel,
        still.row,
        still.first,
        still.last,
        measured=still.days,
        expected=longest,
        limit=min_days,
        strength=-np.log(np.maximum(chance, 1e-12)),
        kwh_at_stake=per_day * still.days,
        facts={
            "still_kwh": panel.register_kwh[still.row, still.last],
            "still_days": still.days,
            "usual_kwh_per_day": per_day,
            "longest_days": longest,
        },
    ).take(keep)


def _history(panel: Panel, still: Still) -> tuple[Floats, Floats, Floats, Floats]:
    """Of the days before each run: how many, how many still, how often a still day follows one, the longest
    stretch.
    """
    width = panel.step_kwh.shape[1]
    column = np.arange(width)
    before = column <= still.first[:, None]
    days = np.where(before, np.nan_to_num(panel.step_days[still.row]), 0.0)
    zero = before & (panel.step_kwh[still.row] == 0)
    total, zero_days = days.sum(axis=1), np.where(zero, days, 0.0).sum(axis=1)
    row, first, end = _runs_over_reads(panel, still, zero)
    starts = np.bincount(row, minlength=len(still)).astype(np.float64)
    length = np.concatenate([np.zeros((len(still), 1)), np.cumsum(np.where(zero, days, 0.0), axis=1)], axis=1)
    longest = np.zeros(len(still))
    np.maximum.at(longest, row, length[row, end] - length[row, first])
    stay = (zero_days - starts + 0.5) / (zero_days + 1.0)
    return total, zero_days, np.clip(stay, 0.5, 1.0), longest


def _runs_over_reads(panel: Panel, still: Still, zero: NDArray[np.bool_]) -> tuple[Integers, Integers, Integers]:
    """Runs of still steps; days without a read do not break them."""
    silent = ~np.isfinite(panel.step_kwh[still.row])
    joined = zero | (silent & _between(zero, silent))
    return runs(joined)


def _between(zero: NDArray[np.bool_], silent: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Days without a read before which the last step was a still one."""
    column = np.arange(zero.shape[1])
    last = np.maximum.accumulate(np.where(~silent, column, -1), axis=1)
    return np.asarray((last >= 0) & np.take_along_axis(zero, np.maximum(last, 0), axis=1))


def _usual_before(panel: Panel, still: Still) -> Floats:
    """Median use a day before each run, kWh on the dial."""
    column = np.arange(panel.step_kwh.shape[1])
    before = column <= still.first[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = panel.step_kwh[still.row] / panel.step_days[still.row]
        rate = np.where(before & (rate >= 0), rate, np.nan)
    return np.nan_to_num(row_median(rate))
