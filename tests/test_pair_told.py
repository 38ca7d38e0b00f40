"""How a pair case is told on the terminal: the ledger, the rebill in one line, and what cannot be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.listing import case_text
from pipelines.output import ScanOutput, open_output
from pipelines.report.blindness import blind_spots
from pipelines.report.edition import edition
from pipelines.report.ledger_section import ledger_part
from pipelines.report.texts import page_texts
from tests import report_fixture as fixture
from tests.command_line import finished_scan, kwhy
from tests.report_fixture import RULES
from tests.report_series import AS_OF, JUMP, PAIR_A, PAIR_B

EN = edition("en", AS_OF, RULES)
T = page_texts("en")


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> ScanOutput:
    return open_output(fixture.write_output(tmp_path_factory.mktemp("scan")))


def test_the_ledger_is_read_in_ten_seconds(output: ScanOutput) -> None:
    lines = case_text(output, PAIR_A, rules=RULES).split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("Why we think so: “Two accounts swapped”"))
    assert [line.split(maxsplit=2)[:2] for line in lines[at + 1 : at + 4]] == [
        ["−4.8", "How"], ["+6.6", "X01"], ["−0.5", "J01"],
    ]  # fmt: skip
    assert lines[at + 4].split() == ["=", "+1.3", "3.8", ":", "1", "for", "it"]
    assert "to the power 0.65" in lines[at + 5]
    assert "为什么这样判断" in case_text(output, PAIR_A, rules=RULES, lang="zh")


@pytest.mark.parametrize(
    ("nats", "said"),
    [
        pytest.param([-4.0, 4.0], "1.0 : 1 for it", id="even"),
        pytest.param([-4.0, 1.0], "1 : 20, against it", id="against"),
        pytest.param([-1.0, 1000.0], "1 for it", id="beyond_all_numbers"),
    ],
)
def test_the_sum_as_odds(nats: list[float], said: str) -> None:
    entries = fixture._ledger("swapped_pair", nats[0], *[("X01", one) for one in nats[1:]])
    part = ledger_part({"ledger": entries}, EN)
    assert part is not None
    assert said in part.odds
    assert ledger_part({"ledger": []}, EN) is None


def test_the_rebill_is_one_line_and_gives_as_much_as_it_takes(output: ScanOutput) -> None:
    (line,) = [line for line in case_text(output, PAIR_A, rules=RULES).split("\n") if "Rebill once confirmed" in line]
    assert line.strip() == (
        f"Rebill once confirmed, 18 Jan – 31 Mar: {PAIR_A} −1,078 kWh (−1,078 kWh to −1,042 kWh); "
        f"{PAIR_B} +1,078 kWh (+1,042 kWh to +1,078 kWh)"
    )
    assert "Rebill" not in case_text(output, JUMP, rules=RULES)


def test_a_third_account_of_a_ring_finds_the_case_and_its_page(tmp_path: Path) -> None:
    ring = pl.when(pl.col("account_id") == PAIR_A).then(pl.lit([PAIR_A, PAIR_B, JUMP])).otherwise("account_ids")
    folder = finished_scan(tmp_path / "out")
    fixture.cases().with_columns(account_ids=ring).write_parquet(folder / "cases.parquet")
    told = kwhy("case", folder, JUMP)
    assert f"Accounts {PAIR_A}, {PAIR_B}, {JUMP}" in told.stdout
    assert kwhy("evidence", folder, JUMP, "--out", tmp_path / "ring.html").exit_code == 0
    page = (tmp_path / "ring.html").read_text(encoding="utf-8")
    assert all(f"Account {account}" in page for account in (JUMP, PAIR_A, PAIR_B))


def test_a_page_for_a_customer_from_the_command_line(tmp_path: Path) -> None:
    folder = finished_scan(tmp_path / "out")
    assert kwhy("evidence", folder, PAIR_A, "--customer", "--out", tmp_path / "c.html").exit_code == 0
    assert PAIR_B not in (tmp_path / "c.html").read_text(encoding="utf-8")
    refused = kwhy("evidence", folder, "c5e0a7f31b2d", "--customer", "--out", tmp_path / "d.html")
    assert (refused.exit_code, (tmp_path / "d.html").exists()) == (2, False)


CASE = {"family": "cross_wiring", "related_account_id": "B"}
ONE_BOX, TWO_BOXES, NOWHERE = [("K", "T"), ("K", "T")], [("K", "T"), ("L", "T")], [(None, None), (None, None)]
TWO_AREAS = [("K", "T"), ("L", "U")]


@pytest.mark.parametrize(
    ("codes", "places", "case", "said"),
    [
        pytest.param(["X01"], ONE_BOX, CASE, ["similar_homes", "same_area", "same_box", "tenants"], id="profiles"),
        pytest.param(["X01"], NOWHERE, CASE, ["similar_homes", "tenants"], id="no_places_on_file"),
        pytest.param(["X02"], ONE_BOX, CASE, ["static", "same_area", "same_box", "tenants"], id="vacancy"),
        pytest.param(["X05"], ONE_BOX, CASE, ["one_sided", "static", "same_area", "same_box"], id="one_side_only"),
        pytest.param(["X05", "B03"], ONE_BOX, CASE, ["one_sided", "static", "same_area", "same_box"], id="and_balance"),
        pytest.param(["X05", "X08"], TWO_BOXES, CASE, ["static", "same_area"], id="two_kinds"),
        pytest.param(["X13"], TWO_BOXES, CASE, ["static", "same_area"], id="voltage_across_boxes"),
        pytest.param(["B05", "X04"], TWO_AREAS, CASE, ["static"], id="across_areas"),
        pytest.param(["J01"], ONE_BOX, {**CASE, "family": "jump"}, [], id="another_family"),
        pytest.param(["B01"], ONE_BOX, {**CASE, "related_account_id": None}, [], id="one_account"),
    ],
)
def test_only_what_applies_to_the_rules_that_spoke_is_said(
    codes: list[str], places: list[tuple[str | None, str | None]], case: dict[str, Any], said: list[str]
) -> None:
    findings = pl.DataFrame({"code": codes, "status": "reported", "family": "cross_wiring"})
    series = pl.DataFrame(places, {"box_id": pl.String, "area_id": pl.String}, orient="row")
    assert blind_spots(case, findings, series, EN) == [T(f"blind.{name}") for name in said]
