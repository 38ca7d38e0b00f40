"""Made-up areas with supply meters: homes with days of their own, losses, and what is wrong with one of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl

from anomaly.area_balance import AreaBalance
from anomaly.panel import Panel
from tests.panels import knowing, panel, registers

MEMBERS = 20
DAYS = 90
CHANGE_DAY = 60
LOSS_SHARE = 0.04


def homes(areas: int = 2, days: int = DAYS, seed: int = 0) -> np.ndarray:
    """`[areas × 20, days]` kWh a day of homes of 4 to 20 kWh, each day its own."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(4, 20, (areas * MEMBERS, 1))
    return np.round(level * rng.gamma(8, 1 / 8, (areas * MEMBERS, days)), 2)


def balanced(
    used: np.ndarray,
    counted: np.ndarray | None = None,
    *,
    fed: dict[int, int] | None = None,
    noise_share: float = 0.003,
    seed: int = 1,
    supply_lost: slice | None = None,
) -> Panel:
    """A panel of meters that counted `counted` (else `used`) in areas of twenty; `fed` (home → area) is not on file."""
    rng = np.random.default_rng(seed)
    counted = used if counted is None else counted
    filed = np.arange(len(used)) // MEMBERS
    really = filed.copy()
    for home, area in (fed or {}).items():
        really[home] = area
    count = int(filed.max()) + 1
    into, out = np.zeros((count, used.shape[1])), np.zeros((count, used.shape[1]))
    np.add.at(into, really, used)
    np.add.at(out, filed, counted)
    supply = into * (1 + LOSS_SHARE) * (1 + noise_share * rng.normal(0, 1, into.shape))
    if supply_lost is not None:
        supply[:, supply_lost] = np.nan
    names = np.array([f"area-{number}" for number in range(count)], dtype=object)
    pairs = [(one, other) for one in range(count) for other in range(count) if one != other]
    balance = AreaBalance(names, supply, out, np.array(pairs, dtype=np.int64).reshape(-1, 2))
    view = panel(registers(*counted), area_id=names[filed].tolist())
    return knowing(view, balance=balance)


def changed(view: Panel, *rows: int, day: int = CHANGE_DAY) -> Panel:
    """The panel in which another rule has told of a lasting change of these positions on a day."""
    days = [view.days[day].item()] * len(rows)
    changes = pl.DataFrame({"row": list(rows), "day": days, "code": ["J01"] * len(rows)})
    return dataclasses.replace(view, changes=knowing(view, changes=changes).changes)


def since(kwh: np.ndarray, home: int, factor: float, day: int = CHANGE_DAY) -> np.ndarray:
    """The same energies, those of one home times `factor` from a day on."""
    more = kwh.copy()
    more[home, day:] = np.round(more[home, day:] * factor, 2)
    return more
