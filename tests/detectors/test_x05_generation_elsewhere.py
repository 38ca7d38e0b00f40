"""X05: registered generation sends nothing, and a neighbour without permission feeds in."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.detectors.x05_generation_elsewhere import generation_elsewhere
from anomaly.panel import Panel
from anomaly.registry import REGISTRY, Detections
from rules.rulebook import load
from tests.panels import panel, registers

LIMITS = load().detectors["X05"].limit_values()
DAYS = 60
ROOF = [2.0] * DAYS
NONE = [0.0] * DAYS
ALONE_NATS = -np.log(0.02 * 0.01)


def box(*exports: list[float | None], generation: list[bool | None], **columns: object) -> Panel:
    """Homes of one box, each with an export register that counts so much a day."""
    homes = len(exports)
    counted = registers(*exports, start=50.0)
    for row, days in enumerate(exports):
        counted[row, 1:][[one is None for one in days]] = np.nan
    use = registers(*[[5.0 + row] * DAYS for row in range(homes)])
    return panel(
        use,
        export=(range(homes), counted),
        generation=generation,
        **{"area_id": "area", "box_id": "box", **columns},  # type: ignore[arg-type]
    )


def found(view: Panel, **limits: float) -> Detections:
    return generation_elsewhere(view, **{**LIMITS, **limits})


@pytest.mark.parametrize(
    ("exports", "generation", "pairs"),
    [
        pytest.param([NONE, ROOF], [True, False], [(0, 1)], id="one registered and silent, the other feeds in"),
        pytest.param([ROOF, NONE], [False, True], [(1, 0)], id="the other way round"),
        pytest.param([NONE, ROOF], [True, None], [(0, 1)], id="nothing on file is no permission"),
        pytest.param([NONE, NONE], [True, False], [], id="generation that is off, nobody feeds in"),
        pytest.param([ROOF, ROOF], [True, False], [], id="both feed in: an unregistered roof"),
        pytest.param([NONE, ROOF], [True, True], [], id="both registered"),
        pytest.param([NONE, ROOF], [False, False], [], id="nobody registered"),
        pytest.param([NONE, [0.0] * 30 + [2.0] * 30], [True, False], [(0, 1)], id="thirty bright days are enough"),
        pytest.param([NONE, [0.0] * 31 + [2.0] * 29], [True, False], [], id="29 are not"),
        pytest.param([NONE, [1.0] * DAYS], [True, False], [], id="exactly 1 kWh a day is not above it"),
        pytest.param([[0.1] * DAYS, ROOF], [True, False], [(0, 1)], id="exactly a twentieth of the neighbour's"),
        pytest.param([[0.11] * DAYS, ROOF], [True, False], [], id="a small roof of its own"),
        pytest.param([[None] * DAYS, ROOF], [True, False], [], id="its export register was not read"),
        pytest.param([[2.0] * 20 + [0.0] * 40, [0.0] * 20 + [2.0] * 40], [True, False], [(0, 1)], id="until a day"),
        pytest.param([NONE, [2.0] * 20 + [None] * 40], [True, False], [], id="the neighbour's reads end"),
        pytest.param([[0.0], [2.0]], [True, False], [], id="one day"),
    ],
)
def test_truth_table(exports: list[list[float]], generation: list[bool], pairs: list[tuple[int, int]]) -> None:
    if len(exports[0]) == 1:
        view = panel(registers([5.0], [6.0]), export=([0, 1], registers(*exports)), generation=generation, box_id="b")
    else:
        view = box(*exports, generation=generation)
    one = found(view)
    assert list(zip(one.position.tolist(), one.related.tolist(), strict=True)) == pairs
    if pairs:
        assert one.measured == pytest.approx(ALONE_NATS)
        assert np.isnan(one.facts["others_count"][0])


def test_what_is_told() -> None:
    one = found(box([2.0] * 30 + [0.0] * 30, [0.0] * 30 + [4.0] * 30, generation=[True, False]), min_days=20)
    assert one.start[0] == np.datetime64("2026-01-31")
    assert one.facts["export_kwh"][0] == pytest.approx(120.0)
    assert one.facts["export_days"][0] == 30
    assert one.facts["own_export_kwh"][0] == 0.0
    assert one.facts["pattern"][0] == "generation_moved"
    assert one.kwh_at_stake[0] == pytest.approx(120.0 + 30.0), "what was sent, and 1 kWh a day of use apart"
    never = found(box(NONE, ROOF, generation=[True, False]))
    assert never.facts["pattern"][0] == "generation_never"


def test_several_that_fit_share_the_evidence_and_one_is_named() -> None:
    one = found(box(NONE, ROOF, ROOF, generation=[True, False, False]))
    assert (one.position.tolist(), one.related.tolist()) == ([0], [1])
    assert one.measured == pytest.approx(ALONE_NATS - np.log(2))
    assert one.facts["others_count"][0] == 1
    two = found(box(NONE, NONE, ROOF, generation=[True, True, False]))
    assert (two.position.tolist(), two.related.tolist()) == ([0], [2])
    assert two.measured == pytest.approx(ALONE_NATS - np.log(2))
    many = box(NONE, *[ROOF] * 60, generation=[True, *[False] * 60])
    assert not len(found(many)), "one of sixty is nobody"


def test_only_neighbours_are_compared_and_never_two_points_of_one_account() -> None:
    apart = box(NONE, ROOF, generation=[True, False], box_id=["b1", "b2"], area_id=["a1", "a2"])
    assert not len(found(apart))
    assert REGISTRY["X05"].unjudged(apart, **LIMITS).tolist() == ["no_neighbours", "no_neighbours"]
    assert not len(found(box(NONE, ROOF, generation=[True, False], account_id="same")))
    assert not len(found(box(NONE, ROOF, generation=[True, False], is_supply=[False, True])))


def test_without_export_registers_there_is_nothing() -> None:
    assert not len(found(panel(registers([5.0] * DAYS, [5.0] * DAYS), generation=[True, False], box_id="b")))
    assert not len(found(panel(registers([], []), export=([0, 1], registers([], [])), box_id="b")))
