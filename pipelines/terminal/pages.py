"""`kwhy evidence` and `kwhy tasks`: from a scan's folder to a file to open."""

from __future__ import annotations

from pathlib import Path

from pipelines.destination import with_ending
from pipelines.output import open_output
from pipelines.report.customer_page import write_customer_page
from pipelines.report.evidence import write_evidence
from pipelines.report.task_sheets import write_task_sheets
from pipelines.report.worklist import write_worklist
from rules.rulebook import load


def evidence_page(folder: Path, who: str, out: Path, book: Path | None, lang: str) -> Path:
    """Write the evidence page of a case or account. Raises UsageError for another ending than .html."""
    page = with_ending(out, ".html")
    return write_evidence(open_output(folder), who, page, rules=load(), lang=lang, book=book)


def customer_page(folder: Path, account_id: str, out: Path, lang: str) -> Path:
    """Write the page for the customer of one account. Raises UsageError for another ending than .html."""
    page = with_ending(out, ".html")
    return write_customer_page(open_output(folder), account_id, page, rules=load(), lang=lang)


def task_pages(folder: Path, out: Path, lang: str) -> Path:
    """Write the work list (.xlsx, .csv) or the check sheets (.html). Raises UsageError for another ending."""
    page = with_ending(out, ".xlsx", ".csv", ".html")
    write = write_task_sheets if page.suffix == ".html" else write_worklist
    return write(open_output(folder), page, rules=load(), lang=lang)
