"""The rebill proposal of a case: one line for the terminal, one table per home for the evidence page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from pipelines.output import Row, ScanOutput
from pipelines.report.edition import Edition

COLUMNS = (
    "rebill.month", "rebill.days", "rebill.measured", "rebill.proposed", "rebill.difference", "rebill.between",
    "rebill.money",
)  # fmt: skip


@dataclass(frozen=True)
class RebillPart:
    """Months of one home as text, the last row their sum; `heads` names the columns, money only with a price."""

    name: str
    heads: list[tuple[str, bool]]
    rows: list[tuple[str, ...]]


def rebill_line(output: ScanOutput, case: Row, edition: Edition) -> str | None:
    """The proposal in one line: each home's difference with its range; None where there is none."""
    rows = output.rebills.filter(pl.col("case_id") == case["case_id"])
    if rows.is_empty():
        return None
    f = edition.f
    homes = rows.group_by("account_id").agg(pl.col("difference_kwh", "low_kwh", "high_kwh").sum()).sort("account_id")
    told = [
        edition.t(
            "rebill.home" if home["low_kwh"] < home["high_kwh"] else "rebill.home_exact",
            account=home["account_id"],
            difference=signed_kwh(home["difference_kwh"], edition),
            low=signed_kwh(home["low_kwh"], edition),
            high=signed_kwh(home["high_kwh"], edition),
        )
        for home in homes.to_dicts()
    ]
    first = rows["from_day"].min() or rows["month"].min()
    return edition.t("rebill.line", span=f.span(first, output.as_of), homes=edition.t("rebill.semicolon").join(told))


def rebill_parts(output: ScanOutput, case: Row, edition: Edition) -> tuple[list[RebillPart], list[str]]:
    """A table per home, and the notes all rows share, each once."""
    rows = output.rebills.filter(pl.col("case_id") == case["case_id"]).sort("account_id", "month")
    notes = rows[f"note_{edition.lang}"].unique(maintain_order=True).to_list()
    homes = rows.partition_by("account_id", maintain_order=True)
    return [_part(home, edition) for home in homes], notes


def signed_kwh(kwh: float, edition: Edition) -> str:
    """Energy with its sign, also a plus."""
    text = edition.f.kwh(kwh)
    return text if kwh < 0 or text[0] == "–" else f"+{text}"


def _part(home: pl.DataFrame, edition: Edition) -> RebillPart:
    t = edition.t
    priced = home["money_difference"].null_count() < len(home)
    columns = COLUMNS if priced else COLUMNS[:-1]
    heads = [(t(name), name != COLUMNS[0]) for name in columns]
    total = home.select(pl.col(pl.Float64, pl.Int32).sum()).to_dicts()[0]
    rows = [_row(row, _month(row, edition), edition) for row in home.to_dicts()]
    rows.append(_row(total, t("rebill.total"), edition))
    name = t("rebill.of", account=home["account_id"][0], other=home["related_account_id"][0])
    return RebillPart(name, heads, [row[: len(columns)] for row in rows])


def _month(row: Row, edition: Edition) -> str:
    """The month, or the part of it from the change on."""
    start = row["from_day"]
    if start is None or start == row["month"]:
        return edition.f.month(row["month"], year=True)
    end = (row["month"] + timedelta(days=32)).replace(day=1)
    return edition.f.span(start, end)


def _row(row: Row, name: str, edition: Edition) -> tuple[str, ...]:
    f, t = edition.f, edition.t
    days = f.number(row["days_counted"])
    if row["days_missing"]:
        days = t("rebill.days_missing", days=days, missing=f.number(row["days_missing"]))
    ends = [_signed(row[name], f.number(row[name], 1)) for name in ("low_kwh", "high_kwh")]
    between = t("rebill.range", low=ends[0], high=ends[1]) if ends[0] != ends[1] else ends[0]
    return (
        name, days, f.number(row["measured_kwh"], 1), f.number(row["proposed_kwh"], 1),
        _signed(row["difference_kwh"], f.number(row["difference_kwh"], 1)), between,
        f.number(row["money_difference"], 2),
    )  # fmt: skip


def _signed(value: float, text: str) -> str:
    return f"+{text}" if value > 0 else text
