"""X05: registered generation sends nothing, and a neighbour without permission feeds in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.columns import Columns
from anomaly.neighbours import neighbours_of, unjudged_alone
from anomaly.pair_choice import best_pairs
from anomaly.panel import ExportRegisters, Panel
from anomaly.registry import Detections, detections, detector, nothing

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

TIE_NATS = 1.0
"""Every fitting neighbour fits equally well: the kWh sent say nothing of whose roof it is."""


@detector(
    "X05",
    family="cross_wiring",
    unit="nat",
    source="methods.md §1.2 e4: export on B without permission, none on A, likelihood ratio above 100",
    unjudged=unjudged_alone,
)
def generation_elsewhere(
    panel: Panel,
    *,
    min_kwh_per_day: float,
    min_days: int,
    silent_ratio: float,
    silent_chance: float,
    unregistered_chance: float,
    least_nats: float,
    max_members: int,
) -> Detections:
    """Registered generation sends nothing, and a neighbour without permission feeds in.

    The neighbour's own export days tell when the sun shone: on these the registered home's export register must
    have stood still. The evidence is how rarely both happen by chance, shared among all neighbours that fit.

    Fires when a neighbour (same box, else small area) without generation on file sends more than `min_kwh_per_day`
    on at least `min_days` days, and from the first of them on the home with generation on file sends at most
    `silent_ratio` of what the neighbour does, and this makes `least_nats`.
    Cannot see: generation that is merely switched off, a roof whose energy is used up behind the meter, homes whose
    export register is not read, and an exchange between two homes that both have generation on file.
    """
    export = panel.export
    if export is None or not len(export.rows):
        return nothing(panel)
    pairs = _pairs(panel, export, min_kwh_per_day, int(min_days), int(max_members))
    silent = np.round(pairs.own_kwh, 6) <= np.round(silent_ratio * pairs.sent_kwh, 6)
    pairs = pairs.take(silent & (pairs.days >= min_days))
    alone = -float(np.log(silent_chance) + np.log(unregistered_chance))
    kept, count = best_pairs(pairs.first, pairs.second, np.full(len(pairs), alone), tie_nats=TIE_NATS)
    nats = alone - np.log(np.maximum(count, 1))
    strong = nats >= least_nats
    return _told(panel, pairs.take(kept[strong]), nats[strong], count[strong], least_nats, int(min_days))


@dataclass(frozen=True, eq=False)
class Pairs(Columns):
    """Registered homes `first` and feeding neighbours `second`.

    `begin` is the neighbour's first bright day (one on which it sent more than the limit), `days` how many there are on
    which both export registers were read, `own_kwh` and `sent_kwh` what the two sent on such days from `begin` on, and
    `earlier_days` how many days before the registered home itself fed in.
    """

    first: Integers
    second: Integers
    begin: Integers
    days: Integers
    own_kwh: Floats
    sent_kwh: Floats
    earlier_days: Integers


def _told(panel: Panel, pairs: Pairs, nats: Floats, count: Integers, least_nats: float, min_days: int) -> Detections:
    since = np.arange(panel.shape[1]) >= pairs.begin[:, None]
    imported_kwh = np.where(since, panel.kwh[pairs.first] - panel.kwh[pairs.second], 0.0)
    moved = pairs.earlier_days >= min_days
    return detections(
        panel,
        pairs.first,
        pairs.begin,
        np.full(len(pairs), panel.shape[1]),
        measured=nats,
        expected=0.0,
        limit=least_nats,
        strength=nats,
        kwh_at_stake=pairs.sent_kwh + np.abs(np.nansum(imported_kwh, axis=1)),
        related=pairs.second,
        channel="export",
        facts={
            "since_day": panel.dates(pairs.begin),
            "export_kwh": pairs.sent_kwh,
            "export_days": pairs.days,
            "own_export_kwh": pairs.own_kwh,
            "candidates_count": count,
            "others_count": np.where(count > 1, count - 1.0, np.nan),
            "evidence_nats": nats,
            "pattern": np.where(moved, "generation_moved", "generation_never").astype(object),
        },
    )


def _pairs(panel: Panel, export: ExportRegisters, min_kwh_per_day: float, min_days: int, max_members: int) -> Pairs:
    with np.errstate(invalid="ignore"):
        bright = export.kwh > min_kwh_per_day
    first, second, at_first, at_second = _candidates(panel, export, bright, min_days, max_members)
    begin = bright[at_second].argmax(axis=1) if len(first) else first
    since = np.arange(panel.shape[1]) >= begin[:, None]
    own, sent = export.kwh[at_first], export.kwh[at_second]
    both = since & np.isfinite(own) & np.isfinite(sent)
    own_kwh, sent_kwh = (np.where(both, kwh, 0.0).sum(axis=1) for kwh in (own, sent))
    days, earlier = (both & bright[at_second]).sum(axis=1), (~since & bright[at_first]).sum(axis=1)
    return Pairs(first, second, begin, days, own_kwh, sent_kwh, earlier)


def _candidates(
    panel: Panel, export: ExportRegisters, bright: Booleans, min_days: int, max_members: int
) -> tuple[Integers, Integers, Integers, Integers]:
    """Homes with generation on file and an export register, and their neighbours without that feed in.

    Positions of both, and where each stands among the export registers.
    """
    customer = ~panel.flag("is_supply")[export.rows]
    registered = panel.flag("generation")[export.rows] & customer
    feeding = ~panel.flag("generation")[export.rows] & customer & (bright.sum(axis=1) >= min_days)
    mine = np.flatnonzero(registered)
    index, other = neighbours_of(panel, export.rows[mine], max_members=max_members)
    at = np.minimum(np.searchsorted(export.rows, other), len(export.rows) - 1)
    able = (export.rows[at] == other) & feeding[at]
    index, other, at = index[able], other[able], at[able]
    return export.rows[mine[index]], other, mine[index], at
