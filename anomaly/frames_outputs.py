"""Schemas of the output tables (contract §3). Words of closed lists are plain text here, checked by the
schema."""

from __future__ import annotations

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from anomaly import vocabulary as v
from anomaly.frames_columns import day, identifier, moment, number, whole, words, yes_no
from anomaly.frames_inputs import INPUTS


def _one_of(values: Sequence[str], text: str, *, nullable: bool = False) -> dy.String:
    def listed(word: pl.Expr) -> pl.Expr:
        return word.is_in(values)

    return dy.String(nullable=nullable, check=listed, description=text, metadata={"values": tuple(values)})


_CAUSE = dy.Struct(
    {
        "cause": dy.String(),
        "probability": dy.Float64(),
        "evidence_for": dy.List(dy.String()),
        "evidence_against": dy.List(dy.String()),
    }
)
_ENTRY = dy.Struct(
    {
        "code": dy.String(nullable=True),
        "cause": dy.String(),
        "side": dy.String(),
        "log_odds": dy.Float64(),
        "text_en": dy.String(),
        "text_zh": dy.String(),
    }
)
_VALUE_PART = dy.Struct(
    {
        "part": dy.String(metadata={"values": v.VALUE_PARTS}),
        "amount": dy.Float64(metadata={"unit": "money"}),
    }
)
_CHECK = dy.Struct(
    {
        "check": dy.String(),
        "do_en": dy.String(),
        "do_zh": dy.String(),
        "record": dy.String(nullable=True),
        "unit": dy.String(nullable=True),
        "pass_en": dy.String(nullable=True),
        "pass_zh": dy.String(nullable=True),
    }
)


class Findings(dy.Schema):
    """One thing one rule found: measured M, expected E, allowed ±L, in the rule's unit."""

    finding_id = identifier("hash of code, account, meter, related account, channel and start", required=True)
    code = identifier("the rule", required=True)
    family = _one_of(v.FAMILIES, "family of the rule")
    account_id = identifier("the account; empty for an area or a supply meter")
    meter_id = identifier("the meter; empty for an area")
    area_id = identifier("the area")
    related_account_id = identifier("the other account of a pair")
    related_meter_id = identifier("the other meter of a pair")
    channel = identifier("the channel")
    start = day("first day", required=True)
    end = day("day after the last", required=True)
    measured = number("unit", "what was measured", required=True)
    expected = number("unit", "what was expected", required=True)
    limit = number("unit", "what was allowed", required=True)
    unit = words("unit of the three", required=True)
    strength = number("1", "|measured − expected| / limit", required=True)
    kwh_at_stake = number("kWh", "energy that would be billed wrongly", required=True)
    status = _one_of(v.FINDING_STATUSES, "reported or suppressed")
    suppressed_by = identifier("name of the innocent explanation")
    rulebook_version = identifier("version of the rulebook", required=True)
    run_id = identifier("the run", required=True)
    facts = words("JSON object: what headline and evidence quote")
    case_id = identifier("the case it is part of", required=True)
    box_id = identifier("the meter box")


class Cases(dy.Schema):
    """Findings that tell one story."""

    case_id = identifier("hash of family, accounts or area, and month of the earliest finding", required=True)
    rank = whole("1", "1 = first, over open cases; empty when suppressed")
    family = _one_of(v.FAMILIES, "family of the leading cause")
    cause = _one_of(tuple(v.CAUSE_FAMILY), "the most probable cause")
    probability = number("1", "its probability", required=True)
    causes = dy.List(_CAUSE, description="every cause weighed, most probable first")
    cannot_exclude = dy.List(dy.String(), description="causes still open")
    account_id = identifier("the account; of a pair the smaller one")
    meter_id = identifier("its meter")
    related_account_id = identifier("the other account of a pair")
    related_meter_id = identifier("its meter")
    area_id = identifier("the area")
    box_id = identifier("the meter box")
    start = day("first day", required=True)
    end = day("day after the last", required=True)
    kwh_at_stake = number("kWh", "energy that would be billed wrongly", required=True)
    money_at_stake = number("money", "the same in money")
    priority = number("money", "what checking it is worth: the rank within a lane sorts by it", required=True)
    value_parts = dy.List(_VALUE_PART, description="what adds up to the priority; parts of 0 are left out")
    lane = _one_of(v.LANES, "safety comes first, exploration was drawn by lot; empty when suppressed", nullable=True)
    needs_visit = yes_no("somebody has to go there", required=True)
    hold_bill = yes_no("do not bill before it is settled", required=True)
    ticket_ids = dy.List(dy.String(), description="the customer's own tickets")
    headline_en = words("one sentence, English", required=True)
    headline_zh = words("one sentence, Chinese", required=True)
    status = _one_of(v.CASE_STATUSES, "open or suppressed")
    suppressed_by = identifier("name of the innocent explanation, or `budget`")
    account_ids = dy.List(dy.String(), description="every account its reported findings name, sorted")
    ledger = dy.List(
        _ENTRY,
        description="what led to the cause against `unknown`, in nats: the prior, then each code as it counts "
        "(tempered); the sum is ln(P(cause) / P(unknown))",
    )


class Tasks(dy.Schema):
    """One step of the four-step procedure for one case."""

    task_id = identifier("the task", required=True)
    case_id = identifier("its case", required=True)
    step = whole("1", "1 on-site verification, 2 meter data query, 3 cause analysis, 4 advice", required=True)
    kind = _one_of(v.TASK_KINDS, "where it is done")
    state = _one_of(v.TASK_STATES, "where it stands")
    due_at = moment("when it is due, counted from as-of", required=True)
    assignee = words("who does it")
    checks = dy.List(_CHECK, description="what to do, what to record, when it passes")
    result = words("what came of it")


class Coverage(dy.Schema):
    """What was looked at and what was not. Silence never means clean."""

    code = identifier("the rule", required=True)
    account_id = identifier("the account; empty in the summary row")
    meter_id = identifier("the meter")
    status = _one_of(v.COVERAGE_STATUSES, "whether the rule could be applied")
    reason = words("why not")
    positions = dy.Int64(description="positions this row counts")


class Quarantine(dy.Schema):
    """One row that could not be interpreted."""

    table = _one_of(tuple(INPUTS), "the input table")
    file = words("file, relative to the book", required=True)
    line = dy.Int64(description="CSV: physical line, the header is 1; Parquet: row number from 1")
    rule = words("name of the rule it broke", required=True)
    reason = words("what is wrong and what to do", required=True)
    row = words("the row as it stood, JSON", required=True)


class Series(dy.Schema):
    """One day of one position of an account in a case: what evidence needs."""

    account_id = identifier("the account")
    point_id = identifier("the metering point")
    meter_id = identifier("the meter in place that day")
    area_id = identifier("the area")
    box_id = identifier("the meter box")
    date = day("the day", required=True)
    register_kwh = number("kWh", "register as read, at or after 00:00 of the day")
    read_at = moment("when it was read")
    quality = _one_of(v.QUALITIES, "quality of that read", nullable=True)
    kwh = number("kWh", "energy of the day after multiplier, exchange and rollover")
    spread = yes_no("the day is part of a gap spread evenly", required=True)
    multiplier = number("1", "multiplier in force", required=True)
    expected_kwh = number("kWh", "what was expected")
    low_kwh = number("kWh", "lower end of what was expected")
    high_kwh = number("kWh", "upper end of what was expected")
    curve_minutes = whole("min", "interval length of the curve")
    curve_kwh = dy.List(
        dy.Float64(nullable=True), nullable=True, description="the day's intervals, empty where missing"
    )
    temperature_c = number("°C", "daily mean temperature")


class Rebills(dy.Schema):
    """One month of one home of a confirmed exchange: what to book once the check on site has proved it."""

    case_id = identifier("the case", required=True)
    month = day("first day of the month; the month of the change is a part", required=True)
    account_id = identifier("the home", required=True)
    related_account_id = identifier("the account on whose meter the home is measured", required=True)
    from_day = day("first day that counts; empty in a month before the change")
    days_counted = whole("d", "days with energy of all meters of the exchange", required=True)
    days_missing = whole("d", "days left out: some meter has no energy", required=True)
    measured_kwh = number("kWh", "what its own meter measured", required=True)
    proposed_kwh = number("kWh", "what the meter measured that the home hangs on", required=True)
    difference_kwh = number("kWh", "proposed − measured", required=True)
    low_kwh = number("kWh", "least difference over the days the change may have happened", required=True)
    high_kwh = number("kWh", "largest difference over these days", required=True)
    money_difference = number("money", "the difference at the account's price, where it is known")
    basis = _one_of(v.REBILL_BASES, "what the day of the change rests on")
    note_en = words("what to know before booking, English", required=True)
    note_zh = words("what to know before booking, Chinese", required=True)


class Cycle(dy.Schema):
    """One account in a billing cycle: bill it or not."""

    account_id = identifier("the account", required=True)
    cycle_start = day("first day of the cycle", required=True)
    cycle_end = day("day after the last", required=True)
    kwh = number("kWh", "energy of the cycle", required=True)
    expected_kwh = number("kWh", "what was expected", required=True)
    low_kwh = number("kWh", "lower end of what was expected", required=True)
    high_kwh = number("kWh", "upper end of what was expected", required=True)
    decision = _one_of(v.CYCLE_DECISIONS, "what to do with the bill")
    reason = words("why", required=True)
    case_id = identifier("the case behind it")


OUTPUTS: dict[str, type[dy.Schema]] = {
    "findings": Findings,
    "cases": Cases,
    "tasks": Tasks,
    "coverage": Coverage,
    "quarantine": Quarantine,
    "series": Series,
    "rebills": Rebills,
    "cycle": Cycle,
}
