"""The answer of `kwhy calibrate`: each limit before and after, and how many boxes it would accuse falsely."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pipelines.calibrate import Calibration, Line
from pipelines.terminal.printing import Answer, Shown, lines_table
from pipelines.terminal.words import words


def calibration_answer(found: Calibration, lang: str) -> Answer:
    """One row per limit; `false_before` and `false_after` are boxes of this book above it, of those judged."""
    rows = pl.DataFrame([_row(line) for line in found.lines], infer_schema_length=None)

    def people() -> Iterator[Shown]:
        t = words(lang)
        yield t("calibrate.title", quiet=found.quiet, boxes=found.boxes, first=found.first, last=found.as_of)
        headings = ("limit", "before", "after", "judged", "false_before", "false_after")
        table = lines_table(*((t(f"calibrate.{name}"), "left" if name == "limit" else "right") for name in headings))
        for line in found.lines:
            table.add_row(*_cells(line, lang))
        yield table
        yield t("calibrate.hint", overlay=found.overlay)

    return Answer(rows, people)


def _row(line: Line) -> dict[str, object]:
    fitted = line.refitted
    return {
        "limit": line.name,
        "before_nats": line.before_nats,
        "after_nats": None if fitted is None else fitted.limit_nats,
        "boxes": line.boxes,
        "false_before": None if fitted is None else round(fitted.share_before * fitted.boxes, 1),
        "false_after": None if fitted is None else round(fitted.share_after * fitted.boxes, 1),
        "at_floor": None if fitted is None else fitted.at_floor,
    }


def _cells(line: Line, lang: str) -> tuple[str, ...]:
    t, row = words(lang), _row(line)
    if line.refitted is None:
        return line.name, f"{line.before_nats:.1f}", t("calibrate.kept"), str(line.boxes), "", ""
    after = f"{row['after_nats']:.1f}" + (f" {t('calibrate.floor')}" if line.refitted.at_floor else "")
    accused = (str(row["false_before"]), str(row["false_after"]))
    return line.name, f"{line.before_nats:.1f}", after, str(line.boxes), *accused
