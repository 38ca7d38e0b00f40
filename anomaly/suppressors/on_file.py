"""Explanations that stand in the file: the account's status, its customer, and what was recorded about its supply."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections
from anomaly.supply_events import cut_off
from anomaly.suppressors.registry import JUMPS, SHAPES, Booleans, fell, suppressor

Integers = NDArray[np.int64]

STILL = ("R06", "C06", "A02")
"""Rules about use that is not there."""

EMPTY = ("vacant", "closed")

DAYS_APART = 1_000_000
"""More days than the calendar has: makes one number of a row and a day."""


@suppressor(*JUMPS, *STILL)
def vacant(panel: Panel, code: str, found: Detections) -> Booleans:
    """Vacant: the account is vacant or closed on file, and use fell.

    Explains a finding that ends after `status_since` and is a fall. Cannot see: a status nobody kept up to date.
    """
    empty = np.isin(panel.column("status")[found.position].astype(str), EMPTY)
    since = panel.column("status_since")[found.position].astype("datetime64[D]")
    return np.asarray(empty & ~(since >= found.end) & fell(code, found))


@suppressor(*JUMPS, *STILL)
def disconnected(panel: Panel, code: str, found: Detections, *, margin_days: float) -> Booleans:
    """Disconnected: the supply was off on file or by command, and use fell.

    Explains a fall that starts at most `margin_days` before the disconnection on file, or while the last supply
    event of the meter says off. Cannot see: a disconnection that was never recorded.
    """
    margin = np.timedelta64(int(margin_days), "D")
    on_file = panel.column("status")[found.position].astype(str) == "disconnected"
    since = panel.column("status_since")[found.position].astype("datetime64[D]")
    by_file = on_file & ~(since > found.start + margin)
    by_event = cut_off(panel, found.position, panel.day_index(found.start + margin))
    return np.asarray((by_file | by_event) & fell(code, found))


@suppressor("J02", "C06", "C10", "Q01", "R06")
def outage(panel: Panel, code: str, found: Detections, *, margin_days: float) -> Booleans:
    """Supply was off: a recorded outage of the meter overlaps the finding, within `margin_days`.

    Explains missing reads, zeros and one-day falls. Cannot see: an outage without events.
    """
    starts = panel.events.filter(panel.events["kind"] == "outage_start")
    row, day = starts["row"].to_numpy(), starts["at"].to_numpy().astype("datetime64[D]")
    return np.asarray(_happened(row, day, found.position, found, margin_days) & fell(code, found))


@suppressor("C06", "C10", "Q01", "G02")
def planned_work(panel: Panel, code: str, found: Detections, *, margin_days: float, max_days: float) -> Booleans:
    """The utility's own work: works at the meter or in its box overlap a disturbance of at most `max_days`.

    Explains missing reads, zeros and interruptions within `margin_days` of the work. Energy that was counted is never
    explained by works, and a disturbance that outlasts them was left behind by them.
    Cannot see: works nobody recorded as an event of a meter of the box.
    """
    works = panel.events.filter(panel.events["kind"] == "works")
    box = panel.positions.select(pl.coalesce("box_id", "account_id").rank("dense").fill_null(0).cast(pl.Int64))
    place = box.to_series().to_numpy()
    row, day = works["row"].to_numpy().astype(np.int64), works["at"].to_numpy().astype("datetime64[D]")
    known = np.flatnonzero(row >= 0)
    near = _happened(place[row[known]], day[known], place[found.position], found, margin_days)
    return np.asarray(near & (found.end - found.start <= np.timedelta64(int(max_days), "D")))


@suppressor("J01", "J03", *SHAPES)
def new_customer(panel: Panel, code: str, found: Detections, *, own_days: float) -> Booleans:
    """Another customer: the present one moved in during the change or less than `own_days` before it.

    History belongs to the customer, not to the meter: what was used before is another household's. Of an account read
    by the period, one whole period of the present customer must come before.
    Cannot see: a change of occupants that the file does not know; a leak that began as the customer moved in.
    """
    since = panel.column("customer_since")[found.position].astype("datetime64[D]")
    own = np.full(len(found), np.timedelta64(int(own_days), "D"))
    if code == "J03":
        own = np.maximum(own, found.end - found.start)
    return np.asarray((since > found.start - own) & (since < found.end))


@suppressor("X01", "X10")
def moved_house(panel: Panel, code: str, found: Detections, *, margin_days: float) -> Booleans:
    """Moved house: both homes have new customers on file within `margin_days` of the day on which they changed.

    Two households that change on one day are two that moved; wires need no removal van. Cannot see: meters that were
    crossed in the same week in which both customers moved in.
    """
    margin = np.timedelta64(int(margin_days), "D")
    since = panel.column("customer_since").astype("datetime64[D]")
    near = [np.abs(since[side] - found.start) <= margin for side in (found.position, found.related)]
    return np.asarray(near[0] & near[1] & (found.related >= 0))


@suppressor(*JUMPS, *SHAPES)
def irregular_use(panel: Panel, code: str, found: Detections) -> Booleans:
    """Irregular by nature: the account is on file as one whose use comes and goes."""
    return panel.flag("irregular")[found.position]


def _happened(
    key: Integers, day: NDArray[np.datetime64], wanted: Integers, found: Detections, margin_days: float
) -> Booleans:
    """`[K]` whether an event of the wanted key lies in [start - margin, end + margin) of each finding."""
    margin = np.timedelta64(int(margin_days), "D")
    events = np.sort(key.astype(np.int64) * DAYS_APART + day.astype(np.int64))
    low = np.searchsorted(events, wanted * DAYS_APART + (found.start - margin).astype(np.int64))
    high = np.searchsorted(events, wanted * DAYS_APART + (found.end + margin).astype(np.int64))
    return np.asarray(high > low)
