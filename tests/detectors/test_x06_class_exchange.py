"""X06: each of two neighbours uses electricity as the other one's file says."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from anomaly.class_shape import ClassModel, Shapes, contract_kw, shapes_of
from anomaly.detectors.x06_class_exchange import class_exchange
from anomaly.panel import Panel
from anomaly.registry import REGISTRY, Detections
from rules.rulebook import load
from tests.panels import panel

LIMITS = load().detectors["X06"].limit_values()
DAYS = 70
WORKDAY = (np.arange(DAYS) + 3) % 7 < 5
"""1 January 2026, the first day, is a Thursday."""


def flat(kwh: float = 8.0) -> np.ndarray:
    """Half-hours of a home: mornings and evenings, every day alike."""
    shape = np.full(48, 0.8)
    shape[14:18], shape[36:44] = 1.3, 1.1
    return np.tile(kwh * shape / shape.sum(), (DAYS, 1))


def office(kwh: float = 30.0) -> np.ndarray:
    """Half-hours of an office: workdays from nine to five, next to nothing else."""
    shape = np.full(48, 0.05)
    shape[18:34] = 1.0
    days = np.tile(kwh * shape / shape.sum(), (DAYS, 1))
    days[~WORKDAY] *= 0.15
    return days


def box(*curves: np.ndarray, with_curve: bool = True, **columns: object) -> Panel:
    kwh = np.stack(curves)
    read = 1000.0 + np.concatenate([np.zeros((len(kwh), 1)), np.cumsum(kwh.sum(axis=2), axis=1)], axis=1)
    curve = (30, range(len(kwh)), 0, kwh) if with_curve else None
    defaults = {"area_id": "area", "box_id": "box", "contract_kva": 12.0, "register_decimals": 4}
    return panel(read, curve=curve, **{**defaults, **columns})  # type: ignore[arg-type]


def found(view: Panel, **limits: float) -> Detections:
    return class_exchange(view, **{**LIMITS, **limits})


FILED = {"customer_class": ["residential", "commercial"], "contract_kva": [12.0, 40.0]}


@pytest.mark.parametrize(
    ("curves", "columns", "pattern"),
    [
        pytest.param((office(), flat()), FILED, "class_only", id="office on the flat's file"),
        pytest.param((office(300.0), flat()), FILED, "class_and_limit", id="and above the flat's contract"),
        pytest.param((flat(), office()), FILED, None, id="as filed"),
        pytest.param((flat(), flat(9.0)), FILED, None, id="a shop that lives like a home"),
        pytest.param((office(), office()), FILED, None, id="an office in a flat"),
        pytest.param((office(), flat()), {**FILED, "customer_class": "residential"}, None, id="one class"),
        pytest.param(
            (office(), flat()),
            {**FILED, "customer_class": ["residential", "agricultural"]},
            None,
            id="farms not judged",
        ),
        pytest.param(
            (office(), flat()), {**FILED, "customer_class": ["residential", None]}, None, id="class not on file"
        ),
        pytest.param(
            (office(300.0), flat()), {"contract_kva": [12.0, 60.0]}, "limit_only", id="above its contract, other idle"
        ),
        pytest.param((office(300.0), flat(16.0)), {"contract_kva": [12.0, 23.0]}, None, id="the larger one is used"),
        pytest.param((office(300.0), flat()), {"contract_kva": [12.0, 17.0]}, None, id="too large for both"),
        pytest.param((office(300.0), flat()), {"contract_kva": [40.0, 60.0]}, None, id="below its contract"),
        pytest.param((np.full((DAYS, 48), np.nan), flat()), FILED, None, id="not read at all"),
    ],
)
def test_truth_table(curves: tuple[np.ndarray, ...], columns: dict[str, object], pattern: str | None) -> None:
    one = found(box(*curves, **columns))
    assert one.facts["pattern"].tolist() == ([] if pattern is None else [pattern])
    if pattern:
        assert (one.position.tolist(), one.related.tolist()) == ([0], [1])
        assert LIMITS["least_nats"] <= one.measured[0] <= LIMITS["most_nats"]


def test_exactly_at_the_contract_is_not_above_it() -> None:
    peak_kw = 300.0 / (16 + 32 * 0.05) * 2
    at = {"contract_kva": [peak_kw / LIMITS["over_contract_ratio"], 400.0]}
    assert not len(found(box(office(300.0), flat(), **at)))
    just = {"contract_kva": [peak_kw / LIMITS["over_contract_ratio"] * 0.999, 400.0]}
    assert found(box(office(300.0), flat(), **just)).measured == pytest.approx(3.4 + 1.1)


def test_what_is_told() -> None:
    one = found(box(flat(), office(300.0), customer_class=["commercial", "residential"], contract_kva=[60.0, 12.0]))
    facts = {name: values[0] for name, values in one.facts.items()}
    assert (facts["home_account_id"], facts["business_account_id"]) == ("acc-1", "acc-0")
    assert facts["over_account_id"] == "acc-1"
    assert (facts["contract_kva"], facts["other_contract_kva"]) == (12.0, 60.0)
    assert facts["home_weekend_percent"] == pytest.approx(15.0, abs=0.5)
    assert facts["business_weekend_percent"] == pytest.approx(100.0, abs=0.5)
    assert one.start[0] == np.datetime64("2026-01-01")
    apart = np.abs(office(300.0)[-56:].sum() - flat()[-56:].sum())
    assert one.kwh_at_stake[0] == pytest.approx(apart, rel=1e-3)


def test_it_is_dated_by_the_last_meter_change() -> None:
    changed = pl.DataFrame({"row": [1], "day": ["2026-01-11"]}).with_columns(pl.col("day").str.to_date())
    assert found(box(office(), flat(), exchanges=changed, **FILED)).start[0] == np.datetime64("2026-01-11")


def test_of_two_that_fit_one_is_named_and_the_doubt_taken_off() -> None:
    three = box(
        office(300.0), office(300.0), flat(), customer_class=["residential", "residential", "commercial"],
        contract_kva=[12.0, 12.0, 60.0],
    )  # fmt: skip
    one = found(three)
    assert (one.position.tolist(), one.related.tolist()) == ([0], [2])
    assert one.measured[0] == pytest.approx(LIMITS["most_nats"] - np.log(2))
    assert one.facts["others_count"][0] == 1


def test_without_curves_weekends_alone_are_too_little() -> None:
    assert not len(found(box(office(), flat(), with_curve=False, **FILED)))
    heavy = box(office(500.0), flat(), with_curve=False, **{**FILED, "contract_kva": [12.0, 60.0]})
    assert found(heavy).facts["pattern"].tolist() == ["class_and_limit"], "500 kWh a day are more than 12 kW"


def test_short_or_lonely_homes_are_silent() -> None:
    assert not len(found(box(office(), flat(), **FILED, box_id=["b", "c"], area_id=["a", "b"])))
    alone = box(office(), flat(), **FILED, box_id=["b", "c"], area_id=["a", "b"])
    assert REGISTRY["X06"].unjudged(alone, **LIMITS).tolist() == ["no_neighbours"] * 2
    assert not len(found(panel([[1.0, 2.0], [1.0, 3.0]], box_id="b", customer_class=["residential", "commercial"])))
    assert not len(found(panel([[1.0], [1.0]], box_id="b")))


def test_what_a_connection_may_draw() -> None:
    view = panel(
        [[1.0, 2.0]] * 5,
        contract_kva=[8.0, None, None, None, None],
        rated_volts=[230.0, 230.0, 230.0, 400.0, None],
        max_amps=[100.0, 100.0, 100.0, 100.0, 100.0],
        phases=[1, 1, 3, 3, 3],
    )
    assert contract_kw(view) == pytest.approx([8.0, 23.0, 69.0, 400 * np.sqrt(3) / 10, np.nan], nan_ok=True)


def test_shapes_are_those_of_the_days() -> None:
    shapes = shapes_of(box(office(), flat()), window_days=56, peak_days=3, idle_kwh_per_day=1.0)
    assert np.exp(shapes.weekend) == pytest.approx([0.15, 1.0], abs=0.01)
    assert shapes.working == pytest.approx([3.66, np.log(12.8 / 8.8)], abs=0.02)
    assert shapes.peak_kw[1] == pytest.approx(2 * flat().max())


@pytest.mark.parametrize(("first", "days", "known"), [(10, 40, True), (0, 40, True), (40, 30, True), (0, 10, False)])
def test_a_curve_may_begin_late_and_end_early(first: int, days: int, known: bool) -> None:
    kwh = np.stack([office(), flat()])
    whole = box(office(), flat(), with_curve=False)
    read = whole.register_kwh
    part = panel(read, curve=(30, [0, 1], first, kwh[:, first : first + days]), register_decimals=4)
    shapes = shapes_of(part, window_days=56, peak_days=3, idle_kwh_per_day=1.0)
    assert np.isfinite(shapes.working).all() == known
    if known:
        assert shapes.working == pytest.approx([3.66, np.log(12.8 / 8.8)], abs=0.02)


def test_estimated_intervals_do_not_count() -> None:
    view = box(office(), flat())
    made_up = np.ones_like(view.curves[0].estimated)
    curve = dataclasses.replace(view.curves[0], estimated=made_up)
    shapes = shapes_of(dataclasses.replace(view, curves=(curve,)), window_days=56, peak_days=3, idle_kwh_per_day=1.0)
    assert np.isnan(shapes.working).all()
    assert np.isfinite(shapes.weekend).all()


def test_shapes_alone_never_say_more_than_misfiled_accounts_allow() -> None:
    model = ClassModel((0.38, 0.4), (1.25, 0.9), (0.04, 0.15), (-0.5, 0.6), 0.2, 0.03)
    far = Shapes(np.array([9.0, -9.0, np.nan]), np.array([-9.0, 0.04, np.nan]), np.zeros(3))
    nats = model.business_nats(far)
    assert nats[0] == pytest.approx(np.log(0.8 / 0.03), abs=0.2)
    assert np.log(0.2 / 0.97) < nats[1] < 0.8
    assert nats[2] == pytest.approx(0.0, abs=1e-12)
