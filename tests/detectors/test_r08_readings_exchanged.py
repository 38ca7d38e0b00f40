"""R08: two neighbours' reads written against each other's number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.panels import panel
from tests.reading_error_series import daily, found, monthly

PAIR = np.concatenate([daily(start=4000.0), daily(start=9100.0), daily(start=6000.0)])
BOX = {"area_id": "T1", "box_id": "B1"}


def exchanged(register: np.ndarray, border: int, other_border: int | None = None) -> np.ndarray:
    changed = register.copy()
    there = border if other_border is None else other_border
    changed[0, border], changed[1, there] = register[1, there], register[0, border]
    return changed


@pytest.mark.parametrize(
    ("register", "columns", "fires"),
    [
        pytest.param(exchanged(PAIR, 30), BOX, 1, id="one box"),
        pytest.param(exchanged(PAIR, 30), {"area_id": "T1"}, 1, id="one area without boxes"),
        pytest.param(exchanged(PAIR, 30), {"area_id": "T1", "box_id": ["B1", "B2", "B1"]}, 0, id="two boxes"),
        pytest.param(exchanged(PAIR, 30), {}, 0, id="whereabouts unknown"),
        pytest.param(PAIR, BOX, 0, id="sound"),
        pytest.param(exchanged(PAIR, 60), BOX, 0, id="the last read: the next decides"),
    ],
)
def test_fires(register: np.ndarray, columns: dict[str, Any], fires: int) -> None:
    assert len(found("R08", panel(register, **columns))) == fires


def test_a_lasting_exchange_is_no_slip_of_the_reader() -> None:
    crossed = PAIR.copy()
    crossed[:2, 30:] = crossed[1::-1, 30:]
    assert len(found("R08", panel(crossed, **BOX))) == 0


def test_facts_and_the_other_rules_keep_quiet() -> None:
    of = panel(exchanged(PAIR, 30), **BOX)
    one = found("R08", of)
    assert (one.position.tolist(), one.related.tolist()) == ([0], [1])
    assert one.facts["read_kwh"].tolist() == [PAIR[1, 30]]
    assert one.facts["partner_kwh"].tolist() == [PAIR[0, 30]]
    assert str(one.facts["back_day"][0]) == "2026-02-01"
    assert one.kwh_at_stake.tolist() == pytest.approx([5100.0])
    assert len(found("R07", of)) == 0
    assert len(found("R01", of)) == 0


def test_the_likelihood_ratio_is_a_limit() -> None:
    of = panel(exchanged(PAIR, 30), **BOX)
    ratio = float(np.exp(found("R08", of).strength[0]))
    assert len(found("R08", of, min_likelihood_ratio=ratio * 0.999)) == 1
    assert len(found("R08", of, min_likelihood_ratio=ratio * 1.001)) == 0


@pytest.mark.parametrize(("apart", "fires"), [pytest.param(0, 1, id="one round"), pytest.param(60, 0, id="two rounds")])
def test_reads_once_a_month(apart: int, fires: int) -> None:
    homes = np.concatenate([monthly(start=4000.0), monthly(start=12_000.0)])
    changed = exchanged(homes, 150, 150 + apart)
    assert len(found("R08", panel(changed, read_frequency="periodic", **BOX))) == fires
