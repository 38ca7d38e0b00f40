"""R02: the dial passed its top."""

from __future__ import annotations

import numpy as np

from anomaly.expectation import capacity_kwh_per_day, multiplier_at, usual_around
from anomaly.odd_reads import previous_border
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.statistics import true_cells


@detector(
    "R02",
    family="reading_error",
    unit="kWh",
    source="hupe1980/metering: roll over only with a known width of the dial and a plausible result; "
    "SAP IS-U 15 meter overflow",
)
def register_rollover(panel: Panel, *, spread_log: float, window_days: int, band_spreads: float) -> Detections:
    """The dial passed its top and went on from zero.

    Innocent, and told so that nobody takes it for a fault. Whether a backward step is a rollover is decided
    where energy is derived (previous read near the top, plausible energy, the next read goes on).

    Fires when a step was counted through the top; `limit` is how far above the usual energy it may
    lie.
    Cannot see: a rollover of a dial whose number of digits is wrong in the file (R01 tells of it).
    """
    row, border = true_cells(panel.rolled & (panel.step_kwh >= panel.register_kwh))
    usual = usual_around(panel, row, border, window_days=window_days, spread_log=spread_log)
    step, days = panel.step_kwh[row, border], panel.step_days[row, border]
    expected = np.nan_to_num(usual.kwh_per_day()) * days
    band = np.exp(np.minimum(band_spreads * np.nan_to_num(usual.spread, nan=spread_log), np.log(1e3)))
    before = previous_border(panel, row, border)
    top = 10.0 ** panel.positions["register_digits"].to_numpy()[row]
    multiplier = multiplier_at(panel, row, border)
    carried = capacity_kwh_per_day(panel, row, border, contract_ratio=np.inf) * days
    return detections(
        panel,
        row,
        before,
        border,
        measured=step * multiplier,
        expected=expected * multiplier,
        limit=np.minimum(np.maximum(expected * band, days), carried) * multiplier,
        facts={
            "previous_day": panel.dates(before),
            "previous_kwh": panel.register_kwh[row, border] + top - step,
            "read_day": panel.dates(border),
            "read_kwh": panel.register_kwh[row, border],
            "energy_kwh": step * multiplier,
        },
    )
