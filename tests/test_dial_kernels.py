"""The compiled twins count exactly what the numpy ones count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from anomaly import consumption, dial_kernels
from anomaly.consumption import Dials, dial_energy

ROLLOVER = {"near_top_share": 0.9, "usual_multiple": 4.06, "floor_kwh_per_day": 5.0}
TOP_TICKS = 100_000


def dials(
    count: int, borders: int, *, gaps: float = 0.0, offsets: float = 0.0, backwards: float = 0.0, seed: int = 3
) -> Dials:
    """Random dials that pass their top now and then, with these shares of absent, late and misread reads."""
    draw = np.random.default_rng(seed)
    shape = (count, borders)
    ticks = draw.integers(0, TOP_TICKS, (count, 1)) + np.cumsum(draw.integers(0, 3000, shape), axis=1)
    ticks = np.where(draw.random(shape) < backwards, ticks - draw.integers(0, 20_000, shape), ticks) % TOP_TICKS
    present = draw.random(shape) >= gaps
    late = np.where(draw.random(shape) < offsets, draw.random(shape), 0.0)
    starts = draw.random(count) < 0.5
    return Dials(
        ticks=ticks.astype(np.int64),
        present=present,
        offset_days=late.astype(np.float32),
        scale=10.0 ** draw.integers(0, 3, count),
        top=np.full(count, TOP_TICKS, np.int64),
        start_border=np.where(starts, draw.integers(0, max(borders, 1), count), -1),
        start_ticks=draw.integers(0, TOP_TICKS, count),
        end_border=np.where(starts, -1, draw.integers(0, max(borders, 1), count)),
        end_ticks=draw.integers(0, TOP_TICKS, count),
    )


CASES = {
    "a read a day": dials(40, 60),
    "gaps": dials(40, 60, gaps=0.3),
    "hardly a read": dials(40, 60, gaps=0.95),
    "no read at all": dials(10, 30, gaps=1.1),
    "reads during the day": dials(40, 60, offsets=0.5),
    "gaps and reads during the day": dials(40, 60, gaps=0.5, offsets=0.5),
    "backward steps": dials(40, 60, backwards=0.2),
    "everything": dials(200, 90, gaps=0.3, offsets=0.3, backwards=0.1),
    "one border": dials(5, 1, offsets=0.5),
    "two borders": dials(50, 2, gaps=0.3, offsets=0.5),
    "one dial": dials(1, 60, gaps=0.2),
    "no dials": dials(0, 60),
    "neither": dials(0, 1),
}

each_case = pytest.mark.parametrize("of", CASES.values(), ids=CASES)


def same(ours: tuple[Any, ...], twins: tuple[Any, ...]) -> None:
    for one, other in zip(ours, twins, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=0)


@each_case
def test_steps(of: Dials) -> None:
    columns = (of.ticks, of.present, of.offset_days)
    same(consumption._steps(*columns), dial_kernels.steps_between(*columns))


@each_case
def test_spread_over_days(of: Dials) -> None:
    step, days = consumption._steps(of.ticks, of.present, of.offset_days)
    columns = (step, days, of.scale, of.present, of.offset_days)
    same(consumption._spread_over_days(*columns), dial_kernels.spread_over_days(*columns))


@each_case
def test_energy_through_rollovers_and_recorded_registers(of: Dials, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = dial_energy(of, **ROLLOVER)
    called = watched(monkeypatch)
    monkeypatch.setattr(consumption, "COMPILED_FROM_CELLS", 0)
    compiled = dial_energy(of, **ROLLOVER)
    assert called
    same(tuple(vars(plain).values()), tuple(vars(compiled).values()))


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the twins in the order they are called from now on."""
    called: list[str] = []

    def noting(name: str, twin: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*columns: Any) -> Any:
            called.append(name)
            return twin(*columns)

        return noted

    for name in ("steps_between", "spread_over_days"):
        monkeypatch.setattr(dial_kernels, name, noting(name, getattr(dial_kernels, name)))
    return called


def test_the_cases_hold_what_they_are_for() -> None:
    everything = CASES["everything"]
    energy = dial_energy(everything, **ROLLOVER)
    assert energy.rolled.any()
    assert (energy.step_kwh < 0).any()
    assert energy.spread.any()
    assert np.isnan(energy.kwh).any()
    assert (everything.offset_days > 0).any()


def test_few_dials_do_not_load_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    called = watched(monkeypatch)
    dial_energy(CASES["everything"], **ROLLOVER)
    assert called == []
