"""What a disconnection of one home says of two: whose meter stood still, and who called.

A meter that opens its *internal* relay counts nothing, whoever it feeds: its own zero speaks neither for nor against an
exchange, and no function here looks at it. Source of the ratios: methods.md §1.2 e1 and e8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.metered import counted, counted_days, idle_share
from anomaly.panel import Panel
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
    panel_bounds,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

INTERNAL = "internal"
STILL_SHARE = 0.95
"""Share of the known hours without use from which a meter stood still: one interval may straddle the edge."""

KNOWN_SHARE = 0.5
"""Share of the span that must be known of a meter."""

DAY_EDGE_HOURS = 48
"""Where only days are known, the last whole day before a moment begins up to two days before it."""


@dataclass(frozen=True)
class DarkChances:
    """Limits and chances (of the rulebook) for a neighbour's meter that stood still while the cut home's ran on."""

    idle_kw: float
    min_hours: float
    min_use_share: float
    edge_hours: float
    dark_chance: float
    relay_failure: float
    record_failure: float
    dark_coincidence: float
    open_coincidence: float


@dataclass(frozen=True)
class CallRatios:
    """Limits and likelihood ratios (of the rulebook) for a neighbour who calls while another home is cut off."""

    idle_kw: float
    soon_hours: float
    call_hours: float
    late_hours: float
    around_hours: float
    near_hours: float
    outage_meters: int
    silent_days: float
    call_ratio: float
    late_call_ratio: float
    silent_ratio: float
    counts_on_ratio: float


def neighbour_dark(panel: Panel, cuts: Spans, other: Integers, chances: DarkChances) -> tuple[Floats, Booleans]:
    """(nats, neighbour seen to come back): the breaker of a cut home is the neighbour's; -inf where it does not show.

    The cut home's meter, which has no internal relay, counts on, while the neighbour's stands still from the cut to
    the reconnection and not before or after.
    """
    relay = panel.column("relay").astype(object)[cuts.row]
    nats, lit = np.full(len(cuts), -np.inf), np.zeros(len(cuts), bool)
    at = np.flatnonzero(relay != INTERNAL)
    at = at[_runs_on(panel, cuts.take(at), chances)]
    dark, fine = _stands_still(panel, cuts.take(at), other[at], chances)
    at, fine = at[dark], fine[dark]
    if not len(at):
        return nats, lit
    cuts, other, relay = cuts.take(at), other[at], relay[at]
    before, _ = _alive(panel, other, cuts.start, -1, fine, chances)
    after, after_known = _alive(panel, other, cuts.end, 1, fine, chances)
    back = cuts.ended & after
    fits = before & (back | ~cuts.ended | ~after_known) & ~covered(cut_spans(panel), other, cuts.start, cuts.end)
    failure = np.where(relay == "external", chances.relay_failure, chances.record_failure)
    still = idle_share(panel, other, cuts.start, cuts.end, idle_kw=chances.idle_kw, fine=fine)
    chance = np.maximum(np.where(back, chances.dark_coincidence, chances.open_coincidence), still)
    nats[at[fits]] = np.log(chances.dark_chance / (failure * chance))[fits]
    lit[at] = back
    return nats, lit


def _runs_on(panel: Panel, cuts: Spans, chances: DarkChances) -> Booleans:
    """Whether the meter of the home that was cut off went on counting as it usually does; cuts may be repeated."""
    _, once, back = np.unique(
        np.stack([cuts.row, cuts.start.astype(np.int64)]), axis=1, return_index=True, return_inverse=True
    )
    cuts = cuts.take(once)
    own = counted(panel, cuts.row, cuts.start, cuts.end, idle_kw=chances.idle_kw)
    first, last = panel_bounds(panel)
    start, end = np.full(len(cuts), first), np.full(len(cuts), last)
    usual = counted(panel, cuts.row, start, end, idle_kw=chances.idle_kw)
    with np.errstate(invalid="ignore"):
        busy = (own.kw >= chances.min_use_share * usual.kw) & (own.kw > chances.idle_kw)
    return np.asarray(busy & _known(cuts, own.hours, own.fine, chances.min_hours))[back.reshape(-1)]


def _known(spans: Spans, known_hours: Floats, fine: Booleans, min_hours: float) -> Booleans:
    """Whether enough of each span is known; by days, the days of its two edges never are."""
    length = (spans.end - spans.start).astype("timedelta64[m]").astype(np.float64) / 60
    least = KNOWN_SHARE * np.maximum(length - np.where(fine, 0.0, DAY_EDGE_HOURS), 0.0)
    return np.asarray(known_hours >= np.maximum(least, min_hours))


def _stands_still(panel: Panel, spans: Spans, row: Integers, chances: DarkChances) -> tuple[Booleans, Booleans]:
    """(stood still throughout, told by a curve); a curve without use that the register contradicts is none."""
    theirs = counted(panel, row, spans.start, spans.end, idle_kw=chances.idle_kw)
    days = counted_days(panel, row, spans.start, spans.end, idle_kw=chances.idle_kw)
    with np.errstate(invalid="ignore"):
        still = (theirs.idle_hours >= STILL_SHARE * theirs.hours) & (theirs.kw <= chances.idle_kw)
        still &= (days.hours == 0) | (days.kw <= chances.idle_kw)
    return np.asarray(still & _known(spans, theirs.hours, theirs.fine, chances.min_hours)), theirs.fine


def _alive(
    panel: Panel, row: Integers, moment: Minutes, side: int, fine: Booleans, chances: DarkChances
) -> tuple[Booleans, Booleans]:
    """(used electricity just before (`side` -1) or after (1) a moment, anything known of it)."""
    edge = np.where(fine, hours(chances.edge_hours), hours(DAY_EDGE_HOURS))
    low, high = (moment - edge, moment) if side < 0 else (moment, moment + edge)
    near = counted(panel, row, low, high, idle_kw=chances.idle_kw)
    with np.errstate(invalid="ignore"):
        return np.asarray(near.kw > chances.idle_kw), np.asarray(near.hours > 0)


def neighbour_called(panel: Panel, cuts: Spans, other: Integers, ratios: CallRatios) -> tuple[Floats, Minutes]:
    """(nats, moment of the call): the neighbour reports no power soon after the cut, and nothing else explains it.

    -inf and NaT where nobody called, where an outage, works or a disconnection of the neighbour explains the call,
    where the cut home called too, or where the neighbour's own meter stood still as it would without supply.
    """
    nats, called = np.full(len(cuts), -np.inf), np.full(len(cuts), np.datetime64("NaT", "m"))
    calls = no_power_calls(panel)
    place = _first_call(calls, cuts, other, ratios)
    at = np.flatnonzero(place >= 0)
    if not len(at):
        return nats, called
    cuts, other, call = cuts.take(at), other[at], calls.take(place[at])
    fits = ~_explained(panel, other, call, ratios)
    fits &= ~any_between(calls.row, calls.at, cuts.row, cuts.start.astype("datetime64[D]").astype("M8[m]"), cuts.end)
    low = np.maximum(cuts.start, call.at - hours(ratios.near_hours))
    high = np.minimum(cuts.end, call.until + hours(ratios.near_hours))
    theirs = counted(panel, other, low, np.maximum(high, low), idle_kw=ratios.idle_kw)
    fits &= (theirs.hours == 0) | (theirs.idle_hours < KNOWN_SHARE * theirs.hours)
    counts_on = theirs.fine & (theirs.hours > 0) & (theirs.idle_hours == 0)
    soon = call.at <= cuts.start + hours(ratios.soon_hours)
    found = np.log(np.where(soon, ratios.call_ratio, ratios.late_call_ratio))
    found += np.where(counts_on, np.log(ratios.counts_on_ratio), 0.0)
    found += np.where(_silent(panel, cuts, ratios), np.log(ratios.silent_ratio), 0.0)
    nats[at[fits]], called[at[fits]] = found[fits], np.maximum(call.at, cuts.start)[fits]
    return nats, called


def _first_call(calls: Moments, cuts: Spans, other: Integers, ratios: CallRatios) -> Integers:
    """Index of the neighbour's first call from the cut on, -1 where none came in time."""
    order = np.lexsort((calls.until, calls.row))
    row, until = calls.row[order], calls.until[order]
    high = np.minimum(cuts.start + hours(ratios.call_hours), cuts.end + hours(ratios.late_hours))
    if not len(order):
        return np.full(len(cuts), -1, np.int64)
    first = _after(row, until, other, cuts.start)
    at = np.minimum(first, len(order) - 1)
    in_time = (first < len(order)) & (row[at] == other) & (calls.at[order][at] <= high)
    return np.where(in_time, order[at], -1).astype(np.int64)


def _after(row: Integers, at: Minutes, wanted: Integers, low: Minutes) -> Integers:
    """Index of the first record of `wanted[K]` or of a later position, at or after `low`; sorted by row and moment."""
    base = at.min()
    key = row * 2**32 + (at - base).astype(np.int64)
    step = np.clip((low - base).astype(np.int64), 0, 2**32 - 1)
    return np.asarray(np.searchsorted(key, wanted * 2**32 + step, side="left"), np.int64)


def _explained(panel: Panel, row: Integers, call: Moments, ratios: CallRatios) -> Booleans:
    """Whether an outage, works or a disconnection of the caller's own meter explains that he has no power."""
    low, high = call.at - hours(ratios.around_hours), call.until + hours(1)
    near_box, near_area = group_numbers(panel, "box_id", "area_id"), group_numbers(panel, "area_id", "box_id")
    own = covered(outage_spans(panel), row, low, high) | covered(cut_spans(panel), row, low, high)
    outage, work = event_moments(panel, "outage_start"), event_moments(panel, "works")
    outages = meters_around(outage.row, outage.at, near_area, row, low, high)
    works = meters_around(work.row, work.at, near_box, row, low, high)
    return np.asarray(own | (outages >= ratios.outage_meters) | (works > 0))


def _silent(panel: Panel, cuts: Spans, ratios: CallRatios) -> Booleans:
    """Whether a home with somebody in it was off for days without a word; that it did not call is known already."""
    status = panel.positions["status"].fill_null("active").to_numpy()[cuts.row]
    long = cuts.end - cuts.start >= hours(24 * ratios.silent_days)
    return np.asarray(long & (status != "vacant") & (status != "closed"))
