"""Everything a scan reads from a book, read once: the fleet, the grid, curves, events."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import polars as pl

from anomaly.frames import BIG_TABLES
from pipelines.book import Book
from pipelines.curves import land_curves
from pipelines.electrical import land_electrical
from pipelines.fleet import open_fleet
from pipelines.hourly import HourlyDesk, land_hours
from pipelines.landing import land
from pipelines.panels import Source
from pipelines.polls import land_polls
from pipelines.tally import Tally
from rules.model import Rulebook

ROLLOVER = ("near_top_share", "usual_multiple", "floor_kwh_per_day")
"""Limits of `anomaly.consumption.dial_energy`; the rulebook holds them as settings `rollover_*`."""


DATED_BY = {
    "installations": "installed_on", "events": "at", "tickets": "opened_at", "outcomes": "decided_on", "polls": "at",
}  # fmt: skip
"""The column by which a small table's rows are known on a day or not yet."""


def read_source(book: Book, rulebook: Rulebook, as_of: dt.date, tally: Tally, scratch: Path) -> Source:
    """Read the whole book as known on `as_of`: small tables as frames, big ones onto scratch files.

    Every row read is counted and every accepted row is hashed into `tally`.
    """
    for table in book.tables:
        if table not in BIG_TABLES:
            tally.add(table, book.validated(table))
        if table in DATED_BY:
            rows = book.frame(table)
            tally.count(table, after_as_of=len(rows) - len(dated(rows, DATED_BY[table], as_of)))
    history_days = int(rulebook.setting("history_days"))
    fleet = open_fleet(book, as_of=as_of)
    # The fleet holds them now; a million accounts need not be kept twice.
    book.release("installations", "accounts")
    landed = land(book, fleet, tally, as_of=as_of, history_days=history_days, folder=scratch)
    first_day = landed.grid.first_day
    polls, unmatched = land_polls(dated(book.frame("polls"), "at", as_of), fleet, as_of, history_days=history_days)
    if book.has("polls"):
        tally.count("polls", unmatched=sum(unmatched.values()), **unmatched)
    curves = land_curves(book, fleet, tally, first_day=first_day, as_of=as_of, folder=scratch)
    desk = HourlyDesk(fleet, scratch, as_of, int(rulebook.setting("voltage_days")))
    daily = land_electrical(book, tally, desk, first_day=first_day, as_of=as_of, folder=scratch)
    hourly = land_hours(
        desk, book.frame("areas"), told_share=rulebook.setting("phase_told_share"),
        most_near=int(rulebook.setting("near_areas")),
    )  # fmt: skip
    return Source(
        fleet=fleet,
        landed=replace(landed, set_aside=pl.concat([landed.set_aside, curves.set_aside])),
        curves=curves,
        electrical=daily,
        hourly=hourly,
        events=book.frame("events").filter(pl.col("at") <= dt.datetime.combine(as_of, dt.time())),
        tickets=dated(book.frame("tickets"), "opened_at", as_of),
        areas=book.frame("areas"),
        polls=polls,
        rollover={name: rulebook.setting(f"rollover_{name}") for name in ROLLOVER},
        periodic_gap_days=rulebook.setting("periodic_gap_days"),
        slice_cells=int(rulebook.setting("slice_cells")),
    )


def dated(rows: pl.DataFrame, column: str, as_of: dt.date) -> pl.DataFrame:
    """Rows dated `as_of` or earlier."""
    return rows.filter(pl.col(column).cast(pl.Date) <= as_of)
