"""`kwhy calibrate`: limits of X01 refitted from undisturbed boxes, priors from outcomes, written as an overlay."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.cohort import cohort_log
from anomaly.errors import BookError, KwhyError, UsageError
from anomaly.null_limits import KINDS, Refit, Scores, box_numbers, disturbed, null_scores, of_slices, refit
from anomaly.panel import Panel
from anomaly.profile import WEEK_DAYS
from anomaly.registry import load_all
from pipelines.book import Book, open_book
from pipelines.calibrate_outcomes import OutcomeRefit, outcome_refit, overlay_entries
from pipelines.check_reads import last_busy_day
from pipelines.cohorts import cohort_medians
from pipelines.coverage import lacking_tables
from pipelines.destination import with_ending
from pipelines.detect import AFTER_ERRORS, Rules, detect
from pipelines.drift import fleet_drift
from pipelines.panels import Source, panel_of
from pipelines.report.files import write_whole
from pipelines.source import dated, read_source
from pipelines.tally import Tally
from rules.model import Rulebook
from rules.rulebook import load

CODE = "X01"
SWAPPED = ("swapped_pair", "partial_transfer")
"""Accounts that a check confirmed to be one of these are no part of the null."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Line:
    """One limit of X01: what it was, and what this book says (None: too few boxes with such profiles)."""

    name: str
    before_nats: float
    refitted: Refit | None
    boxes: int


@dataclass(frozen=True)
class Calibration:
    """What a calibration found. `boxes` could be compared, `quiet` of them were undisturbed from `first` to `as_of`."""

    overlay: Path
    first: dt.date
    as_of: dt.date
    boxes: int
    quiet: int
    input_hash: str
    lines: tuple[Line, ...]
    outcomes: OutcomeRefit

    @property
    def limits_refitted(self) -> bool:
        """Whether the boxes told any limit."""
        return any(line.refitted for line in self.lines)


def calibrate(
    book_path: Path,
    out: Path,
    *,
    as_of: dt.date | None = None,
    overlays: tuple[Path, ...] = (),
    scans: tuple[Path, ...] = (),
    force: bool = False,
    progress: Progress = lambda stage, share: None,
) -> Calibration:
    """Refit the limits of X01, priors and tempering, and write `out`, an overlay that `rules.rulebook.load` accepts.

    Without `as_of` the last day with reads counts. Priors and tempering need `scans`, output folders with the cases
    that the book's outcomes settle. Raises UsageError where `out` exists (unless `force`) or does not end in .toml,
    KwhyError where too few boxes are undisturbed and the outcomes tell nothing either; nothing is written then.
    """
    target = with_ending(out, ".toml")
    if target.exists() and not force:
        raise UsageError("the file exists already", where=str(target), todo="name another file, or say --force")
    registry = {code: set(one.parameters) for code, one in load_all().items()}
    rulebook = load(*overlays, registry=registry)
    progress("open", 0.0)
    book = open_book(book_path)
    day = as_of or _last_day(book)
    outcomes = outcome_refit(dated(book.frame("outcomes"), "decided_on", day), scans, rulebook)
    with tempfile.TemporaryDirectory(prefix="kwhy-") as scratch:
        progress("read", 0.0)
        tally = Tally()
        source = read_source(book, rulebook, day, tally, Path(scratch))
        parts, first, boxes, quiet = _scored(source, rulebook, tally, _confirmed(book, day), progress)
    lines = _refitted(parts, rulebook)
    found = Calibration(target, first, day, boxes, quiet, tally.input_hash(), lines, outcomes)
    if not found.limits_refitted and outcomes.why_not:
        raise _too_few(found, rulebook, book_path)

    def write(path: Path) -> None:
        path.write_text(overlay_text(found), encoding="utf-8")
        load(*overlays, path, registry=registry)

    write_whole(target, write)
    return found


def _last_day(book: Book) -> dt.date:
    """The day as of which the book is complete: its last day with reads of more than a few meters."""
    counts = [
        batch.accepted.group_by(pl.col("read_at").dt.date().alias("date")).agg(rows=pl.len())
        for batch in book.batches("register_reads")
    ]
    last = last_busy_day(pl.concat(counts).group_by("date").agg(pl.col("rows").sum())) if counts else None
    if last is None:
        raise BookError("there is no read in the book", where=str(book.path), todo="see: kwhy check BOOK")
    return last


def _confirmed(book: Book, as_of: dt.date) -> set[str]:
    """Accounts that were on each other's meters, as a check found."""
    rows = dated(book.frame("outcomes"), "decided_on", as_of)
    proved = rows.filter((pl.col("result") == "confirmed") & pl.col("cause").is_in(SWAPPED))
    return set(proved["account_id"]) | set(proved["related_account_id"].drop_nulls())


def _scored(
    source: Source, rulebook: Rulebook, tally: Tally, confirmed: set[str], progress: Progress
) -> tuple[dict[tuple[str, bool], Scores], dt.date, int, int]:
    """Scores of all undisturbed boxes, the first day looked at, how many boxes there are and how many were quiet."""
    limits = rulebook.detectors[CODE].limit_values()
    detectors = load_all()
    lacking = lacking_tables(tally.seen(), rulebook, curves=source.has_curves())
    errors = {
        code: one for code, one in detectors.items()
        if one.family not in AFTER_ERRORS and rulebook.detectors[code].excludes_days
    }  # fmt: skip
    rules = Rules(rulebook, errors, lacking)
    medians, drift = cohort_medians(source, rulebook), fleet_drift(source, rulebook)
    parts: dict[tuple[str, bool], list[Scores]] = defaultdict(list)
    boxes = undisturbed = 0
    slices = source.slices()
    first = dt.date.max
    for number, positions in enumerate(slices, start=1):
        panel = panel_of(source, positions)
        panel = replace(_clean(replace(panel, cohort_log=cohort_log(panel, medians)), rules), fleet_drift=drift)
        since = max(panel.shape[1] - WEEK_DAYS * int(limits["scan_weeks"] + limits["scan_before_weeks"]), 0)
        first = min(first, panel.dates(np.array([since])).item())
        box = box_numbers(panel, max_members=int(limits["max_members"]))
        quiet = _quiet(panel, box, since, confirmed)
        boxes, undisturbed = boxes + len(quiet), undisturbed + int(quiet.sum())
        if quiet.any() and drift:
            for key, scores in null_scores(panel, detectors[CODE].function, limits, box, quiet).items():
                parts[key].append(scores)
        progress("calibrate", number / len(slices))
    return {key: of_slices(some) for key, some in parts.items()}, first, boxes, undisturbed


def _clean(panel: Panel, rules: Rules) -> Panel:
    """The panel without the days that a reading error spoiled, as X01 sees it in a scan."""
    spoiled = detect(panel, rules).spoiled
    excluded = np.zeros(panel.shape, bool)
    row_of = {int(position): row for row, position in enumerate(panel.positions["position"])}
    for position, days in spoiled.items():
        excluded[row_of[position]] = days
    return panel.without_days(excluded)


def _quiet(panel: Panel, box: NDArray[np.int64], since: int, confirmed: set[str]) -> NDArray[np.bool_]:
    """`[B]` boxes in which nothing was changed, worked on, complained of or found exchanged."""
    marked = disturbed(panel, since) | panel.positions["account_id"].is_in(list(confirmed)).fill_null(False).to_numpy()
    quiet = np.ones(int(box.max(initial=-1)) + 1, bool)
    quiet[box[marked & (box >= 0)]] = False
    return quiet


def _refitted(parts: dict[tuple[str, bool], Scores], rulebook: Rulebook) -> tuple[Line, ...]:
    limits = rulebook.detectors[CODE].limit_values()
    lines = []
    for known in (True, False):
        for kind, name in KINDS.items():
            limit = f"{'known' if known else 'scan'}_{name}_nats"
            scores = parts.get((kind, known))
            before = float(limits[limit])  # type: ignore[arg-type]
            refitted = None if scores is None else refit(
                scores,
                before_nats=before,
                floor_nats=rulebook.setting("calibrate_floor_nats"),
                false_share=rulebook.setting("calibrate_false_share"),
                tail_share=rulebook.setting("calibrate_tail_share"),
                min_boxes=int(rulebook.setting("calibrate_min_boxes")),
            )  # fmt: skip
            lines.append(Line(limit, before, refitted, 0 if scores is None else scores.boxes))
    return tuple(lines)


def _too_few(found: Calibration, rulebook: Rulebook, book: Path) -> KwhyError:
    """Why nothing could be refitted: how many boxes there are, how many of them count, how many are needed."""
    judged = max(line.boxes for line in found.lines)
    needed = int(rulebook.setting("calibrate_min_boxes"))
    return KwhyError(
        f"too few boxes to refit a limit: {needed} are needed, and of {found.boxes} boxes (else small areas) "
        f"{found.quiet} were without meter change, works or complaint from {found.first} to {found.as_of}, "
        f"{judged} of them with reads enough to be judged; to refit priors {found.outcomes.needed} settled cases are "
        f"needed, and {found.outcomes.cases} were found",
        where=str(book),
        todo="keep the standard numbers, or calibrate on a book with more boxes, or with --scan DIR on more outcomes; "
        "kwhy check BOOK says what is missing",
    )


def overlay_text(found: Calibration) -> str:
    """The overlay: one entry per refitted number, each with where it comes from and what it replaces."""
    limits = _limit_entries(found) if found.limits_refitted else []
    use = ["# Use: kwhy scan BOOK --as-of DATE --out DIR --rules THIS_FILE"]
    return "\n".join([*use, *limits, *overlay_entries(found.outcomes, found.input_hash), ""])


def _limit_entries(found: Calibration) -> list[str]:
    span = f"{found.first} to {found.as_of}"
    head = [
        "",
        f"# Limits of {CODE} (two homes exchanged) refitted by kwhy calibrate from {found.quiet} undisturbed boxes.",
        f"[detector.{CODE}.limits]",
    ]
    return head + [
        f'{line.name} = {{ value = {line.refitted.limit_nats:.1f}, unit = "nat", source = "kwhy calibrate: book '
        f"{found.input_hash}, {span}, {line.refitted.boxes} boxes{', at the floor' if line.refitted.at_floor else ''}; "
        f'before: {line.before_nats:g}" }}'
        for line in found.lines
        if line.refitted is not None
    ]
