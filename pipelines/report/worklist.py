"""The work list: a workbook for people, a CSV for machines."""

from pathlib import Path

import polars as pl

from anomaly.errors import UsageError
from pipelines.output import ScanOutput
from pipelines.report.edition import Edition, edition
from pipelines.report.files import write_whole
from pipelines.report.workbook import write_workbook
from pipelines.report.worklist_tables import CASE_COLUMNS, case_table
from rules.model import Rulebook

FORMULA_STARTS = r"^[=+\-@\t\r]"
"""A spreadsheet takes a text that begins like this for a formula."""


def write_worklist(output: ScanOutput, target: Path, *, rules: Rulebook, lang: str = "en") -> Path:
    """Write the work list; `.xlsx` or `.csv` by the name of `target`, which is returned.

    Raises UsageError for another ending, KwhyError when the file cannot be written.
    """
    target = Path(target)
    page = edition(lang, output.as_of, rules)
    if target.suffix == ".xlsx":
        return write_whole(target, lambda path: write_workbook(path, output, page))
    if target.suffix == ".csv":
        rows = csv_rows(output, page)
        return write_whole(target, lambda path: rows.write_csv(path, include_bom=True))
    raise UsageError(f"a work list cannot be written as {target.suffix or 'this'}", where=str(target),
                     todo="name a file that ends in .xlsx or .csv")  # fmt: skip


def csv_rows(output: ScanOutput, page: Edition) -> pl.DataFrame:
    """Open cases, then suppressed ones; contract names, no text a spreadsheet would compute."""
    parts = [
        case_table(output, status, page).with_columns(status=pl.lit(status))
        for status in ("open", "suppressed")
    ]
    rows = pl.concat(parts).select(*CASE_COLUMNS, "status", "suppressed_by")
    texts = pl.col(pl.String)
    return rows.with_columns(
        pl.when(texts.str.contains(FORMULA_STARTS)).then("'" + texts).otherwise(texts).name.keep()
    )
