"""What lies in two slices at once: shared meters, accounts with points in two areas, unequal rate registers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from tests.scan_fixture import RESULTS, Result, Rows, day, installed, reads, same_results, scan_book, write_book

STEADY = [500.0 + 9 * at for at in range(40)]
FALLING = [*STEADY[:30], *(value - 200 for value in STEADY[30:])]
ONE_AREA = "[setting.slice_cells]\nvalue = 1\n"


def both_ways(folder: Path, register: Rows, rows: Rows, **tables: Rows) -> Result:
    """Scan in one slice and area by area; assert that both agree, and give the whole one."""
    book = write_book(folder / "book", {"register_reads": register, "installations": rows, **tables})
    overlay = folder / "slices.toml"
    overlay.write_text(ONE_AREA)
    whole = scan_book(book, day(39), folder / "whole")
    sliced = scan_book(book, day(39), folder / "sliced", overlays=(overlay,))
    same_results(whole, sliced, (*RESULTS, "series"))
    return whole


def test_a_meter_at_two_points_of_two_areas_is_one_pair(tmp_path: Path) -> None:
    rows = [installed("M", "B", -90, area_id="1"), installed("M", "A", 5, area_id="2")]
    result = both_ways(tmp_path, reads("M", STEADY), rows)
    assert result.codes() >= {"Q10"}
    pairs = result.cases.select("account_id", "related_account_id").rows()
    assert pairs == [("A", "B")]
    assert set(result.series["account_id"]) == {"A", "B"}


def test_a_meter_at_an_account_and_at_a_supply_point(tmp_path: Path) -> None:
    rows = [installed("M", None, -90, area_id="1"), installed("M", "A", 5, area_id="2")]
    result = both_ways(tmp_path, reads("M", STEADY), rows)
    told = result.findings.filter(pl.col("code") == "Q10")
    assert told.select("account_id", "related_account_id").rows() == [(None, "A")]
    assert (result.cases["account_id"] != result.cases["related_account_id"]).fill_null(True).all()


def test_an_account_with_points_in_two_areas(tmp_path: Path) -> None:
    rows = [installed("M", "A", -90, point_id="1", area_id="1"), installed("N", "A", -90, point_id="2", area_id="2")]
    result = both_ways(tmp_path, reads("M", STEADY) + reads("N", FALLING), rows)
    assert "R01" in result.codes()
    assert set(result.series["point_id"]) == {"1", "2"}


@pytest.mark.parametrize("first_area", ["1", "9"])
def test_two_rates_beside_four(tmp_path: Path, first_area: str) -> None:
    """Every position is judged by the rates it has, whatever its neighbours have."""
    register = [{"channel": "import", **row} for row in reads("TWO", STEADY) + reads("FOUR", STEADY)]
    for meter, rates in (("TWO", 2), ("FOUR", 4)):
        for rate in range(1, rates + 1):
            share = [value / rates + (50.0 if rate == 1 and at >= 25 else 0.0) for at, value in enumerate(STEADY)]
            register += [{**row, "channel": f"import_t{rate}"} for row in reads(meter, share)]
    rows = [installed("TWO", "A", -90, area_id=first_area), installed("FOUR", "B", -90, area_id="5")]
    result = both_ways(tmp_path, register, rows)
    told = result.findings.filter(pl.col("code") == "T01")
    assert sorted(told["meter_id"]) == ["FOUR", "TWO"]
    assert told["limit"].n_unique() == 2


def test_weather_stands_beside_the_days(tmp_path: Path) -> None:
    weather: Rows = [
        {"date": day(at), "temperature_c": warmth, "station": station}
        for at in range(40)
        for station, warmth in (("north", 4.0), ("south", 7.0))
    ]
    result = both_ways(tmp_path, reads("M", FALLING), [installed("M", "A", -90)], weather=weather)
    assert result.series["temperature_c"].unique().to_list() == [5.5]
    assert result.series["date"].max() == day(39) - dt.timedelta(days=1)
