"""K01: whoever asked within the window is told of once, at the first metering point."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from anomaly.detectors.k01_customer_complaint import customer_complaint
from anomaly.panel import Panel
from rules.rulebook import load
from tests.panels import knowing, panel, registers

LIMITS = load().detectors["K01"].limit_values()
DAYS = 120
START = dt.datetime(2026, 1, 1)
AS_OF = START + dt.timedelta(days=DAYS)


def asked(*tickets: tuple[int, int, str], rows: int = 2, **columns: Any) -> Panel:
    """Homes with tickets (row, days before as-of, kind)."""
    known = panel(registers(*([[8.0] * DAYS] * rows)), **columns)
    listed = [
        {"row": row, "ticket_id": f"T{at}", "at": AS_OF - dt.timedelta(days=ago), "kind": kind, "urges": at}
        for at, (row, ago, kind) in enumerate(tickets)
    ]
    schema = {"row": pl.Int64, "ticket_id": pl.String, "at": pl.Datetime("us"), "kind": pl.String, "urges": pl.Int64}
    return knowing(known, tickets=pl.DataFrame(listed, schema=schema))


TRUTH = [
    pytest.param(asked(), [], id="nobody asked"),
    pytest.param(asked((1, 3, "sudden_increase")), [1], id="one account"),
    pytest.param(asked((0, 3, "no_power"), (1, 4, "other")), [0, 1], id="two accounts"),
    pytest.param(asked((0, 90, "other")), [0], id="exactly at the window"),
    pytest.param(asked((0, 91, "other")), [], id="a day older"),
    pytest.param(asked((0, 0, "other")), [0], id="on the day itself"),
    pytest.param(asked((0, 3, "other"), (1, 3, "other"), account_id=["A", "A"]), [0], id="one account, two points"),
]


@pytest.mark.parametrize(("known", "rows"), TRUTH)
def test_truth_table(known: Panel, rows: list[int]) -> None:
    assert customer_complaint(known, **LIMITS).position.tolist() == rows


def test_several_tickets_are_one_finding_that_tells_the_latest() -> None:
    found = customer_complaint(asked((0, 9, "no_power"), (0, 2, "wrong_account")), **LIMITS)
    assert found.measured.tolist() == [2.0]
    facts = {name: values[0] for name, values in found.facts.items()}
    assert (facts["ticket_id"], facts["pattern"], facts["urges_count"]) == ("T1", "asked_wrong_account", 1)
    assert str(found.start[0]) == str((AS_OF - dt.timedelta(days=9)).date())
