"""A town: what its homes used, what its dials counted, and what was written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from anomaly.injector.tables import book_tables

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Dials:
    """Dense state of N accounts over D days; energies in Wh *as the meter shows them*.

    `use_wh` [N, D] what the customer used · `dial_wh` [N, D] what the dial counted · `ticks` [N, D + 1] the
    stored register in steps of `tick_wh` [N] · `present`, `quality`, `offset_minutes` [N, D + 1] of the
    stored reads · `curve_wh`, `curve_present`, `curve_quality` [N, D2, 48] of the last D2 days · `fold_wh`
    [N, 2] the repeated hour of the clock change · `rate_ticks` [N, 4, D + 1] with `rate_shares` [N, 4] (all
    zero: no rate registers) · `export_wh` [N, D] and `export_ticks` [N, D + 1] (`has_export` [N]) ·
    `exchange_at` [N] (NaT: never).
    """

    use_wh: IntArray
    dial_wh: IntArray
    ticks: IntArray
    present: BoolArray
    quality: npt.NDArray[np.int8]
    offset_minutes: IntArray
    curve_wh: npt.NDArray[np.int32]
    curve_present: BoolArray
    curve_quality: npt.NDArray[np.int8]
    fold_wh: npt.NDArray[np.int32]
    fold_present: BoolArray
    rate_ticks: IntArray
    rate_shares: npt.NDArray[np.float64]
    export_wh: IntArray
    export_ticks: IntArray
    has_export: BoolArray
    start_wh: IntArray
    tick_wh: IntArray
    capacity_ticks: IntArray
    exchange_at: npt.NDArray[np.datetime64]

    def copy(self) -> "Dials":
        """The same state in arrays of its own."""
        return replace(self, **{field.name: getattr(self, field.name).copy() for field in fields(self)})


@dataclass(frozen=True)
class Town:
    """Accounts in boxes and areas over consecutive days, ready to be written as a book or to receive faults.

    `days` is [D]; freezes are at 00:00 of each and of the day after the last. `meters` is [N, 2]: the
    meter's number and that of its successor after an exchange. `rows` holds what is kept as rows: accounts
    (one per position, in order), installations, areas, events, tickets, extra_reads, extra_intervals, electrical.
    `truth` lists what is known to be wrong, or odd but innocent. `supply_loss` is the share of each area's energy
    that is lost on the way, `fed_from` the area an account really draws from where its file names another.
    """

    days: npt.NDArray[np.datetime64]
    meters: npt.NDArray[np.str_]
    dials: Dials
    rows: Mapping[str, pl.DataFrame]
    truth: pl.DataFrame
    clock_change: np.datetime64 | None = None
    supply_loss: Mapping[str, float] | None = None
    fed_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def accounts(self) -> pl.DataFrame:
        """Accounts, one row per position, in the order of the arrays."""
        return self.rows["accounts"]

    @property
    def as_of(self) -> np.datetime64:
        """The day after the last: what a scan of this town takes as its as-of."""
        return np.datetime64(self.days[-1], "D") + np.timedelta64(1, "D")

    @property
    def curve_days(self) -> int:
        """Number of days, counted back from the last, that have a curve."""
        return int(self.dials.curve_wh.shape[1])

    def tables(self) -> dict[str, pl.DataFrame]:
        """The book's tables, named and typed as the contract has them."""
        return book_tables(self)
