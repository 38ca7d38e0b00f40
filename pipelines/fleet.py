"""Who is metered by what, and when: installations and accounts become positions, dials and slices."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.book import Book

FOREVER = dt.date(9999, 12, 31)
"""Stands for "still installed"."""

MOST_DIGITS, MOST_DECIMALS = 12, 6
"""No dial has more; a file that says so is read as if it said this, so that ticks stay whole numbers."""

ACCOUNT_COLUMNS = (
    "box_id", "customer_class", "contract_kva", "cycle_id", "read_frequency", "customer_since", "status",
    "status_since", "generation", "sensitive", "irregular", "price_per_kwh",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Fleet:
    """The metered fleet of a book, in a fixed order that no file order can change.

    positions       one row per account × point, sorted by area, box, account, point; row number = `position`
    installations   one row per accepted installation, sorted by position and date: `position`, `dial`,
                    `first_on`, `last_on` (the effective last day with a read in place), multiplier …;
                    `moved_in`, `goes_on`: its dial counted elsewhere before, counts on elsewhere after;
                    `shares_dial`: another installation has the same dial
    dials           one row per continuous life of one meter: `meter_id`, `first_on`, `last_on`, digits, decimals …
    contradictions  what the installation file says against itself: reason, position, meters, days
    """

    positions: pl.DataFrame
    installations: pl.DataFrame
    dials: pl.DataFrame
    contradictions: pl.DataFrame

    def slices(self, slice_positions: int) -> tuple[tuple[int, int], ...]:
        """Position ranges [lo, hi) of whole areas (or boxes, or accounts without either), about this long each."""
        count = len(self.positions)
        group = pl.coalesce("area_id", "box_id", "account_id", "point_id")
        starts = self.positions.select(pl.int_range(pl.len()).filter(group.ne_missing(group.shift(1)))).to_series()
        borders = np.append(starts.to_numpy(), count)
        cuts: list[tuple[int, int]] = []
        lo = 0
        while lo < count:
            hi = int(borders[min(np.searchsorted(borders, lo + slice_positions), len(borders) - 1)])
            cuts.append((lo, hi))
            lo = hi
        return tuple(cuts)


def open_fleet(book: Book, *, as_of: dt.date) -> Fleet:
    """The fleet as the book's files tell it on `as_of`."""
    rows = _installations(book, as_of)
    positions = _positions(rows, book)
    keys = positions.select("account_id", "point_id", "position")
    joined = rows.join(keys, on=["account_id", "point_id"], nulls_equal=True)
    rows = joined.sort("position", *_file_order(rows), nulls_last=True)
    rows = _effective_spans(rows)
    rows, dials = _dials(rows)
    contradictions = pl.concat(
        [_overlaps(rows), _two_points(rows), _reversed_spans(rows), _area_disagreements(positions)]
    ).sort("position", "reason", "first_day", "meter_id", "other_meter_id")
    return Fleet(positions, rows, dials, contradictions)


def _installations(book: Book, as_of: dt.date) -> pl.DataFrame:
    """Installations known on `as_of`, exact duplicates once; a supply meter's point is the meter itself.

    A removal after `as_of` is not known yet.
    """
    gone = pl.col("removed_on") <= as_of
    point = pl.when(pl.col("account_id").is_null()).then(pl.col("meter_id"))
    return (
        book.frame("installations")
        .unique()
        .filter(pl.col("installed_on") <= as_of)
        .with_columns(
            point_id=point.otherwise(pl.col("point_id").fill_null(pl.col("account_id"))),
            removed_on=pl.when(gone).then("removed_on"),
            end_register=pl.when(gone).then("end_register"),
            register_digits=pl.col("register_digits").clip(1, MOST_DIGITS),
            register_decimals=pl.col("register_decimals").clip(0, MOST_DECIMALS),
        )
    )


def days_outside(day: pl.Expr) -> pl.Expr:
    """How many days `day` lies before `first_on` or after `last_on`; 0 in between."""
    early, late = pl.col("first_on") - day, day - pl.col("last_on")
    return pl.max_horizontal(early.dt.total_days(), late.dt.total_days(), pl.lit(0))


def _positions(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """One row per account × point with what the accounts table adds."""
    key = ("account_id", "point_id")
    once, several = _split(rows, *key)
    latest = (
        several.sort(*_file_order(rows), nulls_last=True)
        .group_by(key, maintain_order=True)
        .agg(
            pl.col("area_id").drop_nulls().last(),
            pl.col("installed_on").min().alias("first_installed_on"),
            pl.all().exclude("area_id", "installed_on").last(),
        )
    )
    alone = once.rename({"installed_on": "first_installed_on"}).select(latest.columns)
    per_position = pl.concat([alone, latest]).rename({"area_id": "installation_area_id"})
    accounts = book.frame("accounts")
    known_once, known_twice = _split(accounts, "account_id")
    told_first = known_twice.sort(accounts.columns, nulls_last=True).unique(
        "account_id", keep="first", maintain_order=True
    )
    one = pl.concat([known_once, told_first])
    joined = per_position.join(
        one.select("account_id", pl.col("area_id").alias("account_area_id"), *ACCOUNT_COLUMNS),
        on="account_id", how="left",
    )  # fmt: skip
    return (
        joined.with_columns(
            area_id=pl.coalesce("installation_area_id", "account_area_id"),
            is_supply=pl.col("account_id").is_null(),
        )
        .sort("area_id", "box_id", "account_id", "point_id", nulls_last=True)
        .with_row_index("position")
        .with_columns(pl.col("position").cast(pl.Int64))
    )


def _file_order(rows: pl.DataFrame) -> list[str]:
    """Columns that put installations in one order, whatever the file's: a second row of a key needs them all."""
    key = ["installed_on", "meter_id", "account_id", "point_id"]
    if not rows.select(pl.struct(key).is_duplicated().any()).item():
        return key
    return [*key, *(name for name in rows.columns if name not in key)]


def _split(rows: pl.DataFrame, *key: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows whose key stands once, and the others: grouping is only worth its price for the few others."""
    again = rows.select(pl.struct(key).is_duplicated()).to_series()
    return rows.filter(~again), rows.filter(again)


def _next(column: str, of: str) -> pl.Expr:
    """The column's value in the next row, if that row is of the same position or meter (rows sorted by it)."""
    return pl.when(pl.col(of) == pl.col(of).shift(-1)).then(pl.col(column).shift(-1))


def _effective_spans(rows: pl.DataFrame) -> pl.DataFrame:
    """`first_on` … `last_on`: days on which a read is in place. A later meter at the point ends the earlier one."""
    last = pl.col("removed_on").fill_null(FOREVER)
    counts = pl.col("point_role") != "check"
    following = _next("installed_on", "position")
    if not rows.select(counts.all()).item():
        following = pl.when(counts).then(pl.col("installed_on")).shift(-1).backward_fill().over("position")
    taken_over = counts & (following < last).fill_null(False)
    return rows.with_columns(
        first_on=pl.col("installed_on"),
        last_on=pl.when(taken_over).then(following).otherwise(last),
    )


def _dials(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give every installation its dial: abutting or overlapping rows of one meter are one dial."""
    numbered = rows.with_row_index("row")
    once, several = _split(numbered, "meter_id")
    ordered = several.sort("meter_id", "first_on", "last_on", "row")
    covered_until = pl.col("last_on").cum_max().shift(1).over("meter_id")
    is_new = covered_until.is_null() | (pl.col("first_on") > covered_until)
    chains = ordered.with_columns(chain=pl.when(is_new).then("row").forward_fill().cast(pl.UInt32))
    lives = chains.group_by("chain").agg(
        pl.col("row").min(),
        pl.col("meter_id").first(),
        pl.col("first_on").min(),
        pl.col("last_on").max(),
        pl.col("register_digits").last(),
        pl.col("register_decimals").last(),
        pl.col("start_register").first(),
        pl.col("end_register").sort_by("last_on").last(),
        pl.col("removed_on").sort_by("last_on").last(),
    )
    alone = once.with_columns(chain=pl.col("row")).select(lives.columns)
    dials = pl.concat([alone, lives]).sort("row").with_row_index("dial").with_columns(pl.col("dial").cast(pl.Int64))
    chain_of = pl.concat([once.select("row", chain="row"), chains.select("row", "chain")])
    dial_of = chain_of.join(dials.select("chain", "dial"), on="chain").sort("row")
    return _shared_dials(rows.with_columns(dial_of["dial"])), dials.drop("chain", "row")


_DAYS_APART = 1 << 23
"""More days than the calendar of a date column has: makes one number of dial and day."""


def _shared_dials(rows: pl.DataFrame) -> pl.DataFrame:
    """Where a dial serves several installations: `moved_in` (it counted elsewhere before), `goes_on` (it counts on).

    `goes_on`: another installation of the dial begins on this one's last day, which is then that one's day.
    """
    dial = rows["dial"].to_numpy()
    first, last = (rows[name].to_numpy().astype("datetime64[D]").astype(np.int64) for name in ("first_on", "last_on"))
    begun = np.full(dial.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(begun, dial, first)
    same = np.append(False, (dial[1:] == dial[:-1]) & (np.diff(rows["position"].to_numpy()) == 0))
    goes_on = np.zeros(len(rows), bool)
    shared = np.flatnonzero(rows["dial"].is_duplicated().to_numpy())
    starts = dial[shared] * _DAYS_APART + first[shared]
    goes_on[shared] = np.isin(dial[shared] * _DAYS_APART + last[shared], starts)
    return rows.with_columns(
        moved_in=pl.Series((first > begun[dial]) & ~same),
        goes_on=pl.Series(goes_on),
        shares_dial=rows["dial"].is_duplicated(),
    )


CONTRADICTION = {
    "reason": pl.String, "position": pl.Int64, "meter_id": pl.String, "other_meter_id": pl.String,
    "first_day": pl.Date, "last_day": pl.Date, "detail": pl.String,
}  # fmt: skip


def _contradiction(rows: pl.DataFrame, reason: str, other: str, first: str, last: str, detail: str) -> pl.DataFrame:
    return rows.select(
        pl.lit(reason).alias("reason"), pl.col("position"), pl.col("meter_id"),
        pl.col(other).cast(pl.String).alias("other_meter_id"), pl.col(first).alias("first_day"),
        pl.col(last).alias("last_day"), pl.col(detail).cast(pl.String).alias("detail"),
    ).cast(CONTRADICTION)  # type: ignore[arg-type] # fmt: skip


def _overlaps(rows: pl.DataFrame) -> pl.DataFrame:
    """Two rows at one point at the same time (a check meter beside its main meter is none)."""
    last = pl.col("removed_on").fill_null(FOREVER)
    _, several = _split(rows.filter(pl.col("point_role") != "check"), "position")
    beside = several.with_columns(last=last).with_columns(
        other=_next("meter_id", "position"),
        other_on=_next("installed_on", "position"),
        shared_until=pl.min_horizontal("last", _next("last", "position")),
    )
    both = beside.filter(pl.col("other_on") < pl.col("shared_until"))
    return _contradiction(both, "overlap", "other", "other_on", "shared_until", "other")


def _two_points(rows: pl.DataFrame) -> pl.DataFrame:
    """One meter at two points at the same time: each installation against the earlier one that lasts longest."""
    last = pl.col("removed_on").fill_null(FOREVER)
    _, several = _split(rows, "meter_id")
    ordered = several.sort("meter_id", "installed_on", "position").with_columns(last=last).with_row_index("at")
    lasts_longest = pl.when(pl.col("last") >= pl.col("last").cum_max().over("meter_id")).then("at")
    later = ordered.select(
        lasts_longest.forward_fill().shift(1).over("meter_id").alias("at"),
        pl.col("position").alias("other_position"),
        pl.col("account_id").alias("other"),
        pl.col("installed_on").alias("other_on"),
        pl.col("last").alias("other_last"),
    )
    both = ordered.join(later, on="at").with_columns(shared_until=pl.min_horizontal("last", "other_last"))
    both = both.filter((pl.col("other_position") != pl.col("position")) & (pl.col("other_on") < pl.col("shared_until")))
    return _contradiction(both, "two_points", "meter_id", "other_on", "shared_until", "other")


def _reversed_spans(rows: pl.DataFrame) -> pl.DataFrame:
    """Removed before it was installed."""
    wrong = rows.filter(pl.col("removed_on") < pl.col("installed_on"))
    return _contradiction(wrong, "removed_before_installed", "meter_id", "removed_on", "installed_on", "meter_id")


def _area_disagreements(positions: pl.DataFrame) -> pl.DataFrame:
    """The installation's area is not the account's."""
    wrong = positions.filter(pl.col("installation_area_id") != pl.col("account_area_id"))
    wrong = wrong.with_columns(today=pl.col("first_installed_on"))
    both = wrong.with_columns(both=pl.concat_str("installation_area_id", pl.lit("≠"), "account_area_id"))
    return _contradiction(both, "area_disagreement", "meter_id", "today", "today", "both")
