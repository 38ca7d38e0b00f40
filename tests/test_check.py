"""`kwhy check`: counts, completeness and which rules can run, on books small enough to count by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from pipelines import book as book_module
from pipelines.book import open_book
from pipelines.check import CheckReport, check
from pipelines.check_reads import Month
from pipelines.check_text import lacking_text, render


@dataclass(frozen=True)
class Needs:
    """What one rule asks of a book."""

    tables: Sequence[str] = ()
    days: int = 0
    curve: bool = False
    rates: bool = False
    export: bool = False
    electrical: bool = False
    frequency: str = "any"


def _days(start: date, count: int, step: int = 1) -> list[datetime]:
    first = datetime.combine(start, datetime.min.time())
    return [first + timedelta(days=step * place) for place in range(count)]


def _reads(meter: str, instants: list[datetime], channel: str = "import") -> pl.DataFrame:
    return pl.DataFrame({"meter_id": meter, "read_at": instants}).with_columns(
        register_kwh=pl.int_range(pl.len()).cast(pl.Float64), channel=pl.lit(channel)
    )


def _installed(*rows: tuple[str, str | None, date, date | None]) -> pl.DataFrame:
    types = {"meter_id": pl.String, "account_id": pl.String, "installed_on": pl.Date, "removed_on": pl.Date}
    return pl.DataFrame(list(rows), schema=types, orient="row")


def _write(folder: Path, installations: pl.DataFrame, *reads: pl.DataFrame) -> Path:
    installations.write_parquet(folder / "installations.parquet")
    pl.concat(reads).write_parquet(folder / "register_reads.parquet")
    return folder


def _daily_book(folder: Path) -> Path:
    january = _days(date(2024, 1, 1), 60)
    return _write(
        folder,
        _installed(
            ("whole", "A", date(2020, 1, 1), None),
            ("gap", "B", date(2020, 1, 1), None),
            ("late", "C", date(2024, 1, 11), None),
            ("gone", "D", date(2020, 1, 1), date(2024, 1, 11)),
            ("silent", None, date(2020, 1, 1), None),
        ),
        _reads("whole", january),
        _reads("gap", [at for place, at in enumerate(january) if place not in (5, 6, 40)]),
        _reads("late", january),
        _reads("gone", january[:11]),
        _reads("stray", january[-1:]),
    )


def test_completeness_by_month_follows_each_meters_span(tmp_path: Path) -> None:
    report = check(open_book(_daily_book(tmp_path)), {})
    filled = report.completeness
    assert filled.as_of == date(2024, 2, 29)
    # January: whole 31 of 31, gap 29 of 31, late 21 of 21 (from the 11th), gone 10 of 10 (to the 10th).
    # February: whole 29 of 29, gap 28 of 29, late 29 of 29, stray 1 of 1 (its first read on the last day).
    assert filled.months == (Month(date(2024, 1, 1), 93, 91), Month(date(2024, 2, 1), 88, 87))
    assert filled.periodic is None
    assert (report.meters, report.supply_meters, report.accounts) == (5, 1, 4)
    assert (report.meters_without_installation, report.installed_without_reads) == (1, 1)


def test_small_batches_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = check(open_book(_daily_book(tmp_path)), {})
    monkeypatch.setattr(book_module.Book.batches, "__defaults__", (7,))
    assert check(open_book(tmp_path), {}) == whole


@pytest.mark.parametrize(("step", "periodic"), [(19, False), (20, True), (31, True), (61, True)])
def test_a_median_gap_of_twenty_days_is_periodic(tmp_path: Path, step: int, periodic: bool) -> None:
    book = _write(
        tmp_path,
        _installed(("m", "A", date(2020, 1, 1), None)),
        _reads("m", _days(date(2024, 1, 1), 6, step)),
    )
    filled = check(open_book(book), {}).completeness
    assert (filled.periodic is not None) == periodic
    assert filled.daily_meters == (0 if periodic else 1)
    if filled.periodic:
        assert (filled.periodic.expected, filled.periodic.received) == (6, 6)
        assert filled.periodic.median_gap_days == step


def test_the_accounts_own_frequency_beats_the_gap(tmp_path: Path) -> None:
    book = _write(
        tmp_path,
        _installed(("m", "A", date(2020, 1, 1), None), ("n", "B", date(2020, 1, 1), None)),
        _reads("m", _days(date(2024, 1, 1), 3, 30)),
        _reads("n", _days(date(2024, 1, 1), 61)),
    )
    pl.DataFrame({"account_id": ["A", "B"], "read_frequency": ["daily", "monthly"]}).write_csv(
        book / "accounts.csv"
    )
    filled = check(open_book(book), {}).completeness
    assert filled.daily_meters == 1
    assert filled.months[0] == Month(date(2024, 1, 1), 31, 2)
    assert filled.periodic is not None
    assert filled.periodic.meters == 1


def test_a_stray_read_of_the_future_does_not_move_as_of(tmp_path: Path) -> None:
    reads = [_reads(f"m{place}", _days(date(2024, 1, 1), 20)) for place in range(200)]
    book = _write(
        tmp_path,
        _installed(("m0", "A", date(2020, 1, 1), None)),
        *reads,
        _reads("m0", [datetime(2099, 1, 1)]),
    )
    report = check(open_book(book), {})
    assert report.completeness.as_of == date(2024, 1, 20)
    assert report.completeness.reads_after == 1
    assert report.last_read == datetime(2099, 1, 1)


def test_a_read_marked_missing_is_not_received(tmp_path: Path) -> None:
    reads = _reads("m", _days(date(2024, 1, 1), 10)).with_columns(
        quality=pl.when(pl.int_range(pl.len()) == 4).then(pl.lit("missing")).otherwise(pl.lit("valid"))
    )
    book = _write(tmp_path, _installed(("m", "A", date(2020, 1, 1), None)), reads)
    assert check(open_book(book), {}).completeness.months == (Month(date(2024, 1, 1), 10, 9),)


def test_which_rules_can_run_and_why_not(tmp_path: Path) -> None:
    requirements = {
        "R01": Needs(),
        "C01": Needs(tables=("interval_reads",), curve=True),
        "T01": Needs(rates=True),
        "V01": Needs(export=True, frequency="daily"),
        "G01": Needs(electrical=True),
        "J03": Needs(frequency="periodic"),
        "J01": Needs(days=60),
        "J02": Needs(days=59),
    }
    report = check(open_book(_daily_book(tmp_path)), requirements)
    assert {rule.code: rule.lacking for rule in report.rules} == {
        "R01": (),
        "C01": ("table:interval_reads", "curve"),
        "T01": ("rates",),
        "V01": ("export",),
        "G01": ("electrical",),
        "J03": ("periodic",),
        "J01": ("days:60",),
        "J02": (),
    }


def test_registers_read_through_the_day_are_a_curve_and_channels_are_seen(tmp_path: Path) -> None:
    hours = [datetime(2024, 1, 1) + timedelta(hours=place) for place in range(72)]
    book = _write(
        tmp_path,
        _installed(("m", "A", date(2020, 1, 1), None)),
        _reads("m", hours),
        _reads("m", hours, "import_t1"),
        _reads("m", hours, "export"),
    )
    report = check(open_book(book), {"X": Needs(curve=True, rates=True, export=True)})
    assert report.rules[0].runs
    assert report.channels == {"import": 72, "import_t1": 72, "export": 72}


def test_rows_reconcile_and_quarantine_is_named(tmp_path: Path) -> None:
    _daily_book(tmp_path)
    (tmp_path / "register_reads").mkdir()
    (tmp_path / "register_reads" / "more.csv").write_text(
        "meter_id,read_at,register_kwh\nm,2024-01-01,x\nm,2024-01-02,y\nm,2024-01-03,inf\n", encoding="utf-8"
    )
    report = check(open_book(tmp_path), {})
    assert report.tables[0].counts == (192, 189, 3)
    assert [(lost.rule, lost.rows, lost.line) for lost in report.quarantine] == [
        ("not_a_number", 2, 2),
        ("not_finite", 1, 4),
    ]


def test_a_book_without_a_single_read(tmp_path: Path) -> None:
    (tmp_path / "register_reads.csv").write_text("meter_id,read_at,register_kwh\n", encoding="utf-8")
    _installed(("m", "A", date(2020, 1, 1), None)).write_parquet(tmp_path / "installations.parquet")
    report = check(open_book(tmp_path), {"R06": Needs(frequency="daily", days=3)})
    assert report.completeness.as_of is None
    assert report.rules[0].lacking == ("daily", "days:3")
    assert "no usable register reads" in _printed(report, "en")


def _printed(report: CheckReport, lang: str) -> str:
    page = StringIO()
    console = Console(file=page, width=140)
    for piece in render(report, lang):
        console.print(piece)
    return page.getvalue()


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["rows read", "columns it lacks", "97.8%", "1 of 2 checks", "a number"]),
        ("zh", ["读入行数", "采集率", "不是数字"]),
    ],
)
def test_the_report_in_both_languages(tmp_path: Path, lang: str, words: list[str]) -> None:
    _daily_book(tmp_path)
    (tmp_path / "register_reads.csv").write_text(
        "meter_id,read_at,register_kwh\nm,2024-01-01,x\n", encoding="utf-8"
    )
    (tmp_path / "accounts.csv").write_text(
        "account_id,status,hat\nA,asleep,red\nA,asleep,red\n", encoding="utf-8"
    )
    (tmp_path / "misspelt.csv").write_text("x\n", encoding="utf-8")
    page = _printed(check(open_book(tmp_path), {"R01": Needs(), "C01": Needs(curve=True)}), lang)
    for word in words:
        assert word in page


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "what", ["table:bills", "electrical", "curve", "rates", "export", "daily", "periodic", "days:90"]
)
def test_every_lack_has_words(what: str, lang: str) -> None:
    assert lacking_text(what, lang)


@pytest.mark.parametrize(
    ("accounts", "told"),
    [
        pytest.param({}, ["no_neighbours", "totals_only", "no_named_days", "no_files"], id="no_accounts"),
        pytest.param(
            {"area_id": ["T", "T"]}, ["areas_only", "totals_only", "no_named_days"], id="areas_without_boxes"
        ),
        pytest.param({"area_id": ["T", "T"], "box_id": ["K", "K"]}, ["totals_only", "no_named_days"], id="boxes"),
    ],
)
def test_a_newcomer_is_told_which_cross_wiring_stays_unseen(
    tmp_path: Path, accounts: dict[str, list[str]], told: list[str]
) -> None:
    folder = _daily_book(tmp_path)
    if accounts:
        pl.DataFrame({"account_id": ["A", "B"], **accounts}).write_parquet(folder / "accounts.parquet")
    report = check(open_book(folder), {})
    assert list(report.wiring_blind) == told
    for lang, words in (("en", "In any book"), ("zh", "任何账本都看不出")):
        said = [line for line in render(report, lang) if isinstance(line, str)]
        assert sum(line.startswith("  · ") for line in said) == len(told) + 1
        assert words in said[-1]
