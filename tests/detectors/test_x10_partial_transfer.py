"""X10: what one home lost on a day, its neighbour gained."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from anomaly.detectors.x10_partial_transfer import partial_transfer
from anomaly.panel import Panel
from anomaly.registry import REGISTRY, Detections
from rules.rulebook import load
from tests.panels import knowing, panel

LIMITS = load().detectors["X10"].limit_values()
DAYS, DAY = 90, 50
FIRST = dt.date(2026, 1, 1)


def homes(count: int = 2, level_kwh: float = 8.0, seed: int = 1) -> np.ndarray:
    """Half-hours `[homes, days, 48]` that differ a little from day to day."""
    rng = np.random.default_rng(seed)
    days = rng.normal(1.0, 0.05, (count, DAYS, 1))
    return level_kwh / 48 * days * rng.normal(1.0, 0.1, (count, DAYS, 48))


def moved(kwh: np.ndarray, row: int, by_kwh: float, hours: slice, since: int = DAY, until: int = DAYS) -> np.ndarray:
    """The same with so much a day more, spread over some half-hours, at one home."""
    changed = kwh.copy()
    changed[row, since:until, hours] += by_kwh / (hours.stop - hours.start)
    return changed


def box(kwh: np.ndarray, *, with_curve: bool = True, dated: int | None = DAY, **columns: object) -> Panel:
    read = 1000.0 + np.concatenate([np.zeros((len(kwh), 1)), np.cumsum(kwh.sum(axis=2), axis=1)], axis=1)
    curve = (30, range(len(kwh)), 0, kwh) if with_curve else None
    view = panel(read, curve=curve, **{"area_id": "area", "box_id": "box", "register_decimals": 4, **columns})
    if dated is None:
        return view
    change = pl.DataFrame({"row": [0], "day": [FIRST + dt.timedelta(dated)], "code": ["J01"]})
    return knowing(view, changes=change)


def found(view: Panel, **limits: float) -> Detections:
    return partial_transfer(view, **{**LIMITS, **limits})


EVENING, MORNING, ALL_DAY = slice(36, 44), slice(12, 20), slice(0, 48)
CIRCUIT = moved(moved(homes(), 0, -1.2, EVENING), 1, 1.2, EVENING)
WHOLE = moved(moved(homes(), 0, -6.0, ALL_DAY), 1, 6.0, ALL_DAY)


@pytest.mark.parametrize(
    ("kwh", "options", "fires"),
    [
        pytest.param(CIRCUIT, {}, True, id="an evening circuit moved"),
        pytest.param(CIRCUIT, {"dated": DAY + 2}, True, id="dated two days late"),
        pytest.param(CIRCUIT, {"dated": None}, False, id="no day is known"),
        pytest.param(CIRCUIT, {"dated": DAY + 30}, False, id="another day"),
        pytest.param(CIRCUIT, {"dated": 5}, False, id="too few days before"),
        pytest.param(CIRCUIT, {"dated": DAYS - 5}, False, id="too few days after"),
        pytest.param(WHOLE, {}, True, id="a whole step up and the same step down"),
        pytest.param(WHOLE, {"with_curve": False}, True, id="by days alone"),
        pytest.param(homes(), {}, False, id="nothing happened"),
        pytest.param(moved(homes(), 0, -3.0, EVENING), {}, False, id="one home only"),
        pytest.param(moved(moved(homes(), 0, -3.0, EVENING), 1, -3.0, EVENING), {}, False, id="both fell"),
        pytest.param(moved(moved(homes(), 0, -3.0, EVENING), 1, 3.0, MORNING), {}, False, id="at other hours"),
        pytest.param(
            moved(moved(homes(), 0, -3.0, EVENING), 1, 7.0, EVENING), {}, False, id="much more came than went"
        ),
        pytest.param(moved(moved(homes(), 0, -0.9, EVENING), 1, 0.9, EVENING), {}, False, id="too small"),
        pytest.param(np.where(np.arange(DAYS)[:, None] < DAY, CIRCUIT, np.nan), {}, False, id="no reads afterwards"),
    ],
)
def test_truth_table(kwh: np.ndarray, options: dict[str, object], fires: bool) -> None:
    one = found(box(kwh, **options))  # type: ignore[arg-type]
    assert list(zip(one.position.tolist(), one.related.tolist(), strict=True)) == ([(0, 1)] if fires else [])


def test_what_is_told() -> None:
    one = found(box(CIRCUIT))
    facts = {name: values[0] for name, values in one.facts.items()}
    assert (facts["losing_account_id"], facts["gaining_account_id"]) == ("acc-0", "acc-1")
    assert facts["lost_kwh_per_day"] == pytest.approx(1.2, abs=0.4)
    assert facts["gained_kwh_per_day"] == pytest.approx(1.2, abs=0.4)
    assert facts["pattern"] == "mirrored_hours"
    assert one.start[0] == np.datetime64("2026-01-01") + np.timedelta64(DAY, "D")
    assert one.measured[0] >= LIMITS["least_ratio_nats"]
    assert found(box(WHOLE, with_curve=False)).facts["pattern"][0] == "mirrored_days"


def test_exactly_at_the_limit_fires() -> None:
    ratio = found(box(CIRCUIT)).measured[0]
    assert len(found(box(CIRCUIT), least_ratio_nats=ratio * (1 - 1e-6)))
    assert not len(found(box(CIRCUIT), least_ratio_nats=ratio * (1 + 1e-5)))


def test_works_and_meter_changes_name_a_day_too() -> None:
    at = dt.datetime.combine(FIRST, dt.time()) + dt.timedelta(DAY, hours=10)
    works = pl.DataFrame({"row": [1], "meter_id": ["meter-1"], "at": [at], "kind": ["works"], "detail": [None]})
    assert len(found(box(CIRCUIT, dated=None, events=works)))
    assert not len(found(box(CIRCUIT, dated=None, events=works.with_columns(kind=pl.lit("outage_start")))))
    changed = pl.DataFrame({"row": [0], "day": [FIRST + dt.timedelta(DAY)]})
    assert len(found(box(CIRCUIT, dated=None, exchanges=changed)))


def test_a_pair_is_told_once_and_two_mirrors_are_none() -> None:
    view = box(CIRCUIT)
    both = pl.DataFrame({"row": [0, 1], "day": [FIRST + dt.timedelta(DAY), FIRST + dt.timedelta(DAY + 1)]})
    assert len(found(knowing(view, changes=both))) == 1
    three = moved(moved(moved(homes(3), 0, -3.0, EVENING), 1, 3.0, EVENING), 2, 3.0, EVENING)
    assert not len(found(box(three)))


def test_neighbours_only() -> None:
    apart = {"box_id": ["b", "c"], "area_id": ["a", "b"]}
    assert not len(found(box(CIRCUIT, **apart)))
    assert REGISTRY["X10"].unjudged(box(CIRCUIT, **apart), **LIMITS).tolist() == ["no_neighbours"] * 2
    assert not len(found(box(CIRCUIT, account_id="same")))
    assert not len(found(knowing(panel([[1.0], [1.0]], box_id="b"), changes=box(CIRCUIT).changes)))
