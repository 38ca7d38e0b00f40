"""The daily series of any account, also of one that no case speaks of: read again from the book of the scan."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from anomaly.errors import BookError, KwhyError
from pipelines.book import open_book
from pipelines.output import ScanOutput
from pipelines.panels import panel_of
from pipelines.series import rows_of_accounts, series_of
from pipelines.source import read_source
from pipelines.tally import Tally
from rules.model import Rulebook


def series_from_book(
    output: ScanOutput, account_id: str, rulebook: Rulebook, book_path: Path | None = None
) -> pl.DataFrame:
    """The account's days as the scan saw them, from the book named in run.json or from `book_path`.

    Raises BookError when the book is gone or holds other rows than the scan read: evidence must not mix two
    states of the reads. Raises KwhyError when the book does not know the account.
    """
    path = book_path or Path(str(output.run["book"]))
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="kwhy-") as scratch:
        source = read_source(open_book(path), rulebook, output.as_of, tally, Path(scratch))
        if tally.input_hash() != output.run["input_hash"]:
            raise BookError(
                "the book has changed since this scan", where=str(path), todo="scan again, or name the old book: --book"
            )
        mine = source.fleet.positions.filter(pl.col("account_id") == account_id)["position"]
        if not len(mine):
            raise KwhyError(
                f"no account {account_id}", where=str(path), todo="look up its number in the installations table"
            )
        panel = panel_of(source, np.sort(mine.to_numpy()))
        rows = rows_of_accounts(panel, pl.Series([account_id]))
        return series_of(panel, rows, np.zeros(panel.shape, bool))
