"""What the meter's supply events say: cut off or not, and for how long."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

OFF, ON = ("disconnect", "outage_start"), ("reconnect", "outage_end")


def cut_off(panel: Panel, row: Integers, day: Integers) -> Booleans:
    """Whether the last supply event of each position up to the end of `day` says that the supply went off."""
    supply = panel.events.filter(panel.events["kind"].is_in([*OFF, *ON])).sort("row", "at", "kind")
    if not len(supply):
        return np.zeros(len(row), bool)
    event_row = supply["row"].to_numpy().astype(np.int64)
    event_day = (supply["at"].to_numpy().astype("datetime64[D]") - panel.days[0]).astype(np.int64)
    off = supply["kind"].is_in(list(OFF)).to_numpy()
    width = panel.shape[1] + 2
    key = event_row * width + np.clip(event_day, 0, width - 1)
    last = np.searchsorted(key, row * width + np.clip(day, 0, width - 1), side="right") - 1
    at = np.maximum(last, 0)
    return np.asarray((last >= 0) & (event_row[at] == row) & off[at])
