"""Made-up homes with habits of their own, in boxes or small areas, some of them exchanged."""

from __future__ import annotations

import numpy as np

from anomaly.panel import Panel
from tests.panels import panel, registers

DAYS = 26 * 7


def lives(boxes: int, members: int, seed: int = 0) -> np.ndarray:
    """`[homes, days, 8]` energies of 3-hour intervals of homes with habits of their own."""
    rng = np.random.default_rng(seed)
    habit = rng.normal(-1.0, 0.7, (boxes * members, 1, 8))
    weather = 0.3 * np.sin(np.arange(DAYS) / 20)[None, :, None]
    return np.exp(habit + weather + rng.normal(0, 0.3, (boxes * members, DAYS, 8)))


def town(kwh: np.ndarray, members: int, *, curves: bool = True, boxes: bool = True) -> Panel:
    """A panel of these homes in boxes, or in areas without boxes."""
    group = [f"g{row // members}" for row in range(len(kwh))]
    return panel(
        registers(*kwh.sum(axis=2)),
        curve=(180, range(len(kwh)), 0, kwh) if curves else None,
        box_id=group if boxes else None,
        area_id="area" if boxes else group,
    )


def exchanged(kwh: np.ndarray, one: int, other: int, day: int) -> np.ndarray:
    """The same homes, but from `day` on two of them have each other's energy."""
    moved = kwh.copy()
    moved[[one, other], day:] = kwh[[other, one], day:]
    return moved
