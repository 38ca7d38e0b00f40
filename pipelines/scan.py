"""The daily scan: a book, a day and the rulebook in; a folder of findings, cases, tasks and coverage out."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.cohort import cohort_log
from anomaly.findings import SCHEMA as FINDING_SCHEMA
from anomaly.registry import load_all
from anomaly.tasks import make_tasks
from pipelines.balance import area_balance
from pipelines.book import Book, open_book
from pipelines.book_rows import no_quarantine
from pipelines.casework import make_cases
from pipelines.cohorts import cohort_medians
from pipelines.coverage import coverage_table, lacking_tables
from pipelines.cycle import CycleWanted, check_cycle, cycle_table
from pipelines.detect import Rules, SliceResult, detect
from pipelines.drift import fleet_drift
from pipelines.fleet import Fleet
from pipelines.output import OUTPUT_VERSION
from pipelines.panels import Source, panel_of
from pipelines.ranking import disconnections
from pipelines.rebill import rebill_table
from pipelines.series import SERIES, series_of
from pipelines.source import dated, read_source
from pipelines.tally import Tally
from pipelines.why import with_why
from pipelines.writing import locked, replaced, write_table
from rules.model import Rulebook
from rules.planning import task_plan
from rules.rulebook import load

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Scanned:
    """What a scan left behind: its folder, run.json as a mapping, and the counts people ask for first."""

    folder: Path
    run: dict[str, Any]


@dataclass
class _Clock:
    """Seconds per stage, for run.json; no result depends on them."""

    seconds: dict[str, float] = field(default_factory=dict)
    progress: Progress | None = None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        if self.progress is not None:
            self.progress(name, 0.0)
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun

    def step(self, name: str, share: float) -> None:
        if self.progress is not None:
            self.progress(name, share)


def scan(
    book_path: Path,
    as_of: dt.date,
    out: Path,
    *,
    overlays: tuple[Path, ...] = (),
    workers: int = 2,
    cycle: CycleWanted | None = None,
    progress: Progress | None = None,
) -> Scanned:
    """Scan a book as it was known on `as_of` and write the output folder `out` whole, or not at all.

    With `cycle`, the folder also holds cycle.parquet: the decision about every account of that billing cycle.
    Raises BookError where the input breaks the contract, RulebookError for a bad rulebook, LockedError when
    another run writes the same folder. Bad rows are no error: they are in quarantine.parquet with a reason.
    """
    clock = _Clock(progress=progress)
    detectors = load_all()
    rulebook = load(*overlays, registry={code: set(one.parameters) for code, one in detectors.items()})
    with locked(out), tempfile.TemporaryDirectory(prefix="kwhy-") as scratch:
        with clock.stage("read"):
            book = open_book(book_path)
            if cycle:
                check_cycle(cycle, book.frame("accounts"))
            tally = Tally()
            source = read_source(book, rulebook, as_of, tally, Path(scratch))
            lacking = lacking_tables(tally.seen(), rulebook, curves=source.has_curves())
            rules = Rules(rulebook, detectors, lacking)
        with clock.stage("detect"):
            medians = cohort_medians(source, rulebook)
        results = _all_slices(source, rules, medians, workers, clock)
        with clock.stage("cases"):
            run = _run_record(book, rulebook, as_of, tally)
            tables = _tables(book, source, results, rules, medians, as_of, cycle)
            tables["quarantine"] = _quarantine(tally)
            run["counts"] = _counts(tally, source.fleet, tables)
            if cycle:
                run["cycle"] = {"cycle_id": cycle.cycle_id, "end": cycle.end.isoformat()}
        with clock.stage("write"), replaced(out) as folder:
            stamp = [pl.lit(rulebook.version).alias("rulebook_version"), pl.lit(run["run_id"]).alias("run_id")]
            tables["findings"] = tables["findings"].with_columns(stamp)
            for name, table in tables.items():
                write_table(table, folder / f"{name}.parquet")
            run["seconds"] = {name: round(spent, 3) for name, spent in clock.seconds.items()}
            run["detector_seconds"] = _detector_seconds(results)
            (folder / "run.json").write_text(json.dumps(run, ensure_ascii=False, indent=1), encoding="utf-8")
    return Scanned(out, run)


def _all_slices(
    source: Source, rules: Rules, medians: NDArray[np.float64], workers: int, clock: _Clock
) -> list[SliceResult]:
    """Every slice through every rule; results come back in slice order whatever the workers do."""
    slices = source.slices()
    with clock.stage("detect"):
        drift = fleet_drift(source, rules.rulebook) if "X01" not in rules.lacking else {}
        balance = area_balance(source, rules.rulebook)

        def one(positions: NDArray[np.int64]) -> SliceResult:
            panel = panel_of(source, positions)
            panel = replace(panel, cohort_log=cohort_log(panel, medians), fleet_drift=drift, balance=balance)
            return detect(panel, rules)

        results = []
        with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
            for number, result in enumerate(pool.map(one, slices), start=1):
                results.append(result)
                clock.step("detect", number / len(slices))
    return results


def _tables(
    book: Book, source: Source, results: list[SliceResult], rules: Rules, medians: NDArray[np.float64], as_of: dt.date,
    cycle: CycleWanted | None,
) -> dict[str, pl.DataFrame]:  # fmt: skip
    """What the output folder holds, by name, from the findings of all slices."""
    rulebook, positions = rules.rulebook, source.fleet.positions
    weather, outcomes = book.frame("weather"), dated(book.frame("outcomes"), "decided_on", as_of)
    findings = pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *(one.findings for one in results)])
    coverage = coverage_table(results, rules, positions)
    cut = disconnections(source.fleet.installations, source.events)
    work = make_cases(findings, positions, coverage, source.tickets, cut, outcomes, rulebook, as_of)
    cases = with_why(work.cases, source, medians, weather, rulebook)
    series = _series(results, work.findings, source, weather)
    tables = {
        "findings": work.findings,
        "cases": cases,
        "tasks": make_tasks(work.cases, task_plan(rulebook), as_of, work.load_tests),
        "coverage": coverage,
        "series": series,
        "rebills": rebill_table(work.cases, work.findings, series, positions, rulebook, as_of),
    }
    if cycle:
        accounts, bills = book.frame("accounts"), book.frame("bills")
        tables["cycle"] = cycle_table(cycle, accounts, bills, work.findings, cases, source, medians, rulebook)
    return tables


def _run_record(book: Book, rulebook: Rulebook, as_of: dt.date, tally: Tally) -> dict[str, Any]:
    """run.json without counts: what went in and under which rules; the run id hashes exactly that."""
    program = _program_version()
    input_hash = tally.input_hash()
    key = "|".join((input_hash, rulebook.version, as_of.isoformat(), program))
    return {
        "output_version": OUTPUT_VERSION,
        "run_id": hashlib.sha256(key.encode()).hexdigest()[:16],
        "as_of": as_of.isoformat(),
        "book": str(book.path.resolve()),
        "input_hash": input_hash,
        "rulebook_version": rulebook.version,
        "program_version": program,
        "notes": [{**note._asdict()} for note in book.notes],
    }


def _program_version() -> str:
    try:
        return version("kwhy")
    except PackageNotFoundError:
        return "uninstalled"


def _quarantine(tally: Tally) -> pl.DataFrame:
    return pl.concat([no_quarantine(), *tally.quarantined]).sort("table", "file", "line", "rule", nulls_last=True)


def _series(
    results: list[SliceResult], findings: pl.DataFrame, source: Source, weather: pl.DataFrame
) -> pl.DataFrame:
    """The daily series of the accounts in cases, all their points, wherever these were sliced to."""
    told = pl.concat([one.series for one in results])
    named = pl.concat([findings["account_id"], findings["related_account_id"]]).unique().drop_nulls()
    wanted = source.fleet.positions.filter(pl.col("account_id").is_in(named.implode()))
    missing = wanted.join(told.select("account_id", "point_id").unique(), on=["account_id", "point_id"], how="anti")
    at = missing["position"].sort().to_numpy()
    if len(at):
        panel = panel_of(source, at)
        spoiled = {position: days for one in results for position, days in one.spoiled.items()}
        clean = np.zeros(panel.shape[1], bool)
        excluded = np.array([spoiled.get(int(position), clean) for position in at])
        told = pl.concat([told, series_of(panel, np.arange(len(at)), excluded)])
    warmth = weather.group_by("date").agg(pl.col("temperature_c").mean().round(2))
    told = told.drop("temperature_c").join(warmth, on="date", how="left")
    return told.select(*SERIES).sort("account_id", "point_id", "date", "meter_id")


def _counts(tally: Tally, fleet: Fleet, tables: dict[str, pl.DataFrame]) -> dict[str, Any]:
    findings, cases = tables["findings"], tables["cases"]
    decisions = {"cycle_decisions": _per(tables["cycle"], "decision")} if "cycle" in tables else {}
    return {
        "tables": {name: dict(numbers) for name, numbers in sorted(tally.counts.items())},
        "positions": len(fleet.positions),
        "accounts": fleet.positions["account_id"].drop_nulls().n_unique(),
        "findings": len(findings),
        "findings_suppressed_by": _per(findings, "suppressed_by"),
        "cases_open": int((cases["status"] == "open").sum()),
        "cases_suppressed_by": _per(cases, "suppressed_by"),
        "open_by_cause": _per(cases.filter(pl.col("status") == "open"), "cause"),
        "tasks": len(tables["tasks"]),
        **decisions,
    }


def _per(frame: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(sorted(Counter(frame[column].drop_nulls().to_list()).items()))


def _detector_seconds(results: list[SliceResult]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for one in results:
        total.update(one.seconds)
    return {code: round(spent, 3) for code, spent in sorted(total.items())}
