"""E04: an actual read settles a run of made-up reads at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.columns import Columns
from anomaly.made_up_reads import copied_runs, marked, straight_runs, stuck_runs
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import MAD_TO_SIGMA, previous_index, row_mad, row_median, true_cells
from anomaly.vocabulary import QUALITIES

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

COPY_STEPS = 0.0
"""A copy is exact to the register step, unlike a line cut to it."""

LEAST_DAYS = 7
"""A median of fewer days tells nothing."""

MOST_SIGMAS = 3.0
"""The mean of a short run may lie this many of its own standard errors from the usual day."""


@dataclass(frozen=True, eq=False)
class _Settlement(Columns):
    """The read at border `read` is actual, the one before it (`previous`) made up, `actual` the last actual
    one.
    """

    row: Integers
    actual: Integers
    previous: Integers
    read: Integers
    made_up_reads: Integers


@dataclass(frozen=True, eq=False)
class _Energies(Columns):
    """Of each settlement: days and kWh since the last actual read (`gap_days`, `total`) and since the read before
    (`step_days`, `step`), a day's share of the total (`spread`), the usual day, how much its logs vary (`noise`), and
    what the last step has too much (`backlog`).
    """

    gap_days: Floats
    step_days: Floats
    total: Floats
    step: Floats
    spread: Floats
    usual: Floats
    noise: Floats
    backlog: Floats


@detector(
    "E04",
    family="reading_error",
    unit="kWh",
    source="ANEEL REN 1000/2021: true-up on the next actual read; exact from two actual registers",
)
def estimate_true_up(
    panel: Panel,
    *,
    respread_ratio: float,
    jump_ratio: float,
    min_kwh: float,
    window_days: float,
    line_days: float,
    stuck_days: float,
    copied_days: float,
    copied_values: float,
    tolerance_steps: float,
    max_chance: float,
) -> Detections:
    """An actual read settles a run of made-up reads at once.

    Made up are reads marked estimated or worse, at least `line_days` on a straight line (E02), at least
    `copied_days` copied from the week before (E03), and at least `stuck_days` repeating the old register at
    a position that seldom rests. The energy between the two actual reads around the run is exact; spread
    over its days it is compared with the median day of the `window_days` before and after, as is the last
    step alone.

    Fires when the last step is above `jump_ratio` times the usual (or below its inverse, also negative: the
    estimates were too high), moves at least `min_kwh`, and the spread energy lies within `respread_ratio`
    of the usual, or within three standard errors of the position's own days.
    Cannot see: true-ups whose run also saw a real change of use (J01 follows those), and runs still open.
    """
    lines = straight_runs(panel, min_days=int(line_days), tolerance_steps=tolerance_steps, max_chance=max_chance)
    copies = copied_runs(
        panel, min_days=int(copied_days), tolerance_steps=COPY_STEPS, min_distinct_values=int(copied_values),
        max_chance=max_chance,
    )  # fmt: skip
    stuck = stuck_runs(panel, min_days=int(stuck_days), max_chance=max_chance)
    made_up = (panel.quality >= QUALITIES.index("estimated")) | marked(panel, lines, copies, stuck)
    settled = _settlements(panel, made_up)
    if not len(settled.row):
        return nothing(panel)
    energy = _energies(panel, settled, int(window_days))
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.abs(np.log(energy.spread / energy.usual))
        jump = energy.step / (energy.step_days * energy.usual)
        allowed = np.maximum(np.log(respread_ratio), MOST_SIGMAS * energy.noise / np.sqrt(energy.gap_days))
        explained = (energy.usual > 0) & (energy.spread > 0) & (off <= np.minimum(allowed, np.log(2.0)))
        far = (jump > jump_ratio) | (jump < 1 / jump_ratio)
        fires = explained & far & (np.abs(energy.backlog) >= min_kwh)
    return _found(panel, settled.take(fires), energy.take(fires), jump_ratio)


def _found(panel: Panel, found: _Settlement, energy: _Energies, jump_ratio: float) -> Detections:
    expected = energy.usual * energy.step_days
    return detections(
        panel,
        found.row,
        found.actual,
        found.read,
        measured=energy.step,
        expected=expected,
        limit=expected * (jump_ratio - 1),
        kwh_at_stake=np.abs(energy.backlog),
        facts={
            "last_actual_day": panel.dates(found.actual),
            "read_day": panel.dates(found.read),
            "backlog_kwh": energy.backlog,
            "made_up_kwh": energy.total - energy.step,
            "made_up_reads": found.made_up_reads,
            "gap_days": np.rint(energy.gap_days).astype(np.int64),
            "spread_kwh_per_day": energy.spread,
            "usual_kwh_per_day": energy.usual,
        },
    )


def _energies(panel: Panel, settled: _Settlement, window_days: int) -> _Energies:
    """What each settlement settles, and what is usual beside it."""
    gap_days = _days_between(panel, settled.row, settled.actual, settled.read)
    step_days = _days_between(panel, settled.row, settled.previous, settled.read)
    total = _energy(panel, settled.row, settled.actual, settled.read)
    step = _energy(panel, settled.row, settled.previous, settled.read)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = total / gap_days
        usual, noise = _usual(panel, settled, spread, window_days)
        return _Energies(gap_days, step_days, total, step, spread, usual, noise, step - spread * step_days)


def _settlements(panel: Panel, made_up: Booleans) -> _Settlement:
    """Actual reads that directly follow a made-up one and have an actual read before the run."""
    present = panel.quality >= 0
    rows = np.flatnonzero((made_up & present).any(axis=1))
    read = present[rows]
    actual = read & ~made_up[rows]
    before = np.full(read.shape, -1, np.int64)
    before[:, 1:] = previous_index(read)[:, :-1]
    follows = actual & (before >= 0) & ~np.take_along_axis(actual, np.maximum(before, 0), axis=1)
    at, border = true_cells(follows)
    previous = before[at, border]
    last_actual = previous_index(actual)[at, previous]
    known = last_actual >= 0
    counted = np.cumsum(read, axis=1)
    between: Integers = np.asarray(counted[at, previous] - counted[at, np.maximum(last_actual, 0)])
    return _Settlement(rows[at], last_actual, previous, border, between).take(known)


def _days_between(panel: Panel, row: Integers, first: Integers, last: Integers) -> Floats:
    """Days between the reads at two borders, by the time they were really taken."""
    shift = panel.offset_days[row, last] - panel.offset_days[row, first]
    return np.asarray(last - first + shift.astype(np.float64))


def _energy(panel: Panel, row: Integers, first: Integers, last: Integers) -> Floats:
    """Energy between the reads at two borders: the steps in between, after multiplier."""
    border = np.arange(panel.step_kwh.shape[1])
    inside = (border > first[:, None]) & (border <= last[:, None])
    applied = np.concatenate([panel.multiplier[row, :1], panel.multiplier[row]], axis=1)
    steps = np.where(inside & np.isfinite(panel.step_kwh[row]), panel.step_kwh[row] * applied, 0.0)
    return np.asarray(steps.sum(axis=1))


def _usual(panel: Panel, settled: _Settlement, spread: Floats, window_days: int) -> tuple[Floats, Floats]:
    """Median day before or after each run, whichever the run's own energy is closer to, and its log spread.

    Either side counts, so that use which changed for good during the run is not held against the settlement.
    """
    day = np.arange(panel.shape[1])
    actual, read = settled.actual[:, None], settled.read[:, None]
    sides = [
        _level(panel, settled.row, (day >= actual - window_days) & (day < actual)),
        _level(panel, settled.row, (day >= read) & (day < read + window_days)),
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.stack([np.abs(np.log(spread / usual)) for usual, _ in sides])
    closer = np.argmin(np.where(np.isfinite(off), off, np.inf), axis=0)
    before, after = sides
    return np.where(closer == 0, before[0], after[0]), np.where(closer == 0, before[1], after[1])


def _level(panel: Panel, row: Integers, wanted: Booleans) -> tuple[Floats, Floats]:
    """Median of the wanted days (zero where they are fewer than a week) and the standard deviation of their
    logs.
    """
    values = np.where(wanted, panel.kwh[row], np.nan)
    usual = np.nan_to_num(row_median(values))
    usual = np.where(np.isfinite(values).sum(axis=1) >= LEAST_DAYS, usual, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(values / usual[:, None])
    logs = np.where(np.isfinite(logs), logs, np.nan)
    return usual, np.nan_to_num(row_mad(logs, np.zeros(len(logs)))) * MAD_TO_SIGMA
