"""Files a book cannot use: each is refused with what is wrong, where, and what to do; never a traceback."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from anomaly.errors import BookError
from pipelines.book import open_book

READS = "meter_id,read_at,register_kwh\n007,2024-01-01,1.5\n"
INSTALLATIONS = "meter_id,account_id,installed_on\n007,0042,2020-01-01\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "register_reads.csv").write_text(READS, encoding="utf-8")
    (tmp_path / "installations.csv").write_text(INSTALLATIONS, encoding="utf-8")
    return tmp_path


def _reads(**columns: pl.Series) -> pl.DataFrame:
    usual = {
        "meter_id": pl.Series(["007", "008"]),
        "read_at": pl.Series([datetime(2024, 1, 1), datetime(2024, 1, 2)]),
        "register_kwh": pl.Series([1.0, 2.0]),
    }
    return pl.DataFrame(usual | columns)


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no installations": (
        lambda book: (book / "installations.csv").rename(book / "instalations.csv"),
        "did you mean",
    ),
    "missing column": (
        lambda book: (book / "register_reads.csv").write_text(READS.replace("read_at", "readat")),
        "missing column read_at .*did you mean 'readat'",
    ),
    "semicolons": (
        lambda book: (book / "register_reads.csv").write_text(READS.replace(",", ";")),
        "not separated by commas",
    ),
    "empty csv": (lambda book: (book / "register_reads.csv").write_bytes(b""), "is empty"),
    "only a bom": (lambda book: (book / "register_reads.csv").write_bytes(b"\xef\xbb\xbf"), "is empty"),
    "empty parquet": (lambda book: (book / "areas.parquet").write_bytes(b""), "empty"),
    "rubbish parquet": (
        lambda book: (book / "areas.parquet").write_bytes(b"PAR1" * 9),
        "not a readable Parquet",
    ),
    "double column": (
        lambda book: (book / "register_reads.csv").write_text("meter_id,read_at,register_kwh,read_at\n"),
        "read_at is there twice",
    ),
    "gbk header": (
        lambda book: (book / "accounts.csv").write_bytes("account_id,地址\n".encode("gbk")),
        "GBK.*kwhy ingest",
    ),
    "unknown key": (
        lambda book: (book / "book.toml").write_text('timezone = "UTC"'),
        "did you mean 'time_zone'",
    ),
    "unknown zone": (lambda book: (book / "book.toml").write_text('time_zone = "Mars"'), "Mars"),
    "not toml": (lambda book: (book / "book.toml").write_text("="), "not a TOML file"),
    "boolean register": (
        lambda book: _reads(register_kwh=pl.Series([True, False])).write_parquet(
            book / "register_reads.parquet"
        ),
        "register_kwh is Boolean: must be a number",
    ),
    "float ids": (
        lambda book: _reads(meter_id=pl.Series([1.0, 2.0])).write_parquet(book / "register_reads.parquet"),
        "leading zeros",
    ),
}


@pytest.mark.parametrize("spoil", list(REFUSED))
def test_unusable_files_are_refused_with_what_to_do(folder: Path, spoil: str) -> None:
    change, message = REFUSED[spoil]
    change(folder)
    with pytest.raises(BookError, match=f"(?s){message}") as raised:
        open_book(folder)
    assert raised.value.exit_code == 4
    assert raised.value.todo
    assert raised.value.where


def test_foreign_encoding_further_down_names_the_line(folder: Path) -> None:
    (folder / "accounts.csv").write_bytes(b"account_id,name\nA,x\nB," + "王".encode("gbk") + b"\n")
    with pytest.raises(BookError, match="line 3"):
        open_book(folder).frame("accounts")


def test_truncated_parquet_is_refused(folder: Path) -> None:
    _reads().write_parquet(folder / "register_reads.parquet")
    whole = (folder / "register_reads.parquet").read_bytes()
    for length in (1, 8, len(whole) // 2, len(whole) - 1):
        (folder / "register_reads.parquet").write_bytes(whole[:length])
        with pytest.raises(BookError):
            open_book(folder)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="no such folder"):
        open_book(tmp_path / "nowhere")


def test_damaged_parquet_gives_rows_or_a_refusal(folder: Path) -> None:
    path = folder / "register_reads.parquet"
    _reads().write_parquet(path)
    whole = path.read_bytes()
    chance = random.Random(7)
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            counts = open_book(folder).counts("register_reads")
        except BookError:
            continue
        assert counts.read == counts.accepted + counts.quarantined


def test_a_file_that_changes_under_the_reader_is_refused(folder: Path) -> None:
    path = folder / "register_reads.parquet"
    _reads().write_parquet(path)
    book = open_book(folder)
    part = book.parts("register_reads")[1]
    _reads().head(1).write_parquet(path)
    with pytest.raises(BookError, match="the file changed"):
        book.read_part(part)
