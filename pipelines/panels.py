"""From the landed grid to the panel of one slice: dials are laid along the positions they serve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.consumption import Dials, dial_energy
from anomaly.panel import POLLS, TICKETS, Panel
from anomaly.statistics import next_index, previous_index, row_median
from pipelines.contested import SUB_DAILY_READS, Settled, settle
from pipelines.curves import LandedCurves, curves_of
from pipelines.electrical import electrical_of
from pipelines.fleet import Fleet, days_outside
from pipelines.hourly import LandedHours
from pipelines.landing import BIAS, LARGEST_TICKS, Landed
from pipelines.laying import lay_along_positions
from pipelines.registers import export_of, rates_of


@dataclass(frozen=True, eq=False)
class Source:
    """Everything a slice is cut from."""

    fleet: Fleet
    landed: Landed
    curves: LandedCurves
    electrical: pl.DataFrame
    hourly: LandedHours | None
    events: pl.DataFrame
    tickets: pl.DataFrame
    areas: pl.DataFrame
    polls: pl.DataFrame
    rollover: dict[str, float]
    periodic_gap_days: float
    slice_cells: int

    def has_curves(self) -> bool:
        """Whether anything serves as a load curve: interval reads, or registers read several times a day."""
        return self.curves.rows > 0 or self.landed.has_sub_daily(SUB_DAILY_READS)

    def slices(self) -> tuple[NDArray[np.int64], ...]:
        """Positions of each slice: whole areas, few enough that one array stays within `slice_cells`.

        A fleet without positions is one empty slice: reads of meters that nobody installed are still told of.
        """
        positions = max(len(self.fleet.positions), 1)
        curve_cells = self.curves.rows / positions
        hours = 0 if self.hourly is None else self.hourly.voltage_v.shape[1]
        per_position = self.landed.grid.borders + max(curve_cells, hours)
        ranges = self.fleet.slices(max(int(self.slice_cells / per_position), 1))
        return tuple(np.arange(lo, hi) for lo, hi in ranges) or (np.empty(0, np.int64),)


@dataclass(frozen=True, eq=False)
class _Cut:
    """The part of the fleet that one slice needs; `dials` are fleet indices, rows below are slice indices."""

    positions: pl.DataFrame
    installations: pl.DataFrame
    dials: pl.DataFrame
    dial_ids: NDArray[np.int64]


def panel_of(source: Source, positions: NDArray[np.int64]) -> Panel:
    """The panel of the given positions (ascending)."""
    cut = _cut(source.fleet, positions)
    first_day = np.datetime64(source.landed.grid.first_day, "D")
    settled = settle(source.landed, cut.dials, cut.dial_ids)
    dials, quality = _dials_of(source.landed, cut, settled)
    energy = dial_energy(dials, **source.rollover)
    laid = lay_along_positions(cut.installations, len(cut.positions), dials, quality, energy, first_day)
    borders = dials.ticks.shape[1]
    return Panel(
        positions=_with_reading_habits(cut.positions, laid, source.periodic_gap_days),
        installations=cut.installations,
        days=first_day + np.arange(borders - 1),
        exchanges=_exchanges(cut, dials, first_day),
        set_aside=_set_aside(source, positions, cut.dial_ids, settled),
        contradictions=_local(source.fleet.contradictions, positions),
        events=_events(source.events, cut),
        tickets=_tickets(source.tickets, cut.positions),
        polls=_polls(source.polls, positions),
        rates=rates_of(settled.other, cut.installations, first_day, borders),
        export=export_of(settled.other, cut.installations, first_day, borders),
        curves=curves_of(source.curves, cut.installations, cut.dial_ids, settled.sub_daily),
        hourly=None if source.hourly is None else source.hourly.cut(positions),
        electrical=electrical_of(source.electrical, cut.installations, first_day.item(), borders - 1),
        **laid,
    )


def _cut(fleet: Fleet, positions: NDArray[np.int64]) -> _Cut:
    everywhere = fleet.installations["position"].to_numpy()
    outermost = [positions[0], positions[-1] + 1] if len(positions) else [0, 0]
    begin, end = np.searchsorted(everywhere, outermost)
    near = fleet.installations.slice(int(begin), int(end - begin))
    row = np.searchsorted(positions, everywhere[begin:end])
    mine = positions[row] == everywhere[begin:end]
    installations = near.with_columns(row=pl.Series(row, dtype=pl.Int64)).filter(pl.Series(mine))
    dial_ids = np.unique(installations["dial"].to_numpy())
    dial_row = np.searchsorted(dial_ids, installations["dial"].to_numpy())
    installations = installations.with_columns(dial_row=pl.Series(dial_row, dtype=pl.Int64))
    return _Cut(fleet.positions[positions], installations, fleet.dials[dial_ids], dial_ids)


def _borders(dates: pl.Series, first_day: np.datetime64) -> NDArray[np.int64]:
    """Dates as border indices (may lie outside the panel); far future stays far."""
    return (dates.to_numpy().astype("datetime64[D]") - first_day).astype(np.int64)


def _dials_of(landed: Landed, cut: _Cut, settled: Settled) -> tuple[Dials, NDArray[np.int8]]:
    """Grid rows of the slice's dials with the settled side reads and the recorded start and end registers."""
    grid = landed.grid
    ticks = np.array(grid.ticks[cut.dial_ids]) - BIAS
    present = ticks != -BIAS
    offset = np.zeros(ticks.shape, np.float32)
    quality = np.where(present, grid.quality[cut.dial_ids], -1).astype(np.int8)
    ticks[settled.dial_row, settled.border] = settled.ticks
    present[settled.dial_row, settled.border] = True
    offset[settled.dial_row, settled.border] = settled.offset_days
    quality[settled.dial_row, settled.border] = settled.quality
    scale = np.power(10.0, cut.dials["register_decimals"].to_numpy())
    top = np.power(10.0, cut.dials["register_digits"].to_numpy()) * scale
    first_day = np.datetime64(grid.first_day, "D")
    start = _recorded(cut.dials["first_on"], cut.dials["start_register"], first_day, grid.borders)
    end = _recorded(cut.dials["removed_on"], cut.dials["end_register"], first_day, grid.borders)
    start_ticks, end_ticks = _ticks(cut.dials["start_register"], scale), _ticks(cut.dials["end_register"], scale)
    _fall_back(cut.dials, settled, first_day, ticks, offset, (start, start_ticks), (end, end_ticks))
    dials = Dials(ticks, present, offset, scale, top.astype(np.int64), start, start_ticks, end, end_ticks)
    return dials, quality


def _fall_back(
    dials: pl.DataFrame, settled: Settled, first_day: np.datetime64, ticks: NDArray[np.int64],
    offset: NDArray[np.float32], start: tuple[NDArray[np.int64], ...], end: tuple[NDArray[np.int64], ...],
) -> None:  # fmt: skip
    """Let a dial's first read during its first day, and its last during its last, stand for a register not on record.

    Writes into `start` and `end`, each (border, ticks).
    """
    borders = ticks.shape[1]
    first = _borders(dials["first_on"], first_day)
    inside = np.flatnonzero((first >= 0) & (first < borders) & dials["start_register"].is_null().to_numpy())
    late = inside[offset[inside, first[inside]] > 0]
    start[0][late], start[1][late] = first[late], ticks[late, first[late]]
    last = _borders(dials["last_on"], first_day)[settled.closing_row]
    row = settled.closing_row
    open_end = (end[0][row] < 0) & dials["end_register"].is_null().to_numpy()[row] & (last >= 0) & (last < borders)
    end[0][row[open_end]], end[1][row[open_end]] = last[open_end], settled.closing_ticks[open_end]


def _recorded(on: pl.Series, register: pl.Series, first_day: np.datetime64, borders: int) -> NDArray[np.int64]:
    """Border of a recorded register, -1 where there is none within the panel."""
    known = (on.is_not_null() & register.is_not_null() & register.is_finite().fill_null(False)).to_numpy()
    border = np.where(known, _borders(on.fill_null(first_day.item()), first_day), -1)
    return np.where((border >= 0) & (border < borders), border, -1)


def _ticks(register: pl.Series, scale: NDArray[np.float64]) -> NDArray[np.int64]:
    ticks = np.rint(register.fill_null(0.0).fill_nan(0.0).to_numpy() * scale)
    return np.clip(ticks, -LARGEST_TICKS, LARGEST_TICKS).astype(np.int64)


def _with_reading_habits(positions: pl.DataFrame, laid: dict[str, NDArray], periodic_gap_days: float) -> pl.DataFrame:
    """Add `read_frequency` where the accounts table is silent (median gap)."""
    present = laid["quality"] >= 0
    borders = present.shape[1]
    sparse = present.sum(axis=1) * 4 < borders
    gap = np.ones(len(positions))
    gap[sparse] = np.nan_to_num(row_median(laid["step_days"][sparse]), nan=1.0)
    habit = np.where(gap >= periodic_gap_days, "periodic", "daily")
    return positions.with_columns(
        read_frequency=pl.when(pl.col("read_frequency").is_in(["monthly", "bimonthly"]))
        .then(pl.lit("periodic"))
        .when(pl.col("read_frequency") == "daily")
        .then(pl.lit("daily"))
        .otherwise(pl.Series(habit)),
    )


def _local(rows: pl.DataFrame, positions: NDArray[np.int64]) -> pl.DataFrame:
    """Rows of the slice's positions, with `row` counting within the slice."""
    here = pl.DataFrame({"position": positions, "row": np.arange(len(positions))})
    return rows.join(here, on="position", maintain_order="left")


def _events(events: pl.DataFrame, cut: _Cut) -> pl.DataFrame:
    """Events of the slice's meters, with the position at which the meter was in place."""
    day = pl.col("at").dt.date()
    return (
        events.join(cut.installations.select("meter_id", "row", "first_on", "last_on"), on="meter_id")
        .filter(day.is_between("first_on", "last_on"))
        .unique(["meter_id", "at", "kind", "detail", "row"])
        .sort("row", "at", "kind", "detail", nulls_last=True)
        .select("row", "meter_id", "at", "kind", "detail")
    )


def _tickets(tickets: pl.DataFrame, positions: pl.DataFrame) -> pl.DataFrame:
    """Tickets of the slice's accounts, at every position the account has."""
    rows = positions.select("account_id", row=pl.int_range(pl.len(), dtype=pl.Int64))
    placed = tickets.join(rows, on="account_id").rename({"opened_at": "at"})
    return placed.select(*TICKETS).unique().sort("row", "at", "ticket_id", "kind", nulls_last=True)


def _polls(polls: pl.DataFrame, positions: NDArray[np.int64]) -> pl.DataFrame:
    """Polls of the slice; who was asked and the partner stand in the same area, so in the same slice."""
    here = pl.DataFrame({"position": positions, "row": np.arange(len(positions))})
    mine = polls.join(here, on="position", maintain_order="left")
    for role in ("asked", "other"):
        named = here.select(pl.col("position").alias(f"{role}_position"), pl.col("row").alias(f"{role}_row"))
        mine = mine.join(named, on=f"{role}_position", how="left", maintain_order="left")
    return mine.select(*POLLS).sort("task_id", "asked_row", "at", "row", "meter_id", "power_kw")


def _set_aside(
    source: Source, positions: NDArray[np.int64], dial_ids: NDArray[np.int64], settled: Settled
) -> pl.DataFrame:
    """What was kept out of this slice's panel; meters nobody installed are told of in the first slice.

    A meter that served several positions is told of where it was on that day, or would be nearest to it.
    """
    aside = source.landed.set_aside.filter(pl.col("dial").is_in(dial_ids))
    told = pl.concat([aside, settled.conflicts], how="diagonal")
    served = source.fleet.installations.select("dial", "position", "first_on", "last_on")
    served = served.filter(pl.col("dial").is_in(told["dial"].unique().implode())) if len(told) else served.clear()
    away = days_outside(pl.col("first_at").dt.date())
    placed = (
        told.with_row_index("at")
        .join(served, on="dial", how="inner")
        .sort("at", away, pl.col("first_on"), "position", descending=[False, False, True, False])
        .unique("at", keep="first", maintain_order=True)
        .drop("at", "first_on", "last_on")
    )
    mine = _local(placed, positions).drop("position")
    if not len(positions) or positions[0] == 0:
        orphans = source.landed.set_aside.filter(pl.col("dial").is_null()).with_columns(row=pl.lit(-1, pl.Int64))
        mine = pl.concat([mine, orphans])
    return mine.sort("row", "reason", "meter_id", "channel", "first_at", nulls_last=True)


def _exchanges(cut: _Cut, dials: Dials, first_day: np.datetime64) -> pl.DataFrame:
    """One row per change of the physical meter at a position, with the reads and records on both sides."""
    changing = cut.installations.filter(cut.installations["row"].is_duplicated())
    after = changing.with_columns(
        pl.col(name).shift(1).over("row").alias(f"old_{name}")
        for name in ("meter_id", "dial_row", "multiplier", "end_register", "removed_on", "last_on")
    ).filter((pl.col("old_dial_row") != pl.col("dial_row")) & (pl.col("point_role") != "check"))
    old, new = after["old_dial_row"].to_numpy().astype(np.int64), after["dial_row"].to_numpy()
    borders = dials.ticks.shape[1]
    border = np.arange(borders)
    changed = _borders(after["first_on"], first_day)[:, None]
    left = _borders(after["old_last_on"], first_day)[:, None]
    last = previous_index(dials.present[old] & (border <= left))[:, -1] if len(after) else np.empty(0, np.int64)
    first = next_index(dials.present[new] & (border >= changed))[:, 0] if len(after) else np.empty(0, np.int64)

    def register(dial: NDArray[np.int64], border: NDArray[np.int64]) -> pl.Series:
        known = (border >= 0) & (border < borders)
        at = np.clip(border, 0, borders - 1)
        return pl.Series(np.where(known, dials.ticks[dial, at] / dials.scale[dial], np.nan)).fill_nan(None)

    return after.select(
        "row", pl.col("first_on").alias("day"), "old_meter_id", pl.col("meter_id").alias("new_meter_id"),
        pl.col("old_multiplier"), pl.col("multiplier").alias("new_multiplier"),
        "old_removed_on", pl.col("old_end_register").alias("end_register"), "start_register",
    ).with_columns(
        last_old_border=pl.Series(last, dtype=pl.Int64),
        last_old_kwh=register(old, last),
        first_new_border=pl.Series(np.where(first < borders, first, -1), dtype=pl.Int64),
        first_new_kwh=register(new, first),
    )  # fmt: skip
