"""How often a month of untouched homes falls into the band that `kwhy cycle` expects.

Run with `python -m benchmarks.cycles [--homes FILE.parquet]`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from anomaly.baseline import log_use
from anomaly.cycle_expectation import cycle_expectation
from anomaly.statistics import row_median
from pipelines.sample import load_homes, load_sample
from rules.rulebook import load

STEP_DAYS = 7
LENGTHS = (28, 30, 31, 61)


def main() -> None:
    """Print, per length of the cycle, the share of cycles within, below and above the band, and its width."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=Path, help="homes to use instead of the bundled sample")
    path = parser.parse_args().homes
    kwh = (load_homes(path) if path else load_sample()).daily_kwh
    number = load().setting
    deviation = log_use(kwh, number("log_offset_kwh"))
    deviation = deviation - row_median(deviation)[:, None]
    cohort = np.broadcast_to(np.nan_to_num(row_median(deviation.T.copy())), kwh.shape)
    print(f"{len(kwh)} homes, {kwh.shape[1]} days; the band is meant to hold 0.90")
    print("days  cycles  within  below  above  half width (log)")
    for length in LENGTHS:
        inside = []
        for end in range(kwh.shape[1], 4 * length, -STEP_DAYS):
            low_day = np.full(len(kwh), end - length)
            found = cycle_expectation(
                kwh, cohort, low_day, low_day + length, np.full(len(kwh), -1),
                least_share=number("why_least_share"), log_offset_kwh=number("log_offset_kwh"),
                fleet_log_sigma=number("cycle_fleet_log_sigma"), fleet_cycles=number("cycle_fleet_cycles"),
                band_sigmas=number("cycle_band_sigmas"),
            )  # fmt: skip
            whole = (found.measured_days == length) & (found.earlier >= 2)
            inside.append(np.stack([found.kwh, found.low_kwh, found.expected_kwh, found.high_kwh], axis=1)[whole])
        used, low, middle, high = np.concatenate(inside).T
        below, above = (used < low).mean(), (used > high).mean()
        width = np.median(np.log((high + 1) / (middle + 1)))
        print(f"{length:4d}  {len(used):6d}  {1 - below - above:6.3f}  {below:5.3f}  {above:5.3f}  {width:5.2f}")


if __name__ == "__main__":
    main()
