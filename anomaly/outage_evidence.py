"""An individual outage at the wrong meter: one home has no power, and it is a neighbour's meter that noted it.

Source of the ratio: methods.md §1.2 e7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.metered import counted
from anomaly.panel import Panel
from anomaly.statistics import runs
from anomaly.supply_spans import (
    Minutes,
    Moments,
    Spans,
    any_between,
    covered,
    cut_spans,
    event_moments,
    group_numbers,
    hours,
    meters_around,
    no_power_calls,
    outage_spans,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

MOST = 0.5
"""A meter that stood still for half of the known hours or more stood still."""


@dataclass(frozen=True)
class OutageRatios:
    """Limits and likelihood ratios of the rulebook."""

    idle_kw: float
    dark_hours: float
    max_idle_share: float
    call_hours: float
    works_hours: float
    slack_hours: float
    most_meters: int
    counts_on_ratio: float
    log_only_ratio: float
    works_ratio: float


@dataclass(frozen=True, eq=False)
class Dark:
    """Homes known to have been without power, `[K]`: position, when that was said, and from when it may have begun.

    `works` is true where works of the utility at the home's meter say so, false where the customer called.
    """

    said: Moments
    low: Minutes
    high: Minutes
    works: Booleans

    def __len__(self) -> int:
        return len(self.said)

    def take(self, keep: Integers | Booleans) -> Dark:
        """Those chosen by a mask or by indices."""
        return Dark(self.said.take(keep), self.low[keep], self.high[keep], self.works[keep])


def homes_without_power(panel: Panel, ratios: OutageRatios) -> Dark:
    """Calls of customers without power, and works at single meters, where the home's own meter noted nothing of it."""
    calls, works = no_power_calls(panel), event_moments(panel, "works")
    slack = hours(ratios.slack_hours)
    area = group_numbers(panel, "area_id", "box_id")
    at_once = meters_around(works.row, works.at, area, works.row, works.at - slack, works.until + slack)
    works = works.take(at_once <= ratios.most_meters)
    said = Moments(*(np.concatenate([getattr(calls, n), getattr(works, n)]) for n in ("row", "at", "until")))
    low = np.concatenate([calls.at - hours(ratios.call_hours), works.at - slack])
    high = np.concatenate([calls.until + slack, works.until + hours(ratios.works_hours)])
    dark = Dark(said, low, high, np.arange(len(said)) >= len(calls))
    noted = covered(cut_spans(panel), said.row, low, high) | covered(outage_spans(panel), said.row, low, high)
    return dark.take(~noted)


def single_outages(panel: Panel, rows: Integers, ratios: OutageRatios) -> Spans:
    """Outages that meters noted, and stretches without use in the curves of `rows` that are otherwise never without.

    Those at more than `most_meters` meters of one area at once are left out, and those while disconnected.
    """
    noted, seen = outage_spans(panel), _seen_in_curves(panel, np.unique(rows), ratios)
    parts = [(getattr(noted, name), getattr(seen, name)) for name in ("row", "start", "end", "ended")]
    spans = Spans(*(np.concatenate(part) for part in parts))
    slack, area = hours(ratios.slack_hours), group_numbers(panel, "area_id", "box_id")
    meters = meters_around(spans.row, spans.start, area, spans.row, spans.start - slack, spans.start + slack)
    spans = spans.take(meters <= ratios.most_meters)
    return spans.take(~covered(cut_spans(panel), spans.row, spans.start, spans.end))


def _seen_in_curves(panel: Panel, rows: Integers, ratios: OutageRatios) -> Spans:
    never = np.empty(0, "datetime64[m]")
    found = [Spans(np.empty(0, np.int64), never, never, np.empty(0, bool))]
    for curve in panel.curves:
        own, at, _ = np.intersect1d(curve.rows, rows, return_indices=True)
        width = curve.days * curve.kwh.shape[2]
        known = np.where(curve.estimated[at], np.nan, curve.kwh[at]).reshape(len(at), width)
        with np.errstate(invalid="ignore"):
            idle = known <= ratios.idle_kw * curve.minutes / 60
        share = idle.sum(axis=1) / np.maximum(np.isfinite(known).sum(axis=1), 1)
        row, first, end = runs(idle & (share <= ratios.max_idle_share)[:, None])
        long = (end - first) * curve.minutes / 60 >= ratios.dark_hours
        row, first, end = row[long], first[long], end[long]
        origin = panel.days[curve.first_day].astype("datetime64[m]")
        step = np.timedelta64(curve.minutes, "m")
        found.append(Spans(own[row], origin + first * step, origin + end * step, end < width))
    parts = [[getattr(one, name) for one in found] for name in ("row", "start", "end", "ended")]
    return Spans(*(np.concatenate(part) for part in parts))


def outage_next_door(
    panel: Panel, dark: Dark, other: Integers, outages: Spans, ratios: OutageRatios
) -> tuple[Floats, Integers]:
    """(nats, index of the outage): the neighbour `other[K]` had an outage of its own when the home had no power.

    -inf and -1 where it had none in that time, where its meter counted through it or its customer called too, and
    where the home's own meter stood still.
    """
    place = _last_begun(outages, dark, other, hours(ratios.slack_hours))
    nats = np.full(len(dark), -np.inf)
    at = np.flatnonzero(place >= 0)
    dark, other, span = dark.take(at), other[at], outages.take(place[at])
    home, slack, calls = dark.said.row, hours(ratios.slack_hours), no_power_calls(panel)
    that_day = span.start.astype("datetime64[D]").astype("datetime64[m]")
    fits = ~any_between(calls.row, calls.at, other, that_day, span.end + hours(ratios.call_hours))
    theirs = counted(panel, other, span.start, span.end, idle_kw=ratios.idle_kw)
    fits &= (theirs.hours == 0) | (theirs.idle_hours >= MOST * theirs.hours)
    own = counted(panel, home, span.start, span.end, idle_kw=ratios.idle_kw)
    near = counted(panel, home, dark.said.at - slack, dark.said.until + slack, idle_kw=ratios.idle_kw)
    for meter in (own, near):
        fits &= (meter.hours == 0) | (meter.idle_hours < MOST * meter.hours)
    counts_on = (own.hours > 0) & (own.kwh > 0)
    found = np.where(counts_on, ratios.counts_on_ratio, ratios.log_only_ratio)
    found = np.log(np.where(dark.works, ratios.works_ratio, found))
    nats[at[fits]] = found[fits]
    return nats, np.where(np.isfinite(nats), place, -1)


def _last_begun(outages: Spans, dark: Dark, other: Integers, slack: np.timedelta64) -> Integers:
    """Index of the neighbour's last outage that began in time and was not long over when it was said; -1: none."""
    if not len(outages):
        return np.full(len(dark), -1, np.int64)
    order = np.lexsort((outages.end, outages.start, outages.row))
    row, start = outages.row[order], outages.start[order]
    base = start.min()
    key = row * 2**32 + (start - base).astype(np.int64)
    latest = np.clip((dark.high - base).astype(np.int64), -1, 2**32 - 2)
    last = np.searchsorted(key, other * 2**32 + latest, side="right") - 1
    at = np.maximum(last, 0)
    in_time = (last >= 0) & (row[at] == other) & (start[at] >= dark.low)
    in_time &= outages.end[order][at] + 6 * slack >= dark.said.at
    return np.where(in_time, order[at], -1).astype(np.int64)
