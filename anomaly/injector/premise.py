"""One account of a town while a fault is put into it: its own rows of every array, and its own file rows."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from anomaly.injector.dial import counted_wh, rate_ticks, register_ticks
from anomaly.injector.town import BoolArray, IntArray, Town

FileRow = dict[str, Any]


@dataclass
class Premise:
    """An account's physics and paper.

    `use_wh`, `dial_wh` [D], `ticks`, `present`, `quality` [D + 1], `curve_wh`, `curve_present` [D2, 48] are
    views into the town being changed: write into them, never rebind them. Their meaning is that of `Dials`.
    `installations`, `account` are the file rows as they will be written; `events`, `tickets`, `extra_reads`,
    `extra_intervals`, `electrical` are rows to add. `fed_from` is the area it draws from if not the one on file.
    """

    town: Town
    row: int
    account: FileRow
    installations: list[FileRow]
    events: list[FileRow] = field(default_factory=list)
    tickets: list[FileRow] = field(default_factory=list)
    extra_reads: list[FileRow] = field(default_factory=list)
    extra_intervals: list[FileRow] = field(default_factory=list)
    electrical: list[FileRow] = field(default_factory=list)
    fed_from: str | None = None

    def __post_init__(self) -> None:
        """Look at the position's rows of the arrays."""
        dials = self.town.dials
        self.use_wh: IntArray = dials.use_wh[self.row]
        self.dial_wh: IntArray = dials.dial_wh[self.row]
        self.ticks: IntArray = dials.ticks[self.row]
        self.present: BoolArray = dials.present[self.row]
        self.quality: npt.NDArray[np.int8] = dials.quality[self.row]
        self.curve_wh: npt.NDArray[np.int32] = dials.curve_wh[self.row]
        self.curve_present: BoolArray = dials.curve_present[self.row]

    @property
    def has_curve(self) -> bool:
        """Whether any half-hour of this account is stored."""
        return bool(self.curve_present.any())

    @property
    def meter_id(self) -> str:
        """Number of the meter that hung there first."""
        return str(self.town.meters[self.row, 0])

    @property
    def next_meter_id(self) -> str:
        """Number of the meter kept in stock to replace it."""
        return str(self.town.meters[self.row, 1])

    @property
    def multiplier(self) -> float:
        """Multiplier of the first installation."""
        return float(self.installations[0]["multiplier"])

    @property
    def ticks_per_kwh(self) -> int:
        """Smallest register steps in one kWh."""
        return int(1000 // self.town.dials.tick_wh[self.row])

    @property
    def capacity_ticks(self) -> int:
        """Steps after which the dial is back at zero."""
        return int(self.town.dials.capacity_ticks[self.row])

    def day(self, index: int) -> date:
        """Calendar day of a day index (the day after the last is allowed)."""
        return (self.town.days[0] + np.timedelta64(int(index), "D")).item()  # type: ignore[no-any-return]

    def moment(self, index: int, minutes: int = 0) -> datetime:
        """Wall time `minutes` after 00:00 of a day index."""
        midnight = self.town.days[0].astype("datetime64[us]") + np.timedelta64(int(index), "D")
        return (midnight + np.timedelta64(int(minutes), "m")).item()  # type: ignore[no-any-return]

    def curve_index(self, index: int) -> int:
        """Row of `curve_wh` for a day index; negative before the curve begins."""
        return int(index) - (len(self.town.days) - self.town.curve_days)

    def curve_span(self, first: int, last: int) -> slice:
        """Rows of `curve_wh` for days [first, last), cut to those that have a curve."""
        return slice(max(self.curve_index(first), 0), max(self.curve_index(last), 0))

    def register_kwh(self, index: int) -> float:
        """Stored register at an instant, kWh."""
        return float(self.ticks[index] / self.ticks_per_kwh)

    def usual_kwh(self, days: int = 60) -> float:
        """Median energy of a day as the meter shows it over the last `days`, kWh."""
        return float(np.median(self.use_wh[-days:])) / 1000

    def read_dial(self) -> None:
        """Store again what the dials show now: total, rate and export registers."""
        dials, row = self.town.dials, slice(self.row, self.row + 1)
        counted = counted_wh(dials.dial_wh[row], dials.offset_minutes[row])
        self.ticks[:] = register_ticks(
            dials.start_wh[row], counted, dials.tick_wh[row], dials.capacity_ticks[row]
        )[0]
        exported = counted_wh(dials.export_wh[row], dials.offset_minutes[row])
        dials.export_ticks[self.row] = register_ticks(
            dials.start_wh[row] // 7, exported, dials.tick_wh[row], dials.capacity_ticks[row]
        )[0]
        shares = np.repeat(dials.rate_shares[row, None, :], len(self.dial_wh), axis=1)
        dials.rate_ticks[self.row] = rate_ticks(self.ticks[None], shares, dials.rate_shares[row])[0]

    def use(self, first: int, last: int, factor: float = 1.0, added_wh: npt.ArrayLike = 0) -> float:
        """Change what the customer really uses on days [first, last): times `factor`, plus `added_wh`.

        Use, dial and curve move together, so the books still agree. `added_wh` is per half-hour and
        broadcasts to [last - first, 48]. Returns the change, kWh as the meter shows it.
        """
        before = int(self.use_wh[first:last].sum())
        added = np.broadcast_to(np.asarray(added_wh, dtype=np.int64), (last - first, 48))
        self.use_wh[first:last] = np.rint(self.use_wh[first:last] * factor).astype(np.int64) + added.sum(
            axis=1
        )
        begin = max(first, len(self.town.days) - self.town.curve_days)
        if self.has_curve and begin < last:
            part = slice(self.curve_index(begin), self.curve_index(last))
            stored = np.rint(self.curve_wh[part] * factor) + added[begin - first :]
            self.curve_wh[part] = np.where(self.curve_present[part], stored, self.curve_wh[part]).astype(
                np.int32
            )
            self.follow_curve(begin, last, factor)
        self.dial_wh[first:last] = self.use_wh[first:last]
        self.read_dial()
        return (int(self.use_wh[first:last].sum()) - before) / 1000

    def follow_curve(self, first: int, last: int, factor: float) -> None:
        """Make the use of completely measured days [first, last) the exact sum of their stored half-hours."""
        part = slice(self.curve_index(first), self.curve_index(last))
        fold = self.town.dials.fold_wh[self.row]
        fold[:] = np.where(self.repeated_wh(first, last).any(), np.rint(fold * factor), fold)
        sums = self.curve_wh[part].sum(axis=1).astype(np.int64) + self.repeated_wh(first, last)
        whole = self.curve_present[part].all(axis=1)
        self.use_wh[first:last] = np.where(whole, sums, self.use_wh[first:last])

    def repeated_wh(self, first: int, last: int) -> IntArray:
        """Energy of the repeated hour on days [first, last): zero on all but the day of the clock change."""
        repeated = np.zeros(last - first, dtype=np.int64)
        if self.town.clock_change is not None:
            days = self.town.days[first:last]
            repeated[days == self.town.clock_change] = self.town.dials.fold_wh[self.row].sum()
        return repeated

    def exchange(
        self, index: int, minutes: int, new_start_ticks: int, new_multiplier: float | None = None
    ) -> tuple[FileRow, FileRow]:
        """Hang the stock meter on day `index`: registers, file and event agree. Returns old and new row.

        The new dial takes over the part of a step the old one could not show, so no energy is lost between
        them.
        """
        dials = self.town.dials
        tick_wh = int(dials.tick_wh[self.row])
        before = int(
            dials.start_wh[self.row] + self.dial_wh[:index].sum() + self.dial_wh[index] * minutes // 1440
        )
        counted = counted_wh(self.dial_wh, dials.offset_minutes[self.row]) + dials.start_wh[self.row]
        shown = (new_start_ticks * tick_wh + before % tick_wh + counted[index + 1 :] - before) // tick_wh
        self.ticks[index + 1 :] = shown % self.capacity_ticks
        dials.exchange_at[self.row] = np.datetime64(self.moment(index, minutes), "m")
        old = self.installations[-1]
        old["removed_on"] = self.day(index)
        old["end_register"] = before // tick_wh % self.capacity_ticks / self.ticks_per_kwh
        new = {
            **old,
            "meter_id": self.next_meter_id,
            "installed_on": self.day(index),
            "removed_on": None,
            "multiplier": new_multiplier or old["multiplier"],
            "start_register": new_start_ticks / self.ticks_per_kwh,
            "end_register": None,
        }
        self.installations.append(new)
        self.add_event(index, minutes, "exchange", self.next_meter_id)
        return old, new

    def add_event(self, index: int, minutes: int, kind: str, detail: str | None = None) -> None:
        """Note an event of this account's meter."""
        self.events.append(
            {"meter_id": self.meter_id, "at": self.moment(index, minutes), "kind": kind, "detail": detail}
        )

    def add_ticket(self, index: int, minutes: int, kind: str) -> None:
        """Note a complaint of this account's customer."""
        opened_at = self.moment(index, minutes)
        self.tickets.append(
            {
                "ticket_id": f"TK{self.account['account_id']}{opened_at:%y%m%d}",
                "account_id": self.account["account_id"],
                "opened_at": opened_at,
                "kind": kind,
                "urges": 0,
                "related_ticket_id": None,
                "text": None,
            }
        )

    def add_read(self, meter_id: str, index: int, register_kwh: float, minutes: int = 0) -> None:
        """Store one more total register read, whatever else there is."""
        self.extra_reads.append(
            {
                "meter_id": meter_id,
                "read_at": self.moment(index, minutes),
                "channel": "import",
                "register_kwh": register_kwh,
                "quality": "valid",
                "fold": None,
            }
        )
