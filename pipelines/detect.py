"""All rules over one slice: errors first, then use on the days that no error has spoiled."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.eligibility import NOT_APPLICABLE, REASONS, Habits, habits_of, verdicts
from anomaly.findings import SCHEMA, findings_frame
from anomaly.panel import CHANGES, Panel
from anomaly.registry import Detections, Detector
from anomaly.suppressors.explained import explained
from pipelines.series import rows_of_accounts, series_of
from rules.model import Rulebook

AFTER_ERRORS = ("jump", "cross_wiring")
"""Families of rules that look at how people use electricity, in this order after all others: they do not see spoiled
days, and cross-wiring rules know the lasting changes the others found."""

LASTING = ("R03", "R06", "R10")
"""Rules of reading errors whose findings, where they last until now, are changes of level too: the meter runs fast, has
stopped, or counts a multiple. Rules that estimate an onset date such changes anyway."""

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
    def suppressor_limits(self) -> dict[str, dict[str, Any]]:
        """The limits of each suppressor, by its name."""
        return {name: rule.limit_values() for name, rule in self.rulebook.suppressors.items()}

    @property
    def runnable(self) -> list[Detector]:
        """Detectors the book can feed: reading errors first, jumps and exchanged homes after them."""
        able = [one for code, one in self.detectors.items() if code not in self.lacking]
        turn = {family: place for place, family in enumerate(AFTER_ERRORS, start=1)}
        return sorted(able, key=lambda one: (turn.get(one.family, 0), one.code))


@dataclass(frozen=True, eq=False)
class SliceResult:
    """What one slice gives.

    `coverage` has one row per position and code not judged, except where no position of the slice could be
    judged for one and the same reason: then `unjudged` has code → reason. `judged` counts positions per code.
    `spoiled` has, per position with an error, the days `[D]` that say nothing of its usual use.
    """

    positions: NDArray[np.int64]
    findings: pl.DataFrame
    coverage: pl.DataFrame
    unjudged: dict[str, str]
    judged: dict[str, int]
    series: pl.DataFrame
    seconds: dict[str, float] = field(default_factory=dict)
    spoiled: dict[int, NDArray[np.bool_]] = field(default_factory=dict)


def detect(panel: Panel, rules: Rules) -> SliceResult:
    """Run every runnable rule over the panel."""
    habits, clean = habits_of(panel), None
    lasting: list[pl.DataFrame] = []
    excluded = np.zeros(panel.shape, bool)
    findings, coverage = [pl.DataFrame(schema=SCHEMA)], [pl.DataFrame(schema=COVERAGE)]
    unjudged, judged, seconds = {}, {}, {}
    grid = int(rules.rulebook.setting("onset_grid_days"))
    for detector in rules.runnable:
        rule = rules.rulebook.detectors[detector.code]
        after_errors = detector.family in AFTER_ERRORS
        if after_errors and clean is None:
            clean = panel.without_days(excluded)
            habits = _with_clean_days(habits, clean)
        if clean is not None and lasting and detector.sees_changes:
            known = pl.concat([clean.changes, *lasting]).unique().sort("row", "day", "code")
            clean, lasting = replace(clean, changes=known), []
        seen = clean or panel
        verdict = verdicts(habits, rule.requires)
        if detector.unjudged is not None:
            verdict = _without(verdict, detector.unjudged(seen, **rule.limit_values()))
        begun = time.perf_counter()
        found = detector.function(seen, **rule.limit_values())
        seconds[detector.code] = time.perf_counter() - begun
        found = _eligible(found, verdict)
        if rule.excludes_days and not after_errors:
            _exclude(excluded, panel, found)
        dated = detector.estimated_onset and detector.family != "cross_wiring"
        if len(found) and (dated or detector.code in LASTING):
            lasting.append(_changes(panel, detector.code, found))
        innocent = explained(seen, detector.code, found, rules.suppressor_limits)
        findings.append(findings_frame(panel, detector, found, innocent, onset_grid_days=grid))
        judged[detector.code] = int((verdict == 0).sum())
        if len(verdict) and (verdict == verdict[0]).all():
            if verdict[0]:
                unjudged[detector.code] = REASONS[verdict[0]]
        else:
            coverage.append(not_judged(panel.positions, detector.code, verdict))
    frame = pl.concat(findings)
    named = pl.concat([frame["account_id"], frame["related_account_id"]]).unique().drop_nulls()
    series = series_of(panel, rows_of_accounts(panel, named), excluded)
    at = panel.positions["position"].to_numpy()
    spoiled = {int(at[row]): excluded[row] for row in np.flatnonzero(excluded.any(axis=1))}
    return SliceResult(at, frame, pl.concat(coverage), unjudged, judged, series, seconds, spoiled)


def _changes(panel: Panel, code: str, found: Detections) -> pl.DataFrame:
    """When and where a rule dates a lasting change, as `Panel.changes` has it."""
    placed = found.position >= 0
    if code in LASTING:
        placed &= found.end > panel.days[-1]
    return pl.DataFrame(
        {"row": found.position[placed], "day": found.start[placed], "code": [code] * int(placed.sum())}, CHANGES
    )


def _with_clean_days(habits: Habits, clean: Panel) -> Habits:
    """Days spoiled by a reading error do not count as history."""
    counted = np.isfinite(clean.kwh).sum(axis=1)
    return Habits(**{**vars(habits), "days": counted})


def _without(verdict: NDArray[np.int8], why: NDArray[np.object_]) -> NDArray[np.int8]:
    """The verdict, and for positions that pass it the reason why the rule itself cannot judge them."""
    own = pl.Series(why, dtype=pl.String).replace_strict(REASONS, range(len(REASONS)), return_dtype=pl.Int8)
    return np.where(verdict == 0, own.to_numpy(), verdict)


def _eligible(found: Detections, verdict: NDArray[np.int8]) -> Detections:
    """Drop what was found at positions the rule may not judge; detections without a position stay."""
    if not len(found):
        return found
    keep = np.append(verdict, 0)[found.position] == 0
    return found if keep.all() else found.take(keep)


def _exclude(excluded: NDArray[np.bool_], panel: Panel, found: Detections) -> None:
    """Mark the days each detection touches, from the read before its first one, on both positions of a pair."""
    if not len(found) or not len(panel.days):
        return
    first = panel.day_index(found.start)
    known = np.flatnonzero(found.position >= 0)
    since = np.nan_to_num(panel.step_days[found.position[known], first[known]])
    first[known] = np.maximum(first[known] - np.ceil(since).astype(np.int64), 0)
    end = np.clip((found.end - panel.days[0]).astype(np.int64), first, panel.shape[1])
    for side in (found.position, found.related):
        known = np.flatnonzero(side >= 0)
        rows, at = np.unique(side[known], return_inverse=True)
        marks = np.zeros((len(rows), panel.shape[1] + 1), np.int32)
        np.add.at(marks, (at, first[known]), 1)
        np.add.at(marks, (at, end[known]), -1)
        excluded[rows] |= np.cumsum(marks, axis=1)[:, :-1] > 0


def not_judged(positions: pl.DataFrame, code: str, verdict: NDArray[np.int8]) -> pl.DataFrame:
    """One coverage row per position the rule could not judge."""
    rows = np.flatnonzero(verdict)
    reason = pl.Series("reason", np.array(REASONS)[verdict[rows]], dtype=pl.String)
    return positions.select("account_id", "meter_id")[rows].select(
        pl.lit(code).alias("code"), "account_id", "meter_id",
        status_of(reason).alias("status"), reason, pl.lit(1, pl.Int64).alias("positions"),
    )  # fmt: skip


def status_of(reason: pl.Series) -> pl.Series:
    """The coverage status that a reason stands for."""
    absent = reason.is_in(list(NOT_APPLICABLE))
    return pl.select(pl.when(absent).then(pl.lit("not_applicable")).otherwise(pl.lit("insufficient_data"))).to_series()
