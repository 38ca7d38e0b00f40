"""X05: registered generation sends nothing, and a neighbour without permission feeds in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.neighbours import neighbours_of, unjudged_alone
from anomaly.pair_choice import mutual_best
from anomaly.panel import ExportRegisters, Panel
from anomaly.registry import Detections, detections, detector, nothing

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

TIE_NATS = 1.0
"""Every fitting neighbour fits equally well: the kWh sent say nothing of whose roof it is."""


def nobody_near(panel: Panel, *, max_members: float, **_: object) -> NDArray[np.object_]:
    """`[M]` why a position has no neighbours to look at."""
    return unjudged_alone(panel, max_members)


@detector(
    "X05",
    family="cross_wiring",
    unit="nat",
    source="methods.md §1.2 e4: export on B without permission, none on A, likelihood ratio above 100",
    unjudged=nobody_near,
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
    with np.errstate(invalid="ignore"):
        bright = export.kwh > min_kwh_per_day
    first, second, at_first, at_second = _candidates(panel, export, bright, int(min_days), int(max_members))
    begin = bright[at_second].argmax(axis=1) if len(first) else first
    since = np.arange(panel.shape[1]) >= begin[:, None]
    own, theirs = export.kwh[at_first], export.kwh[at_second]
    both = since & np.isfinite(own) & np.isfinite(theirs)
    sent, received = (np.where(both, kwh, 0.0).sum(axis=1) for kwh in (own, theirs))
    days = (both & bright[at_second]).sum(axis=1)
    fits = np.flatnonzero((days >= min_days) & (np.round(sent, 6) <= np.round(silent_ratio * received, 6)))
    alone = -float(np.log(silent_chance) + np.log(unregistered_chance))
    kept, count = mutual_best(first[fits], second[fits], np.full(len(fits), alone), tie_nats=TIE_NATS)
    nats = alone - np.log(np.maximum(count, 1))
    strong = nats >= least_nats
    kept, count, nats = fits[kept[strong]], count[strong], nats[strong]
    earlier = (~since & bright[at_first])[kept].sum(axis=1)
    row, other, begin = first[kept], second[kept], begin[kept]
    imported_kwh = np.where(since[kept], panel.kwh[row] - panel.kwh[other], 0.0)
    return detections(
        panel,
        row,
        begin,
        np.full(len(row), panel.shape[1]),
        measured=nats,
        expected=0.0,
        limit=least_nats,
        strength=nats,
        kwh_at_stake=received[kept] + np.abs(np.nansum(imported_kwh, axis=1)),
        related=other,
        channel="export",
        facts={
            "since_day": panel.dates(begin),
            "export_kwh": received[kept],
            "export_days": days[kept],
            "own_export_kwh": sent[kept],
            "candidates_count": count,
            "others_count": np.where(count > 1, count - 1.0, np.nan),
            "evidence_nats": nats,
            "pattern": np.where(earlier >= min_days, "generation_moved", "generation_never").astype(object),
        },
    )


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
    account = panel.column("account_id")
    able = (export.rows[at] == other) & feeding[at] & (account[export.rows[mine[index]]] != account[other])
    index, other, at = index[able], other[able], at[able]
    return export.rows[mine[index]], other, mine[index], at
