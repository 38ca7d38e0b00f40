"""R10: everything the meter shows is suddenly multiplied."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.recorded_work import nearest_work
from anomaly.registry import Detections, detections, detector
from anomaly.runaway import mean_kwh
from anomaly.scale_step import ScaleSteps, scale_steps
from anomaly.statistics import row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

LEAST_BEFORE = 14
FLOOR_KWH = 0.3


@detector(
    "R10",
    family="reading_error",
    unit="ratio",
    source="Oracle MDM multiplier check; DL/T 376.1 event E2000038 CT ratio changed",
)
def multiplier_step(
    panel: Panel,
    *,
    catalogue_ratios: Sequence[float],
    tolerance_share: float,
    min_ratio: float,
    sure_ratio: float,
    unlike_share: float,
    unlike_recorded_log: float,
    record_days: float,
    window_days: int,
    scan_days: int,
    min_days: int,
    least_kwh_per_day: float,
) -> Detections:
    """Everything the meter shows is suddenly multiplied.

    The best step of daily use within `scan_days` is compared over `window_days` on both sides (`min_days`
    after it at least): the ratio, and how unlike the low, middle and high intervals (days, without a curve)
    moved.

    Fires when the ratio of an account behind transformers (multiplier above 1) is at least `min_ratio` up or
    down and leads from its multiplier to one of `catalogue_ratios` within `tolerance_share`: if works, an
    exchange or a program change is on record within `record_days` and everything moved alike to
    `unlike_recorded_log`; or without a record if all moved alike to `unlike_share` of the (logarithmic) ratio,
    by the curve or with a ratio of `sure_ratio` at least. A direct meter has no transformer: for it only
    `sure_ratio` with a record counts.
    Silent where the file changes its multiplier within `record_days` (R11 judges that), and below
    `least_kwh_per_day` on either side.
    Cannot see: a ratio below `min_ratio`; a step that real use blurs; the first days after it.
    """
    rows = _screened(panel, min_ratio, sure_ratio, min_days, scan_days, least_kwh_per_day)
    steps = scale_steps(
        panel, rows, scan_days=scan_days, window_days=window_days, least_before=LEAST_BEFORE, least_after=min_days,
        floor_kwh=FLOOR_KWH,
    )  # fmt: skip
    steps = steps.take(np.abs(steps.ratio_log) >= np.log(min_ratio))
    steps, file = _file_unchanged(panel, steps, record_days)
    near, off = _nearest(steps.ratio_log, file, np.asarray(catalogue_ratios, dtype=np.float64))
    recorded = ~np.isnat(nearest_work(panel, steps.row, panel.dates(steps.split), record_days))
    sure = np.abs(steps.ratio_log) >= np.log(sure_ratio * (1 - tolerance_share))
    alike = steps.unlike_log <= unlike_share * np.abs(steps.ratio_log)
    with_record = recorded & (steps.unlike_log <= unlike_recorded_log)
    behind = (file > 1) & (with_record | (alike & (steps.by_curve | sure)))
    direct = (file == 1) & sure & with_record
    before, after = _levels(panel, steps, window_days)
    enough = np.minimum(before, after) >= least_kwh_per_day
    keep = np.flatnonzero((behind | direct) & enough & (off <= np.log1p(tolerance_share)))
    return _found(panel, steps, file, near, before, after, recorded, min_ratio).take(keep)


def _file_unchanged(panel: Panel, steps: ScaleSteps, record_days: float) -> tuple[ScaleSteps, Floats]:
    """The steps around whose day the file keeps its multiplier, and that multiplier."""
    file = panel.multiplier[steps.row, steps.split]
    last = panel.shape[1] - 1
    same = np.ones(len(steps), bool)
    for shift in range(-int(record_days) - 1, int(record_days) + 1):
        same &= panel.multiplier[steps.row, np.clip(steps.split + shift, 0, last)] == file
    return steps.take(same), file[same]


def _found(
    panel: Panel,
    steps: ScaleSteps,
    file: Floats,
    near: Floats,
    before: Floats,
    after: Floats,
    recorded: Booleans,
    min_ratio: float,
) -> Detections:
    ratio = np.exp(steps.ratio_log)
    return detections(
        panel,
        steps.row,
        steps.split,
        np.full(len(steps), panel.shape[1]),
        measured=ratio,
        expected=1.0,
        limit=min_ratio,
        strength=np.abs(steps.ratio_log) / np.maximum(steps.unlike_log, 0.05) + np.where(recorded, 5.0, 0.0),
        kwh_at_stake=np.abs(after - before) * (panel.shape[1] - steps.split),
        facts={
            "change_ratio": ratio,
            "near_ratio": near,
            "before_kwh_per_day": before,
            "after_kwh_per_day": after,
            "file_multiplier": file,
            "unlike_percent": 100 * np.expm1(steps.unlike_log),
            "pattern": np.where(recorded, "work_on_record", "no_work_on_record").astype(object),
        },
    )


def _screened(
    panel: Panel, min_ratio: float, sure_ratio: float, min_days: int, scan_days: int, least_kwh: float
) -> Integers:
    """Daily positions whose first and last days of the scanned stretch differ at all: cheap, and generous."""
    first = max(panel.shape[1] - scan_days, 0)
    if panel.shape[1] - first < LEAST_BEFORE + min_days:
        return np.empty(0, np.int64)
    early = mean_kwh(panel.kwh[:, first : first + LEAST_BEFORE])
    late = mean_kwh(panel.kwh[:, -min_days:])
    behind = panel.multiplier[:, -1] != 1
    least = np.where(behind, min_ratio, sure_ratio)
    with np.errstate(invalid="ignore", divide="ignore"):
        differs = np.abs(np.log(late / early)) >= np.log(least) / 2
        enough = np.minimum(early, late) >= least_kwh / 2
    return np.flatnonzero(differs & enough & panel.daily & ~panel.flag("is_supply"))


def _nearest(ratio_log: Floats, file: Floats, catalogue: Floats) -> tuple[Floats, Floats]:
    """The ratio nearest to the measured one that another transformer (or a decimal place) makes, and how far
    off (ln).
    """
    ways = file[:, None] / catalogue
    ways = np.where((file > 1)[:, None] & (ways != 1), ways, np.nan)
    decimal = np.broadcast_to(np.array([0.01, 0.1, 10.0, 100.0]), (len(file), 4))
    ways = np.concatenate([ways, decimal], axis=1)
    off = np.nan_to_num(np.abs(np.log(ways) - ratio_log[:, None]), nan=np.inf)
    best = np.argmin(np.round(off, 9), axis=1)
    entry = np.arange(len(file))
    return ways[entry, best], off[entry, best]


def _levels(panel: Panel, steps: ScaleSteps, window_days: int) -> tuple[Floats, Floats]:
    """Median day before and after each step, kWh."""
    day = np.arange(panel.shape[1])
    kwh, split = panel.kwh[steps.row], steps.split[:, None]
    before = row_median(np.where((day < split) & (day >= split - window_days), kwh, np.nan))
    after = row_median(np.where((day >= split) & (day < split + window_days), kwh, np.nan))
    return np.nan_to_num(before), np.nan_to_num(after)
