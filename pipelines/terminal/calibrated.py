"""The answer of `kwhy calibrate`: each number before and after, and what the change is worth."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pipelines.calibrate import Calibration, Line
from pipelines.calibrate_outcomes import OutcomeRefit
from pipelines.terminal.printing import Answer, Shown, lines_table
from pipelines.terminal.words import words


def calibration_answer(found: Calibration, lang: str) -> Answer:
    """One row per limit; `false_before` and `false_after` are boxes of this book above it, of those judged.

    Where outcomes were used, a row per prior and one for the weight of evidence follow, as `before` and `after`.
    """
    rows = pl.DataFrame([_row(line) for line in found.lines], infer_schema_length=None)
    if not found.outcomes.why_not:
        rows = pl.concat([rows, _refitted_rows(found.outcomes)], how="diagonal")

    def people() -> Iterator[Shown]:
        t = words(lang)
        yield t("calibrate.title", quiet=found.quiet, boxes=found.boxes, first=found.first, last=found.as_of)
        headings = ("limit", "before", "after", "judged", "false_before", "false_after")
        table = lines_table(*((t(f"calibrate.{name}"), "left" if name == "limit" else "right") for name in headings))
        for line in found.lines:
            table.add_row(*_cells(line, lang))
        yield table
        yield from _told_outcomes(found.outcomes, lang)
        yield t("calibrate.hint", overlay=found.overlay)

    return Answer(rows, people)


def _refitted_rows(found: OutcomeRefit) -> pl.DataFrame:
    """Priors and the weight of evidence, before and after."""
    rows: list[dict[str, object]] = [
        {"limit": f"cause.{line.cause}.prior", "before": line.before, "after": line.after, "confirmed": line.confirmed}
        for line in found.lines
    ]
    weight = {"before": found.tempering_before, "after": found.tempering_after, "confirmed": found.confirmed}
    return pl.DataFrame([*rows, {"limit": "setting.tempering_weight", **weight}], infer_schema_length=None)


def _told_outcomes(found: OutcomeRefit, lang: str) -> Iterator[Shown]:
    """What the outcomes changed, or why they changed nothing."""
    t = words(lang)
    facts = {
        "outcomes": found.outcomes,
        "cases": found.cases,
        "confirmed": found.confirmed,
        "needed": found.needed,
        "before": f"{found.loss_before:.3f}",
        "after": f"{found.loss_after:.3f}",
        "weight_before": f"{found.tempering_before:g}",
        "weight_after": f"{found.tempering_after:g}",
    }
    yield t(f"calibrate.outcomes_{found.why_not or 'title'}", **facts)
    if found.why_not:
        return
    headings = ("cause", "before", "after", "confirmed")
    table = lines_table(*((t(f"calibrate.{name}"), "left" if name == "cause" else "right") for name in headings))
    for line in found.lines:
        table.add_row(line.cause, f"{line.before:g}", f"{line.after:g}", str(line.confirmed))
    yield table


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
