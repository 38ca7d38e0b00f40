"""A small, realistic scan output and rulebook for the tests of pages, sheets, lists and tables.

Six accounts of one area over seven months: a misread register, two accounts with exchanged meters, a
sustained jump
with interval reads, a rollover that was suppressed, and one account without a case.
"""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from anomaly.frames_outputs import OUTPUTS
from pipelines.rebill import rebill_table
from rules.rulebook import load
from tests.report_series import (
    AS_OF,
    JUMP,
    JUMP_DAY,
    MISREAD,
    MISREAD_DAY,
    PAIR_A,
    PAIR_B,
    ROLLOVER,
    SWAP_DAY,
    series,
)

RUN = {
    "as_of": "2024-04-01",
    "run_id": "8f2c6d1a90b4e377",
    "book": "/books/riverside",
    "input_hash": "sha256:4be1c0de5f2a97b3e6d8f1a2c3b4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6",
    "rulebook_version": "2024.1+3f9a",
    "counts": {"accounts": 6, "cases": 4},
}


RULES = load()


SWAP_FACTS = {
    "change_day": str(SWAP_DAY), "earliest_day": str(SWAP_DAY - timedelta(days=2)),
    "latest_day": str(SWAP_DAY + timedelta(days=1)),
}  # fmt: skip
CASE_OF = {PAIR_A: "c5e0a7f31b2d", MISREAD: "a91c44d20e6f", JUMP: "b7720f9e8c13", ROLLOVER: "d03b5512aa90"}


def _schema(table: str) -> pl.Schema:
    return OUTPUTS[table].create_empty().schema


def _finding(code: str, family: str, account: str, start: date, end: date, **more: Any) -> dict[str, Any]:
    return {
        "finding_id": f"f-{code}-{account[-4:]}", "code": code, "family": family, "account_id": account,
        "meter_id": f"43{account[3:]}08", "area_id": "TQ-0412", "related_account_id": None,
        "related_meter_id": None,
        "channel": "import", "start": start, "end": end, "measured": 0.0, "expected": 0.0, "limit": 0.0,
        "unit": "kWh",
        "strength": 1.0, "kwh_at_stake": 0.0, "status": "reported", "suppressed_by": None,
        "rulebook_version": RUN["rulebook_version"], "run_id": RUN["run_id"], "facts": "{}", **more,
    }  # fmt: skip


def findings() -> pl.DataFrame:
    """Findings of the fixture."""
    back = MISREAD_DAY + timedelta(days=1)
    facts = {
        "previous_kwh": 4512.30, "read_kwh": 4161.48, "corrected_kwh": 4521.48, "read_day": str(MISREAD_DAY),
        "back_day": str(back), "operation": "wrong_digit",
    }  # fmt: skip
    rows = [
        _finding(
            "R07", "reading_error", MISREAD, MISREAD_DAY - timedelta(days=1), back, measured=-350.82,
            expected=9.18,
            limit=32.4, kwh_at_stake=360.0, facts=json.dumps(facts),
        ),
        _finding(
            "R01", "reading_error", MISREAD, MISREAD_DAY - timedelta(days=1), MISREAD_DAY, measured=-350.82,
            expected=0.0, limit=0.01, kwh_at_stake=350.82,
        ),
        _finding(
            "X01", "cross_wiring", PAIR_A, SWAP_DAY, AS_OF, measured=0.83, expected=0.12, limit=0.55,
            unit="1",
            kwh_at_stake=824.6, related_account_id=PAIR_B, related_meter_id=f"43{PAIR_B[3:]}08",
            facts=json.dumps(SWAP_FACTS),
        ),
        _finding(
            "J01", "jump", PAIR_A, SWAP_DAY, AS_OF, measured=17.6, expected=5.9, limit=2.4, unit="kWh/d",
            kwh_at_stake=865.8,
        ),
        _finding(
            "J01", "jump", JUMP, JUMP_DAY, AS_OF, measured=27.6, expected=12.8, limit=4.1, unit="kWh/d",
            kwh_at_stake=606.8,
        ),
        _finding(
            "R02", "reading_error", ROLLOVER, date(2024, 1, 9), date(2024, 1, 10), measured=-999991.2,
            expected=0.0,
            limit=0.01, status="suppressed", suppressed_by="rollover",
        ),
    ]  # fmt: skip
    story = pl.col("account_id").replace_strict(CASE_OF, default="unlisted")
    return pl.DataFrame(rows, schema=_schema("findings")).with_columns(case_id=story)


def _case(case_id: str, rank: int | None, cause: str, account: str, **more: Any) -> dict[str, Any]:
    return {
        "case_id": case_id, "rank": rank, "family": "reading_error", "cause": cause, "probability": 0.9,
        "causes": [],
        "cannot_exclude": [], "account_id": account, "meter_id": f"43{account[3:]}08",
        "related_account_id": None,
        "related_meter_id": None, "area_id": "TQ-0412", "box_id": "BX-17", "start": AS_OF, "end": AS_OF,
        "kwh_at_stake": 0.0, "money_at_stake": None, "priority": 1.0, "needs_visit": False,
        "hold_bill": False,
        "ticket_ids": [], "headline_en": "", "headline_zh": "", "status": "open", "suppressed_by": None,
        "account_ids": sorted(name for name in (account, more.get("related_account_id")) if name),
        "ledger": [], **more,
    }  # fmt: skip


def _ledger(cause: str, prior: float, *codes: tuple[str, float]) -> list[dict[str, Any]]:
    """Entries of a ledger: the prior, then each code with its nats."""
    first = {"code": None, "cause": cause, "side": "prior", "log_odds": prior}
    rest = [
        {"code": code, "cause": cause, "side": "for" if nats > 0 else "against", "log_odds": nats}
        for code, nats in codes
    ]
    texts = [RULES.wording["evidence"]["ledger_prior"].text, *(RULES.detectors[code].title for code, _ in codes)]
    return [
        {**row, "text_en": text["en"], "text_zh": text["zh"]} for row, text in zip([first, *rest], texts, strict=True)
    ]


def _cause(name: str, probability: float, speaks: list[str], against: list[str]) -> dict[str, Any]:
    return {"cause": name, "probability": probability, "evidence_for": speaks, "evidence_against": against}


def cases() -> pl.DataFrame:
    """Cases of the fixture: three open, one suppressed."""
    rows = [
        _case(
            "c5e0a7f31b2d", 1, "swapped_pair", PAIR_A, family="cross_wiring", probability=0.86,
            causes=[
                _cause("swapped_pair", 0.86, ["Both changed on 18 Jan, one up and one down"], []),
                _cause("customer_use", 0.09, ["A lasting change of use"], ["Both changed on the same day"]),
                _cause("unknown", 0.05, [], []),
            ],
            ledger=_ledger("swapped_pair", -4.83, ("X01", 6.62), ("J01", -0.45)),
            cannot_exclude=["customer_use"], related_account_id=PAIR_B, related_meter_id=f"43{PAIR_B[3:]}08",
            start=SWAP_DAY, end=AS_OF, kwh_at_stake=824.6, money_at_stake=461.78, needs_visit=True, hold_bill=True,
            ticket_ids=["95598-240311-0072"],
            headline_en=f"Since 18 Jan accounts {PAIR_A} and {PAIR_B} use what the other used "
            "before: 5.9 became 17.6 kWh/day and 17.2 became 5.6 kWh/day. "
            "Their meters may have been swapped.",
            headline_zh=f"1月18日起，户号 {PAIR_A} 与 {PAIR_B} 的用电互换：日均由 5.9 变为 "
            "17.6 kWh、由 17.2 变为 5.6 kWh，疑似串户。",
        ),
        _case(
            "a91c44d20e6f", 2, "misread", MISREAD, probability=0.94,
            causes=[
                _cause("misread", 0.94, ["With 4,521.48 instead, use is back on its level."], []),
                _cause("register_rollback", 0.04, ["It runs backwards"],
                ["The read of 13 Mar is in order again."]),
                _cause("unknown", 0.02, [], []),
            ],
            cannot_exclude=["register_rollback"], start=MISREAD_DAY - timedelta(days=1),
            end=MISREAD_DAY + timedelta(days=1), kwh_at_stake=360.0, money_at_stake=201.6, hold_bill=True,
            headline_en="Register went from 4,512.30 to 4,161.48 on 12 Mar and back on 13 Mar: one wrong "
            "digit (5 read as 1) would explain it; 360 kWh would be billed wrongly.",
            headline_zh="示数由 4,512.30 变为 4,161.48（3月12日），3月13日恢复："
            "抄错一位数字（5 误作 1）即可解释，涉及 360 kWh。",
        ),
        _case(
            "b7720f9e8c13", 3, "base_load", JUMP, family="jump", probability=0.48,
            causes=[
                _cause("base_load", 0.48, ["93 % of the rise runs day and night at the same height."], []),
                _cause("customer_use", 0.31, ["A lasting change of use"],
                ["The shape of the day is the same."]),
                _cause("over_registration", 0.08, [], []),
                _cause("unknown", 0.13, [], []),
            ],
            cannot_exclude=["over_registration", "swapped_pair"], start=JUMP_DAY, end=AS_OF,
            kwh_at_stake=606.8,
            needs_visit=True,
            headline_en="Use rose from 12.8 to 27.6 kWh/day on 20 Feb and stayed there; the rise is the same "
            "day and night.",
            headline_zh="2月20日起日均用电由 12.8 kWh 升至 27.6 kWh 并持续，昼夜增幅相同。",
        ),
        _case(
            "d03b5512aa90", None, "register_rollback", ROLLOVER, status="suppressed",
            suppressed_by="rollover",
            start=date(2024, 1, 9), end=date(2024, 1, 10),
            headline_en="Register went from 999,996.10 to 4.90 on 9 Jan: the dial passed its last digit.",
            headline_zh="1月9日示数由 999,996.10 变为 4.90：示数翻转。",
        ),
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=_schema("cases"))


def _check(name: str) -> dict[str, str]:
    rule = RULES.checks[name]
    return {
        "check": name, "do_en": rule.do["en"], "do_zh": rule.do["zh"], "record": rule.record["en"],
        "unit": rule.unit,
        "pass_en": rule.passes["en"], "pass_zh": rule.passes["zh"],
    }  # fmt: skip


def tasks() -> pl.DataFrame:
    """Tasks of the three open cases: four steps each, with the checks their leading causes call for."""
    rows = []
    for case_id, cause, kind in (
        ("c5e0a7f31b2d", "swapped_pair", "visit"),
        ("a91c44d20e6f", "misread", "desk"),
        ("b7720f9e8c13", "base_load", "visit"),
    ):
        for step, checks in enumerate(RULES.causes[cause].steps, start=1):
            rows.append(
                {
                    "task_id": f"T-{case_id[:4]}-{step}",
                    "case_id": case_id,
                    "step": step,
                    "kind": kind if step == 1 else "desk",
                    "state": "blocked" if step == 4 else "open",
                    "due_at": datetime(2024, 4, 1, 17) + timedelta(days=2 + step),
                    "assignee": None,
                    "checks": [_check(name) for name in checks],
                    "result": None,
                }
            )
    return pl.DataFrame(rows, schema=_schema("tasks"))


def coverage() -> pl.DataFrame:
    """Coverage: one code the whole book lacks, one missing for one account, the rest evaluated."""
    rows = [
        ("R01", None, None, "evaluated", None, 6),
        ("R07", None, None, "evaluated", None, 6),
        ("T01", None, None, "not_applicable", "no_rates", 6),
        ("C01", None, None, "evaluated", None, 1),
        ("C01", None, None, "insufficient_data", "no_curve", 5),
        ("C01", MISREAD, f"43{MISREAD[3:]}08", "insufficient_data", "no_curve", 1),
        ("C01", PAIR_A, f"43{PAIR_A[3:]}08", "insufficient_data", "no_curve", 1),
        ("A01", None, None, "not_applicable", "table_missing:accounts", 6),
    ]
    return pl.DataFrame(rows, schema=_schema("coverage"), orient="row")


def quarantine() -> pl.DataFrame:
    """Two rows that could not be interpreted."""
    rows = [
        (
            "register_reads",
            "reads/2024-03.csv",
            1204,
            "not_a_number",
            "register_kwh is 'n/a'",
            '{"register_kwh":"n/a"}',
        ),
        ("register_reads", "reads/2024-03.csv", 1377, "unknown_channel", "channel 'q1' is not known", "=1+1"),
    ]
    return pl.DataFrame(rows, schema=_schema("quarantine"), orient="row")


def rebills() -> pl.DataFrame:
    """The rebill proposal of the pair, made from the fixture's own series."""
    positions = pl.DataFrame({"account_id": [PAIR_A, PAIR_B], "customer_since": None, "price_per_kwh": [0.56, None]})
    return rebill_table(cases(), findings(), series(), positions, RULES, AS_OF)


def write_output(folder: Path, **replaced: pl.DataFrame) -> Path:
    """Write the fixture as a scan output folder; tables given by name replace the fixture's own."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "findings": findings, "cases": cases, "tasks": tasks, "coverage": coverage, "quarantine": quarantine,
        "series": series, "rebills": rebills,
    }  # fmt: skip
    for name, build in tables.items():
        table = replaced[name] if name in replaced else build()
        table.write_parquet(folder / f"{name}.parquet")
    (folder / "run.json").write_text(json.dumps(RUN), encoding="utf-8")
    return folder
