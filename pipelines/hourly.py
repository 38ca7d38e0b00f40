"""Electrical reads hour by hour: landed batch by batch, made dense once on scratch files, cut per slice.

Only the last `voltage_days` are kept. An hour takes the sample nearest to its full hour, at most ten minutes away (of
two equally near the earlier; of two at the same instant and phase the larger): samples of the same instants are
what correlations need, whether meters are read every quarter of an hour, every hour or whenever it suits.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.area_voltages import area_references, near_areas
from anomaly.hourly import AreaVoltages, HourlyElectrical
from anomaly.vocabulary import PHASES
from pipelines.fleet import Fleet
from pipelines.writing import unwritable, write_table

NEAREST_MINUTES = 10
SLOTS = (*PHASES, None)
"""Where a row's values go: phases A, B, C, the neutral, and rows that name no phase."""

LIVE = 3
BLOCK_CELLS = 2_000_000
ROW_GROUP = 100_000
ROWS = {
    "position": pl.Int64, "hour": pl.Int32, "slot": pl.Int8, "away": pl.Int16, "voltage_v": pl.Float32,
    "current_a": pl.Float32,
}  # fmt: skip
ARRAYS = ("voltage_v", "line_a", "neutral_a")


@dataclass
class HourlyDesk:
    """What the pass over electrical_reads collects on its way: samples near a full hour, with their positions."""

    fleet: Fleet
    folder: Path
    as_of: dt.date
    days: int
    files: list[Path] = field(default_factory=list)

    @property
    def begin(self) -> dt.datetime:
        """The first full hour."""
        return dt.datetime.combine(self.as_of - dt.timedelta(days=self.days), dt.time())

    def take(self, reads: pl.DataFrame) -> None:
        """Keep what one batch of accepted rows of the panel's days says of full hours."""
        near = _near_full_hours(reads, self.begin, self.days * 24)
        if not len(near):
            return
        placed = (
            near.join(self.fleet.installations.select("meter_id", "position", "first_on", "last_on"), on="meter_id")
            .filter(pl.col("day").is_between("first_on", "last_on"))
            .select(pl.col(name).cast(kind) for name, kind in ROWS.items())
            .sort("position", "slot", "hour")
        )
        if len(placed):
            self.files.append(self.folder / f"hours-{len(self.files):06d}.parquet")
            write_table(placed, self.files[-1], row_group_size=ROW_GROUP)


@dataclass(frozen=True, eq=False)
class LandedHours:
    """Dense arrays on scratch files, `[K, H]` each, of the K positions with reads; see HourlyElectrical."""

    position: NDArray[np.int64]
    first_hour: np.datetime64
    voltage_v: NDArray[np.float32]
    line_a: NDArray[np.float32]
    neutral_a: NDArray[np.float32]
    phase: NDArray[np.int8]
    three_phase: NDArray[np.bool_]
    group: NDArray[np.int8]
    area: NDArray[np.int64]
    areas: AreaVoltages | None

    def cut(self, positions: NDArray[np.int64]) -> HourlyElectrical | None:
        """The part of the given positions (ascending); None where none of them has reads."""
        if not len(positions):
            return None
        place = np.searchsorted(positions, self.position)
        mine = np.flatnonzero(positions[np.minimum(place, len(positions) - 1)] == self.position)
        if not len(mine):
            return None
        return HourlyElectrical(
            place[mine], self.first_hour, np.array(self.voltage_v[mine]), np.array(self.line_a[mine]),
            np.array(self.neutral_a[mine]), self.phase[mine], self.three_phase[mine], self.group[mine],
            self.area[mine], self.areas,
        )  # fmt: skip


def _near_full_hours(reads: pl.DataFrame, begin: dt.datetime, hours: int) -> pl.DataFrame:
    """Rows close enough to a full hour of the window: hour, slot, and how far away (even: before, odd: after)."""
    since_s = (pl.col("read_at") - begin).dt.total_seconds()
    hour = ((since_s + 1800) // 3600).alias("hour")
    late_s = since_s - (since_s + 1800) // 3600 * 3600
    slot = pl.col("phase").cast(pl.String).replace_strict(PHASES, range(len(PHASES)), default=len(PHASES))
    return (
        reads.filter(pl.any_horizontal(pl.col("voltage_v", "current_a").is_not_null()))
        .select(
            "meter_id", "voltage_v", "current_a", hour, slot.fill_null(len(PHASES)).alias("slot"),
            day=pl.col("read_at").dt.date(), away=2 * late_s.abs() + (late_s > 0).cast(pl.Int64),
        )
        .filter(pl.col("away") <= 2 * 60 * NEAREST_MINUTES + 1, pl.col("hour").is_between(0, hours - 1))
    )  # fmt: skip


def land_hours(desk: HourlyDesk, areas: pl.DataFrame, *, told_share: float, most_near: int) -> LandedHours | None:
    """Lay the landed samples out densely, area by area, and see how the areas of the fleet move. None: no samples."""
    if not desk.files:
        return None
    rows = pl.scan_parquet(desk.files)
    first, last = rows.select(pl.col("hour").min(), pl.col("hour").max().alias("last")).collect().row(0)
    first_day, days = first // 24, last // 24 - first // 24 + 1
    area_ids, area = _areas_of(desk.fleet)
    build = _Build(desk, first_day * 24, days * 24, area, len(area_ids), told_share)
    build.lay(rows)
    voltages = None
    if (build.members > 0).any():
        near = near_areas(build.reference, build.members, most=most_near)
        supply = np.full(len(area_ids), -1, np.int64)
        supply[build.supplied] = np.arange(len(build.supplied))
        volts = np.array(build.supply_v, np.float32).reshape(len(build.supplied), LIVE, days * 24)
        voltages = AreaVoltages(
            area_ids, build.reference, build.members, near, _neighbours(areas, area_ids), supply, volts
        )
    begin = np.datetime64(desk.begin, "h") + np.timedelta64(first_day * 24, "h")
    position = np.concatenate(build.position)
    arrays = {name: np.memmap(build.file(name), np.float32, "r", shape=(len(position), days * 24)) for name in ARRAYS}
    return LandedHours(
        position, begin, **arrays, phase=np.concatenate(build.phase), three_phase=np.concatenate(build.three_phase),
        group=np.concatenate(build.group), area=area[position], areas=voltages,
    )  # fmt: skip


class _Build:
    """Writes the dense arrays block by block, whole areas each, and keeps what is known of the areas."""

    def __init__(
        self, desk: HourlyDesk, first_hour: int, hours: int, area: NDArray[np.int64], areas: int, told_share: float
    ) -> None:
        self.desk, self.first_hour, self.hours, self.area, self.told_share = desk, first_hour, hours, area, told_share
        self.is_supply = desk.fleet.positions["is_supply"].to_numpy()
        self.reference = np.full((areas, LIVE, hours), np.nan, np.float32)
        self.members = np.zeros((areas, LIVE), np.int64)
        self.position: list[NDArray[np.int64]] = []
        self.phase: list[NDArray[np.int8]] = []
        self.three_phase: list[NDArray[np.bool_]] = []
        self.group: list[NDArray[np.int8]] = []
        self.supplied: list[int] = []
        self.supply_v: list[NDArray[np.float32]] = []

    def file(self, name: str) -> Path:
        """The scratch file of one array."""
        return self.desk.folder / f"dense-{name}"

    def lay(self, rows: pl.LazyFrame) -> None:
        """Every block of whole areas in turn."""
        for name in ARRAYS:
            self.file(name).touch()
        for lo, hi in self.desk.fleet.slices(max(BLOCK_CELLS // self.hours, 1)):
            mine = rows.filter(pl.col("position").is_between(lo, hi - 1)).collect()
            if len(mine):
                self._block(mine)

    def _block(self, rows: pl.DataFrame) -> None:
        position = np.unique(rows["position"].to_numpy())
        volts = self._dense(rows, position, "voltage_v")
        amps = self._dense(rows, position, "current_a")
        seen = np.isfinite(volts).any(axis=2) | np.isfinite(amps).any(axis=2)
        live = seen[:, :LIVE]
        several = live.sum(axis=1) > 1
        phase = np.where(live.sum(axis=1) == 1, live.argmax(axis=1), -1).astype(np.int8)
        spoken = np.where(live.any(axis=1), live.argmax(axis=1), len(PHASES))
        own = volts[np.arange(len(position)), spoken]
        voltage = np.where(np.isnan(own), volts[:, len(PHASES)], own)
        lines = np.delete(amps, PHASES.index("N"), axis=1)
        line = np.where(np.isnan(lines).all(axis=1), np.nan, np.nan_to_num(lines, nan=-np.inf).max(axis=1))
        self._write(voltage, line, amps[:, PHASES.index("N")])
        is_supply = self.is_supply[position]
        area = np.where(is_supply, -1, self.area[position])
        # A meter of several phases is laid with its phase A, and belongs where that phase belongs.
        told = np.where(several, spoken, phase).astype(np.int8)
        known = np.unique(area[area >= 0])
        place = np.where(area >= 0, np.searchsorted(known, area), -1)
        group, reference, members = area_references(voltage, place, told, len(known), told_share=self.told_share)
        self.reference[known], self.members[known] = reference, members
        complete = is_supply & (self.area[position] >= 0) & np.isfinite(volts[:, :LIVE]).any(axis=2).all(axis=1)
        supplied, first = np.unique(self.area[position[complete]], return_index=True)
        self.supplied += supplied.tolist()
        self.supply_v += list(volts[np.flatnonzero(complete)[first], :LIVE])
        self.position.append(position)
        self.phase.append(phase)
        self.three_phase.append(several)
        self.group.append(group)

    def _dense(self, rows: pl.DataFrame, position: NDArray[np.int64], name: str) -> NDArray[np.float32]:
        """`[n, SLOTS, H]`: the nearest sample is written last and stays."""
        ordered = rows.filter(pl.col(name).is_not_null()).sort("away", name, descending=[True, False])
        dense = np.full((len(position), len(SLOTS), self.hours), np.nan, np.float32)
        at = np.searchsorted(position, ordered["position"].to_numpy())
        dense[at, ordered["slot"].to_numpy(), ordered["hour"].to_numpy() - self.first_hour] = ordered[name].to_numpy()
        return dense

    def _write(self, *arrays: NDArray[np.float32]) -> None:
        for name, values in zip(ARRAYS, arrays, strict=True):
            try:
                with self.file(name).open("ab") as file:
                    np.ascontiguousarray(values, dtype=np.float32).tofile(file)
            except OSError as error:
                raise unwritable(self.desk.folder, error) from error


def _areas_of(fleet: Fleet) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """The areas of the fleet, sorted, and per position the index of its area, -1 without one."""
    area = fleet.positions["area_id"]
    ids = area.drop_nulls().unique().sort()
    index = area.replace_strict(ids, pl.int_range(len(ids), eager=True), default=-1, return_dtype=pl.Int64)
    return ids.to_numpy().astype(object), index.fill_null(-1).to_numpy()


def _neighbours(areas: pl.DataFrame, area_ids: NDArray[np.object_]) -> NDArray[np.int64]:
    """`[P, 2]` pairs of areas of which either names the other as its neighbour, both directions, sorted."""
    columns = {"area_id": pl.Series(area_ids.tolist(), dtype=pl.String), "at": np.arange(len(area_ids))}
    known = pl.DataFrame(columns)
    named = (
        areas.select("area_id", other=pl.col("neighbours").str.split(";"))
        .explode("other")
        .with_columns(pl.col("other").str.strip_chars())
        .join(known, on="area_id")
        .join(known, left_on="other", right_on="area_id", suffix="_other")
        .select("at", "at_other")
        .filter(pl.col("at") != pl.col("at_other"))
    )
    both = np.concatenate([named.to_numpy(), named.to_numpy()[:, ::-1]])
    return np.unique(both, axis=0).astype(np.int64).reshape(-1, 2)
