"""What goes to quarantine and what does not: a truth per rule, CSV and Parquet; the law of the rows."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.frames import INPUTS, OUTPUTS
from pipelines.book import Book, open_book
from pipelines.check_text import rule_text

GOOD: dict[str, dict[str, str]] = {
    "register_reads": {
        "meter_id": "1",
        "read_at": "2024-01-01",
        "channel": "import",
        "register_kwh": "5",
        "quality": "valid",
        "fold": "0",
    },
    "interval_reads": {
        "meter_id": "1",
        "interval_start": "2024-01-01",
        "minutes": "30",
        "kwh": "1",
        "quality": "",
    },
    "electrical_reads": {"meter_id": "1", "read_at": "2024-01-01", "phase": "A", "voltage_v": "230"},
    "installations": {
        "meter_id": "1",
        "account_id": "A",
        "installed_on": "2020-01-01",
        "multiplier": "40",
        "phases": "3",
    },
    "accounts": {
        "account_id": "A",
        "customer_class": "public",
        "generation": "true",
        "status_since": "2020-01-01",
    },
    "events": {"meter_id": "1", "at": "2024-01-01", "kind": "exchange"},
    "outcomes": {
        "case_id": "c",
        "account_id": "A",
        "cause": "misread",
        "result": "confirmed",
        "decided_on": "2024-01-01",
    },
}

QUARANTINED = [
    ("register_reads", "meter_id", "", "empty_required"),
    ("register_reads", "read_at", "", "empty_required"),
    ("register_reads", "read_at", "yesterday", "not_a_datetime"),
    ("register_reads", "read_at", "2024-02-30", "not_a_datetime"),
    ("register_reads", "read_at", "01/02/2024", "not_a_datetime"),
    ("register_reads", "read_at", "2024-01-01 24:00:00", "not_a_datetime"),
    ("register_reads", "read_at", "2024-01-01T00:00:00Z", "offset_without_time_zone"),
    ("register_reads", "register_kwh", "", "null_register"),
    ("register_reads", "register_kwh", "1,234.5", "not_a_number"),
    ("register_reads", "register_kwh", "12kWh", "not_a_number"),
    ("register_reads", "register_kwh", "nan", "not_finite"),
    ("register_reads", "register_kwh", "inf", "not_finite"),
    ("register_reads", "register_kwh", "-inf", "not_finite"),
    ("register_reads", "channel", "imports", "unknown_channel"),
    ("register_reads", "channel", "1.8.0", "unknown_channel"),
    ("register_reads", "channel", "import_kvarh", "not_active_energy"),
    ("register_reads", "channel", "max demand", "not_active_energy"),
    ("register_reads", "channel", "1-0:3.8.0", "not_active_energy"),
    ("register_reads", "channel", "1.6.0", "not_active_energy"),
    ("register_reads", "channel", "正向无功总", "not_active_energy"),
    ("register_reads", "channel", "最大需量", "not_active_energy"),
    ("register_reads", "quality", "A", "unknown_quality"),
    ("register_reads", "fold", "2", "bad_fold"),
    ("register_reads", "fold", "x", "not_a_whole_number"),
    ("interval_reads", "minutes", "0", "bad_minutes"),
    ("interval_reads", "minutes", "-30", "bad_minutes"),
    ("interval_reads", "minutes", "7", "bad_minutes"),
    ("interval_reads", "minutes", "30.5", "not_a_whole_number"),
    ("interval_reads", "minutes", "", "empty_required"),
    ("interval_reads", "kwh", "", "null_kwh"),
    ("electrical_reads", "voltage_v", "nan", "not_finite"),
    ("installations", "installed_on", "", "empty_required"),
    ("installations", "installed_on", "soon", "not_a_date"),
    ("installations", "multiplier", "forty", "not_a_number"),
    ("installations", "phases", "99999999999", "not_a_whole_number"),
    ("installations", "point_role", "minus", "unknown_point_role"),
    ("accounts", "generation", "maybe", "not_true_or_false"),
    ("accounts", "account_id", "", "empty_required"),
    ("events", "kind", "party", "unknown_kind"),
    ("outcomes", "result", "perhaps", "unknown_result"),
]
ACCEPTED = [
    ("register_reads", "register_kwh", "-5", -5.0),
    ("register_reads", "register_kwh", "1e5", 1e5),
    ("register_reads", "read_at", "2099-01-01", datetime(2099, 1, 1)),
    ("register_reads", "read_at", "1899-01-01", datetime(1899, 1, 1)),
    ("register_reads", "quality", "", "valid"),
    ("register_reads", "channel", "", "import"),
    ("register_reads", "channel", " export ", "export"),
    ("register_reads", "fold", "1", 1),
    ("interval_reads", "minutes", "30.0", 30),
    ("interval_reads", "minutes", "1440", 1440),
    ("electrical_reads", "phase", "L1", None),
    ("electrical_reads", "voltage_v", "", None),
    ("installations", "account_id", "", None),
    ("installations", "multiplier", "", 1.0),
    ("installations", "multiplier", "-2", -2.0),
    ("installations", "removed_on", "1990-01-01", datetime(1990, 1, 1).date()),
    ("accounts", "customer_class", "space", None),
    ("accounts", "generation", "否", False),
]


def _book(folder: Path, table: str, content: pl.DataFrame | bytes, suffix: str) -> Book:
    for required in ("register_reads", "installations"):
        if required != table:
            pl.DataFrame([GOOD[required]]).write_csv(folder / f"{required}.csv")
    path = folder / f"{table}.{suffix}"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif suffix == "csv":
        content.write_csv(path)
    else:
        content.write_parquet(path)
    return open_book(folder)


def _two_rows(table: str, column: str, cell: str, suffix: str) -> pl.DataFrame:
    good = GOOD[table] if column in GOOD[table] else {**GOOD[table], column: ""}
    rows = pl.DataFrame([good, {**good, column: cell}])
    return rows if suffix == "csv" else rows.with_columns(pl.when(pl.all() != "").then(pl.all()))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(("table", "column", "cell", "rule"), QUARANTINED)
def test_quarantined(tmp_path: Path, table: str, column: str, cell: str, rule: str, suffix: str) -> None:
    book = _book(tmp_path, table, _two_rows(table, column, cell, suffix), suffix)
    validated = book.validated(table)
    assert validated.counts == (2, 1, 1)
    lost = validated.quarantined.row(0, named=True)
    assert (lost["table"], lost["file"], lost["rule"]) == (table, f"{table}.{suffix}", rule)
    assert lost["line"] == (3 if suffix == "csv" else 2)
    assert lost["reason"].startswith(f"{column} ")
    assert json.loads(lost["row"])[column] == (cell or None)
    assert OUTPUTS["quarantine"].is_valid(validated.quarantined)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(("table", "column", "cell", "value"), ACCEPTED)
def test_accepted(tmp_path: Path, table: str, column: str, cell: str, value: object, suffix: str) -> None:
    validated = _book(tmp_path, table, _two_rows(table, column, cell, suffix), suffix).validated(table)
    assert validated.counts == (2, 2, 0)
    assert validated.accepted.item(1, column) == value


def test_missing_quality_may_come_without_a_register(tmp_path: Path) -> None:
    rows = pl.DataFrame([{**GOOD["register_reads"], "register_kwh": "", "quality": "missing"}])
    validated = _book(tmp_path, "register_reads", rows, "csv").validated("register_reads")
    assert validated.accepted.item(0, "register_kwh") is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [pl.Float32, pl.Float64])
def test_numbers_that_are_none_in_parquet(tmp_path: Path, value: float, dtype: pl.DataType) -> None:
    rows = pl.DataFrame({"meter_id": ["1", "1"], "read_at": [datetime(2024, 1, 1)] * 2}).with_columns(
        register_kwh=pl.Series([1.0, value], dtype=dtype)
    )
    validated = _book(tmp_path, "register_reads", rows, "parquet").validated("register_reads")
    assert validated.quarantined.get_column("rule").to_list() == ["not_finite"]


def test_integers_beyond_exact_numbers_and_instants_beyond_microseconds(tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {
            "meter_id": ["1", "2", "3"],
            "read_at": pl.Series([0, 1, 0], dtype=pl.Int64).cast(pl.Datetime("ns")),
            "register_kwh": [1, 2, 2**53 + 1],
        }
    )
    validated = _book(tmp_path, "register_reads", rows, "parquet").validated("register_reads")
    assert validated.quarantined.get_column("rule").to_list() == ["inexact_datetime", "inexact_number"]


BROKEN_LINES = [
    (b"1,2024-01-01", "too_few_fields"),
    (b"1,2024-01-01,3,4", "too_many_fields"),
    (b'1,2024-01-01,"3",4', "too_many_fields"),
    (b'1,2024-01-01,"3', "unclosed_quote"),
    (b"", "blank_line"),
    (b",,", "empty_required"),
    (b"1,2024-01-01,\x00", "not_a_number"),
]


@pytest.mark.parametrize(("line", "rule"), BROKEN_LINES)
@pytest.mark.parametrize("quoted", [False, True])
def test_broken_lines_keep_their_number_and_their_neighbours(
    tmp_path: Path, line: bytes, rule: str, quoted: bool
) -> None:
    good = b'"9",2024-01-01,1.5' if quoted else b"9,2024-01-01,1.5"
    content = b"\n".join([b"meter_id,read_at,register_kwh", good, line, good, good])
    validated = _book(tmp_path, "register_reads", content, "csv").validated("register_reads")
    assert validated.counts == (4, 3, 1)
    assert validated.quarantined.select("line", "rule").row(0) == (3, rule)


def test_line_numbers_count_line_breaks_in_cells(tmp_path: Path) -> None:
    content = (
        b'account_id,address,generation\nA,"one\ntwo\nthree",true\nB,x,perhaps\nC,"open,true\nD,y,true\n'
    )
    validated = _book(tmp_path, "accounts", content, "csv").validated("accounts")
    assert validated.accepted.get_column("account_id").to_list() == ["A", "D"]
    assert validated.quarantined.select("line", "rule").rows() == [
        (5, "not_true_or_false"),
        (6, "unclosed_quote"),
    ]


CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "0", "1", "-1", "nan", "1e400", "import", "export", "valid", "missing", "2024-01-01"]
    ),
    st.sampled_from(
        ['"', ",", "\n", "\r", "1,5", "kvarh", "00012", "2024-01-01T00:00:00Z", "9" * 40, "\ufeff"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=6),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=6, max_size=6), max_size=12))
def test_rows_read_are_rows_kept_plus_rows_quarantined(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    header = ["account_id", "address", "name", "generation", "contract_kva", "status_since"]
    writer.writerow(header)
    writer.writerows(rows)
    with TemporaryDirectory() as folder:
        validated = _book(Path(folder), "accounts", text.getvalue().encode(), "csv").validated("accounts")
    assert validated.counts.read == len(rows)
    assert INPUTS["accounts"].is_valid(validated.accepted)
    assert OUTPUTS["quarantine"].is_valid(validated.quarantined)


LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=20), max_size=10)


@settings(max_examples=120, deadline=None)
@given(LINES, LINES)
def test_no_line_of_reads_is_lost_whatever_it_holds(before: list[str], after: list[str]) -> None:
    lines = ["meter_id,read_at,register_kwh", *before, "1,2024-01-01,2", *after, "2,2024-01-01,2"]
    with TemporaryDirectory() as folder:
        validated = _book(Path(folder), "register_reads", "\n".join(lines).encode(), "csv").validated(
            "register_reads"
        )
    assert validated.counts.read == len(lines) - 1
    assert {"1", "2"} <= set(validated.accepted.get_column("meter_id"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(CELLS, st.none() | st.datetimes(), st.none() | st.floats(), CELLS, CELLS), max_size=12)
)
def test_the_same_law_for_parquet(rows: list[tuple[str, datetime | None, float | None, str, str]]) -> None:
    types = {"meter_id": pl.String, "read_at": pl.Datetime("us"), "register_kwh": pl.Float64}
    reads = pl.DataFrame(rows, schema={**types, "channel": pl.String, "quality": pl.String}, orient="row")
    with TemporaryDirectory() as folder:
        validated = _book(Path(folder), "register_reads", reads, "parquet").validated("register_reads")
    assert validated.counts.read == len(rows)
    assert INPUTS["register_reads"].is_valid(validated.accepted)
    assert (
        not validated.accepted.filter(pl.col("register_kwh").is_null())
        .filter(pl.col("quality") != "missing")
        .height
    )


@pytest.mark.parametrize(
    "rule", sorted({rule for *_, rule in QUARANTINED} | {rule for _, rule in BROKEN_LINES})
)
def test_every_rule_has_chinese_words(rule: str) -> None:
    assert rule_text(rule)
