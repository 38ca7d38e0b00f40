"""X06: each of two neighbours uses electricity as the other one's file says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly.class_shape import ClassModel, Shapes, class_side, contract_kw, shapes_of
from anomaly.columns import Columns
from anomaly.neighbours import difference_kwh, neighbours_of, unjudged_alone
from anomaly.pair_choice import best_pairs
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector
from anomaly.statistics import quantised

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

TIE_NATS = 1.0
"""A partner whose evidence is weaker by less than this could as well be the one."""


@detector(
    "X06",
    family="cross_wiring",
    unit="nat",
    source="methods.md §1.2 e5: class against shape, load above the breaker; classes: BDEW standard load profiles",
    unjudged=unjudged_alone,
)
def class_exchange(
    panel: Panel,
    *,
    window_days: int,
    peak_days: int,
    idle_kwh_per_day: float,
    home_working_log: Sequence[float],
    business_working_log: Sequence[float],
    home_weekend_log: Sequence[float],
    business_weekend_log: Sequence[float],
    homelike_share: float,
    businesslike_share: float,
    over_contract_ratio: float,
    over_contract_nats: float,
    large_contract_ratio: float,
    idle_contract_ratio: float,
    idle_contract_nats: float,
    least_nats: float,
    most_nats: float,
    max_members: int,
) -> Detections:
    """Each of two neighbours uses electricity as the other one's file says.

    Three things are added up, over the last `window_days`. Between a residential and a business account: how much
    likelier their days and weekends are with the classes exchanged. Between any two: a load above what the account's
    contract (else its meter) can carry, where the other's contract would carry it, and the other way round. And, with
    that, a contract `large_contract_ratio` times as large of which next to nothing is used. At most `most_nats` count.

    Fires when both are about each other's best such partner and the sum, less the logarithm of how many fit as well,
    reaches `least_nats`.
    Cannot see: two accounts of one class below their contracts, a shop that lives like a home (the file is seldom that
    precise), agricultural customers, and who of several like neighbours it is.
    """
    shapes = shapes_of(panel, window_days=int(window_days), peak_days=int(peak_days), idle_kwh_per_day=idle_kwh_per_day)
    model = ClassModel(
        _mean_sd(home_working_log), _mean_sd(business_working_log), _mean_sd(home_weekend_log),
        _mean_sd(business_weekend_log), homelike_share, businesslike_share,
    )  # fmt: skip
    large = (large_contract_ratio, idle_contract_ratio, idle_contract_nats)
    asked = _asked(panel, shapes, over_contract_ratio)
    pairs = _weighed(
        panel, shapes, model, _pairs(panel, asked, int(max_members)), (over_contract_ratio, over_contract_nats), large
    )
    pairs = pairs.take(quantised(pairs.nats) >= least_nats)
    kept, count = best_pairs(pairs.first, pairs.second, np.minimum(pairs.nats, most_nats), tie_nats=TIE_NATS)
    left = np.minimum(pairs.nats[kept], most_nats) - np.log(np.maximum(count, 1))
    strong = quantised(left) >= least_nats
    return _told(panel, shapes, pairs.take(kept[strong]), left[strong], count[strong], int(window_days), least_nats)


@dataclass(frozen=True, eq=False)
class Pairs(Columns):
    """Candidate pairs, what speaks for an exchange of each, and which of the two is above its contract (-1: none)."""

    first: Integers
    second: Integers
    class_nats: Floats
    limit_nats: Floats
    over: Integers

    @property
    def nats(self) -> Floats:
        """Both together."""
        return np.asarray(self.class_nats + self.limit_nats)


def _mean_sd(values: Sequence[float]) -> tuple[float, float]:
    mean, sd = values
    return mean, sd


def _weighed(
    panel: Panel,
    shapes: Shapes,
    model: ClassModel,
    pair: tuple[Integers, Integers],
    above: tuple[float, float],
    large: tuple[float, float, float],
) -> Pairs:
    first, second = pair
    over, by_limit = _limit_nats(panel, shapes, pair, above, large)
    return Pairs(first, second, _class_nats(panel, shapes, model, first, second), by_limit, over)


def _told(
    panel: Panel, shapes: Shapes, pairs: Pairs, nats: Floats, count: Integers, window_days: int, least_nats: float
) -> Detections:
    row, other = pairs.first, pairs.second
    begin = _unchanged_since(panel, row, other)
    return detections(
        panel,
        row,
        begin,
        np.full(len(row), panel.shape[1]),
        measured=nats,
        expected=0.0,
        limit=least_nats,
        strength=nats,
        kwh_at_stake=difference_kwh(panel, row, other, np.maximum(begin, panel.shape[1] - window_days)),
        related=other,
        facts={
            "evidence_nats": nats,
            "candidates_count": count,
            "others_count": np.where(count > 1, count - 1.0, np.nan),
            **_described(panel, shapes, pairs),
        },
    )


def _asked(panel: Panel, shapes: Shapes, over_contract_ratio: float) -> Integers:
    """Positions with which a pair can begin: businesses, and loads above their contract."""
    with np.errstate(invalid="ignore"):
        above = shapes.peak_kw > over_contract_ratio * contract_kw(panel)
    return np.flatnonzero((class_side(panel) == 1) | above)


def _pairs(panel: Panel, rows: Integers, max_members: int) -> tuple[Integers, Integers]:
    """Pairs of `rows` and their neighbours, each once, the smaller position first."""
    index, other = neighbours_of(panel, rows, max_members=max_members)
    pair = np.sort(np.stack([rows[index], other], axis=1), axis=1)
    once = np.unique(pair, axis=0)
    return once[:, 0], once[:, 1]


def _class_nats(panel: Panel, shapes: Shapes, model: ClassModel, first: Integers, second: Integers) -> Floats:
    """`[P]` ln p(classes exchanged) - ln p(as filed); 0 for pairs that are not one home and one business."""
    side = class_side(panel)
    business = model.business_nats(shapes)
    home_first = (side[first] == 0) & (side[second] == 1)
    home_second = (side[first] == 1) & (side[second] == 0)
    known = np.isfinite(shapes.weekend[first]) & np.isfinite(shapes.weekend[second])
    apart = business[first] - business[second]
    return np.where(known, np.where(home_first, apart, np.where(home_second, -apart, 0.0)), 0.0)


def _limit_nats(
    panel: Panel,
    shapes: Shapes,
    pair: tuple[Integers, Integers],
    above: tuple[float, float],
    large: tuple[float, float, float],
) -> tuple[Integers, Floats]:
    """(position above its contract or -1, nats) of pairs whose loads only fit the other's contract.

    `above` is (ratio to the contract, nats), `large` (ratio of the contracts, most of it used, nats).
    """
    first, second = pair
    ratio, over_nats = above
    contract, peak = contract_kw(panel), shapes.peak_kw

    def exceeds(row: Integers, other: Integers) -> Booleans:
        with np.errstate(invalid="ignore"):
            too_much = quantised(peak[row]) > quantised(ratio * contract[row])
            fits = (peak[row] <= contract[other]) & (peak[other] <= contract[row])
        return np.asarray(too_much & fits)

    by_first, by_second = exceeds(first, second), exceeds(second, first)
    over = np.where(by_first, first, np.where(by_second, second, -1))
    other = np.where(by_first, second, first)
    large_ratio, idle_ratio, idle_nats = large
    with np.errstate(invalid="ignore"):
        idle = quantised(contract[other]) >= quantised(large_ratio * contract[over])
        idle &= quantised(peak[other]) <= quantised(idle_ratio * contract[other])
    return over, np.where(over >= 0, over_nats + np.where(idle, idle_nats, 0.0), 0.0)


def _unchanged_since(panel: Panel, row: Integers, other: Integers) -> Integers:
    """Panel day since which neither meter was changed; the first one where neither ever was."""
    last = np.zeros(panel.shape[0] + 1, np.int64)
    changed = panel.exchanges.select("row", "day").drop_nulls()
    day = panel.day_index(changed["day"].to_numpy().astype("datetime64[D]"))
    np.maximum.at(last, changed["row"].to_numpy().astype(np.int64), day)
    return np.maximum(last[row], last[other])


def _described(panel: Panel, shapes: Shapes, pairs: Pairs) -> dict[str, NDArray[Any]]:
    """What the sentences quote: who is filed as what, a weekend day against a workday, who is above which contract."""
    row, other, over = pairs.first, pairs.second, pairs.over
    account, contract = panel.column("account_id").astype(object), contract_kw(panel)
    by_class, by_limit = pairs.class_nats > 0, pairs.limit_nats > 0
    home = np.where(class_side(panel)[row] == 0, row, other)
    business = np.where(home == row, other, row)
    above = np.where(over >= 0, over, row)
    beside = np.where(above == row, other, row)
    pattern = np.where(by_limit & by_class, "class_and_limit", np.where(by_limit, "limit_only", "class_only"))
    percent = 100 * np.exp(np.nan_to_num(shapes.weekend))
    return {
        "class_nats": pairs.class_nats,
        "limit_nats": pairs.limit_nats,
        "pattern": pattern.astype(object),
        "home_account_id": account[home],
        "business_account_id": account[business],
        "home_weekend_percent": percent[home],
        "business_weekend_percent": percent[business],
        "over_account_id": account[above],
        "peak_kw": np.nan_to_num(shapes.peak_kw[above]),
        "contract_kva": np.nan_to_num(contract[above]),
        "other_contract_kva": np.nan_to_num(contract[beside]),
    }
