"""V01: energy flows back into the grid at a position without generation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.day_spans import joined_runs, span_count, span_sum
from anomaly.panel import ExportRegisters, Panel
from anomaly.registry import Detections, detections, detector, nothing


@detector(
    "V01",
    family="reading_error",
    unit="kWh/d",
    source="State Grid theft-screening guide: reverse energy above 1 kWh a day, no generation",
)
def reverse_energy(panel: Panel, *, min_kwh_per_day: float, min_days: float, pause_days: float) -> Detections:
    """Energy flows back into the grid at a position without generation.

    Fires when the export register of a customer's position counts more than `min_kwh_per_day` on `min_days`
    days running. Stretches at most `pause_days` apart are one finding. Where the file says nothing about
    generation, export from the first day on is taken as generation nobody recorded in this column, and
    stays silent.
    Cannot see: reversed wiring at positions with generation, and meters that count both directions as import.
    """
    export = panel.export
    if export is None or not len(export.rows):
        return nothing(panel)
    above = _above(export, min_kwh_per_day, int(min_days))
    above &= _without_generation(panel, export, above)[:, None]
    row, first, end = joined_runs(above, int(pause_days))
    sent = span_sum(np.where(above, export.kwh, np.nan), row, first, end)
    days = span_count(above, row, first, end)
    return detections(
        panel,
        export.rows[row],
        first,
        end,
        measured=sent / np.maximum(days, 1),
        expected=0.0,
        limit=min_kwh_per_day,
        kwh_at_stake=sent,
        channel="export",
        facts={"export_kwh": sent, "export_kwh_per_day": sent / np.maximum(days, 1), "export_days": days},
    )


def _above(export: ExportRegisters, min_kwh_per_day: float, min_days: int) -> NDArray[np.bool_]:
    """Days above the limit within a run of at least `min_days` of them."""
    with np.errstate(invalid="ignore"):
        over = export.kwh > min_kwh_per_day
    row, first, end = joined_runs(over, 0)
    kept = np.zeros(over.shape, bool)
    long = end - first >= min_days
    edge = np.zeros((over.shape[0], over.shape[1] + 1), np.int64)
    np.add.at(edge, (row[long], first[long]), 1)
    np.add.at(edge, (row[long], end[long]), -1)
    kept[:] = np.cumsum(edge, axis=1)[:, :-1] > 0
    return kept


def _without_generation(panel: Panel, export: ExportRegisters, above: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`[K]` customers' positions that have no generation on file, or that began to export while nothing is
    on file.
    """
    rows = export.rows
    unknown = panel.positions["generation"].is_null().to_numpy()[rows]
    known_days = np.isfinite(export.kwh)
    began = np.argmax(above, axis=1) > np.argmax(known_days, axis=1)
    customer = ~panel.flag("is_supply")[rows]
    return np.asarray(customer & ~panel.flag("generation")[rows] & (~unknown | began))
