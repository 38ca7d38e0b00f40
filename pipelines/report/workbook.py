"""The work list as a workbook: open cases, what was not reported, data quality, notes."""

import math
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from pipelines.output import ScanOutput
from pipelines.report.chart import WIDE_CHARACTER
from pipelines.report.edition import Edition
from pipelines.report.worklist_tables import (
    MAIN_COLUMNS,
    OTHER_COLUMNS,
    QUARANTINE_COLUMNS,
    RESULTS,
    TO_FILL_IN,
    case_table,
    coverage_table,
)

ROWS_SHOWN = 50_000
"""More rows than this nobody works through in a spreadsheet; the rest is counted below them."""
FROZEN_COLUMNS = 3
HEADER_ROW = 1
WIDTHS = {
    "rank": 6, "case_id": 15, "account_id": 16, "headline": 52, "cause": 20, "probability": 9,
    "kwh_at_stake": 11,
    "money_at_stake": 10, "hold_bill": 8, "needs_visit": 7, "due_at": 15, "cannot_exclude": 28,
    "meter_id": 17,
    "related_account_id": 16, "related_meter_id": 17, "tickets": 20, "suppressed_by": 26, "result": 12,
    "cause_found": 20, "decided_on": 12, "note": 22, "code": 16, "check": 34, "insufficient_data": 16,
    "not_applicable": 16, "why_not": 54,
}  # fmt: skip
USUAL_WIDTH = 12
LINE_POINTS = 13.5
NUMBER_FORMATS = {
    "probability": "0%", "kwh_at_stake": "#,##0.0", "money_at_stake": "#,##0.00",
    "due_at": "yyyy-mm-dd hh:mm",
}  # fmt: skip
SUPPRESSED_COLUMNS = (
    "case_id", "account_id", "suppressed_by", "headline", "cause", "meter_id", "area_id", "probability",
    "kwh_at_stake",
)  # fmt: skip
NOTES = ("read_rank", "read_stake", "read_exclude", "read_hold", "read_result", "read_silence")


@dataclass(frozen=True)
class _Book:
    workbook: xlsxwriter.Workbook
    page: Edition
    formats: dict[str, Format]

    def sheet(self, name: str) -> Worksheet:
        sheet = self.workbook.add_worksheet(self.page.t(f"list.{name}"))
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(0.4, 0.4, 0.5, 0.5)
        sheet.set_footer("&L&8kwhy&R&8&P / &N")
        return sheet

    def cell_format(self, column: str) -> Format:
        if column in TO_FILL_IN:
            return self.formats["fill_in_day" if column == "decided_on" else "fill_in"]
        return self.formats[column if column in NUMBER_FORMATS else "wrapped"]


def write_workbook(path: Path, output: ScanOutput, page: Edition) -> None:
    """Write the four sheets. All texts are written as texts: none can become a formula or a link."""
    options = {"strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as workbook:
        workbook.set_properties({"title": page.t("list.open"), "author": "kwhy"})
        book = _Book(workbook, page, _formats(workbook))
        _open_cases(book, output)
        _suppressed(book, output)
        _quality(book, output)
        _notes(book, output)


def _formats(workbook: xlsxwriter.Workbook) -> dict[str, Format]:
    top = {"valign": "top", "font_size": 10}
    line = {"bottom": 1, "bottom_color": "#D9DEE4"}
    formats = {
        name: workbook.add_format({**top, **line, "num_format": how}) for name, how in NUMBER_FORMATS.items()
    }
    formats["wrapped"] = workbook.add_format({**top, **line, "text_wrap": True})
    formats["running"] = workbook.add_format(top)
    formats["fill_in"] = workbook.add_format(
        {**top, "bg_color": "#FFF9E5", "border": 1, "border_color": "#D9DEE4"}
    )
    formats["fill_in_day"] = workbook.add_format(
        {**top, "bg_color": "#FFF9E5", "border": 1, "border_color": "#D9DEE4", "num_format": "yyyy-mm-dd"}
    )
    formats["header"] = workbook.add_format(
        {
            "bold": True,
            "text_wrap": True,
            "valign": "vcenter",
            "bg_color": "#E9EEF4",
            "bottom": 2,
            "font_size": 10,
        }
    )
    formats["title"] = workbook.add_format({"bold": True, "font_size": 13, "valign": "vcenter"})
    formats["soft"] = workbook.add_format({"font_color": "#56616E", "font_size": 10})
    return formats


def _open_cases(book: _Book, output: ScanOutput) -> None:
    page = book.page
    cases = case_table(output, "open", page)
    sheet = book.sheet("open")
    title = page.t(
        "list.title_open", cases=page.f.number(len(cases)), day=page.f.day(output.as_of, year=True)
    )
    sheet.write_string(0, 0, title, book.formats["title"])
    names = (*MAIN_COLUMNS, *TO_FILL_IN, *OTHER_COLUMNS)
    shown = cases.head(ROWS_SHOWN).with_columns(pl.lit(None).alias(name) for name in TO_FILL_IN).select(names)
    end = _table(book, sheet, shown, HEADER_ROW)
    last = max(end - 1, HEADER_ROW)
    sheet.freeze_panes(HEADER_ROW + 1, FROZEN_COLUMNS)
    sheet.repeat_rows(HEADER_ROW)
    sheet.autofilter(HEADER_ROW, 0, last, len(names) - 1)
    sheet.print_area(0, 0, last, len(MAIN_COLUMNS) + len(TO_FILL_IN) - 1)
    _more(book, sheet, end, len(cases))
    if not cases.is_empty():
        _to_fill_in(book, sheet, HEADER_ROW + 1, last)
        stake = MAIN_COLUMNS.index("kwh_at_stake")
        bar = {
            "type": "data_bar",
            "bar_color": "#9FB8D3",
            "bar_solid": True,
            "min_type": "num",
            "min_value": 0,
        }
        sheet.conditional_format(HEADER_ROW + 1, stake, last, stake, bar)


def _to_fill_in(book: _Book, sheet: Worksheet, first: int, last: int) -> None:
    """Columns for the result of a check: two drop-downs, a date and a free note."""
    page, start = book.page, len(MAIN_COLUMNS)
    results = [page.t(f"list.result_{result}") for result in RESULTS]
    causes = sorted(page.cause(name) for name in page.rules.causes)
    choices = book.workbook.add_worksheet(page.t("list.choices"))
    choices.hide()
    choices.write_column(0, 0, causes)
    name = page.t("list.choices").replace("'", "''")
    sheet.data_validation(first, start, last, start, {"validate": "list", "source": results})
    source = f"='{name}'!$A$1:$A${len(causes)}"
    sheet.data_validation(first, start + 1, last, start + 1, {"validate": "list", "source": source})
    after = {"validate": "date", "criteria": ">=", "value": date(2000, 1, 1)}
    sheet.data_validation(first, start + 2, last, start + 2, after)


def _suppressed(book: _Book, output: ScanOutput) -> None:
    page = book.page
    cases = case_table(output, "suppressed", page)
    sheet = book.sheet("suppressed")
    title = page.t("list.title_suppressed", cases=page.f.number(len(cases)))
    sheet.write_string(0, 0, title, book.formats["title"])
    end = _table(book, sheet, cases.select(SUPPRESSED_COLUMNS).head(ROWS_SHOWN), HEADER_ROW)
    sheet.freeze_panes(HEADER_ROW + 1, 2)
    sheet.repeat_rows(HEADER_ROW)
    sheet.autofilter(HEADER_ROW, 0, max(end - 1, HEADER_ROW), len(SUPPRESSED_COLUMNS) - 1)
    _more(book, sheet, end, len(cases))


def _quality(book: _Book, output: ScanOutput) -> None:
    page = book.page
    sheet = book.sheet("quality")
    sheet.write_string(0, 0, page.t("list.checks_made"), book.formats["title"])
    end = _table(book, sheet, coverage_table(output, page), HEADER_ROW)
    rejected = output.quarantine.select(QUARANTINE_COLUMNS)
    title = page.t("list.rejected", rows=page.f.number(len(rejected)))
    sheet.write_string(end + 1, 0, title, book.formats["title"])
    if not rejected.is_empty():
        end = _table(book, sheet, rejected.head(ROWS_SHOWN), end + 2, narrow=True)
        _more(book, sheet, end, len(rejected))


def _notes(book: _Book, output: ScanOutput) -> None:
    page, run = book.page, output.run
    sheet = book.sheet("notes")
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 96)
    known = [
        ("footer.as_of", page.f.day(output.as_of, year=True)),
        ("footer.run", run["run_id"]),
        ("footer.rulebook", run.get("rulebook_version")),
        ("footer.book", run.get("book")),
        ("footer.input", run.get("input_hash")),
    ]
    for row, (key, value) in enumerate(known):
        sheet.write_string(row, 0, page.t(key), book.formats["soft"])
        sheet.write_string(row, 1, page.f.cell(value), book.formats["wrapped"])
    for row, key in enumerate(NOTES, start=len(known) + 1):
        sheet.write_string(row, 1, page.t(f"list.{key}"), book.formats["wrapped"])


def _table(book: _Book, sheet: Worksheet, rows: pl.DataFrame, header: int, *, narrow: bool = False) -> int:
    """Write header and rows; returns the first free row. `narrow`: texts run on to the right."""
    for index, name in enumerate(rows.columns):
        if not narrow:
            sheet.set_column(index, index, WIDTHS.get(name, USUAL_WIDTH))
        sheet.write_string(header, index, book.page.t(f"list.{name}"), book.formats["header"])
    sheet.set_row(header, 2 * LINE_POINTS)
    wrapped = [] if narrow else [name for name in rows.columns if rows.schema[name] == pl.String]
    styles = [book.formats["running"] if narrow else book.cell_format(name) for name in rows.columns]
    for offset, row in enumerate(rows.rows(), start=header + 1):
        for index, value in enumerate(row):
            _cell(sheet, offset, index, value, styles[index])
    for offset, texts in enumerate(rows.select(wrapped).rows() if wrapped else [], start=header + 1):
        sheet.set_row(
            offset, LINE_POINTS * max(_lines(text, name) for text, name in zip(texts, wrapped, strict=True))
        )
    return header + 1 + len(rows)


def _lines(text: str | None, column: str) -> int:
    """Lines a wrapped text needs: not every program sets the height of a row by itself."""
    characters = sum(2 if ord(character) >= WIDE_CHARACTER else 1 for character in text or "")
    return max(1, math.ceil(characters * 1.06 / WIDTHS.get(column, USUAL_WIDTH)))


def _cell(sheet: Worksheet, row: int, column: int, value: Any, style: Format) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(row, column, value, style)
    elif isinstance(value, int | float) and math.isfinite(value):
        sheet.write_number(row, column, value, style)
    elif isinstance(value, str):
        sheet.write_string(row, column, value, style)
    else:
        sheet.write_blank(row, column, None, style)


def _more(book: _Book, sheet: Worksheet, row: int, rows: int) -> None:
    if rows > ROWS_SHOWN:
        left = book.page.f.number(rows - ROWS_SHOWN)
        sheet.write_string(row, 0, book.page.t("list.more", rows=left), book.formats["soft"])
