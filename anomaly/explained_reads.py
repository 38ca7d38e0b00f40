"""What explains an odd read: a slip of the pen, a neighbour's read, or nothing simple."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.digits import OPERATIONS, Corrections, corrections, digits_text, log_prior
from anomaly.odd_reads import OddReads, odd_reads
from anomaly.panel import Panel

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ANY_NUMBER_LOG = float(np.log(1000.0))
"""What it costs to say "some other number" instead of naming the slip (assumed: one slip in a thousand fits
nothing).
"""

PAIR_LOG = float(np.log(50.0))
"""What it costs to pick one of a box's neighbours."""

MOST_Z = 4.0
"""With a neighbour's read, both meters must be back within four spreads of their usual use."""

UNCLEAR = "unclear"


@dataclass(frozen=True, eq=False)
class Slips:
    """The best explanation of each odd read by itself: log-ratio against as read, the true register, the
    slip.
    """

    log_ratio: Floats
    corrected_kwh: Floats
    operation: NDArray[np.object_]
    digits_text: NDArray[np.object_]


def best_slips(odd: OddReads, *, impossible_chance: float) -> Slips:
    """For each odd read the correction with the largest likelihood ratio times its prior.

    Where reads follow and lie on the trend without this one, "some other number" competes with the slips.
    """
    written = np.rint(odd.read_kwh * odd.scale).astype(np.int64)
    between = _between(odd)
    found = corrections(written, np.rint(between * odd.scale).astype(np.int64), odd.digits, odd.top)
    as_read = odd.log_likelihood(odd.read_kwh, impossible_chance=impossible_chance)
    registers = np.where(found.ticks >= 0, found.ticks / odd.scale[:, None], np.nan)
    score = odd.log_likelihood(registers, impossible_chance=impossible_chance) + log_prior(found, odd.digits)
    score = np.where(found.ticks >= 0, score, -np.inf)
    # A corrected register that still runs backwards corrects nothing.
    with np.errstate(invalid="ignore"):
        forward = (np.round(registers - odd.before_kwh[:, None], 6) >= 0) & (
            (np.round(odd.after_kwh[:, None] - registers, 6) >= 0) | (odd.after < 0)[:, None]
        )
    score = np.where(forward, score, -np.inf)
    chosen = np.argmax(np.round(score, 9), axis=1) if len(odd) else np.empty(0, np.int64)
    best = score[np.arange(len(odd)), chosen]
    free = odd.log_likelihood(between, impossible_chance=impossible_chance) - ANY_NUMBER_LOG
    free = np.where((odd.after >= 0) & (odd.after_kwh >= odd.before_kwh), free, -np.inf)
    return _named(odd, found, written, chosen, registers, best - as_read, free - as_read, between)


def _named(
    odd: OddReads, found: Corrections, written: Integers, chosen: Integers, registers: Floats, best: Floats,
    free: Floats, between: Floats,
) -> Slips:  # fmt: skip
    entry = np.arange(len(odd))
    named = best >= free
    operation = np.array(OPERATIONS, dtype=object)[found.operation[chosen]] if len(odd) else np.empty(0, object)
    return Slips(
        np.maximum(best, free),
        np.where(named, registers[entry, chosen], between),
        np.where(named, operation, UNCLEAR),
        np.where(named, digits_text(found, written, chosen), ""),
    )


def _between(odd: OddReads) -> Floats:
    """Where the register should have stood: by the curve, else on the line between its neighbours, else as
    usual.
    """
    whole = odd.after_kwh - odd.before_kwh
    share = odd.days_before / (odd.days_before + odd.days_after)
    known = odd.known_before / np.where(
        odd.known_before + odd.known_after > 0, odd.known_before + odd.known_after, np.nan
    )
    share = np.where(np.isfinite(known), known, share)
    usual = np.nan_to_num(odd.usual.kwh_per_day()) * odd.days_before
    step = np.where(odd.after >= 0, np.maximum(whole, 0.0) * share, usual)
    return np.asarray(np.round(odd.before_kwh + step, 3))


def one_per_disturbance(odd: OddReads, log_ratio: Floats, accepted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of two accepted reads that follow each other only the better explained: one slip makes both steps
    odd.
    """
    keep = accepted.copy()
    at = np.flatnonzero(accepted)
    if len(at) < 2:
        return keep
    first, second = at[:-1], at[1:]
    adjacent = (odd.row[first] == odd.row[second]) & (odd.after[first] == odd.border[second])
    weaker = np.where(log_ratio[first] >= log_ratio[second], second, first)
    keep[weaker[adjacent]] = False
    return keep


@dataclass(frozen=True, eq=False)
class Swaps:
    """Pairs of odd reads (indices into the odd reads) that carry each other's number, and how surely."""

    first: Integers
    second: Integers
    log_ratio: Floats


def swapped_reads(
    panel: Panel, odd: OddReads, *, impossible_chance: float, min_likelihood_ratio: float, apart_days: int
) -> Swaps:
    """Pairs of neighbours whose reads, exchanged, put both back on their own trend.

    Neighbours are positions of one box, else of one area without boxes. Daily reads must be of the same
    day, those of a reading round within `apart_days`. Only reads followed by another one count: the next
    must have gone back.
    """
    group = _groups(panel, odd.row)
    as_read = odd.log_likelihood(odd.read_kwh, impossible_chance=impossible_chance)
    able = (odd.after >= 0) & (group >= 0)
    apart = np.where(panel.daily[odd.row], 0, apart_days)
    firsts, seconds = _pairs(group, odd, able, apart)
    mine, theirs = odd.take(firsts), odd.take(seconds)
    got_mine = np.round(mine.read_kwh * theirs.scale) / theirs.scale
    got_theirs = np.round(theirs.read_kwh * mine.scale) / mine.scale
    swapped = mine.log_likelihood(got_theirs, impossible_chance=impossible_chance)
    swapped = swapped + theirs.log_likelihood(got_mine, impossible_chance=impossible_chance)
    ratio = swapped - as_read[firsts] - as_read[seconds] - PAIR_LOG
    back = _within(mine, got_theirs) & _within(theirs, got_mine)
    keep = np.flatnonzero(back & (ratio >= np.log(min_likelihood_ratio)) & (mine.read_kwh != theirs.read_kwh))
    order = keep[np.lexsort((seconds[keep], firsts[keep], -np.round(ratio[keep], 6)))]
    chosen: list[int] = []
    used: set[int] = set()
    for at in order.tolist():
        pair = (int(firsts[at]), int(seconds[at]))
        if used.isdisjoint(pair):
            used.update(pair)
            chosen.append(at)
    at_ = np.array(sorted(chosen), np.int64)
    return Swaps(firsts[at_], seconds[at_], ratio[at_])


def _within(odd: OddReads, register_kwh: Floats) -> NDArray[np.bool_]:
    """Whether both steps are possible, and within the usual band or what the curve shows, with this register."""
    up, down = np.round(register_kwh - odd.before_kwh, 6), np.round(odd.after_kwh - register_kwh, 6)
    usual = np.maximum(np.abs(odd.usual.z(up, odd.days_before)), np.abs(odd.usual.z(down, odd.days_after)))
    first, second = odd.by_curve(register_kwh)
    return np.asarray((up >= 0) & (down >= 0) & ((usual <= MOST_Z) | (first & second)))


def _groups(panel: Panel, row: Integers) -> Integers:
    """Number of the box, else of the area, of each position in `row`; -1 where neither is known."""
    place = panel.positions.select("area_id", "box_id")[row]
    key = place.select(
        pl.concat_str([pl.col("area_id").fill_null(""), pl.col("box_id").fill_null("")], separator="\x1f")
    )
    number = key.to_series().rank("dense").cast(pl.Int64).to_numpy()
    known = place.select(pl.any_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    return np.where(known, number, -1)


def _pairs(group: Integers, odd: OddReads, able: NDArray[np.bool_], apart: Integers) -> tuple[Integers, Integers]:
    """Pairs of odd reads in one group, of different positions, near in time; the smaller position first."""
    at = np.flatnonzero(able)
    at = at[np.lexsort((odd.row[at], odd.border[at], group[at]))]
    firsts, seconds = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for lag in range(1, len(at)):
        left, right = at[:-lag], at[lag:]
        gap = odd.border[right] - odd.border[left]
        near = (group[left] == group[right]) & (gap <= apart.max(initial=0))
        if not near.any():
            break
        near &= (odd.row[left] != odd.row[right]) & (gap <= np.minimum(apart[left], apart[right]))
        firsts.append(left[near])
        seconds.append(right[near])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    swap = odd.row[first] > odd.row[second]
    return np.where(swap, second, first), np.where(swap, first, second)


@dataclass(frozen=True, eq=False)
class Judged:
    """All odd reads of a panel with their verdicts: `misread` `[K]`, the slips behind them, and the swapped
    pairs.
    """

    odd: OddReads
    slips: Slips
    misread: NDArray[np.bool_]
    swaps: Swaps


@lru_cache(maxsize=4)
def judge(
    panel: Panel,
    *,
    min_likelihood_ratio: float,
    spread_log: float,
    impossible_chance: float,
    resolution_kwh: float,
    contract_ratio: float,
    window_days: int,
    apart_days: int,
) -> Judged:
    """Sort the odd reads of a panel into misread ones, exchanged ones, and those nothing explains.

    A pair of exchanged reads is not misread as well; of two reads that share one disturbance one is.
    R01, R07 and R08 ask the same of one panel after another, so the last answers are kept.
    """
    odd = odd_reads(
        panel, resolution_kwh=resolution_kwh, spread_log=spread_log, window_days=window_days,
        contract_ratio=contract_ratio,
    )  # fmt: skip
    slips = best_slips(odd, impossible_chance=impossible_chance)
    # A read with which the curve confirms one of its two steps is right: it is another read that is wrong.
    first, second = odd.by_curve(odd.read_kwh)
    accepted = (slips.log_ratio >= np.log(min_likelihood_ratio)) & ~first & ~second
    swaps = swapped_reads(
        panel, odd, impossible_chance=impossible_chance, min_likelihood_ratio=min_likelihood_ratio,
        apart_days=apart_days,
    )  # fmt: skip
    swapped = np.zeros(len(odd), bool)
    swapped[swaps.first] = swapped[swaps.second] = True
    ratio = np.where(swapped, np.inf, slips.log_ratio)
    misread = one_per_disturbance(odd, ratio, accepted | swapped) & ~swapped
    return Judged(odd, slips, misread, swaps)
