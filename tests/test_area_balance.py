"""Area balance: which energy counts, on which days, in which area, and what the loss model makes of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anomaly.area_balance import AreaBalance
from anomaly.area_sums import AreaSums
from anomaly.loss_model import LossPrior, loss_weights, ordinary_days, unusual_loss
from anomaly.panel import Panel
from pipelines.balance import area_balance
from tests.panels import panel, registers
from tests.scan_fixture import Rows, installed, lay_tables, reads, standard_rulebook

NAN = float("nan")
PRIOR = LossPrior(0.05, 0.03, 0.001)


def balance_of(
    view: Panel, *, fed: list[int], delivers: list[int], sign: list[float] | None = None, days: int = 400
) -> AreaBalance:
    areas = max([*fed, *delivers]) + 1
    sums = AreaSums(areas, view.shape[1], days)
    sums.add(view, np.array(fed), np.array(delivers), np.ones(len(fed)) if sign is None else np.array(sign))
    names = np.array([f"T{number}" for number in range(areas)], dtype=object)
    return sums.balance(names, np.empty((0, 2), np.int64), most_missing_share=0.005)


def home(*energy: float) -> list[float]:
    return registers(energy)[0].tolist()


@pytest.mark.parametrize(
    ("register", "more", "sign", "delivered"),
    [
        pytest.param([home(5, 5), home(3, 3)], {}, [1, 1], [8, 8], id="sum of two homes"),
        pytest.param([home(5, 5), home(3, 3)], {}, [1, -1], [2, 2], id="a deducted point"),
        pytest.param([home(5, 5), home(3, 3)], {}, [1, 0], [5, 5], id="a check meter has no say"),
        pytest.param([home(5, 5), home(3, 3)], {"export": ([1], [[0, 1, 5]])}, [1, 1], [7, 4], id="net of export"),
        pytest.param([home(5, 5), home(3, 3)], {"export": ([1], [[0, NAN, NAN]])}, [1, 1], [NAN] * 2, id="not net"),
        pytest.param([home(5, 5), [1000, None, 1006]], {}, [1, 1], [NAN] * 2, id="a spread home counts as missing"),
        pytest.param([home(500, 500), [1000, None, 1002]], {}, [1, 1], [501, 501], id="a tiny share may be missing"),
        pytest.param([home(5, 5), [None] * 3], {}, [1, 1], [NAN] * 2, id="a home never read"),
        pytest.param([home(5, 5), home(0, 0)], {}, [1, 1], [5, 5], id="an empty home misses nothing"),
    ],
)  # fmt: skip
def test_what_is_delivered(register: list, more: dict, sign: list[float], delivered: list[float]) -> None:
    one = balance_of(panel(register, **more), fed=[-1, -1], delivers=[0, 0], sign=sign)
    np.testing.assert_allclose(one.delivered_kwh[0], delivered)


@pytest.mark.parametrize(
    ("register", "supply"),
    [
        pytest.param([home(10, 12)], [10, 12], id="read at both ends"),
        pytest.param([[1000, None, 1022]], [NAN, NAN], id="a gap says nothing of its days"),
        pytest.param([home(10, 12), home(4, 4)], [14, 16], id="two supply meters"),
        pytest.param([home(10, 12), [1000, 1004, None]], [14, NAN], id="one of two not read"),
        pytest.param([[None, None, None]], [NAN, NAN], id="never read"),
    ],
)
def test_what_goes_in(register: list, supply: list[float]) -> None:
    count = len(register)
    one = balance_of(panel(register), fed=[0] * count, delivers=[-1] * count)
    np.testing.assert_allclose(one.supply_kwh[0], supply)


def test_nobody_is_missed_before_the_meter_hung() -> None:
    view = panel([home(5, 5, 5), [None, None, 1000, 1004]])
    placed = view.installation.copy()
    placed[1, :2] = -1
    one = balance_of(dataclasses.replace(view, installation=placed), fed=[-1, -1], delivers=[0, 0])
    np.testing.assert_allclose(one.delivered_kwh[0], [5, 5, 9])


def test_only_the_last_days_are_added_up() -> None:
    one = balance_of(panel([home(5, 6, 7), home(4, 4, 4)]), fed=[0, -1], delivers=[-1, 0], days=2)
    np.testing.assert_allclose(one.loss_kwh, [[NAN, 2, 3]])


def test_the_loss_and_the_areas_beside() -> None:
    one = balance_of(panel([home(10, 12), home(9, 11)]), fed=[0, -1], delivers=[-1, 0])
    np.testing.assert_allclose(one.loss_kwh, [[1, 1]])
    beside = AreaBalance(np.array(["A", "B", "C"], dtype=object), one.supply_kwh, one.delivered_kwh,
                         np.array([[0, 1], [1, 0], [1, 2], [2, 1]]))  # fmt: skip
    assert beside.index_of(np.array(["B", None, "X", "A"], dtype=object)).tolist() == [1, -1, -1, 0]
    nobody = AreaBalance(np.array([], dtype=object), np.empty((0, 2)), np.empty((0, 2)), np.empty((0, 2), np.int64))
    assert nobody.index_of(np.array(["B"], dtype=object)).tolist() == [-1]


# ------------------------------------------------------------------ from the book


def book(**areas: object) -> dict[str, Rows]:
    """Areas A and B of a supply meter and two homes each."""
    energy = {"sa": 11, "sb": 22, "a1": 4, "a2": 6, "b1": 9, "b2": 11}
    where = {"a": "A", "b": "B"}
    rows = [
        installed(meter, None if meter[0] == "s" else meter.upper(), area_id=where[meter.lstrip("s")[0]])
        for meter in energy
    ]
    tables = {
        "installations": rows,
        "register_reads": [one for meter, kwh in energy.items() for one in reads(meter, home(*[kwh] * 4))],
    }
    return {**tables, **({"areas": areas["areas"]} if "areas" in areas else {})}


def laid(folder: Path, tables: dict[str, Rows], cells: int | None = None) -> AreaBalance | None:
    source = lay_tables(folder, 4, **tables).source
    if cells is not None:
        source = dataclasses.replace(source, slice_cells=cells)
    return area_balance(source, standard_rulebook())


def test_supply_meters_are_those_without_an_account(tmp_path: Path) -> None:
    one = laid(tmp_path, book())
    assert one is not None
    assert one.area_ids.tolist() == ["A", "B"]
    np.testing.assert_allclose(one.loss_kwh, [[1] * 4, [2] * 4])
    assert one.neighbours.tolist() == [[0, 1], [1, 0]], "none on file: all of few areas"


def test_the_areas_table_names_the_supply_meter(tmp_path: Path) -> None:
    rows = [{"area_id": "A", "supply_meter_id": "sb"}, {"area_id": "B", "supply_meter_id": "sa"}]
    one = laid(tmp_path, book(areas=rows))
    assert one is not None
    np.testing.assert_allclose(one.supply_kwh[:, 0], [22, 11])


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        pytest.param(["B", None], [[0, 1], [1, 0]], id="told by one, true for both"),
        pytest.param([" B ; X;", "A"], [[0, 1], [1, 0]], id="blanks and areas nobody knows"),
        pytest.param(["A", None], [], id="oneself is no neighbour"),
        pytest.param([None, None], [[0, 1], [1, 0]], id="nobody told"),
    ],
)
def test_neighbours(tmp_path: Path, beside: list[str | None], expected: list[list[int]]) -> None:
    rows = [{"area_id": name, "neighbours": other} for name, other in zip("AB", beside, strict=True)]
    areas = pl.DataFrame(rows, schema={"area_id": pl.String, "neighbours": pl.String})
    one = laid(tmp_path, book(areas=areas))
    assert one is not None
    assert one.neighbours.tolist() == expected


def test_without_supply_meters_there_is_no_balance(tmp_path: Path) -> None:
    tables = book()
    tables["installations"] = [row for row in tables["installations"] if row["account_id"]]
    assert laid(tmp_path, tables) is None


def test_slices_and_a_supply_meter_without_an_area_change_nothing(tmp_path: Path) -> None:
    tables = book(areas=[{"area_id": "A", "supply_meter_id": "sa"}, {"area_id": "B", "supply_meter_id": "sb"}])
    whole = laid(tmp_path / "whole", tables)
    rows = tables["installations"]
    tables["installations"] = [{**row, "area_id": row["area_id"] if row["account_id"] else None} for row in rows]
    parts = laid(tmp_path / "parts", tables, cells=1)
    assert whole is not None
    assert parts is not None
    np.testing.assert_array_equal(whole.supply_kwh, parts.supply_kwh)
    np.testing.assert_array_equal(whole.delivered_kwh, parts.delivered_kwh)


def test_a_check_meter_beside_its_main_meter_is_not_delivered(tmp_path: Path) -> None:
    tables = book()
    tables["installations"].append(installed("check", "A1", area_id="A", point_role="check"))
    tables["register_reads"] += reads("check", home(*[4] * 4))
    one = laid(tmp_path, tables)
    assert one is not None
    np.testing.assert_allclose(one.delivered_kwh[0], [10] * 4)


# ------------------------------------------------------------------ the loss model


def losses(days: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    supply = rng.uniform(150, 250, (1, days))
    return 3.0 + 0.03 * supply + 0.0001 * supply**2 + rng.normal(0, 0.3, supply.shape), supply


def dense(weights: object, days: int) -> np.ndarray:
    return np.stack([weights.times(np.eye(days)[[at]])[0] for at in range(days)])  # type: ignore[attr-defined]


def test_band_and_products_agree() -> None:
    loss, supply = losses()
    used = np.ones(loss.shape, bool)
    used[0, [3, 17, 18]] = False
    weights = loss_weights(loss, supply, used, PRIOR)
    matrix = dense(weights, 40)
    rows = np.random.default_rng(1).normal(0, 1, (5, 40))
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-9)
    np.testing.assert_allclose(weights.squares(rows)[0], np.einsum("mi,ij,mj->m", rows, matrix, rows), atol=1e-8)
    np.testing.assert_allclose(weights.products(0, rows), rows @ matrix @ rows.T, atol=1e-8)
    assert np.linalg.eigvalsh(matrix).min() > -1e-9, "no series fits better than well"
    assert not matrix[[3, 17, 18]].any(), "days not used weigh nothing"


def test_what_the_model_explains_costs_little_and_what_it_does_not_costs_all() -> None:
    loss, supply = losses()
    used = np.ones(loss.shape, bool)
    weights = loss_weights(loss, supply, used, PRIOR)
    unusual = unusual_loss(loss, supply, used, PRIOR)
    misfit = (unusual * weights.times(unusual)).sum()
    assert misfit < 40 * 0.3**2 * 2
    odd = unusual.copy()
    odd[0, 20] += 30.0
    assert (odd * weights.times(odd)).sum() - misfit > 0.5 * 30.0**2


@pytest.mark.parametrize(("kwh", "kept"), [(60.0, False), (-60.0, False), (0.5, True)])
def test_one_outlying_day_is_left_out(kwh: float, kept: bool) -> None:
    loss, supply = losses()
    loss[0, 11] += kwh
    used = ordinary_days(loss, supply, np.ones(loss.shape, bool), PRIOR, 6.0)
    assert used[0, 11] == kept
    assert np.delete(used[0], 11).mean() > 0.95


def test_days_all_alike_break_nothing() -> None:
    supply = np.full((1, 30), 200.0)
    weights = loss_weights(0.05 * supply, supply, np.ones((1, 30), bool), PRIOR)
    assert np.isfinite(weights.times(supply)).all()
    nothing = loss_weights(0.05 * supply, supply, np.zeros((1, 30), bool), PRIOR)
    assert not nothing.times(supply).any()
