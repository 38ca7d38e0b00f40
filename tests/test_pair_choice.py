"""Which of several candidate pairs is believed."""

from __future__ import annotations

import numpy as np
import pytest

from anomaly.pair_choice import best_pairs


@pytest.mark.parametrize(
    ("pairs", "nats", "kept", "count"),
    [
        pytest.param([(0, 1)], [5.0], [(0, 1)], [1], id="one pair"),
        pytest.param([], [], [], [], id="none"),
        pytest.param([(0, 1), (0, 2)], [5.0, 7.0], [(0, 2)], [1], id="the better one"),
        pytest.param([(0, 1), (0, 2)], [5.0, 5.5], [(0, 2)], [2], id="another fits nearly as well"),
        pytest.param([(0, 1), (0, 2)], [5.0, 5.0], [(0, 1)], [2], id="equals go by order"),
        pytest.param([(0, 1), (0, 2)], [5.0, 5.0 + 1e-9], [(0, 1)], [2], id="rounding decides nothing"),
        pytest.param([(0, 1), (1, 2)], [5.0, 9.0], [(1, 2)], [1], id="nobody is paired twice"),
        pytest.param([(0, 1), (2, 3)], [5.0, 9.0], [(0, 1), (2, 3)], [1, 1], id="two pairs"),
        pytest.param([(0, 2), (0, 3), (1, 2), (1, 3)], [5.0] * 4, [(0, 2), (1, 3)], [2, 2], id="two and two alike"),
        pytest.param([(0, 1), (0, 2), (1, 3)], [9.0, 5.0, 5.0], [(0, 1)], [1], id="no second best"),
        pytest.param([(0, 1), (1, 2), (2, 3)], [5.0, 9.0, 8.5], [(1, 2)], [2], id="a row of homes"),
    ],
)
def test_pairs_kept(pairs: list[tuple[int, int]], nats: list[float], kept: object, count: list[int]) -> None:
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    places, candidates = best_pairs(first, second, np.array(nats), tie_nats=1.0)
    assert [pairs[place] for place in places] == kept
    assert candidates.tolist() == count
