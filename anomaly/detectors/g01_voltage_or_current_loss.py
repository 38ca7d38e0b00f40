"""G01: the meter lost a voltage or current and counted too little."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

LOSSES = ("voltage_loss", "phase_loss", "current_loss")
RECOVERY_DAYS = 3
"""The loss is over when the median of so many days is back."""


@detector(
    "G01",
    family="grid",
    unit="h",
    source="DL/T 698.45 events 3000 失压, 3006 失流, 300B 断相; refund rule: recorded energy × correction",
)
def voltage_or_current_loss(
    panel: Panel, *, min_hours: float, window_days: float, max_use_ratio: float, max_voltage_share: float
) -> Detections:
    """The meter lost a voltage or current and counted too little.

    The events have no counterpart that ends them: the loss lasts from the event until the median of three
    days is back within half the distance to the usual, or to the end of the panel.

    Fires when the median day of the first `window_days` after the event (while it lasts) is at most
    `max_use_ratio` of the median of the `window_days` before, or the mean voltage falls below
    `max_voltage_share` of the position's usual one, and that lasts `min_hours` or longer. Later events
    within it are the same loss.
    Cannot see: losses without an event, and losses hidden by rising use at the same time.
    """
    losses = panel.events.filter(pl.col("kind").is_in(LOSSES))
    if not len(losses) or panel.shape[1] < 2:
        return nothing(panel)
    row = losses["row"].to_numpy().astype(np.int64)
    moment = losses["at"].to_numpy().astype("datetime64[m]")
    day = (moment.astype("datetime64[D]") - panel.days[0]).astype(np.int64)
    before, after = _around(panel, row, day, int(window_days))
    over = _over(panel, row, day, before, after)
    hours = ((panel.days[0] + over).astype("datetime64[m]") - moment).astype(np.int64) / 60
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(before > 0, after / before, np.nan)
    low_voltage = _voltage_share(panel, row, day, over) < max_voltage_share
    fires = ((ratio <= max_use_ratio) | (low_voltage & (ratio < 1))) & (hours >= min_hours) & (day >= 0)
    fires &= _first_of_each(row, day, over, fires)
    row, day, over, hours, ratio = row[fires], day[fires], over[fires], hours[fires], ratio[fires]
    lost = np.maximum(before[fires] - after[fires], 0.0) * np.maximum(over - day, 1)
    return detections(
        panel,
        row,
        day,
        np.maximum(over, day + 1),
        measured=hours,
        expected=0.0,
        limit=min_hours,
        strength=-np.log(np.maximum(ratio, 1e-3)),
        kwh_at_stake=lost,
        facts={
            "event": losses["kind"].to_numpy().astype(object)[fires],
            "event_at": moment[fires],
            "event_hours": hours,
            "use_ratio": ratio,
            "usual_kwh_per_day": before[fires],
            "reduced_kwh_per_day": after[fires],
            "missed_kwh": lost,
        },
    )


def _around(panel: Panel, row: Integers, day: Integers, window_days: int) -> tuple[Floats, Floats]:
    """Median day before the event, and of the whole days after it."""
    place = np.arange(panel.shape[1])
    measured = np.where(panel.spread[row], np.nan, panel.kwh[row])
    before = (place >= (day - window_days)[:, None]) & (place < day[:, None])
    after = (place > day[:, None]) & (place <= (day + window_days)[:, None])
    earlier = row_median(np.where(before, measured, np.nan))
    # Judged by what follows at once: the loss may be repaired within the window.
    soon = after & (np.cumsum(after & np.isfinite(measured), axis=1) <= 2 * RECOVERY_DAYS + 1)
    return earlier, row_median(np.where(soon, measured, np.nan))


def _over(panel: Panel, row: Integers, day: Integers, before: Floats, after: Floats) -> Integers:
    """First day after the event from which three days in the median are back, else the end of the panel."""
    count = panel.shape[1]
    back = (before + after)[:, None] / 2
    values = panel.kwh[row]
    padded = np.concatenate([values, np.full((len(row), RECOVERY_DAYS - 1), np.nan)], axis=1)
    ahead = np.sort(np.stack([padded[:, shift : shift + count] for shift in range(RECOVERY_DAYS)]), axis=0)
    place = np.arange(count)
    with np.errstate(invalid="ignore"):
        recovered = (ahead[1] >= back) & (ahead[0] >= back) & (place > day[:, None] + 1)
    first = np.argmax(recovered, axis=1)
    return np.asarray(np.where(recovered.any(axis=1), first, count))


def _voltage_share(panel: Panel, row: Integers, day: Integers, over: Integers) -> Floats:
    """Median voltage during the loss as a share of the position's usual; 1 where there are no voltages."""
    share = np.ones(len(row))
    electrical = panel.electrical
    if electrical is None or not len(electrical.rows):
        return share
    at = np.clip(np.searchsorted(electrical.rows, row), 0, len(electrical.rows) - 1)
    mine = np.flatnonzero(electrical.rows[at] == row)
    volts = electrical.voltage_v[at[mine]]
    place = np.arange(volts.shape[1])
    inside = (place > day[mine, None]) & (place < over[mine, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        found = row_median(np.where(inside, volts, np.nan)) / row_median(np.where(inside, np.nan, volts))
    share[mine] = np.where(np.isfinite(found), found, 1.0)
    return share


def _first_of_each(row: Integers, day: Integers, over: Integers, fires: Booleans) -> Booleans:
    """Of losses that lie within one another only the earliest; events come sorted by position and time."""
    kept = np.zeros(len(row), bool)
    at = np.flatnonzero(fires)
    until = np.where(fires, row * 1_000_000 + over, -1)
    reached = np.maximum.accumulate(np.append(-1, until[at])[:-1]) if len(at) else until[at]
    kept[at] = row[at] * 1_000_000 + day[at] >= reached
    return kept
