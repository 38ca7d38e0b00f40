"""R01: the register runs backwards."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.expectation import multiplier_at
from anomaly.explained_reads import Judged, judge
from anomaly.odd_reads import ACTUAL_QUALITY, previous_border
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.statistics import previous_index, true_cells

Integers = NDArray[np.int64]


@detector(
    "R01",
    family="reading_error",
    unit="kWh",
    source="DL/T 698.45 event 310B 示度下降; Oracle MDM Negative Consumption; Elexon: negative is valid "
    "after a deemed read",
)
def register_rollback(
    panel: Panel,
    *,
    resolution_kwh: float,
    restart_kwh: float,
    restart_share: float,
    min_likelihood_ratio: float,
    spread_log: float,
    impossible_chance: float,
    contract_ratio: float,
    window_days: int,
    apart_days: int,
) -> Detections:
    """The register runs backwards.

    A step is the difference to the same meter's read before (kWh on the dial), counted through the top of
    the dial where that is plausible (R02).

    Fires when a step is below -`resolution_kwh` and the register goes on from there: a single read that
    explains the fall (R07, R08: it comes back at the next read, or the read before stood out alone) is not
    told again. A fall after an estimated read fires only if it goes below the last real read. The pattern
    is `restarted` where the register goes on below `restart_kwh` and below `restart_share` of what it had:
    a reset, or a meter changed without a record.
    Cannot see: a rollback that later use has already made up for between two reads.
    """
    judged = judge(
        panel, min_likelihood_ratio=min_likelihood_ratio, spread_log=spread_log,
        impossible_chance=impossible_chance, resolution_kwh=resolution_kwh, contract_ratio=contract_ratio,
        window_days=window_days, apart_days=apart_days,
    )  # fmt: skip
    row, border = true_cells(panel.step_kwh < -resolution_kwh)
    own = ~_explained(panel, judged, row, border) & ~_only_an_estimate_too_high(panel, row, border)
    row, border = row[own], border[own]
    step = panel.step_kwh[row, border]
    before = previous_border(panel, row, border)
    read = panel.register_kwh[row, border]
    restarted = (read < restart_kwh) & (read < restart_share * (read - step))
    return detections(
        panel,
        row,
        before,
        border,
        measured=step,
        expected=0.0,
        limit=resolution_kwh,
        kwh_at_stake=-step * multiplier_at(panel, row, border),
        meter_id=panel.meter_on(row, border),
        facts={
            "previous_kwh": read - step,
            "read_kwh": read,
            "drop_kwh": -step,
            "read_day": panel.dates(border),
            "previous_day": panel.dates(before),
            "pattern": np.where(restarted, "restarted", "fell_back").astype(object),
        },
    )


def _explained(panel: Panel, judged: Judged, row: Integers, border: Integers) -> NDArray[np.bool_]:
    """Whether one wrong read with a read after it explains the fall: the read itself, or the one before."""
    width = panel.step_kwh.shape[1]
    told = judged.misread & (judged.odd.after >= 0)
    told[judged.swaps.first] = told[judged.swaps.second] = True
    cells = judged.odd.row[told] * width + judged.odd.border[told]
    before = previous_border(panel, row, border)
    return np.isin(row * width + border, cells) | np.isin(row * width + before, cells)


def _only_an_estimate_too_high(panel: Panel, row: Integers, border: Integers) -> NDArray[np.bool_]:
    """A real read below an estimated one, but not below the last real one: the estimate was too high, no
    more.
    """
    if not len(row):
        return np.zeros(0, bool)
    before = previous_border(panel, row, border)
    estimated = panel.quality[row, before] > ACTUAL_QUALITY
    real = (panel.quality[row] >= 0) & (panel.quality[row] <= ACTUAL_QUALITY)
    last = previous_index(real)[np.arange(len(row)), np.maximum(border - 1, 0)]
    safe = np.maximum(last, 0)
    same = (last >= 0) & (panel.installation[row, safe] == panel.installation[row, border])
    return np.asarray(estimated & same & (panel.register_kwh[row, border] >= panel.register_kwh[row, safe]))
