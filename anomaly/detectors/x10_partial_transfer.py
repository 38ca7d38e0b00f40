"""X10: what one home lost on a day, its neighbour gained."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.neighbours import neighbours_of, unjudged_alone
from anomaly.pair_choice import best_pairs
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing
from anomaly.statistics import quantised
from anomaly.transfer_score import Around, Moves, Noise, score_moves

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

TIE_NATS = 0.5
"""A neighbour whose change mirrors this one nearly as well makes both a coincidence."""


@detector(
    "X10",
    family="cross_wiring",
    unit="nat",
    source="methods.md §1.8 partial transfer: T = ln(min(D_A, D_B)) - ln(D_A+B)",
    estimated_onset=True,
    unjudged=unjudged_alone,
)
def partial_transfer(
    panel: Panel,
    *,
    before_days: int,
    after_days: int,
    margin_days: int,
    least_days: int,
    persistence_ratio: float,
    drift_log: float,
    floor_kwh: float,
    min_step_kwh_per_day: float,
    net_share: float,
    least_distance: float,
    least_ratio_nats: float,
    max_members: int,
) -> Detections:
    """What one home lost on a day, its neighbour gained.

    Looked at are the days on which a lasting change was dated, a meter changed or works done, and the neighbours of
    the home it happened to: the changes of the mean day per 3 hours (without curves of the whole day), each in units
    of how much the home's weeks differ anyway, the season taken out.

    Fires when both changed by `min_step_kwh_per_day` in opposite directions and by `least_distance` clearly, the net
    is below `net_share` of the smaller change, and the two together changed e to the power `least_ratio_nats` less
    than either, for one neighbour alone. A whole step up against the same step down fires too.
    Cannot see: a circuit small against what the home uses, and coincidence: one home's new life and another's often
    mirror each other, so this is evidence beside others and opens no case.
    """
    if not panel.shape[1]:
        return nothing(panel)
    first, second, day = _candidates(panel, int(max_members))
    around = Around(int(before_days), int(after_days), int(margin_days), int(least_days))
    moves = score_moves(panel, first, second, day, around, Noise(persistence_ratio, drift_log, floor_kwh))
    steps = np.abs(np.stack([moves.step_first_kwh, moves.step_second_kwh]))
    net = np.abs(moves.step_first_kwh + moves.step_second_kwh)
    with np.errstate(invalid="ignore"):
        clear = (steps.min(axis=0) >= min_step_kwh_per_day) & (moves.distance >= least_distance)
        mirrored = (moves.step_first_kwh * moves.step_second_kwh < 0) & (net < net_share * steps.min(axis=0))
        fits = clear & mirrored & (quantised(moves.ratio_nats) >= least_ratio_nats)
    best = _best_day(moves.take(fits))
    kept, count = best_pairs(best.first, best.second, best.ratio_nats, tie_nats=TIE_NATS)
    return _told(panel, best.take(kept[count == 1]), least_ratio_nats)


def _candidates(panel: Panel, max_members: int) -> tuple[Integers, Integers, Integers]:
    """(position, neighbour, panel day): each pair once per day on which something happened to either."""
    works = panel.events.filter(pl.col("kind") == "works").select("row", pl.col("at").dt.date().alias("day"))
    known = [one.select("row", "day") for one in (panel.changes, panel.exchanges)]
    named = pl.concat([*known, works]).drop_nulls().unique().sort("row", "day")
    row = named["row"].to_numpy().astype(np.int64)
    when = (named["day"].to_numpy().astype("datetime64[D]") - panel.days[:1]).astype(np.int64)
    index, other = neighbours_of(panel, row, max_members=max_members)
    first, second = np.minimum(row[index], other), np.maximum(row[index], other)
    once = np.unique(np.stack([first, second, when[index]], axis=1), axis=0)
    return once[:, 0], once[:, 1], once[:, 2]


def _best_day(moves: Moves) -> Moves:
    """Of each pair the day on which its changes mirror each other best, the first of equals."""
    order = np.lexsort((moves.day, -quantised(moves.ratio_nats), moves.second, moves.first))
    pair = np.stack([moves.first, moves.second], axis=1)[order]
    leads = np.append(True, (np.diff(pair, axis=0) != 0).any(axis=1))[: len(order)]
    return moves.take(np.sort(order[leads]))


def _told(panel: Panel, moves: Moves, least_ratio_nats: float) -> Detections:
    step = np.where(moves.step_first_kwh > 0, moves.step_first_kwh, moves.step_second_kwh)
    moved_kwh_per_day = np.minimum(np.abs(moves.step_first_kwh), np.abs(moves.step_second_kwh))
    account = panel.column("account_id").astype(object)
    gained = moves.step_first_kwh > 0
    return detections(
        panel,
        moves.first,
        moves.day,
        np.full(len(moves), panel.shape[1]),
        measured=moves.ratio_nats,
        expected=0.0,
        limit=least_ratio_nats,
        strength=moves.ratio_nats,
        kwh_at_stake=moved_kwh_per_day * (panel.shape[1] - moves.day),
        related=moves.second,
        facts={
            "change_day": panel.dates(moves.day),
            "gained_kwh_per_day": step,
            "lost_kwh_per_day": np.where(gained, -moves.step_second_kwh, -moves.step_first_kwh),
            "gaining_account_id": np.where(gained, account[moves.first], account[moves.second]),
            "losing_account_id": np.where(gained, account[moves.second], account[moves.first]),
            "ratio_nats": moves.ratio_nats,
            "distance_ratio": moves.distance,
            "pattern": np.where(moves.hourly, "mirrored_hours", "mirrored_days").astype(object),
        },
    )
