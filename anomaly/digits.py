"""Slips of the pen: every register that one simple slip could have turned into the one that was written down.

Registers are whole numbers of their smallest step (ticks), so "digits" are those of the number as typed,
decimals included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

OPERATIONS = ("transposed", "wrong_digit", "dropped_digit", "doubled_digit", "decimal_shift")
SHIFTS = (10, 100, 1000)
ONE_PLACE_SHARE = 0.4
"""Of the decimal points that move, this share moves one place to the right, and as many to the left."""

MOST_DIGITS = 12
NONE = np.int64(-1)


@dataclass(frozen=True, eq=False)
class Corrections:
    """Candidate true registers of K reads: `ticks[K, C]` (-1: no candidate here), with what would have
    happened.

    `operation` `[C]` indexes OPERATIONS, `place` `[C]` counts digits from the right, `digit` `[C]` is the
    digit put there (a power of ten for a decimal shift, negative where the written number was too small).
    """

    ticks: Integers
    operation: Integers
    place: Integers
    digit: Integers


def corrections(written: Integers, expected: Integers, digits: Integers, top: Integers) -> Corrections:
    """Candidates for `written[K]` (ticks) on dials of `digits[K]` digits, below `top[K]`.

    `expected[K]` is used only where a slip lost digits: a decimal point moved left drops the last ones, and
    the candidate is then the value nearest to the expected one among those possible.
    """
    columns: list[tuple[Integers, int, int, int]] = []
    places = int(min(digits.max(initial=1), MOST_DIGITS))
    for place in range(places):
        unit = 10**place
        here = (written // unit) % 10
        within = place < digits
        if place + 1 < places:
            left = (written // (10 * unit)) % 10
            swapped = written + (left - here) * unit + (here - left) * 10 * unit
            usable = (left != here) & (place + 1 < digits)
            columns.append((np.where(usable, swapped, NONE), 0, place, 0))
            once = (written // (10 * unit)) * unit + written % unit
            usable = (left == here) & (written >= 10 * unit)
            columns.append((np.where(usable, once, NONE), 3, place, 0))
        for digit in range(10):
            other = written + (digit - here) * unit
            columns.append((np.where(within & (digit != here), other, NONE), 1, place, digit))
            inserted = (written // unit) * 10 * unit + digit * unit + written % unit
            columns.append((np.where(within, inserted, NONE), 2, place, digit))
    for power in SHIFTS:
        lost = np.clip(expected, written * power, written * power + power - 1)
        columns.append((np.where(written > 0, lost, NONE), 4, 0, -power))
        columns.append((np.where(written >= power, written // power, NONE), 4, 0, power))
    ticks = np.stack([column[0] for column in columns], axis=1)
    ticks = np.where((ticks < 0) | (ticks >= top[:, None]) | (ticks == written[:, None]), NONE, ticks)
    return Corrections(ticks, *(np.array([column[part] for column in columns], np.int64) for part in (1, 2, 3)))


def log_prior(found: Corrections, digits: Integers) -> Floats:
    """`[K, C]` log-probability of each slip given the true register, on dials of `digits[K]` digits.

    The five kinds are equally likely. Within a kind each place is (and each other digit); a decimal point
    mostly moves by one place.
    """
    count = digits.astype(np.float64)[:, None]
    ways = np.stack([count - 1, 9 * count, count, count, np.ones_like(count)], axis=-1)[:, 0, :]
    prior = -np.log(len(OPERATIONS) * np.maximum(ways, 1.0))[:, found.operation]
    shifted = found.operation == OPERATIONS.index("decimal_shift")
    one_place = np.log(np.where(np.abs(found.digit) == SHIFTS[0], ONE_PLACE_SHARE, (1 - 2 * ONE_PLACE_SHARE) / 4))
    return np.asarray(np.where(found.ticks >= 0, prior + np.where(shifted, one_place, 0.0), -np.inf))


def digits_text(found: Corrections, written: Integers, chosen: Integers) -> NDArray[np.object_]:
    """What happened to the digits, for each read and its chosen column: `5↔1`, `3→8`, `+7`, `÷10` …

    An arrow leads from the digit as written to the one that was meant.
    """
    texts = np.full(len(chosen), "", dtype=object)
    for at, (column, ticks) in enumerate(zip(chosen.tolist(), written.tolist(), strict=True)):
        operation = OPERATIONS[int(found.operation[column])]
        place, digit = int(found.place[column]), int(found.digit[column])
        here, left = (ticks // 10**place) % 10, (ticks // 10 ** (place + 1)) % 10
        texts[at] = {
            "transposed": f"{left}↔{here}",
            "wrong_digit": f"{here}→{digit}",
            "dropped_digit": f"{digit}",
            "doubled_digit": f"{here}{here}→{here}",
            "decimal_shift": f"÷{digit}" if digit > 0 else f"×{-digit}",
        }[operation]
    return texts
