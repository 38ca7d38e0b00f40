"""Evidence pages and task sheets: self-contained, small, complete, honest about what is not known."""

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from anomaly.errors import KwhyError
from pipelines.output import NotInOutputError, ScanOutput, open_output
from pipelines.report.customer_page import customer_html
from pipelines.report.evidence import evidence_html, write_evidence
from pipelines.report.task_sheets import write_task_sheets
from pipelines.report.texts import page_texts
from tests import report_fixture as fixture
from tests.report_fixture import RULES
from tests.report_series import JUMP, MISREAD, PAIR_A, PAIR_B, QUIET, ROLLOVER, series

VOID = {"meta", "br", "rect", "path", "circle", "polygon", "polyline", "col", "link", "img"}
LARGEST = 150_000


class Balanced(HTMLParser):
    """Checks that every tag is closed in order and that ids are unique."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID or (
            tag in ("rect", "path", "circle") and not (self.get_starttag_text() or "").endswith("/>")
        ):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> ScanOutput:
    return open_output(fixture.write_output(tmp_path_factory.mktemp("scan")))


def checked(html: str) -> str:
    """The page, once it is known to be well formed, small, and free of scripts, requests and NaN."""
    page = Balanced()
    page.feed(html)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert len(html.encode()) < LARGEST
    assert not re.search(r"<script|javascript:|<link|@import|url\((?!#)|src=", html)
    assert re.findall(r"https?://(?!www\.w3\.org/)", html) == []
    assert not re.search(r">[^<]*\b(nan|None|inf)\b[^<]*<", html)
    return html


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("who", [MISREAD, PAIR_A, JUMP, ROLLOVER, QUIET])
def test_every_account_gets_a_sound_page(output: ScanOutput, who: str, lang: str) -> None:
    html = checked(evidence_html(output, who, rules=RULES, lang=lang))
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in html
    assert re.search(r"<title>[^<]+</title>", html)
    assert html.count("<figure>") == html.count("<svg") == html.count('role="img"')
    assert html.count("<details>") >= html.count("<figure>")
    assert "prefers-color-scheme" in html
    assert "@media print" in html


def test_the_page_says_what_the_case_is(output: ScanOutput, tmp_path: Path) -> None:
    html = write_evidence(output, "a91c", tmp_path / "sub" / "page.html", rules=RULES).read_text(
        encoding="utf-8"
    )
    assert "Register went from 4,512.30 to 4,161.48 on 12 Mar" in html
    assert "2 of 3 open cases" in html
    assert "94 %" in html
    assert RULES.causes["register_rollback"].title["en"] in html
    assert "On 12 Mar the register reads 4,161.48. 4,521.48 would fit" in html
    assert "The read of 13 Mar is in order again" in html
    for known in (
        fixture.RUN["run_id"],
        fixture.RUN["rulebook_version"],
        fixture.RUN["input_hash"],
        "1 Apr 2024",
    ):
        assert str(known) in html
    assert list((tmp_path / "sub").iterdir()) == [tmp_path / "sub" / "page.html"]


def test_a_pair_shows_both_accounts_on_one_page(output: ScanOutput) -> None:
    html = evidence_html(output, PAIR_B, rules=RULES, lang="zh")
    assert f"户号 {PAIR_A}" in html
    assert f"户号 {PAIR_B}" in html
    assert "缺抄期间均摊" in html


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_pair_shows_why_how_much_and_what_cannot_be_seen(output: ScanOutput, lang: str) -> None:
    html = evidence_html(output, PAIR_B, rules=RULES, lang=lang)
    t = page_texts(lang)
    for key in ("ledger.heading", "pair.heading", "rebill.heading", "rebill.caution", "blind.heading", "blind.tenants"):
        assert t(key) in html, key
    assert RULES.wording["evidence"]["ledger_prior"].text[lang] in html
    assert "+6.6" in html
    assert "3.8 : 1" in html
    assert t("pair.title", up=PAIR_A, down=PAIR_B) in html
    assert html.count(">−1,078.4<") == html.count(">+1,078.4<") == 1
    one_home = evidence_html(output, JUMP, rules=RULES, lang=lang)
    for key in ("pair.heading", "rebill.heading", "blind.heading"):
        assert t(key) not in one_home, key


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("own", "other"), [(PAIR_A, PAIR_B), (PAIR_B, PAIR_A)])
def test_a_customer_never_sees_the_other_home(output: ScanOutput, own: str, other: str, lang: str) -> None:
    html = checked(customer_html(output, own, rules=RULES, lang=lang))
    assert own in html
    assert other not in html
    assert f"43{other[3:]}08" not in html
    assert f"43{own[3:]}08" not in html, "a meter number may be the neighbour's"
    days = {name: set(output.series_of([name])["kwh"].drop_nulls()) for name in (own, other)}
    numbers = {float(number) for number in re.findall(r'<td class="n">([\d.]+)</td>', html)}
    assert numbers
    assert numbers <= {round(kwh, 2) for kwh in days[own]}
    (case,) = output.find(own).cases
    assert case["headline_en"] not in html
    assert case["headline_zh"] not in html
    said = re.sub(r"<style>.*?</style>|<svg.*?</svg>|<table>.*?</table>|<[^>]+>", "", html, flags=re.DOTALL)
    for proposed in output.rebills["proposed_kwh"]:
        assert f"{proposed:,.1f}" not in said
    for word in ("X01", " nat", RULES.causes["swapped_pair"].title[lang]):
        assert word not in said


@pytest.mark.parametrize("who", ["nobody", "c5e0a7f31b2d"])
def test_a_customers_page_is_for_one_account(output: ScanOutput, who: str) -> None:
    with pytest.raises(KwhyError, match="no account"):
        customer_html(output, who, rules=RULES)


@pytest.mark.parametrize("who", [MISREAD, JUMP, ROLLOVER, QUIET])
def test_any_account_can_have_a_customers_page(output: ScanOutput, who: str) -> None:
    html = checked(customer_html(output, who, rules=RULES, lang="zh"))
    assert ("目前没有需要核对" in html) == (who in (ROLLOVER, QUIET))


def test_a_jump_shows_the_day_before_and_after(output: ScanOutput) -> None:
    html = evidence_html(output, JUMP, rules=RULES)
    assert "Load over the day, before and after" in html
    assert "before, 28 days" in html
    assert "expected range" in html


def test_a_suppressed_finding_says_why(output: ScanOutput) -> None:
    html = evidence_html(output, ROLLOVER, rules=RULES)
    assert f"Not reported: {RULES.suppressors['rollover'].title['en']}" in html
    assert RULES.suppressors["rollover"].explain["en"] in html.replace("&#39;", "'")


def test_an_account_without_a_case_is_not_called_clean(output: ScanOutput) -> None:
    html = evidence_html(output, QUIET, rules=RULES)
    assert "No case: this scan found nothing to report" in html
    assert "not the same as clean" in html
    assert "days have no read" in html
    assert RULES.detectors["T01"].title["en"] in html, "what the whole book lacks is listed"


def test_evidence_is_read_in_chinese_where_the_scan_wrote_it(tmp_path: Path) -> None:
    causes = fixture.cases()["causes"]
    chinese = causes.list.eval(
        pl.element().struct.with_fields(evidence_for=pl.lit(["数字对调"], pl.List(pl.String)))
    ).alias("causes_zh")
    output = open_output(fixture.write_output(tmp_path, cases=fixture.cases().with_columns(chinese)))
    assert "数字对调" in evidence_html(output, MISREAD, rules=RULES, lang="zh")
    assert "数字对调" not in evidence_html(output, MISREAD, rules=RULES, lang="en")


def test_checks_that_were_not_made_are_listed_by_reason(output: ScanOutput) -> None:
    html = evidence_html(output, MISREAD, rules=RULES)
    assert RULES.detectors["C01"].title["en"] in html
    assert "No load curve for this meter." in html


def test_a_case_without_series_still_has_its_page(tmp_path: Path) -> None:
    output = open_output(fixture.write_output(tmp_path, series=series().clear()))
    html = checked(evidence_html(output, MISREAD, rules=RULES))
    assert "nothing to draw" in html
    with pytest.raises(NotInOutputError, match="kwhy cases"):
        output.find(QUIET)


def test_one_day_of_history_is_enough_for_a_page(tmp_path: Path) -> None:
    output = open_output(
        fixture.write_output(tmp_path, series=series().filter(pl.col("date") == date(2024, 3, 12)))
    )
    html = checked(evidence_html(output, MISREAD, rules=RULES))
    assert "no earlier reads to compare with" in html


def test_a_series_without_any_read_is_drawn_as_missing(tmp_path: Path) -> None:
    nothing = series().with_columns(
        register_kwh=pl.lit(None, pl.Float64), kwh=pl.lit(None, pl.Float64), quality=pl.lit("missing")
    )
    output = open_output(fixture.write_output(tmp_path, series=nothing))
    html = checked(evidence_html(output, MISREAD, rules=RULES))
    assert "No use could be computed for these days" in html
    assert "No register read lies near" in html


def test_ten_years_of_two_accounts_stay_small(tmp_path: Path) -> None:
    rows = series()
    copies = [rows.with_columns(pl.col("date").dt.offset_by(f"-{210 * back}d")) for back in range(17)]
    output = open_output(fixture.write_output(tmp_path, series=pl.concat(copies)))
    assert "Shown: " in checked(evidence_html(output, PAIR_A, rules=RULES, lang="en"))
    checked(evidence_html(output, JUMP, rules=RULES, lang="zh"))


def test_names_of_another_rulebook_stay_readable(output: ScanOutput) -> None:
    assert "X01" in evidence_html(output, PAIR_A, rules=RULES), "a code this rulebook does not have"


def test_texts_are_escaped(tmp_path: Path) -> None:
    cases = fixture.cases().with_columns(headline_en=pl.lit("<script>alert(1)</script> & more"))
    html = evidence_html(open_output(fixture.write_output(tmp_path, cases=cases)), MISREAD, rules=RULES)
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html


def test_a_place_that_cannot_be_written_is_named(output: ScanOutput, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KwhyError, match="name a place you may write to"):
        write_evidence(output, MISREAD, tmp_path / "file" / "page.html", rules=RULES)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_task_sheets_have_one_sheet_per_open_case_in_order_of_rank(
    output: ScanOutput, tmp_path: Path, lang: str
) -> None:
    html = checked(
        write_task_sheets(output, tmp_path / "t.html", rules=RULES, lang=lang).read_text(encoding="utf-8")
    )
    assert re.findall(r'<article class="sheet(?: joint)?" aria-label="\S+ (\w+)"', html) == [
        "c5e0a7f31b2d",
        "a91c44d20e6f",
        "b7720f9e8c13",
    ]
    assert html.count("<svg") == 7, "two QR codes on each sheet, three where two meters are the story"
    check = RULES.checks["breaker_test"]
    assert check.do[lang] in html.replace("&#39;", "'")
    assert check.safety is not None
    assert check.safety[lang] in html.replace("&#39;", "'")
    assert "size:A4" in html


def test_one_case_alone_can_be_printed(output: ScanOutput, tmp_path: Path) -> None:
    html = write_task_sheets(output, tmp_path / "t.html", rules=RULES, case=MISREAD).read_text(
        encoding="utf-8"
    )
    assert html.count("<article") == 1
    assert "Why you come." in html
    assert "property boundary" in html


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_pair_has_both_doors_on_one_sheet_and_nobodys_use(
    output: ScanOutput, tmp_path: Path, lang: str
) -> None:
    """The sheet lies open at two doors: meter numbers and the box, no account, no energy of either home."""
    html = write_task_sheets(output, tmp_path / "t.html", rules=RULES, case=PAIR_A, lang=lang).read_text(
        encoding="utf-8"
    )
    assert html.count("<article") == 1
    for account in (PAIR_A, PAIR_B):
        assert account not in html
        assert html.count(f"43{account[3:]}08") == 2, "beside its QR code and as a line to fill in"
    assert "BX-17" in html
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", html, flags=re.DOTALL)
    (case,) = output.cases.filter(pl.col("case_id") == "c5e0a7f31b2d").to_dicts()
    assert case[f"headline_{lang}"] not in text
    for kwh in ("5.9", "17.6", "17.2", "5.6", "824", "825", "1,078"):
        assert not re.search(rf"(?<![\d.]){re.escape(kwh)}(?![\d.])", text), kwh


def test_a_ring_has_a_line_for_each_meter(tmp_path: Path) -> None:
    ring = fixture.findings().filter(pl.col("code") == "X01").with_columns(
        account_id=pl.lit(PAIR_B), meter_id=pl.lit(f"43{PAIR_B[3:]}08"), related_account_id=pl.lit("third"),
        related_meter_id=pl.lit("third-meter"), finding_id=pl.lit("f-ring"),
    )  # fmt: skip
    folder = fixture.write_output(tmp_path / "scan", findings=pl.concat([fixture.findings(), ring]))
    html = write_task_sheets(open_output(folder), tmp_path / "t.html", rules=RULES, case=PAIR_A).read_text()
    assert "third-meter" in html
    assert "3 doors, one visit" in html


def test_no_tasks_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    output = open_output(fixture.write_output(tmp_path, tasks=fixture.tasks().clear()))
    with pytest.raises(KwhyError, match="kwhy cases"):
        write_task_sheets(output, tmp_path / "t.html", rules=RULES)
    assert not (tmp_path / "t.html").exists()
