"""B01: an account filed under one area and fed by the one next door."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anomaly.area_moves import Moves, MoveSearch, areas_of, find_moves, movable_areas, usable_days
from anomaly.area_sums import net_kwh
from anomaly.loss_model import LossPrior
from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing

Floats = NDArray[np.float64]

PERCENT = 100.0


def no_balance_to_judge(panel: Panel, *, within_days: int, min_days: int, **_: object) -> NDArray[np.object_]:
    """`[M]` why nothing can be said: no supply meter, no area beside, or too few days measured whole."""
    reason = np.full(panel.shape[0], "no_supply_meter", dtype=object)
    balance = panel.balance
    if balance is None or not len(balance.area_ids):
        return reason
    area = areas_of(panel, balance)
    recent = slice(max(panel.shape[1] - within_days, 0), panel.shape[1])
    usable = usable_days(balance, np.arange(len(balance.area_ids)), recent)
    whole = usable.sum(axis=1) >= min_days
    near = balance.neighbours
    together = (usable[near[:, 0]] & usable[near[:, 1]]).sum(axis=1) >= min_days
    beside, comparable = np.zeros(len(whole), bool), np.zeros(len(whole), bool)
    beside[near[:, 0]] = True
    comparable[near[together, 0]] = True
    own = np.select([~whole, ~beside, ~comparable], ["balance_incomplete", "no_areas_beside", "balance_incomplete"], "")
    known = area >= 0
    reason[known] = own[area[known]].astype(object)
    return reason


@detector(
    "B01",
    family="cross_wiring",
    unit="nat",
    source="methods.md §1.4 Move-LR; measured by benchmarks/wiring_areas.py on 91 London homes",
    estimated_onset=True,
    unjudged=no_balance_to_judge,
)
def area_move(
    panel: Panel,
    *,
    window_days: int,
    within_days: int,
    min_days: int,
    outlier_mads: float,
    usual_loss_share: float,
    loss_spread_share: float,
    least_noise_share: float,
    lowest_loss_share: float,
    min_nats: float,
    most_moves: int,
) -> Detections:
    """An account is filed under one area and fed by another.

    What is lost in each area is a smooth function of what goes in. An account that its area does not feed makes the
    loss of that area too small by just its own use, day after day, and that of the feeding area too large.

    Fires when moving the account from the one sum to the other, coefficient exactly 1, makes both losses follow the
    model better by `min_nats` together (n/2 ln SSE₀/SSE of each area; e times as many candidates as 20 need a nat
    more; what other accounts fit as well is taken off), and leaves the other area a loss of `lowest_loss_share` or
    more. One account of an area at a time; the next is looked for with that one moved.
    Cannot see: an exchange of two homes inside one area (their sum stays the same); an account that uses nearly
    nothing or the same every day; areas that are not on file as neighbours; areas without a supply meter, or with
    too much energy not read every day.
    """
    if panel.balance is None:
        return nothing(panel)
    prior = LossPrior(usual_loss_share, loss_spread_share, least_noise_share)
    search = MoveSearch(
        window_days, within_days, min_days, outlier_mads, prior, min_nats, lowest_loss_share, most_moves
    )
    found = find_moves(movable_areas(panel, panel.balance), net_kwh(panel), panel.balance, search)
    return _told(panel, found)


def _told(panel: Panel, found: Moves) -> Detections:
    """One finding per account, from the first of the month in which the window begins until now: it is a state."""
    balance = panel.balance
    if balance is None or not len(found.position):
        return nothing(panel)
    first = panel.dates(found.first_day)
    return detections(
        panel,
        found.position,
        np.maximum(first.astype("datetime64[M]").astype("datetime64[D]"), panel.days[0]),
        np.full(len(found.position), panel.shape[1]),
        measured=found.nats,
        expected=0.0,
        limit=found.limit_nats,
        strength=found.nats,
        kwh_at_stake=np.abs(found.kwh_per_day) * found.days,
        facts={
            "area_text": balance.area_ids[found.area],
            "other_area_text": balance.area_ids[found.other],
            "evidence_nats": found.nats,
            "used_days": found.days,
            "account_kwh_per_day": found.kwh_per_day,
            "loss_before_percent": PERCENT * found.loss_before[:, 0],
            "loss_after_percent": PERCENT * found.loss_after[:, 0],
            "other_loss_before_percent": PERCENT * found.loss_before[:, 1],
            "other_loss_after_percent": PERCENT * found.loss_after[:, 1],
            "rivals_count": np.where(found.rivals > 1, found.rivals, np.nan),
        },
    )
