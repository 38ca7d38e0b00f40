"""R08: two meters carry each other's reads on one occasion."""

from __future__ import annotations

import numpy as np

from anomaly.explained_reads import judge
from anomaly.odd_reads import multiplier_of
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector


@detector(
    "R08",
    family="reading_error",
    unit="kWh",
    source="simulated registers: an exchange makes 95 of 100 pairs run backwards; UK flats practice",
)
def readings_exchanged(
    panel: Panel,
    *,
    min_likelihood_ratio: float,
    spread_log: float,
    impossible_chance: float,
    resolution_kwh: float,
    contract_ratio: float,
    window_days: int,
    apart_days: int,
) -> Detections:
    """Two meters carry each other's reads on one occasion.

    Among the odd reads (R07) of one box, else of one area, pairs of one occasion are tried the other way
    round.

    Fires when each meter's read fits the other (both steps possible and within four spreads of its usual
    use), the pair is `min_likelihood_ratio` times likelier that way round, and the next read of both has
    gone back.
    Cannot see: registers so close together that both reads stay plausible (1 to 4 % of exchanges);
    exchanges across boxes; the last read, before the next one has come.
    """
    judged = judge(
        panel, min_likelihood_ratio=min_likelihood_ratio, spread_log=spread_log,
        impossible_chance=impossible_chance, resolution_kwh=resolution_kwh, contract_ratio=contract_ratio,
        window_days=window_days, apart_days=apart_days,
    )  # fmt: skip
    mine, theirs = judged.odd.take(judged.swaps.first), judged.odd.take(judged.swaps.second)
    back = np.maximum(mine.after, theirs.after)
    apart_kwh = np.abs(mine.read_kwh - theirs.read_kwh)
    multiplier = np.maximum(multiplier_of(panel, mine), multiplier_of(panel, theirs))
    return detections(
        panel,
        mine.row,
        np.minimum(mine.border, theirs.border),
        back,
        measured=mine.read_kwh,
        expected=theirs.read_kwh,
        limit=resolution_kwh,
        strength=judged.swaps.log_ratio,
        kwh_at_stake=apart_kwh * multiplier,
        related=theirs.row,
        facts={
            "read_day": panel.dates(mine.border),
            "partner_day": panel.dates(theirs.border),
            "read_kwh": mine.read_kwh,
            "partner_kwh": theirs.read_kwh,
            "previous_kwh": mine.before_kwh,
            "back_day": panel.dates(back),
        },
    )
