"""Recall of sustained jumps at 5 % false alarms, on real homes with one change put in, against plain methods.

    python -m benchmarks.jumps [--homes FILE]

Windows of 142 days (112 reference, 30 current) end on every third day of the series. Each home's window is
judged untouched and, in separate copies, with one change from the first day of the current period on ("half
cycle ×2": over its last 15 days; "one day": on one random day). A method's limit is its 95 % quantile over
the untouched windows: 5 % false alarms, natural changes included. AP is average precision when 6 % of the
windows are changed, all kinds equally often, mean of six draws. Limits come from the rulebook; none is fitted
to the changes put in.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly.baseline import residuals
from anomaly.levels import Scale, evidence, levels
from anomaly.shift import Split
from anomaly.statistics import row_median
from pipelines.sample import load_homes, load_sample

Floats = NDArray[np.float64]
Scores = dict[str, Floats]

RULEBOOK = Path(__file__).parents[1] / "rules" / "standard" / "detectors.toml"
STEP_DAYS = 3
FALSE_ALARMS = 0.05
CHANGED_SHARE = 0.06
CUSUM_SLACK = 0.75
GOALS = {"×2": 0.68, "×3": 0.90, "+6 kWh/d": 0.57}


def limits(code: str) -> dict[str, float]:
    """The limits of one detector as the rulebook has them."""
    entry = tomllib.loads(RULEBOOK.read_text(encoding="utf-8"))["detector"][code]
    return {name: limit["value"] for name, limit in entry["limits"].items()}


J01, J02 = limits("J01"), limits("J02")
CYCLE = int(J01["window_days"])
WIDTH = int(J01["reference_days"]) + CYCLE
SPLIT = Split(WIDTH - 2 * CYCLE, WIDTH - CYCLE, int(J01["min_measured_days"]))
SCALE = Scale(*(J01[name] for name in Scale.__dataclass_fields__))
OFFSET_KWH = J01["log_offset_kwh"]


def changed(factor: float, added_kwh: float, days: int) -> Callable[[Floats, np.random.Generator], Floats]:
    """A change over the last `days` of a window."""

    def change(kwh: Floats, _: np.random.Generator) -> Floats:
        kwh = kwh.copy()
        kwh[:, WIDTH - days :] = kwh[:, WIDTH - days :] * factor + added_kwh
        return kwh

    return change


def one_day(kwh: Floats, rng: np.random.Generator) -> Floats:
    """One day of the current period with four times the usual use, at least 15 kWh more."""
    kwh = kwh.copy()
    row = np.arange(len(kwh))
    day = rng.integers(WIDTH - CYCLE, WIDTH - 1, len(kwh))
    kwh[row, day] += np.maximum(3 * np.nan_to_num(row_median(kwh)), 15.0)
    return kwh


CHANGES = {
    "×1.5": changed(1.5, 0, CYCLE), "×2": changed(2, 0, CYCLE), "×3": changed(3, 0, CYCLE),
    "×0.5": changed(0.5, 0, CYCLE), "+6 kWh/d": changed(1, 6, CYCLE), "+0.2 kW": changed(1, 4.8, CYCLE),
    "half cycle ×2": changed(2, 0, CYCLE // 2), "one day": one_day,
}  # fmt: skip


def windows(daily_kwh: Floats) -> tuple[list[Floats], list[Floats]]:
    """Windows `[homes, WIDTH]` with half of the days measured on both sides, and the course of the cohort."""
    kept, courses = [], []
    for end in range(WIDTH, daily_kwh.shape[1] + 1, STEP_DAYS):
        kwh = daily_kwh[:, end - WIDTH : end]
        log = np.log(kwh + OFFSET_KWH)
        deviation = log - row_median(log)[:, None]
        known = np.isfinite(kwh)
        enough = (known[:, : SPLIT.split].sum(axis=1) >= SPLIT.split / 2) & (
            known[:, SPLIT.split :].sum(axis=1) >= CYCLE / 2
        )
        kept.append(kwh[enough])
        courses.append(row_median(deviation.T))
    return kept, courses


def score(kwh: Floats, course: Floats) -> Scores:
    """Every method's score of every window, higher for more suspect."""
    cohort = np.broadcast_to(course, kwh.shape)
    found = levels(kwh, cohort, SPLIT, log_offset_kwh=OFFSET_KWH)
    none = np.empty(0, np.int64)
    sure = evidence(kwh, cohort, SPLIT, SCALE, min_gain=np.inf, candidates=none)
    agrees = np.sign(sure.change_log) == np.sign(found.change)
    change = np.nan_to_num(np.abs(found.change))
    gain = np.where(agrees, sure.gain, 0.0)
    large = (change >= J01["min_change_kwh_per_day"]) & (
        np.abs(np.log(found.ratio)) >= np.log(J01["min_ratio"])
    )
    return {
        "J01: likelihood × |Δ kWh/d|": gain * change,
        "J01: likelihood alone": gain,
        "J01 as it fires": np.where(large, gain, 0.0),
        **plain_methods(kwh, course),
    }


def plain_methods(kwh: Floats, course: Floats) -> Scores:
    """Month on month, robust z, CUSUM and the largest single day: what a utility would write first."""
    current, before = _mean(kwh[:, -CYCLE:]), _mean(kwh[:, -2 * CYCLE : -CYCLE])
    month_on_month = np.log((current + OFFSET_KWH) / (before + OFFSET_KWH))
    peers = course[-CYCLE:].mean() - course[-2 * CYCLE : -CYCLE].mean()
    found = residuals(
        kwh, np.broadcast_to(course, kwh.shape), SPLIT.split,
        log_offset_kwh=OFFSET_KWH, fleet_log_sigma=J01["fleet_log_sigma"],
    )  # fmt: skip
    z = found.residual[:, -CYCLE:]
    return {
        "month on month": np.abs(month_on_month),
        "month on month − peers": np.abs(month_on_month - peers),
        "robust z of the cycle": np.nan_to_num(np.abs(row_median(z))),
        "CUSUM": _cusum(np.nan_to_num(z)),
        "largest daily z": np.nan_to_num(np.abs(z)).max(axis=1),
    }


def _mean(kwh: Floats) -> Floats:
    known = np.isfinite(kwh)
    return np.asarray(np.where(known, kwh, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


def _cusum(z: Floats) -> Floats:
    up, down, highest = np.zeros(len(z)), np.zeros(len(z)), np.zeros(len(z))
    for day in range(z.shape[1]):
        up = np.maximum(up + z[:, day] - CUSUM_SLACK, 0)
        down = np.maximum(down - z[:, day] - CUSUM_SLACK, 0)
        highest = np.maximum(highest, np.maximum(up, down))
    return highest


def average_precision(untouched: Floats, by_change: list[Floats], rng: np.random.Generator) -> float:
    """Average precision with CHANGED_SHARE of the windows changed."""
    count = len(untouched)
    is_changed = rng.random(count) < CHANGED_SHARE
    kind = rng.integers(0, len(by_change), count)
    mixed = np.where(is_changed, np.stack(by_change)[kind, np.arange(count)], untouched)
    hits = is_changed[np.argsort(-mixed, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, count + 1))[hits].mean())


def pooled(kept: list[Floats], courses: list[Floats], change: Callable[..., Floats] | None) -> Scores:
    """Scores of all windows, with a change or untouched."""
    rng = np.random.default_rng(1)
    scores = [
        score(kwh if change is None else change(kwh, rng), course)
        for kwh, course in zip(kept, courses, strict=True)
    ]
    return {name: np.concatenate([one[name] for one in scores]) for name in scores[0]}


def main() -> None:
    """Print the table and the rate at which J01 fires."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--homes", type=Path, help="Parquet with meter_id, ts, kwh (default: the bundled sample)"
    )
    arguments = parser.parse_args()
    homes = load_homes(arguments.homes) if arguments.homes else load_sample()
    kept, courses = windows(homes.daily_kwh)
    untouched = pooled(kept, courses, None)
    changes = {name: pooled(kept, courses, change) for name, change in CHANGES.items()}
    print(f"{sum(map(len, kept))} windows of {len(homes.home_ids)} homes; recall at 5 % false alarms")
    print(f"{'':28}{'AP':>6}" + "".join(f"{name:>15}" for name in CHANGES))
    for name, plain in untouched.items():
        limit = np.quantile(plain, 1 - FALSE_ALARMS)
        rng = np.random.default_rng(3)
        precision = np.mean(
            [average_precision(plain, [one[name] for one in changes.values()], rng) for _ in range(6)]
        )
        recall = "".join(f"{(one[name] > limit).mean():15.2f}" for one in changes.values())
        print(f"{name:28}{precision:6.2f}{recall}")
    print(f"{'goal':28}{'':6}" + "".join(f"{GOALS.get(name, ''):>15}" for name in CHANGES))
    fires = {name: (one["J01 as it fires"] >= J01["min_gain"]).mean() for name, one in changes.items()}
    rate = (untouched["J01 as it fires"] >= J01["min_gain"]).mean()
    floors = f"{J01['min_gain']} nat, ×{J01['min_ratio']}, {J01['min_change_kwh_per_day']} kWh/d"
    told = ", ".join(f"{name} {share:.2f}" for name, share in fires.items())
    print(f"\nJ01 at its limits ({floors})")
    print(f"  untouched: {1000 * rate:.0f} of 1,000 windows; changed: {told}")


if __name__ == "__main__":
    main()
