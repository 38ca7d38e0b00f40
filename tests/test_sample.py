"""The bundled sample and the demo book made from it."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anomaly.injector.build import build_town
from pipelines.book import open_book
from pipelines.sample import SAMPLE_FOLDER, demo_book, load_homes, load_sample, write_book

MOST_BYTES = 4 * 1024 * 1024


def test_the_sample_is_small_and_attributed() -> None:
    files = [path for path in SAMPLE_FOLDER.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    attribution = (SAMPLE_FOLDER / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for words in ("UK Power Networks", "Low Carbon London", "Creative Commons Attribution 4.0"):
        assert words in attribution


def test_the_sample_is_sixty_homes_over_ten_months() -> None:
    series = load_sample()
    assert series.daily_kwh.shape == (60, 304)
    assert series.curve_kwh is not None
    assert series.curve_kwh.shape == (60, 92, 48)
    assert series.days[0] == np.datetime64("2013-01-01")
    assert {"MAC000004", "MAC000037"} <= set(series.home_ids)
    assert (np.isnan(series.daily_kwh).sum(axis=1) >= 6).sum() == 6


def test_the_curve_sums_to_the_daily_energy() -> None:
    series = load_sample()
    assert series.curve_kwh is not None
    sums, daily = series.curve_kwh.sum(axis=2), series.daily_kwh[:, -92:]
    assert (np.isnan(sums) == np.isnan(daily)).all()
    assert np.nanmax(np.abs(sums - daily)) < 1e-6


def test_homes_of_a_file_keep_their_gaps(tmp_path: Path) -> None:
    starts = [datetime(2024, 1, 1) + timedelta(minutes=30 * slot) for slot in range(96)]
    whole = pl.DataFrame({"meter_id": "A", "ts": starts, "kwh": 0.5})
    partial = whole.with_columns(meter_id=pl.lit("B")).filter(pl.col("ts") != datetime(2024, 1, 2, 5))
    pl.concat([whole, partial]).write_parquet(tmp_path / "homes.parquet")
    series = load_homes(tmp_path / "homes.parquet")
    assert series.home_ids == ("A", "B")
    assert np.allclose(series.daily_kwh[0], 24.0)
    assert np.isnan(series.daily_kwh).tolist() == [[False, False], [False, True]]
    assert series.curve_kwh is not None
    assert np.isnan(series.curve_kwh).sum() == 1


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"meter_id": ["A"], "kwh": [1.0]}).write_parquet(tmp_path / "homes.parquet")
    with pytest.raises(ValueError, match="column ts is missing"):
        load_homes(tmp_path / "homes.parquet")


def test_the_demo_book_is_the_same_every_time(tmp_path: Path) -> None:
    first, again = demo_book(tmp_path / "a"), demo_book(tmp_path / "b")
    assert first.as_of == again.as_of == date(2013, 11, 1)
    names = sorted(path.name for path in first.book.iterdir())
    assert names == sorted(path.name for path in again.book.iterdir())
    assert "truth.parquet" not in names
    assert all((first.book / name).read_bytes() == (again.book / name).read_bytes() for name in names)
    truth = pl.read_parquet(first.truth)
    assert truth.filter(~pl.col("innocent"))["kind"].n_unique() >= 12
    assert truth.filter(pl.col("innocent"))["kind"].n_unique() >= 4


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_every_row_of_a_written_book_is_accepted(tmp_path: Path, format: str) -> None:
    tables = build_town(load_sample().first(12), seed=1).tables()
    write_book(tables, tmp_path, format)
    book = open_book(tmp_path)
    for name, table in tables.items():
        assert book.frame(name).height == table.height, name


def test_a_book_in_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="parquet or csv"):
        write_book({}, tmp_path, "xlsx")
