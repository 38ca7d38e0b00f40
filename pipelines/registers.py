"""Rate and export registers of a slice, from the side reads to dense arrays."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import ExportRegisters, RateRegisters
from anomaly.statistics import next_index, previous_index

RATES = ("import_t1", "import_t2", "import_t3", "import_t4")


def rates_of(
    other: pl.DataFrame, installations: pl.DataFrame, first_day: np.datetime64, borders: int
) -> RateRegisters | None:
    """Rate registers read at 00:00, `[K, R, B]`; None where the slice has none."""
    rated = other.filter(pl.col("channel").cast(pl.String).is_in(RATES))
    if not len(rated):
        return None
    reads = _at_positions(rated, installations, first_day)
    rows = np.unique(reads["row"].to_numpy())
    present = [rate for rate in RATES if (reads["channel"].cast(pl.String) == rate).any()]
    register = np.full((len(rows), len(present), borders), np.nan)
    rate = reads["channel"].cast(pl.String).replace_strict(present, range(len(present))).to_numpy().astype(int)
    at = np.searchsorted(rows, reads["row"].to_numpy())
    # Backwards, so that of two meters on a day of change the old one's read stands, as in the panel.
    register[at[::-1], rate[::-1], reads["border"].to_numpy()[::-1]] = reads["register_kwh"].to_numpy()[::-1]
    return RateRegisters(rows, tuple(present), register)


def export_of(
    other: pl.DataFrame, installations: pl.DataFrame, first_day: np.datetime64, borders: int
) -> ExportRegisters | None:
    """Export registers `[K, B]` and the energy received per day, gaps spread; None where there are none."""
    exported = other.filter(pl.col("channel") == "export")
    if not len(exported):
        return None
    reads = _at_positions(exported, installations, first_day)
    rows = np.unique(reads["row"].to_numpy())
    at, border = np.searchsorted(rows, reads["row"].to_numpy()), reads["border"].to_numpy()
    register = np.full((len(rows), borders), np.nan)
    register[at[::-1], border[::-1]] = reads["register_kwh"].to_numpy()[::-1]
    kwh = np.full((len(rows), borders - 1), np.nan)
    for _, one in reads.group_by("turn", maintain_order=True):
        at, border = np.searchsorted(rows, one["row"].to_numpy()), one["border"].to_numpy()
        here, multiplier = np.full(register.shape, np.nan), np.ones((len(rows), 1))
        here[at, border] = one["register_kwh"].to_numpy()
        multiplier[at, 0] = one["multiplier"].to_numpy()
        own = _per_day(here) * multiplier
        kwh = np.where(np.isfinite(kwh) & np.isfinite(own), kwh + own, np.where(np.isfinite(own), own, kwh))
    return ExportRegisters(rows, register, kwh)


def _at_positions(reads: pl.DataFrame, installations: pl.DataFrame, first_day: np.datetime64) -> pl.DataFrame:
    """First read of each day per installation and channel, with border, multiplier and which meter's turn it is.

    On a day of change the old meter's read comes before the new one's.
    """
    day = pl.col("read_at").dt.date()
    turns = installations.select(
        "dial_row", "row", "first_on", "last_on", "multiplier", turn=pl.int_range(pl.len()).over("row")
    )
    return (
        reads.join(turns, on="dial_row")
        .filter(day.is_between("first_on", "last_on"))
        .with_columns(border=(day - first_day.item()).dt.total_days())
        .sort("row", "channel", "border", "turn", "read_at")
        .unique(["row", "channel", "border", "turn"], keep="first", maintain_order=True)
    )


def _per_day(register: NDArray[np.float64]) -> NDArray[np.float64]:
    """Register difference per day, a gap spread evenly over its days."""
    present = np.isfinite(register)
    before, after = previous_index(present)[:, :-1], next_index(present)[:, 1:]
    known = (before >= 0) & (after < register.shape[1])
    low = np.take_along_axis(register, np.maximum(before, 0), axis=1)
    high = np.take_along_axis(register, np.minimum(after, register.shape[1] - 1), axis=1)
    return np.where(known, (high - low) / np.maximum(after - before, 1), np.nan)
