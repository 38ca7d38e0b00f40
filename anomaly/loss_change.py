"""What a lasting change of one meter did to the loss of its area: the same energy cannot be gone and counted at once.

Real new use goes into the area and comes out at a customer: the loss stays. A meter that begins to count too much takes
as much from the loss as it adds to the bill. A home moved onto a meter of another area takes from one loss what it
adds to the other. Source: domain.md §4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.area_balance import AreaBalance
from anomaly.area_sums import net_kwh
from anomaly.panel import Panel
from anomaly.statistics import MAD_TO_SIGMA, quantised, row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

UNCHANGED, FELL, MOVED, UNDECIDABLE, INCOMPLETE = range(5)
"""Verdicts: the loss stayed · fell as the meter rose · went over to another area · could be either · unknown."""

MOST_PERSISTENCE = 0.8
SMALLEST = 1e-9


@dataclass(frozen=True)
class LossTest:
    """How a change is judged: windows around it, and how sure the verdict has to be."""

    window_days: int
    margin_days: int
    min_days: int
    outlier_mads: float
    slope_share: float
    least_noise_share: float
    drift_share: float
    noise_multiple: float
    fit_multiple: float
    min_nats: float


@dataclass(frozen=True, eq=False)
class LossChanges:
    """K changes of single meters, one per position and event: columns `[K]`, energies in kWh per day.

    `change` is what the meter counts more since `day`; `loss_change` how the loss of its `area` changed, `noise` the
    standard deviation of that; `nats` how much likelier the verdict is than the other one. `other` is the area whose
    loss changed the other way by `other_change` (verdict MOVED), else -1.
    """

    position: Integers
    day: Integers
    area: Integers
    verdict: Integers
    nats: Floats
    change: Floats
    loss_before: Floats
    loss_change: Floats
    noise: Floats
    other: Integers
    other_change: Floats

    def take(self, keep: NDArray[np.bool_] | Integers) -> LossChanges:
        """The chosen changes, in that order."""
        return LossChanges(**{name: values[keep] for name, values in vars(self).items()})


@dataclass(frozen=True, eq=False)
class _Step:
    """Change of the loss of K areas at K days: columns `[K]`, and the days `[K, 2, W]` it rests on."""

    before: Floats
    change: Floats
    noise: Floats
    used: Booleans
    enough: Booleans


def judge_changes(panel: Panel, balance: AreaBalance, test: LossTest) -> LossChanges:
    """What happened to the loss at every lasting change that rules before found.

    Three rules ask for it, each twice; it is judged once per panel.
    """
    key = ("loss_changes", test)
    if key not in panel.made_before:
        panel.made_before[key] = _judge_changes(panel, balance, test)
    found: LossChanges = panel.made_before[key]
    return found


def _judge_changes(panel: Panel, balance: AreaBalance, test: LossTest) -> LossChanges:
    changed = panel.changes.select("row", "day").drop_nulls().unique().sort("row", "day")
    row = changed["row"].to_numpy().astype(np.int64)
    day = (changed["day"].to_numpy().astype("datetime64[D]") - panel.days[:1]).astype(np.int64)
    area = balance.index_of(panel.column("area_id")[row].astype(object)) if len(row) else row
    near = np.flatnonzero((area >= 0) & ~panel.flag("is_supply")[row])
    judged = judge_losses(balance, test, row[near], area[near], day[near], _counted(panel, row[near]))
    return judged.take(_one_per_event(judged, test.window_days))


def judge_losses(
    balance: AreaBalance, test: LossTest, position: Integers, area: Integers, day: Integers, energy_kwh: Floats
) -> LossChanges:
    """The verdict on K changes, each by itself: of the meters that counted `energy_kwh[K, D]`, at `day[K]`."""
    index, inside = _windows(day, energy_kwh.shape[1], test)
    energy = energy_kwh[np.arange(len(day))[:, None, None], index]
    own = _loss_step(balance, area, index, inside & np.isfinite(energy), test)
    level = _means(energy, own.used)
    change = level[:, 1] - level[:, 0]
    loose = np.hypot(own.noise, test.drift_share * np.abs(level[:, 0]))
    nats = quantised(_nats(own.change, -change, own.noise, loose))
    sure = np.abs(change) >= test.noise_multiple * own.noise
    fell = sure & (nats >= test.min_nats) & (np.abs(own.change + change) <= test.fit_multiple * loose)
    stayed = sure & (nats <= -test.min_nats) & (np.abs(own.change) <= test.fit_multiple * own.noise)
    verdict = np.select([~own.enough, stayed, fell], [INCOMPLETE, UNCHANGED, FELL], UNDECIDABLE)
    other, other_change, leans = _other_area(balance, test, area, index, inside, change, loose, verdict == FELL)
    verdict = np.select([other >= 0, leans], [MOVED, UNDECIDABLE], verdict)
    return LossChanges(
        position, day, area, verdict, np.abs(nats), change, own.before, own.change, own.noise, other, other_change
    )


def _nats(seen: Floats, expected: Floats, noise: Floats, loose: Floats) -> Floats:
    """Log likelihood ratio of "changed as expected, within `loose`" against "not changed, within `noise`"."""
    noise, loose = np.maximum(noise, SMALLEST), np.maximum(loose, SMALLEST)
    return 0.5 * (seen / noise) ** 2 - 0.5 * ((seen - expected) / loose) ** 2 + np.log(noise / loose)


def _windows(day: Integers, span: int, test: LossTest) -> tuple[Integers, Booleans]:
    """Days `[K, 2, W]` before and after each change, the days next to it left out, and which lie in the panel."""
    ahead = np.arange(test.window_days)
    before = day[:, None] - test.margin_days - test.window_days + ahead
    after = day[:, None] + test.margin_days + ahead
    index = np.stack([before, after], axis=1)
    inside = (index >= 0) & (index < span)
    return np.clip(index, 0, max(span - 1, 0)), inside


def _counted(panel: Panel, row: Integers) -> Floats:
    """`[K, D]` what the meters counted; on days set aside as errors the difference of their reads: it was counted."""
    net = net_kwh(panel)[row]
    counted = np.diff(panel.register_kwh[row], axis=1) * panel.multiplier[row]
    same = panel.installation[row, 1:] == panel.installation[row, :-1]
    return np.where(np.isnan(net) & same & (counted >= 0), counted, net)


def _loss_step(balance: AreaBalance, area: Integers, index: Integers, inside: Booleans, test: LossTest) -> _Step:
    """How the loss beyond the area's own usual share changed, on days that are not outliers."""
    cell = (area[:, None, None], index)
    supply, loss = balance.supply_kwh[cell], balance.loss_kwh[cell]
    used = inside & np.isfinite(loss)
    share = np.nan_to_num(row_median(np.where(used, loss / np.maximum(supply, SMALLEST), np.nan)[:, 0]))
    unusual = np.where(used, loss - share[:, None, None] * supply, np.nan)
    centre = np.stack([row_median(unusual[:, side]) for side in (0, 1)], axis=1)[..., None]
    away = np.abs(unusual - centre)
    spread = row_median(away.reshape(len(area), away.shape[1] * away.shape[2])) * MAD_TO_SIGMA
    with np.errstate(invalid="ignore"):
        used = used & (away <= test.outlier_mads * np.maximum(spread, SMALLEST)[:, None, None])
    level, supplied = _means(unusual, used), _means(supply, used)
    days = used.sum(axis=2)
    noise = _noise(unusual - level[..., None], used, days)
    noise = np.maximum(noise, test.least_noise_share * np.nan_to_num(supplied).max(axis=1))
    slope = test.slope_share * np.abs(supplied[:, 1] - supplied[:, 0])
    before = _means(loss, used)[:, 0]
    enough = (days >= test.min_days).all(axis=1)
    return _Step(before, level[:, 1] - level[:, 0], np.hypot(noise, slope), used, enough)


def _noise(left: Floats, used: Booleans, days: Integers) -> Floats:
    """`[K]` standard deviation of a difference of two means of days that resemble the days before them."""
    left = np.where(used, left, 0.0)
    count = days.sum(axis=1)
    spread = np.sqrt((left**2).sum(axis=(1, 2)) / np.maximum(count - 2, 1))
    pairs = used[..., 1:] & used[..., :-1]
    together = np.where(pairs, left[..., 1:] * left[..., :-1], 0.0).sum(axis=(1, 2))
    alone = np.where(pairs, (left[..., 1:] ** 2 + left[..., :-1] ** 2) / 2, 0.0).sum(axis=(1, 2))
    seen = together / np.maximum(alone, SMALLEST)
    # Means taken off short windows make days look less alike than they are.
    persistence = np.clip(seen + (1 + 3 * seen) / np.maximum(count / 2, 1), 0.0, MOST_PERSISTENCE)
    inflation = (1 + persistence) / (1 - persistence)
    return np.asarray(spread * np.sqrt(inflation * (1 / np.maximum(days, 1)).sum(axis=1)))


def _means(values: Floats, used: Booleans) -> Floats:
    """`[K, 2]` mean over the used days of each window; NaN without any."""
    days = used.sum(axis=2)
    total = np.where(used, values, 0.0).sum(axis=2)
    return np.where(days > 0, total / np.maximum(days, 1), np.nan)


def _other_area(
    balance: AreaBalance, test: LossTest, area: Integers, index: Integers, inside: Booleans, change: Floats,
    loose: Floats, asked: Booleans,
) -> tuple[Integers, Floats, Booleans]:  # fmt: skip
    """The area next door whose loss rose by what this one's fell (or the other way round), -1 where none; its change.

    Third, whether some area may have done so, but not surely.
    """
    other, other_change = np.full(len(area), -1, np.int64), np.full(len(area), np.nan)
    leans = np.zeros(len(area), bool)
    low, high = (np.searchsorted(balance.neighbours[:, 0], area + more) for more in (0, 1))
    count = np.where(asked, high - low, 0)
    at = np.repeat(np.arange(len(area)), count)
    if not len(at):
        return other, other_change, leans
    place = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)
    near = balance.neighbours[low[at] + place, 1]
    step = _loss_step(balance, near, index[at], inside[at], test)
    wide = np.hypot(step.noise, loose[at])
    nats = quantised(_nats(step.change, change[at], step.noise, wide))
    may = step.enough & (nats >= np.log(count[at])) & (np.abs(step.change - change[at]) <= test.fit_multiple * wide)
    leans[at[may]] = True
    kept = np.flatnonzero(may & (nats >= test.min_nats + np.log(count[at])))
    order = kept[np.lexsort((near[kept], -nats[kept], at[kept]))]
    first = order[np.append(True, np.diff(at[order]) != 0)[: len(order)]]
    other[at[first]], other_change[at[first]] = near[first], step.change[first]
    return other, other_change, leans


def _one_per_event(judged: LossChanges, apart_days: int) -> Integers:
    """Of changes of one position within a window of each other the clearest (the earlier of equals)."""
    new = (np.diff(judged.position) != 0) | (np.diff(judged.day) > apart_days)
    event = np.cumsum(np.append(True, new)[: len(judged.position)])
    clear = (judged.verdict == UNDECIDABLE) + 2 * (judged.verdict == INCOMPLETE)
    order = np.lexsort((judged.day, -judged.nats, clear, event))
    return np.asarray(order[np.append(True, np.diff(event[order]) != 0)[: len(order)]])
