"""R07: one read was written down wrongly."""

from __future__ import annotations

import numpy as np

from anomaly.explained_reads import judge
from anomaly.odd_reads import multiplier_of
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector


@detector(
    "R07",
    family="reading_error",
    unit="kWh",
    source="Oracle MDM and E.ON reading checks: a digit swap or decimal shift that restores the trend",
)
def single_misread(
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
    """One read was written down wrongly.

    A read is odd when the step to it or from it runs backwards, exceeds the meter, or misses the load curve
    once up and once down. For an odd read, every register that one slip could have turned into the written
    one is weighed: two digits exchanged, one wrong, one left out, one doubled, the decimal point moved - or
    some other number, when the reads around it agree with each other.

    Fires when both steps with the best correction are at least `min_likelihood_ratio` times likelier than
    as read, slips of one kind sharing their probability. Steps are judged against the position's own use
    within `window_days` (spread at least `spread_log`) or against the curve; a backward step has
    `impossible_chance`. The last read of a series fires only if it is impossible as it stands; the next
    read decides. A rise that the next reads confirm never fires.
    Cannot see: a slip smaller than a day's use without a curve; the same wrong number on two reads running
    (R01 tells of its end).
    """
    judged = judge(
        panel, min_likelihood_ratio=min_likelihood_ratio, spread_log=spread_log,
        impossible_chance=impossible_chance, resolution_kwh=resolution_kwh, contract_ratio=contract_ratio,
        window_days=window_days, apart_days=apart_days,
    )  # fmt: skip
    at = np.flatnonzero(judged.misread)
    odd, slips = judged.odd.take(at), judged.slips
    corrected = slips.corrected_kwh[at]
    back = np.where(odd.after >= 0, odd.after, odd.border + 1)
    off = np.abs(odd.read_kwh - corrected)
    return detections(
        panel,
        odd.row,
        odd.border,
        back,
        measured=odd.read_kwh,
        expected=corrected,
        limit=resolution_kwh,
        strength=slips.log_ratio[at],
        kwh_at_stake=off * multiplier_of(panel, odd),
        facts={
            "previous_kwh": odd.before_kwh,
            "previous_day": panel.dates(odd.before),
            "read_kwh": odd.read_kwh,
            "read_day": panel.dates(odd.border),
            "back_day": np.where(odd.after >= 0, panel.dates(back), np.datetime64("NaT", "D")),
            "back_kwh": np.where(odd.after >= 0, odd.after_kwh, np.nan),
            "corrected_kwh": corrected,
            "operation": slips.operation[at],
            "digits_text": slips.digits_text[at],
            "pattern": np.where(odd.after >= 0, "came_back", "next_read_decides").astype(object),
        },
    )
