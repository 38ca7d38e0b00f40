"""Field-check sheets: one A4 page per case to print, carry along and sign."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import segno
from markupsafe import Markup

from anomaly.errors import KwhyError
from pipelines.output import Row, ScanOutput
from pipelines.report.chart import environment
from pipelines.report.edition import Edition, edition
from pipelines.report.evidence_tables import Step, steps
from pipelines.report.files import write_whole
from rules.model import Rulebook


@dataclass(frozen=True)
class Sheet:
    """What one sheet says, ready for the template.

    `doors` are the meters of a pair or ring, one line each to fill in; empty where one account is the story. A sheet
    with doors names no account and no energy: it lies open at two families' doors.
    """

    case: Row
    task: Row
    reasons: tuple[str, ...]
    cannot_exclude: list[str]
    steps: list[Step]
    codes: list[tuple[str, str, Markup]]
    doors: list[str]


def write_task_sheets(
    output: ScanOutput, target: Path, *, rules: Rulebook, lang: str = "en", case: str | None = None
) -> Path:
    """Write the sheets of all open cases in order of rank, or of the one `case` (any name `find_case` knows).

    Raises KwhyError when there is no task to print, NotInOutputError when the case is not in the scan.
    """
    page = edition(lang, output.as_of, rules)
    cases = [output.find_case(case)] if case else _open_cases(output)
    planned = {key[0]: tasks for key, tasks in output.tasks.partition_by("case_id", as_dict=True).items()}
    cases = [row for row in cases if row["case_id"] in planned]
    if not cases:
        raise KwhyError(
            f"case {case} has no tasks" if case else "no open case has a task",
            where=str(output.folder),
            todo=f"see what was found: kwhy cases {output.folder}",
        )
    sheets = (_sheet(row, planned[row["case_id"]], _doors(row, output), page) for row in cases)
    return write_whole(target, lambda path: _render(path, sheets, output, page))


def qr_code(text: str) -> Markup:
    """A QR code as inline SVG, black on white in any colour scheme."""
    code = segno.make(text, error="m", micro=False)
    return Markup(
        code.svg_inline(border=2, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None)
    )


def _render(path: Path, sheets: Iterator[Sheet], output: ScanOutput, page: Edition) -> None:
    template = environment().get_template("task_sheets.html.j2")
    template.stream(sheets=sheets, output=output, e=page, t=page.t, f=page.f).dump(
        str(path), encoding="utf-8"
    )


def _open_cases(output: ScanOutput) -> list[Row]:
    return output.cases.filter(pl.col("status") == "open").sort("rank", "case_id", nulls_last=True).to_dicts()


def _doors(case: Row, output: ScanOutput) -> list[str]:
    """The meters of a pair or ring, in the order of their accounts; of any other case none."""
    if not case["related_account_id"]:
        return []
    findings = output.findings_of(case).filter(pl.col("family") == "cross_wiring")
    sides = [findings.select("account_id", "meter_id")]
    if "related_meter_id" in findings.columns:
        sides.append(findings.select(account_id="related_account_id", meter_id="related_meter_id"))
    told = dict(pl.concat(sides).drop_nulls().sort("account_id", "meter_id", descending=True).rows())
    told |= {case["account_id"]: case["meter_id"], case["related_account_id"]: case["related_meter_id"]}
    return [meter for _, meter in sorted(told.items()) if meter]


def _sheet(case: Row, tasks: pl.DataFrame, doors: list[str], page: Edition) -> Sheet:
    first = tasks.sort("step", "task_id").to_dicts()[0]
    t, f = page.t, page.f
    numbers = {"cause": page.cause(case["cause"]), "probability": f.percent(case["probability"])}
    reasons: tuple[str, ...] = (page.headline(case), t("sheet.likely", stake=f.kwh(case["kwh_at_stake"]), **numbers))
    if doors:
        together = t("sheet.doors") if len(doors) == 2 else t("sheet.rings", doors=len(doors))
        reasons = (t("sheet.pair_reason"), t("sheet.pair_likely", **numbers), together)
    meters = doors or [case["meter_id"]]
    named = [*(("page.meter", meter) for meter in meters), ("sheet.task", first["task_id"])]
    return Sheet(
        case,
        first,
        reasons,
        [page.cause(name) for name in case["cannot_exclude"] or []],
        steps(tasks, page),
        [(t(key), value, qr_code(value)) for key, value in named if value],
        doors,
    )
