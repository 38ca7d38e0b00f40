"""J04: what a change adds runs round the clock."""

from __future__ import annotations

import numpy as np

from anomaly.changed_shape import changed_shapes, told
from anomaly.panel import Panel
from anomaly.registry import Detections, detector, nothing
from anomaly.statistics import quantised


@detector(
    "J04",
    family="jump",
    unit="1",
    source="share of the rise in the day's smallest hour, measured on real homes: true 0.90, false 0.03 at 0.7",
    sees_changes=True,
)
def standing_load(
    panel: Panel, *, window_days: int, min_days: int, min_base_share: float, min_rise_kw: float
) -> Detections:
    """What a change adds runs round the clock.

    share = 24 (m_c − m_r) / (u_c − u_r): the rise of the day's usual smallest hour, all day long, as a share of the
    rise of the whole day, over `window_days` on both sides of a lasting change that another rule dated.

    Fires when use rose, the smallest hour by `min_rise_kw` or more, and the share reaches `min_base_share`: a leak, a
    heater, a pump, something left on.
    Cannot see: homes without curves; a load that rests for an hour a day; a standing load that stopped.
    """
    changes = changed_shapes(panel, window_days, min_days)
    if not len(changes.row):
        return nothing(panel)
    rise_kw = quantised(changes.after.smallest_kw - changes.before.smallest_kw)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = quantised(24.0 * rise_kw / changes.rise_kwh_per_day)
        fires = (changes.rise_kwh_per_day > 0) & (rise_kw >= min_rise_kw) & (share >= min_base_share)
    facts = {
        "before_kw": changes.before.smallest_kw,
        "after_kw": changes.after.smallest_kw,
        "base_share_percent": 100.0 * np.minimum(share, 1.0),
    }
    return told(panel, changes, np.flatnonzero(fires), share, min_base_share, facts)
