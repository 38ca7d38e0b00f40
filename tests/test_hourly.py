"""From electrical reads at odd instants to hourly arrays, and from a book with wrong files to cases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.feeders import Network, network
from tests.scan_fixture import (
    START,
    assert_readable,
    installed,
    instant,
    lay_tables,
    reads,
    same_results,
    scan_book,
    scan_tables,
    write_book,
)  # fmt: skip

DAYS = 14
MADE = network(areas=2, boxes=3, on_phase=4, days=DAYS)
WRONG, IN_FIRST, IN_SECOND = 0, 38, 51


def sample(hour: int, minute: int, volts: float | None, phase: str | None = "A", **columns: Any) -> dict[str, Any]:
    return {"meter_id": "M", "read_at": instant(0, hour, minute), "phase": phase, "voltage_v": volts, **columns}


def hours_of(tmp_path: Path, rows: list[dict[str, Any]], *, days: int = 2, **columns: Any) -> Any:
    tables = {"register_reads": reads("M", [0.0] * (days + 1)), "installations": [installed("M", "A", -9, **columns)]}
    return lay_tables(tmp_path, days, **tables, electrical_reads=rows).panel.hourly


class TestFullHours:
    def test_the_nearest_sample_within_ten_minutes_counts(self, tmp_path: Path) -> None:
        rows = [
            sample(1, 0, 231.0), sample(1, 15, 999.0), sample(1, 58, 232.0), sample(2, 5, 888.0),
            sample(3, 5, 777.0), sample(2, 55, 233.0), sample(4, 10, 234.0), sample(5, 11, 666.0),
            sample(6, 0, 230.0), sample(6, 0, 235.0),
        ]  # fmt: skip
        hourly = hours_of(tmp_path, rows)
        assert hourly.first_hour == np.datetime64(START, "h")
        assert hourly.hours == 24, "days without reads at either end are cut off"
        assert hourly.voltage_v[0, :8].tolist() == pytest.approx(
            [np.nan, 231, 232, 233, 234, np.nan, 235, np.nan], nan_ok=True
        )

    def test_currents_and_voltages_may_come_in_rows_of_their_own(self, tmp_path: Path) -> None:
        rows = [
            sample(1, 0, 231.0, None), sample(1, 0, None, "A", current_a=3.0), sample(1, 0, None, "N", current_a=2.5),
        ]  # fmt: skip
        hourly = hours_of(tmp_path, rows)
        assert (hourly.voltage_v[0, 1], hourly.line_a[0, 1], hourly.neutral_a[0, 1]) == (231.0, 3.0, 2.5)
        assert hourly.phase.tolist() == [0]
        assert not hourly.three_phase[0]

    def test_a_meter_of_three_phases_stands_on_phase_a(self, tmp_path: Path) -> None:
        rows = [sample(1, 0, 230.0 + at, "ABC"[at], current_a=float(at)) for at in range(3)]
        hourly = hours_of(tmp_path, rows)
        assert (hourly.voltage_v[0, 1], hourly.line_a[0, 1]) == (230.0, 2.0)
        assert hourly.phase.tolist() == [-1]
        assert hourly.three_phase.tolist() == [True]

    def test_reads_outside_window_installation_and_as_of_are_not_seen(self, tmp_path: Path) -> None:
        row = sample(1, 0, 231.0)
        assert hours_of(tmp_path / "later", [{**row, "read_at": instant(2, 0)}]) is None
        assert hours_of(tmp_path / "removed", [{**row, "read_at": instant(1, 5)}], removed=0) is None
        assert hours_of(tmp_path / "unknown", [{**row, "meter_id": "X"}]) is None
        old = [row, {**row, "read_at": instant(70, 3)}]
        hourly = hours_of(tmp_path / "old", old, days=80)
        assert hourly.first_hour == np.datetime64(instant(70), "h")

    def test_power_alone_is_no_hour(self, tmp_path: Path) -> None:
        assert hours_of(tmp_path, [sample(1, 0, None, power_kw=1.0)]) is None


def book_of(made: Network, area: np.ndarray, box: np.ndarray, **more: Any) -> dict[str, Any]:
    """Tables of a book in which every meter stands where `area` and `box` say."""
    meters = [f"M{one:03d}" for one in range(len(area))]
    rng = np.random.default_rng(5)
    dial = 100 + np.cumsum(rng.gamma(4, 1.5, (len(meters), DAYS + 1)), axis=1).round(2)
    accounts = pl.DataFrame(
        {
            "account_id": [f"A{one:03d}" for one in range(len(area))],
            "area_id": [f"T{one}" for one in area],
            "box_id": [f"T{one}-B{other}" for one, other in zip(area, box, strict=True)],
        }
    )
    begin = dt.datetime.combine(START, dt.time())
    electrical = pl.DataFrame(
        {
            "meter_id": np.repeat(meters, made.hours),
            "read_at": [begin + dt.timedelta(hours=at) for at in range(made.hours)] * len(meters),
            "phase": np.repeat(np.array(["A", "B", "C"])[made.phase], made.hours),
            "voltage_v": made.voltage_v.ravel(),
        }
    ).filter(pl.col("voltage_v").is_not_nan())
    return {
        "register_reads": [row for at, meter in enumerate(meters) for row in reads(meter, dial[at].tolist())],
        "installations": [installed(meter, f"A{at:03d}", -9) for at, meter in enumerate(meters)],
        "accounts": accounts,
        "electrical_reads": electrical,
        **more,
    }


def wrongly_filed() -> dict[str, Any]:
    area, box = MADE.area.copy(), MADE.box.copy()
    area[WRONG] = 1
    box[[IN_FIRST, IN_SECOND]] = box[[IN_SECOND, IN_FIRST]]
    return book_of(MADE, area, box)


def test_a_scan_finds_the_wrong_area_and_the_exchange_across_boxes(tmp_path: Path) -> None:
    tables = wrongly_filed()
    result = scan_tables(tmp_path, DAYS, **tables)
    found = result.findings.filter(pl.col("code").is_in(["X12", "X13", "X14"]))
    told = found.select("code", "account_id", "related_account_id").sort("code").rows()
    assert told == [("X13", "A051", "A038"), ("X14", "A000", None)], "the position filed first stands first"
    wired = result.cases.filter(pl.col("family") == "cross_wiring").sort("account_id")
    assert wired.select("account_id", "related_account_id", "cause").rows() == [
        ("A000", None, "wrong_area"),
        ("A038", "A051", "swapped_pair"),
    ]
    assert_readable(wired)


def test_neither_order_nor_files_nor_slices_change_what_is_found(tmp_path: Path) -> None:
    tables = wrongly_filed()
    whole = scan_tables(tmp_path / "whole", DAYS, **tables)
    rows = tables["electrical_reads"].sample(fraction=1.0, shuffle=True, seed=1)
    book = write_book(tmp_path / "parts", {**tables, "electrical_reads": pl.DataFrame()})
    (book / "electrical_reads").mkdir()
    for part in range(3):
        rows.gather_every(3, part).write_parquet(book / "electrical_reads" / f"{part}.parquet")
    overlay = tmp_path / "small.toml"
    overlay.write_text('[setting]\nslice_cells = { value = 9000, unit = "cells", source = "test" }\n', encoding="utf-8")
    parts = scan_book(book, START + dt.timedelta(DAYS), tmp_path / "out", overlays=(overlay,), workers=2)
    same_results(whole, parts, ("findings", "cases", "coverage"))


def test_without_electrical_reads_one_row_says_so(tmp_path: Path) -> None:
    tables = wrongly_filed()
    del tables["electrical_reads"]
    result = scan_tables(tmp_path, DAYS, **tables)
    for code in ("X12", "X13", "X14"):
        (row,) = result.coverage.filter(pl.col("code") == code).to_dicts()
        assert (row["status"], row["reason"]) == ("insufficient_data", "table_missing:electrical_reads")
        assert row["positions"] == len(MADE.area)


def test_voltages_without_neutral_currents_leave_only_x12_unjudged(tmp_path: Path) -> None:
    result = scan_tables(tmp_path, DAYS, **wrongly_filed())
    rows = result.coverage.filter(pl.col("code") == "X12")
    assert rows.select("status", "reason", "positions").rows() == [
        ("insufficient_data", "no_electrical", len(MADE.area))
    ]


def test_neighbours_on_file_limit_who_is_compared(tmp_path: Path) -> None:
    areas = pl.DataFrame({"area_id": ["T0", "T1", "T2"], "neighbours": [" T1 ; T9", None, "T2"]})
    laid = lay_tables(tmp_path, DAYS, **book_of(MADE, MADE.area, MADE.box, areas=areas))
    assert laid.panel.hourly is not None
    assert laid.panel.hourly.areas is not None
    assert laid.panel.hourly.areas.neighbours.tolist() == [[0, 1], [1, 0]]
    assert laid.panel.hourly.areas.area_ids.tolist() == ["T0", "T1"]


def test_the_supply_meter_is_no_member_and_gives_the_phases(tmp_path: Path) -> None:
    tables = book_of(MADE, MADE.area, MADE.box)
    begin = dt.datetime.combine(START, dt.time())
    supply = pl.DataFrame(
        {
            "meter_id": ["S0"] * 3 * MADE.hours,
            "read_at": [begin + dt.timedelta(hours=at) for at in range(MADE.hours)] * 3,
            "phase": np.repeat(["A", "B", "C"], MADE.hours),
            "voltage_v": np.repeat([231.0, 232.0, 233.0], MADE.hours),
        }
    )
    tables["electrical_reads"] = pl.concat([tables["electrical_reads"], supply])
    tables["installations"] = [*tables["installations"], installed("S0", None, -9, area_id="T0")]
    tables["register_reads"] = [*tables["register_reads"], *reads("S0", list(range(0, 3 * (DAYS + 1), 3)))]
    hourly = lay_tables(tmp_path, DAYS, **tables).panel.hourly
    assert hourly is not None
    assert hourly.areas is not None
    assert hourly.areas.supply.tolist() == [0, -1]
    assert hourly.areas.supply_v[0, :, 5].tolist() == [231.0, 232.0, 233.0]
    assert hourly.areas.members.sum(axis=1).tolist() == [36, 36]
    assert min(hourly.group.tolist()) == -1
