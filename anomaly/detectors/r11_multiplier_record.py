"""R11: the multiplier on file contradicts itself or the consumption."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.scale_step import steps_at

SHORT_DAYS = 7
"""A step made by the file is there at once: the weeks beside it must show it too, not only the months."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@detector(
    "R11",
    family="reading_error",
    unit="ratio",
    source="Oracle MDM multiplier check: incoming ≠ stored; contract §2: a primary-kWh source has multiplier 1",
)
def multiplier_record(panel: Panel, *, tolerance_share: float, window_days: int, min_days: int) -> Detections:
    """The multiplier on file contradicts itself or the consumption.

    Fires when (a) the file gives one and the same meter another multiplier from some day on and use then
    steps with it (at most half as far from the ratio of the multipliers as from no step, over `window_days` on
    both sides, at least `min_days` each): transformers that were really changed leave the use as it was; (b)
    an installation has a multiplier and its source says that it had multiplied already, more than
    `tolerance_share` from 1 both.
    Cannot see: a multiplier that was wrong from the start and never changed (a plate check or the area
    balance can).
    """
    changed, twice = _changes(panel, window_days, min_days), _multiplied_twice(panel, tolerance_share)
    row = np.concatenate([changed.row, twice.row])
    file = np.concatenate([changed.file_multiplier, twice.file_multiplier])
    other = np.concatenate([changed.other_multiplier, twice.other_multiplier])
    steps = len(changed.row)
    return detections(
        panel,
        row,
        np.concatenate([changed.start, twice.start]),
        panel.dates(np.full(len(row), panel.shape[1])),
        measured=file,
        expected=other,
        limit=tolerance_share,
        strength=np.concatenate([changed.strength, twice.strength]),
        kwh_at_stake=np.concatenate([changed.stake_kwh, twice.stake_kwh]),
        channel=None,
        facts={
            "file_multiplier": file,
            "other_multiplier": other,
            "change_ratio": np.concatenate([changed.change_ratio, twice.change_ratio]),
            "pattern": np.array(["changed_on_file"] * steps + ["multiplied_twice"] * len(twice.row), dtype=object),
        },
    )


@dataclass(frozen=True, eq=False)
class _Records:
    """Multipliers that contradict something, one entry each."""

    row: Integers
    start: NDArray[np.datetime64]
    file_multiplier: Floats
    other_multiplier: Floats
    change_ratio: Floats
    strength: Floats
    stake_kwh: Floats


def _changes(panel: Panel, window_days: int, min_days: int) -> _Records:
    """Abutting rows of one meter whose multiplier changes, where use steps along."""
    same = (pl.col("row") == pl.col("row").shift(1)) & (pl.col("meter_id") == pl.col("meter_id").shift(1))
    rows = (
        panel.installations.sort("row", "first_on", maintain_order=True)
        .with_columns(old=pl.col("multiplier").shift(1), same=same)
        .filter(pl.col("same").fill_null(False) & (pl.col("old") != pl.col("multiplier")))
    )
    day = rows["first_on"].to_numpy().astype("datetime64[D]")
    inside = (day > panel.days[0]) & (day <= panel.days[-1]) if len(panel.days) else np.zeros(len(day), bool)
    rows, day = rows.filter(pl.Series(inside)), day[inside]
    row = rows["row"].cast(pl.Int64).to_numpy()
    old, new = (rows[name].cast(pl.Float64).to_numpy() for name in ("old", "multiplier"))
    split = (day - panel.days[0]).astype(np.int64) if len(day) else np.empty(0, np.int64)
    steps = steps_at(panel, row.astype(np.int64), split, window_days=window_days)
    ratio = np.nan_to_num(_day_ratio(panel, row, split, window_days), nan=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        file_log = np.nan_to_num(np.log(new / old), nan=np.inf)
    at_once = np.nan_to_num(_day_ratio(panel, row, split, SHORT_DAYS), nan=0.0)
    along = (np.abs(ratio - file_log) < np.abs(ratio) / 2) & (np.abs(at_once - file_log) < np.abs(at_once) / 2)
    along &= np.isfinite(file_log)
    keep = np.flatnonzero(along & (steps.days_before >= min_days) & (steps.days_after >= min_days))
    after = np.array([np.nansum(panel.kwh[r, s:]) for r, s in zip(row[keep], split[keep], strict=True)])
    stake = np.abs(after) * np.abs(1 - old[keep] / new[keep])
    strength = np.abs(ratio) - np.abs(ratio - file_log)
    return _Records(
        row[keep].astype(np.int64), day[keep], new[keep].astype(float), old[keep].astype(float),
        np.exp(ratio[keep]), strength[keep] * 5, np.nan_to_num(stake),
    )  # fmt: skip


def _day_ratio(panel: Panel, row: Integers, split: Integers, window_days: int) -> Floats:
    """ln of the mean day after over the mean day before: means, since spread days of rare reads are all
    alike.
    """
    day = np.arange(panel.shape[1])
    kwh = panel.kwh[row]
    early = (day < split[:, None]) & (day >= split[:, None] - window_days) & np.isfinite(kwh)
    late = (day >= split[:, None]) & (day < split[:, None] + window_days) & np.isfinite(kwh)
    with np.errstate(invalid="ignore", divide="ignore"):
        before = np.where(early, kwh, 0.0).sum(axis=1) / early.sum(axis=1)
        after = np.where(late, kwh, 0.0).sum(axis=1) / late.sum(axis=1)
        ratio = np.log(after / before)
    return np.where(np.isfinite(ratio), ratio, np.nan)


def _multiplied_twice(panel: Panel, tolerance_share: float) -> _Records:
    """Installations in place now whose multiplier would be applied to kWh that are primary already."""
    last = np.unique(panel.installation[:, -1]) if panel.installation.shape[1] else np.empty(0, np.int32)
    rows = panel.installations[last[last >= 0].tolist()].filter(
        (pl.col("multiplier") - 1).abs() > tolerance_share,
        (pl.col("source_multiplier") - 1).abs() > tolerance_share,
    )
    row = rows["row"].to_numpy().astype(np.int64)
    source = rows["source_multiplier"].cast(pl.Float64).to_numpy()
    recent = np.nan_to_num(panel.kwh[row, -30:]).sum(axis=1)
    return _Records(
        row, rows["first_on"].to_numpy().astype("datetime64[D]"), rows["multiplier"].to_numpy(), source,
        np.ones(len(row)), np.ones(len(row)), np.abs(recent * (1 - 1 / source)),
    )  # fmt: skip
