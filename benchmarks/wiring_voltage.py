"""Power of voltage to find meters filed under another area, box or phase, on a simulated network.

    python -m benchmarks.wiring_voltage --network FILE [--seeds N] [--cost]

FILE has `meter_id, ts, v_pu`, and FILE with `_truth` in place of `_meters_14d` has `meter_id, transformer, lv_feeder,
phase` (A, B, C or 1, 2, 3). Voltages get 0.5 V of noise, are rounded to 0.1 V, taken once an hour, and one sample in
twenty is dropped. Without a network, or with --cost, time and memory of a made-up fleet are measured.

Areas: one meter in fifty of areas of ten or more is filed under another such area. Boxes are made from the network:
"cabinet" is four meters on each phase at one point, three phases taken from next-door homes; "street" is twelve homes
in a row filed as a box, each at its own place on the cable, which the rule has to notice and leave alone. One pair per
area is exchanged. The phase is told against the three phases of the homes next to the transformer, as the supply meter.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.area_follow import Follow, follow_areas
from anomaly.area_voltages import area_references, near_areas
from anomaly.box_follow import Across, exchanged_boxes
from anomaly.hourly import AreaVoltages, HourlyElectrical
from anomaly.phases import followed_phase
from rules.rulebook import load

RULES = load()
USUAL_V, NOISE_V, ROUNDED_V, MISSING = 230.0, 0.5, 1, 0.05
LEAST_METERS = 10
WRONG_SHARE = 0.02
BOX_HOMES, ON_PHASE, STREET_HOMES = 6, 4, 12
DAYS = (1, 3, 7, 14)
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Network:
    """Hourly volts `[meters, H]` without noise, and where each meter hangs; meters in order along their feeder."""

    voltage_v: Floats
    area: Integers
    feeder: Integers
    phase: Integers

    def take(self, rows: Integers) -> Network:
        """Some of the meters."""
        return Network(self.voltage_v[rows], self.area[rows], self.feeder[rows], self.phase[rows])


def read_network(file: Path) -> Network:
    """The network of a published file; three-phase homes are left out."""
    truth = pl.read_parquet(file.with_name(file.name.replace("_meters_14d", "_truth")))
    phases = {"1": 0, "2": 1, "3": 2, "A": 0, "B": 1, "C": 2}
    home = pl.col("meter_id").str.extract(r"(\d+)$").cast(pl.Int64)
    single = truth.filter(pl.col("phase").is_in(list(phases))).sort("transformer", "lv_feeder", home, "meter_id")
    volts = pl.read_parquet(file).sort("meter_id", "ts")
    hours = volts.filter(pl.col("ts").dt.minute() == 0)
    grouped = hours.group_by("meter_id", maintain_order=True).agg("v_pu")
    joined = single.join(grouped, on="meter_id", maintain_order="left")
    return Network(
        np.array(joined["v_pu"].to_list()) * USUAL_V,
        joined["transformer"].rank("dense").to_numpy().astype(np.int64) - 1,
        joined["lv_feeder"].rank("dense").to_numpy().astype(np.int64) - 1,
        joined["phase"].replace_strict(phases, return_dtype=pl.Int64).to_numpy(),
    )


def noisy(volts: Floats, rng: np.random.Generator) -> NDArray[np.float32]:
    """Volts as meters report them."""
    read = np.round(volts + rng.normal(0, NOISE_V, volts.shape), ROUNDED_V)
    read[rng.random(read.shape) < MISSING] = np.nan
    return read.astype(np.float32)


def filed(volts: NDArray[np.float32], area: Integers, phase: Integers) -> HourlyElectrical:
    """The meters as the file has them, with what the program makes of their areas."""
    count = int(area.max()) + 1
    told = phase.astype(np.int8)
    share = RULES.setting("phase_told_share")
    group, reference, members = area_references(volts, area, told, count, told_share=share)
    near = near_areas(reference, members, most=int(RULES.setting("near_areas")))
    none = np.full((count,), -1, np.int64)
    areas = AreaVoltages(
        np.arange(count).astype(str).astype(object), reference, members, near, np.empty((0, 2), np.int64), none,
        np.empty((0, 3, volts.shape[1]), np.float32),
    )  # fmt: skip
    empty = np.empty((len(area), 0), np.float32)
    return HourlyElectrical(
        np.arange(len(area)), np.datetime64("2026-01-01", "h"), volts, empty, empty, told, np.zeros(len(area), bool),
        group, area, areas,
    )  # fmt: skip


def areas_row(network: Network, days: int, seeds: int, phase_on_file: bool) -> str:
    """Wrong areas found, the right one named, right meters accused."""
    limits = RULES.detectors["X14"].limit_values()
    follow = Follow(*(limits[name] for name in ("least_meters", "least_hours", "areas_per_common", "most_commons")))
    large = np.flatnonzero(np.bincount(network.area) >= LEAST_METERS)
    wrong_of, found, named, judged, accused = 0, 0, 0, 0, 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        movable = np.flatnonzero(np.isin(network.area, large))
        wrong = rng.choice(movable, int(WRONG_SHARE * len(movable)), replace=False)
        area = network.area.copy()
        step = rng.integers(1, len(large), len(wrong))
        area[wrong] = large[(np.searchsorted(large, network.area[wrong]) + step) % len(large)]
        volts = noisy(network.voltage_v[:, : days * 24], rng)
        phase = network.phase if phase_on_file else np.full(len(area), -1)
        told = follow_areas(filed(volts, area, phase), follow)
        with np.errstate(invalid="ignore"):
            fires = told.new_z - told.file_z > limits["standard_errors"] * told.error
            fires &= (told.half_margin > limits["half_standard_errors"] * told.half_error).all(axis=1)
        is_wrong = np.isin(np.arange(len(area)), wrong)
        wrong_of, found = wrong_of + len(wrong), found + int(fires[wrong].sum())
        named += int((fires & is_wrong & (told.new_area == network.area)).sum())
        judged += int((np.isfinite(told.file_z) & ~is_wrong).sum())
        accused += int((fires & ~is_wrong).sum())
    return f"{found / wrong_of:10.2f}{named / max(found, 1):12.2f}{accused:10d} of {judged}"


def cabinets(network: Network) -> tuple[Network, Integers]:
    """Boxes of three phases at one point, four meters on each."""
    rows, box = [], []
    for feeder in np.unique(network.feeder):
        homes = np.flatnonzero(network.feeder == feeder)
        for first in range(0, len(homes) - BOX_HOMES + 1, BOX_HOMES):
            near = homes[first : first + BOX_HOMES]
            chosen = [near[network.phase[near] == live][:1] for live in range(3)]
            meters = np.repeat(np.concatenate(chosen), ON_PHASE)
            rows.append(meters)
            box.append(np.full(len(meters), near[0]))
    return network.take(np.concatenate(rows)), np.concatenate(box)


def streets(network: Network) -> tuple[Network, Integers]:
    """Twelve homes in a row filed as one box."""
    order = np.arange(len(network.feeder))
    start = np.searchsorted(network.feeder, network.feeder)
    return network, start * 1000 + (order - start) // STREET_HOMES


def boxes_row(network: Network, box: Integers, days: int, seeds: int) -> str:
    """Exchanges across boxes found, and pairs told that were not exchanged."""
    limits = Across(*RULES.detectors["X13"].limit_values().values())
    planted, found, false = 0, 0, 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        told, pairs = box.copy(), set()
        for area in np.unique(network.area):
            here = np.flatnonzero(network.area == area)
            one = int(rng.choice(here))
            others = here[box[here] != box[one]]
            if len(others):
                other = int(rng.choice(others))
                told[[one, other]] = told[[other, one]]
                pairs.add((min(one, other), max(one, other)))
        hourly = filed(noisy(network.voltage_v[:, : days * 24], rng), network.area, network.phase)
        seen = exchanged_boxes(hourly, told.astype(str).astype(object), limits)
        got = set(zip(seen.row.tolist(), seen.other.tolist(), strict=True))
        planted, found, false = planted + len(pairs), found + len(got & pairs), false + len(got - pairs)
    return f"{found / planted:10.2f}{false:12d} of {seeds * len(box)} meters"


def phases_row(network: Network, days: int) -> str:
    """Phases told, and told rightly, against the homes of each phase next to the transformer."""
    rng = np.random.default_rng(0)
    volts = noisy(network.voltage_v[:, : days * 24], rng)
    hourly = filed(volts, network.area, network.phase)
    highest = np.lexsort((-network.voltage_v.mean(axis=1), network.phase, network.area))
    key = network.area[highest] * 3 + network.phase[highest]
    _, first = np.unique(key, return_index=True)
    nearest, cell = highest[first], key[first]
    whole = np.flatnonzero(np.bincount(cell // 3) == 3)
    supply = np.full(int(network.area.max()) + 1, -1)
    supply[whole] = np.arange(len(whole))
    live = volts[nearest[np.isin(cell // 3, whole)]].reshape(len(whole), 3, -1)
    areas = replace(hourly.areas, supply=supply, supply_v=live)
    rows = np.setdiff1d(np.flatnonzero(np.isin(network.area, whole)), nearest)
    known = replace(hourly, areas=areas)
    firm = followed_phase(known, rows, network.area[rows], least_hours=12, errors=3.0)
    any_lead = followed_phase(known, rows, network.area[rows], least_hours=12, errors=0.0)
    right = network.phase[rows]
    told = firm >= 0
    return (
        f"{(any_lead == right).mean():14.2f}{told.mean():12.2f}{(firm[told] == right[told]).mean():10.2f}"
        f"{len(rows):10d}"
    )


def cost(meters: int, days: int) -> None:
    """Processor seconds and memory of X14 and X13 for a made-up fleet of areas of 200 meters, scaled to 100,000."""
    rng = np.random.default_rng(0)
    volts = (USUAL_V + rng.normal(0, 1, (meters, days * 24))).astype(np.float32)
    area, phase = np.arange(meters) // 200, np.arange(meters) % 3
    begun = time.process_time()
    hourly = filed(volts, area, phase)
    laid = time.process_time() - begun
    begun = time.process_time()
    follow_areas(hourly, Follow(3, 48, 4, 3))
    followed = time.process_time() - begun
    begun = time.process_time()
    box = (np.arange(meters) // 12).astype(str).astype(object)
    exchanged_boxes(hourly, box, Across(15.0, 4.0, 1.0, 48, 10.0, 0.08, 4, 2))
    boxed = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    scale = 100_000 / meters
    click.echo(
        f"{meters} meters, {days} days: areas laid out in {laid:.1f} processor seconds, X14 {followed:.1f}, X13"
        f" {boxed:.1f}, peak {peak:.0f} MB\n100,000 meters: {laid * scale:.0f} s, {followed * scale:.0f} s,"
        f" {boxed * scale:.0f} s; {100_000 * days * 24 * 4 / 1e6:.0f} MB on scratch for each quantity"
    )


@click.command(help=__doc__)
@click.option("--network", "file", type=click.Path(path_type=Path), help="Parquet with meter_id, ts, v_pu.")
@click.option("--seeds", default=3, show_default=True, help="Draws of noise and of what is filed wrongly.")
@click.option("--cost", "measure", is_flag=True, help="Measure time and memory.")
def main(file: Path | None, seeds: int, measure: bool) -> None:
    """Print the tables."""
    if measure or file is None:
        cost(4_000, 60)
    if file is None:
        return
    network = read_network(file)
    days = [one for one in DAYS if one * 24 <= network.voltage_v.shape[1]]
    click.echo(f"{len(network.area)} meters, {int(network.area.max()) + 1} areas, {NOISE_V} V noise, hourly snapshots")
    click.echo(f"\n{'X14 area':22}{'days':>5}{'found':>10}{'right area':>12}{'right ones accused':>22}")
    for name, on_file in (("phases on file", True), ("no phases", False)):
        for one in days:
            click.echo(f"{name:22}{one:5d}{areas_row(network, one, seeds, on_file)}")
    click.echo(f"\n{'X13 across boxes':22}{'days':>5}{'found':>10}{'false pairs':>12}")
    for name, (made, box) in (("cabinet", cabinets(network)), ("street", streets(network))):
        for one in days:
            click.echo(f"{name:22}{one:5d}{boxes_row(made, box, one, seeds)}")
    click.echo(f"\n{'phase':22}{'days':>5}{'first right':>14}{'told':>12}{'right':>10}{'meters':>10}")
    for one in days:
        click.echo(f"{'':22}{one:5d}{phases_row(network, one)}")


if __name__ == "__main__":
    main()
