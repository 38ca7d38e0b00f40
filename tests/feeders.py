"""A small network made by hand: areas, boxes and phases with voltages of their own, and meters that read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anomaly.area_voltages import area_references, near_areas
from anomaly.hourly import AreaVoltages, HourlyElectrical
from anomaly.panel import Panel
from tests.panels import knowing, panel, registers

PHASES = 3
USUAL_V = 230.0


@dataclass(frozen=True)
class Network:
    """Hourly volts `[meters, H]` and where each meter hangs: area, box of the area, phase."""

    voltage_v: np.ndarray
    area: np.ndarray
    box: np.ndarray
    phase: np.ndarray

    @property
    def hours(self) -> int:
        """How many hours."""
        return self.voltage_v.shape[1]


def wandering(rng: np.random.Generator, count: int, hours: int, size_v: float) -> np.ndarray:
    """`[count, hours]` slow random walks that return, with a day's shape: what load does to a voltage."""
    steps = rng.normal(0, 1, (count, hours))
    level = np.empty_like(steps)
    level[:, 0] = steps[:, 0]
    for hour in range(1, hours):
        level[:, hour] = 0.6 * level[:, hour - 1] + 0.8 * steps[:, hour]
    day = np.cos(2 * np.pi * (np.arange(hours) % 24 - rng.uniform(15, 21, (count, 1))) / 24)
    return size_v * (0.8 * level - 0.6 * day)


def network(
    *, areas: int = 4, boxes: int = 4, on_phase: int = 2, days: int = 14, seed: int = 0, noise_v: float = 0.5,
    area_v: float = 0.8, box_v: float = 0.6,
) -> Network:  # fmt: skip
    """Meters sorted by area, box and phase; noise, tenths of a volt, and one sample in twenty missing."""
    rng, hours = np.random.default_rng(seed), days * 24
    feeder = wandering(rng, PHASES, hours, 1.5)
    own = wandering(rng, areas * PHASES, hours, area_v).reshape(areas, PHASES, hours)
    tap = wandering(rng, areas * boxes * PHASES, hours, box_v).reshape(areas, boxes, PHASES, hours)
    place = np.stack(np.meshgrid(*(np.arange(n) for n in (areas, boxes, PHASES, on_phase)), indexing="ij"), axis=-1)
    area, box, phase, _ = place.reshape(-1, 4).T
    volts = USUAL_V + feeder[phase] + own[area, phase] + tap[area, box, phase]
    read = np.round(volts + rng.normal(0, noise_v, volts.shape), 1)
    read[rng.random(read.shape) < 0.05] = np.nan
    return Network(read, area, box, phase)


def filed(
    made: Network, *, area: np.ndarray | None = None, box: np.ndarray | None = None, phase: np.ndarray | None = None,
    neighbours: np.ndarray | None = None, supply_v: np.ndarray | None = None, start: str = "2026-01-01",
) -> Panel:  # fmt: skip
    """A panel of the meters as the file has them; `supply_v[areas, 3, H]` are the supply meters' voltages."""
    where = made.area if area is None else area
    case = made.box if box is None else box
    told = (made.phase if phase is None else phase).astype(np.int8)
    count, volts = len(where), made.voltage_v.astype(np.float32)
    areas = int(where.max()) + 1
    group, reference, members = area_references(volts, where, told, areas, told_share=0.9)
    supply = np.full(areas, -1) if supply_v is None else np.arange(areas)
    whole = AreaVoltages(
        np.array([f"T{one}" for one in range(areas)], dtype=object), reference, members,
        near_areas(reference, members, most=40), np.empty((0, 2), np.int64) if neighbours is None else neighbours,
        supply, np.empty((0, PHASES, made.hours), np.float32) if supply_v is None else supply_v.astype(np.float32),
    )  # fmt: skip
    none = np.full(volts.shape, np.nan, np.float32)
    hourly = HourlyElectrical(
        np.arange(count), np.datetime64(start, "h"), volts, none, none, told, np.zeros(count, bool), group, where, whole
    )
    return knowing(
        panel(
            registers(*np.full((count, made.hours // 24), 5.0)), start=start,
            area_id=[f"T{one}" for one in where], box_id=[f"T{a}-B{b}" for a, b in zip(where, case, strict=True)],
        ),
        hourly=hourly,
    )  # fmt: skip
