"""Opening a book: which files are tables, what types are taken, what is refused and how it is said."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from anomaly.errors import BookError
from anomaly.frames import INPUTS, OUTPUTS
from pipelines import book_csv
from pipelines.book import Book, open_book

READS = "meter_id,read_at,register_kwh\n007,2024-01-01,1.5\n"
INSTALLATIONS = "meter_id,account_id,installed_on\n007,0042,2020-01-01\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "register_reads.csv").write_text(READS, encoding="utf-8")
    (tmp_path / "installations.csv").write_text(INSTALLATIONS, encoding="utf-8")
    return tmp_path


def _with_reads(folder: Path, reads: pl.DataFrame) -> Book:
    (folder / "register_reads.csv").unlink(missing_ok=True)
    reads.write_parquet(folder / "register_reads.parquet")
    return open_book(folder)


def _reads(**columns: pl.Series) -> pl.DataFrame:
    usual = {
        "meter_id": pl.Series(["007", "008"]),
        "read_at": pl.Series([datetime(2024, 1, 1), datetime(2024, 1, 2)]),
        "register_kwh": pl.Series([1.0, 2.0]),
    }
    return pl.DataFrame(usual | columns)


def test_leading_zeros_defaults_and_exact_types(folder: Path) -> None:
    book = open_book(folder)
    assert book.tables == ("register_reads", "installations")
    installation = book.frame("installations").row(0, named=True)
    assert (installation["meter_id"], installation["account_id"], installation["point_id"]) == (
        "007",
        "0042",
        "0042",
    )
    assert installation["point_role"] == "add"
    assert (
        installation["multiplier"],
        installation["register_digits"],
        installation["register_decimals"],
    ) == (1.0, 6, 2)
    assert book.frame("register_reads").row(0) == ("007", datetime(2024, 1, 1), "import", 1.5, "valid", 0)


@pytest.mark.parametrize("name", list(INPUTS))
def test_every_frame_keeps_its_schema_even_when_absent(folder: Path, name: str) -> None:
    assert open_book(folder).frame(name).schema == INPUTS[name].create_empty().schema
    assert INPUTS[name].is_valid(open_book(folder).frame(name))


def test_supply_meter_has_no_point(folder: Path) -> None:
    (folder / "installations.csv").write_text(
        "meter_id,account_id,installed_on\nS1,,2020-01-01\n", encoding="utf-8"
    )
    assert open_book(folder).frame("installations").row(0)[:3] == ("S1", None, None)


def test_columns_are_those_really_present(folder: Path) -> None:
    book = open_book(folder)
    assert book.columns("installations") == {"meter_id", "account_id", "installed_on"}
    assert book.columns("areas") == frozenset()
    assert book.has("installations")
    assert not book.has("areas")


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("tail", ["", "\n", "\n\n\n"])
def test_bom_line_ends_and_blank_tail(folder: Path, start: bytes, ending: str, tail: str) -> None:
    text = (READS.rstrip("\n") + tail).replace("\n", ending)
    (folder / "register_reads.csv").write_bytes(start + text.encode())
    book = open_book(folder)
    assert book.counts("register_reads") == (1, 1, 0)
    assert book.frame("register_reads").item(0, "meter_id") == "007"


def test_header_only_is_no_rows(folder: Path) -> None:
    (folder / "register_reads.csv").write_text("meter_id,read_at,register_kwh", encoding="utf-8")
    book = open_book(folder)
    assert book.counts("register_reads") == (0, 0, 0)
    assert book.frame("register_reads").is_empty()


def test_file_and_folder_of_one_name_are_both_read(folder: Path) -> None:
    (folder / "register_reads").mkdir()
    (folder / "register_reads" / "b.csv").write_text(READS.replace("007", "009"), encoding="utf-8")
    _reads().write_parquet(folder / "register_reads" / "a.parquet")
    (folder / "register_reads" / ".hidden.csv").write_text("rubbish", encoding="utf-8")
    (folder / "register_reads" / "notes.txt").write_text("rubbish", encoding="utf-8")
    book = open_book(folder)
    assert [part.file for part in book.parts("register_reads")] == [
        "register_reads.csv",
        "register_reads/a.parquet",
        "register_reads/b.csv",
    ]
    assert book.frame("register_reads").get_column("meter_id").to_list() == ["007", "007", "008", "009"]


@pytest.mark.parametrize(
    "registers",
    [
        pl.Series([1, 2], dtype=pl.Int8),
        pl.Series([1, 2], dtype=pl.UInt64),
        pl.Series([1, 2], dtype=pl.Float32),
        pl.Series([Decimal("1.00"), Decimal("2.00")], dtype=pl.Decimal(12, 2)),
        pl.Series(["1", " 2.0 "]),
        pl.Series(["1", "2"], dtype=pl.Categorical),
    ],
    ids=str,
)
def test_any_numeric_width_is_taken(folder: Path, registers: pl.Series) -> None:
    book = _with_reads(folder, _reads(register_kwh=registers))
    assert book.frame("register_reads").get_column("register_kwh").to_list() == [1.0, 2.0]


@pytest.mark.parametrize("dtype", [pl.Datetime("ms"), pl.Datetime("us"), pl.Datetime("ns"), pl.Date], ids=str)
def test_any_datetime_resolution_is_taken(folder: Path, dtype: pl.DataType) -> None:
    instants = pl.Series([datetime(2024, 1, 1), datetime(2024, 1, 2)]).cast(dtype)
    frame = _with_reads(folder, _reads(read_at=instants)).frame("register_reads")
    assert frame.get_column("read_at").to_list() == [datetime(2024, 1, 1), datetime(2024, 1, 2)]


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["import", "export"])], ids=str)
def test_categorical_text_is_taken(folder: Path, dtype: pl.DataType) -> None:
    channels = pl.Series(["import", "export"], dtype=dtype)
    frame = _with_reads(folder, _reads(channel=channels)).frame("register_reads")
    assert frame.get_column("channel").to_list() == ["import", "export"]


def test_integer_ids_become_text_and_null_columns_are_absent(folder: Path) -> None:
    reads = _reads(meter_id=pl.Series([7, 8]), quality=pl.Series([None, None]))
    frame = _with_reads(folder, reads).frame("register_reads")
    assert frame.get_column("meter_id").to_list() == ["7", "8"]
    assert frame.get_column("quality").to_list() == ["valid", "valid"]


TEXT_TIMES = {
    "2024-03-01": datetime(2024, 3, 1),
    "2024-03-01 00:15": datetime(2024, 3, 1, 0, 15),
    "2024-03-01T00:15": datetime(2024, 3, 1, 0, 15),
    "2024-03-01T00:15:30": datetime(2024, 3, 1, 0, 15, 30),
    " 2024-03-01 00:15:30.250 ": datetime(2024, 3, 1, 0, 15, 30, 250000),
    "2024-02-29T16:00:00Z": datetime(2024, 3, 1),
    "2024-03-01 00:00+08:00": datetime(2024, 3, 1),
}


@pytest.mark.parametrize("text", list(TEXT_TIMES))
def test_text_times(folder: Path, text: str) -> None:
    (folder / "book.toml").write_text('time_zone = "Asia/Shanghai"', encoding="utf-8")
    (folder / "register_reads.csv").write_text(READS.replace("2024-01-01", text), encoding="utf-8")
    assert open_book(folder).frame("register_reads").item(0, "read_at") == TEXT_TIMES[text]


def test_instants_with_a_zone_need_the_books_zone_and_set_fold(folder: Path) -> None:
    hour = [datetime(2023, 10, 29, 0, 30), datetime(2023, 10, 29, 1, 30)]
    reads = _reads(read_at=pl.Series(hour).dt.replace_time_zone("UTC"))
    with pytest.raises(BookError, match="time zone"):
        _with_reads(folder, reads)
    (folder / "book.toml").write_text('time_zone = "Europe/London"', encoding="utf-8")
    frame = open_book(folder).frame("register_reads")
    assert frame.get_column("read_at").to_list() == [datetime(2023, 10, 29, 1, 30)] * 2
    assert frame.get_column("fold").to_list() == [0, 1]


def test_optional_words_and_times_of_day_are_noted_not_lost(folder: Path) -> None:
    (folder / "installations.csv").write_text(
        "meter_id,account_id,installed_on,relay,colour\n1,A,2020-01-01 13:00,sideways,red\n", encoding="utf-8"
    )
    book = open_book(folder)
    row = book.frame("installations").row(0, named=True)
    assert (row["installed_on"], row["relay"]) == (date(2020, 1, 1), None)
    assert {(note.kind, note.column, note.value, note.rows) for note in book.notes} == {
        ("time_of_day", "installed_on", "", 1),
        ("unknown_word", "relay", "sideways", 1),
        ("unknown_column", "colour", "", 0),
    }
    assert book.counts("installations") == (1, 1, 0)


def test_rows_that_agree_are_counted_once_in_the_frame_only(folder: Path) -> None:
    (folder / "installations.csv").write_text(INSTALLATIONS + "007,0042,2020-01-01\n007,0043,2020-01-01\n")
    book = open_book(folder)
    assert book.frame("installations").height == 2
    assert book.counts("installations") == (3, 3, 0)
    assert ("duplicate_rows", 1) in {(note.kind, note.rows) for note in book.notes}


def test_slices_join_to_the_whole(folder: Path) -> None:
    reads = pl.DataFrame({"meter_id": [str(place) for place in range(25)]}).with_columns(
        read_at=datetime(2024, 1, 1), register_kwh=pl.int_range(25).cast(pl.Float64)
    )
    reads.write_parquet(folder / "register_reads.parquet", row_group_size=4)
    (folder / "register_reads.csv").write_text(
        READS + "x,2024-01-01\n" + READS.splitlines()[1], encoding="utf-8"
    )
    book = open_book(folder)
    for part in book.parts("register_reads"):
        whole = book.read_part(part)
        slices = [book.read_part(part, offset, 3) for offset in range(0, part.rows, 3)]
        assert pl.concat([piece.accepted for piece in slices]).equals(whole.accepted)
        assert pl.concat([piece.quarantined for piece in slices]).equals(whole.quarantined)
    assert book.counts("register_reads") == (28, 27, 1)


def test_a_csv_file_is_cut_at_record_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f'A{place},"street {place},\nsecond line",x' for place in range(40)]
    (folder / "accounts.csv").write_text("\n".join(["account_id,address,name", *rows]), encoding="utf-8")
    whole = open_book(folder).frame("accounts")
    monkeypatch.setattr(book_csv, "BLOCK_BYTES", 50)
    book = open_book(folder)
    assert len(book.parts("accounts")) > 5
    assert book.frame("accounts").equals(whole)
    assert whole.height == 40
    assert whole.item(39, "address") == "street 39,\nsecond line"


def test_misspelt_table_is_noted(folder: Path) -> None:
    (folder / "acounts.csv").write_text("account_id\n", encoding="utf-8")
    assert ("unknown_file", "acounts.csv") in {(note.kind, note.value) for note in open_book(folder).notes}


@pytest.mark.parametrize("name", [*INPUTS, *OUTPUTS])
def test_every_column_is_described(name: str) -> None:
    schema = (INPUTS | OUTPUTS)[name]
    assert schema.__doc__
    for column in schema.columns().values():
        assert column.description
