"""What a scan costs, as multiples of merely reading the same file.

    python -m benchmarks.speed [--accounts 1000000] [--days 60] [--workdir DIR] [--repeats 3]

Makes a book of daily register reads (text ids, sorted by meter, 1.5 % missing, areas of 200, boxes of 12; one
in a hundred homes changes its level, one in a thousand is misread), and a second one of a quarter of the size
to see whether memory is flat. Then, each in a fresh process and in the same run: a bare Polars scan that
aggregates every column, `kwhy scan` to its written output, and DuckDB and pandas doing a small part of the
work (differences, backward steps, 28-day median and MAD z) on fewer accounts, scaled by rate. Peak memory is
the process's own (RssAnon) and everything mapped (VmHWM), sampled every 20 ms.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).parents[1]
FIRST_DAY = np.datetime64("2026-01-01")
CHUNK_ACCOUNTS = 50_000
AREA_ACCOUNTS, BOX_ACCOUNTS = 200, 12
MISSING_SHARE, CHANGED_SHARE, MISREAD_SHARE = 0.015, 0.01, 0.001
SAMPLE_SECONDS = 0.02
PEER_ACCOUNTS = {"DuckDB SQL windows": 100_000, "pandas groupby": 20_000}
WORKERS = 2
"""Of `kwhy scan`, by default."""

GOALS = {"register detectors": 8, "all detectors": 25, "kwhy scan": 40}

BARE_SCAN = """
import sys, polars as pl
pl.scan_parquet(sys.argv[1]).select(
    pl.len(), pl.col("meter_id").str.len_bytes().sum(), pl.col("read_at").max(), pl.col("register_kwh").sum()
).collect(engine="streaming")
"""
DUCKDB = """
import sys, duckdb
duckdb.sql("SET threads=2")
duckdb.sql(f'''
WITH reads AS (SELECT * FROM read_parquet('{sys.argv[1]}') WHERE meter_id < '{sys.argv[2]}'),
steps AS (SELECT *, register_kwh - lag(register_kwh) OVER w AS kwh FROM reads
          WINDOW w AS (PARTITION BY meter_id ORDER BY read_at)),
centre AS (SELECT *, median(kwh) OVER v AS middle FROM steps
           WINDOW v AS (PARTITION BY meter_id ORDER BY read_at ROWS BETWEEN 27 PRECEDING AND CURRENT ROW)),
spread AS (SELECT *, median(abs(kwh - middle)) OVER v AS mad FROM centre
           WINDOW v AS (PARTITION BY meter_id ORDER BY read_at ROWS BETWEEN 27 PRECEDING AND CURRENT ROW))
SELECT count(*) FILTER (kwh < 0), count(*) FILTER (abs(kwh - middle) > 8 * 1.4826 * mad) FROM spread
''').fetchall()
"""
PANDAS = """
import sys, pandas as pd
reads = pd.read_parquet(sys.argv[1], filters=[("meter_id", "<", sys.argv[2])])
def judge(meter):
    kwh = meter["register_kwh"].diff()
    middle = kwh.rolling(28, min_periods=7).median()
    mad = (kwh - middle).abs().rolling(28, min_periods=7).median()
    return pd.Series({"back": (kwh < 0).sum(), "far": ((kwh - middle).abs() > 8 * 1.4826 * mad).sum()})
reads.groupby("meter_id", sort=False).apply(judge)
"""


@dataclass(frozen=True)
class Ran:
    """One finished process: wall seconds, and its peak memory in MB (own pages; everything mapped)."""

    seconds: float
    own_mb: float
    mapped_mb: float


def make_book(folder: Path, accounts: int, days: int) -> None:
    """Write a book of `accounts` homes × `days` daily reads, in chunks; equal arguments, equal book."""
    (folder / "register_reads").mkdir(parents=True)
    names = []
    for first in range(0, accounts, CHUNK_ACCOUNTS):
        rng = np.random.default_rng([20, 26, first])
        number = np.arange(first, min(first + CHUNK_ACCOUNTS, accounts))
        reads = _reads(number, days, rng)
        reads.write_parquet(folder / "register_reads" / f"part-{first:09d}.parquet")
        names.append(_names(number))
    homes = pl.concat(names)
    homes.select("meter_id", "account_id", "area_id", installed_on=pl.lit(dt.date(2020, 1, 1))).write_parquet(
        folder / "installations.parquet"
    )
    homes.select(
        "account_id",
        "area_id",
        "box_id",
        customer_class=pl.lit("residential"),
        read_frequency=pl.lit("daily"),
    ).write_parquet(folder / "accounts.parquet")


def _names(number: np.ndarray) -> pl.DataFrame:
    def text(prefix: str, values: np.ndarray, width: int) -> pl.Series:
        return prefix + pl.Series(values).cast(pl.String).str.zfill(width)

    return pl.DataFrame(
        {
            "meter_id": text("3340", number, 12),
            "account_id": text("0690", number, 9),
            "area_id": text("A", number // AREA_ACCOUNTS, 6),
            "box_id": text("B", number // BOX_ACCOUNTS, 7),
        }
    )


def _reads(number: np.ndarray, days: int, rng: np.random.Generator) -> pl.DataFrame:
    """Daily reads of some homes: level, weekday pattern, day-to-day noise, a few changes and errors."""
    shape = (len(number), days)
    week = np.where(np.arange(days) % 7 < 2, 1.2, 1.0)
    kwh = rng.lognormal(2.0, 0.6, (len(number), 1)) * week * rng.lognormal(0, 0.25, shape)
    kwh[rng.random(len(number)) < CHANGED_SHARE, days - 25 :] *= 2.5
    register = np.round(rng.uniform(100, 60_000, (len(number), 1)) + np.cumsum(kwh, axis=1), 2)
    misread = np.flatnonzero(rng.random(len(number)) < MISREAD_SHARE)
    register[misread, rng.integers(1, days - 1, len(misread))] += 1000
    kept = (rng.random(shape) >= MISSING_SHARE).reshape(-1)
    day = np.tile((FIRST_DAY + np.arange(days)).astype("datetime64[us]"), len(number))
    home = np.repeat(np.arange(len(number)), days)
    meters = _names(number)["meter_id"]
    return pl.DataFrame(
        {"meter_id": meters[home[kept]], "read_at": day[kept], "register_kwh": register.reshape(-1)[kept]}
    )


def run(command: list[str]) -> Ran:
    """Run a command in a fresh process and sample its memory.

    Raises RuntimeError with the end of its stderr when it fails.
    """
    begun = time.perf_counter()
    own = mapped = 0.0
    with tempfile.TemporaryFile("w+") as complaint:
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=complaint)
        while child.poll() is None:
            for name, kilobytes in _memory(child.pid):
                own = max(own, kilobytes) if name == "RssAnon" else own
                mapped = max(mapped, kilobytes) if name == "VmHWM" else mapped
            time.sleep(SAMPLE_SECONDS)
        seconds = time.perf_counter() - begun
        if child.returncode:
            complaint.seek(0)
            raise RuntimeError(f"{command[:4]} ended with {child.returncode}: {complaint.read()[-2000:]}")
    return Ran(seconds, own / 1024, mapped / 1024)


def _memory(pid: int) -> Iterator[tuple[str, float]]:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name in ("RssAnon", "VmHWM"):
            yield name, float(value.split()[0])


def python(code: str, *arguments: str) -> list[str]:
    """The command that runs a piece of code."""
    return [sys.executable, "-c", code, *arguments]


def scan_command(book: Path, out: Path, days: int) -> list[str]:
    """`kwhy scan`, as a user would call it."""
    as_of = str(FIRST_DAY + days - 1)
    return [sys.executable, "-m", "cli", "scan", str(book), "--as-of", as_of, "--out", str(out)]


def measure(folder: Path, accounts: int, days: int, repeats: int) -> tuple[float, Ran]:
    """Median seconds of the bare scan and the fastest of `repeats` scans, interleaved; prints the stages."""
    book, out = folder / f"book-{accounts}-{days}", folder / f"out-{accounts}-{days}"
    if not book.exists():
        make_book(book, accounts, days)
    reads = str(book / "register_reads" / "*.parquet")
    start = run(python("import polars")).seconds
    bare, scans = [], []
    for _ in range(repeats):
        bare.append(run(python(BARE_SCAN, reads)).seconds - start)
        scans.append(run(scan_command(book, out, days)))
    unit = statistics.median(bare)
    best = min(scans, key=lambda one: one.seconds)
    print(f"\n{accounts:,} accounts × {days} days; bare scan {unit:.2f} s ({min(bare):.2f}–{max(bare):.2f})")
    _tell(json.loads((out / "run.json").read_text(encoding="utf-8")), unit)
    others = ", ".join(f"{one.seconds:.1f}" for one in scans)
    whole = f"{best.seconds:8.2f} s {best.seconds / unit:7.1f} ×   (all runs: {others})"
    print(f"  {'kwhy scan, whole process':34}{whole}")
    print(f"  {'peak memory':34}{best.own_mb:8.0f} MB own, {best.mapped_mb:.0f} MB with mapped files")
    return unit, best


def _tell(record: dict[str, dict[str, float]], unit: float) -> None:
    """Seconds per stage and of the detectors, from run.json.

    Detector seconds are summed there over the workers, who run side by side like the bare scan's threads: a
    worker's share is what the rules take of the clock.
    """
    for name, seconds in record["seconds"].items():
        print(f"  {name:34}{seconds:8.2f} s {seconds / unit:7.1f} ×")
    spent = {code: seconds / WORKERS for code, seconds in record["detector_seconds"].items()}
    jumps = sum(seconds for code, seconds in spent.items() if code.startswith("J"))
    for name, seconds in (
        ("register detectors", sum(spent.values()) - jumps),
        ("all detectors", sum(spent.values())),
    ):
        print(f"  {name:34}{seconds:8.2f} s {seconds / unit:7.1f} ×   goal {GOALS[name]} ×")
    dearest = sorted(spent.items(), key=lambda one: -one[1])[:6]
    print("  dearest detectors: " + ", ".join(f"{code} {seconds:.2f} s" for code, seconds in dearest))


def peers(folder: Path, accounts: int, days: int, unit: float) -> None:
    """DuckDB and pandas on a part of the accounts, their seconds scaled to all."""
    reads = str(folder / f"book-{accounts}-{days}" / "register_reads" / "*.parquet")
    first_file = str(folder / f"book-{accounts}-{days}" / "register_reads" / "part-000000000.parquet")
    print("\nthe obvious version of a part: differences, backward steps, 28-day median and MAD z")
    for (name, most), code in zip(PEER_ACCOUNTS.items(), (DUCKDB, PANDAS), strict=True):
        count = min(most, accounts)
        before = _names(np.array([count]))["meter_id"][0]
        ran = run(python(code, reads if code is DUCKDB else first_file, before))
        scaled = ran.seconds * accounts / count
        print(
            f"  {name:34}{scaled:8.1f} s {scaled / unit:7.0f} ×   "
            f"({ran.seconds:.1f} s for {count:,} accounts, {ran.own_mb:.0f} MB)"
        )


def main() -> None:
    """Measure a quarter of the accounts, then all of them, then the peers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--workdir", type=Path, help="kept and used again (default: a temporary folder)")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kwhy-speed-") as scratch:
        folder = arguments.workdir or Path(scratch)
        small, large = arguments.accounts // 4, arguments.accounts
        _, at_quarter = measure(folder, small, arguments.days, arguments.repeats)
        unit, at_all = measure(folder, large, arguments.days, arguments.repeats)
        print(f"\nmemory of four times the accounts: ×{at_all.own_mb / at_quarter.own_mb:.2f}")
        print(f"whole scan: {at_all.seconds / unit:.1f} × the bare scan, goal {GOALS['kwhy scan']} ×")
        peers(folder, large, arguments.days, unit)


if __name__ == "__main__":
    main()
