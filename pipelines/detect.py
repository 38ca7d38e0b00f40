"""All rules over one slice: errors first, then jumps on the days that no error has spoiled."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.eligibility import NOT_APPLICABLE, REASONS, Habits, habits_of, verdicts
from anomaly.findings import SCHEMA, findings_frame
from anomaly.panel import Panel
from anomaly.registry import Detections, Detector
from pipelines.series import rows_of_accounts, series_of
from rules.model import Rulebook

COVERAGE = {
    "code": pl.String, "account_id": pl.String, "meter_id": pl.String, "status": pl.String, "reason": pl.String,
    "positions": pl.Int64,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rules:
    """The rulebook, the detectors it speaks of, and those the book as a whole cannot feed (code → table)."""

    rulebook: Rulebook
    detectors: Mapping[str, Detector]
    lacking: Mapping[str, str]

    @property
    def runnable(self) -> list[Detector]:
        """Detectors the book can feed: reading errors first, jumps after them."""
        able = [one for code, one in self.detectors.items() if code not in self.lacking]
        return sorted(able, key=lambda one: (one.family == "jump", one.code))


@dataclass(frozen=True, eq=False)
class SliceResult:
    """What one slice gives: findings, positions not judged (one row each), positions judged per code, series."""

    findings: pl.DataFrame
    coverage: pl.DataFrame
    evaluated: dict[str, int]
    series: pl.DataFrame
    seconds: dict[str, float] = field(default_factory=dict)


def detect(panel: Panel, rules: Rules) -> SliceResult:
    """Run every runnable rule over the panel."""
    habits = habits_of(panel)
    clean = panel
    excluded = np.zeros(panel.shape, bool)
    findings, coverage, evaluated, seconds = [], [], {}, {}
    grid = int(rules.rulebook.setting("onset_grid_days"))
    for detector in rules.runnable:
        rule = rules.rulebook.detectors[detector.code]
        if detector.family == "jump" and clean is panel:
            clean = panel.without_days(excluded)
            habits = _with_clean_days(habits, clean)
        verdict = verdicts(habits, rule.requires)
        begun = time.perf_counter()
        found = detector.function(clean, **rule.limit_values())
        seconds[detector.code] = time.perf_counter() - begun
        found = _eligible(found, verdict)
        if rule.excludes_days and detector.family != "jump":
            _exclude(excluded, panel, found)
        findings.append(findings_frame(panel, detector, found, onset_grid_days=grid))
        coverage.append(_not_judged(panel, detector.code, verdict))
        evaluated[detector.code] = int((verdict == 0).sum())
    frame = pl.concat([pl.DataFrame(schema=SCHEMA), *findings])
    named = pl.concat([frame["account_id"], frame["related_account_id"]]).unique().drop_nulls()
    series = series_of(panel, rows_of_accounts(panel, named), excluded)
    return SliceResult(frame, pl.concat([pl.DataFrame(schema=COVERAGE), *coverage]), evaluated, series, seconds)


def _with_clean_days(habits: Habits, clean: Panel) -> Habits:
    """Days spoiled by a reading error do not count as history."""
    counted = np.isfinite(clean.kwh).sum(axis=1)
    return Habits(**{**vars(habits), "days": counted})


def _eligible(found: Detections, verdict: NDArray[np.int8]) -> Detections:
    """Drop what was found at positions the rule may not judge; detections without a position stay."""
    if not len(found):
        return found
    keep = (found.position < 0) | (verdict[found.position] == 0)
    return found if keep.all() else found.take(keep)


def _exclude(excluded: NDArray[np.bool_], panel: Panel, found: Detections) -> None:
    """Mark the days each detection touches, from the read before its first one, on both positions of a pair."""
    first = panel.day_index(found.start)
    known = np.flatnonzero(found.position >= 0)
    since = np.nan_to_num(panel.step_days[found.position[known], first[known]])
    first[known] = np.maximum(first[known] - np.ceil(since).astype(np.int64), 0)
    end = np.minimum((found.end - panel.days[0]).astype(np.int64), panel.shape[1]) if len(panel.days) else first
    for side in (found.position, found.related):
        known = np.flatnonzero(side >= 0)
        marks = np.zeros((panel.shape[0], panel.shape[1] + 1), np.int32)
        np.add.at(marks, (side[known], first[known]), 1)
        np.add.at(marks, (side[known], np.maximum(end[known], first[known])), -1)
        if len(known):
            excluded |= np.cumsum(marks, axis=1)[:, :-1] > 0


def _not_judged(panel: Panel, code: str, verdict: NDArray[np.int8]) -> pl.DataFrame:
    """One coverage row per position the rule could not judge."""
    rows = np.flatnonzero(verdict)
    if not len(rows):
        return pl.DataFrame(schema=COVERAGE)
    names = panel.positions.select("account_id", "meter_id")[rows]
    reason = np.array(REASONS, dtype=object)[verdict[rows]]
    absent = np.isin(reason, list(NOT_APPLICABLE))
    return names.select(
        pl.lit(code).alias("code"), "account_id", "meter_id",
        pl.Series("status", np.where(absent, "not_applicable", "insufficient_data").astype(object), dtype=pl.String),
        pl.Series("reason", reason, dtype=pl.String),
        pl.lit(1, pl.Int64).alias("positions"),
    )  # fmt: skip
