"""Homes with a curve for truth tables: an uneven day at a meter's resolution, and its registers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from anomaly.panel import Curve, Panel
from tests.panels import panel


def day_curves(days: int, *, minutes: int = 30, seed: int = 5, level_kwh: float = 10.0) -> np.ndarray:
    """`[1, days, N]` kWh of one home: quiet nights, a morning and an evening peak, no two days alike."""
    count = 1440 // minutes
    hour = np.arange(count) * minutes / 60
    shape = 0.25 + 0.5 * np.exp(-((hour - 7.5) ** 2) / 2) + np.exp(-((hour - 19) ** 2) / 5)
    noise = np.random.default_rng(seed).lognormal(0, 0.4, (1, days, count))
    return np.round(level_kwh * shape / shape.sum() * noise, 3)


def registers_of(curve: np.ndarray, *, decimals: int = 2, start: float = 1000.0) -> np.ndarray:
    """`[K, D+1]` registers at midnight that counted exactly this curve, cut to the dial's resolution."""
    counted = np.concatenate([np.zeros((len(curve), 1)), np.cumsum(curve.sum(axis=2), axis=1)], axis=1)
    return np.floor((start + counted) * 10**decimals + 1e-6) / 10**decimals


def curve_panel(
    curve: np.ndarray,
    *,
    used: np.ndarray | None = None,
    register: Any = None,
    minutes: int = 30,
    **columns: Any,
) -> Panel:
    """A panel with this curve; the registers counted `used` (default: what the curve says)."""
    counted = registers_of(curve if used is None else used) if register is None else register
    return panel(counted, curve=(minutes, range(len(curve)), 0, curve), **columns)


def with_curve(changed: Panel, **fields: Any) -> Panel:
    """The same panel, its first curve with other fields."""
    first: Curve = dataclasses.replace(changed.curves[0], **fields)
    return dataclasses.replace(changed, curves=(first,))
