"""What comes of checking a case: its expected value in money, as named parts that add up.

    value = Σ P(cause) · (money · recovery + harm + information − visit)  +  Σ circumstances · amount

Every part is linear in the probabilities: the value rises whenever a likelier cause is worth more than the one that
loses probability to it, and no share of it can be counted twice. Source: methods of prioritisation, expected value of
a task.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.vocabulary import VALUE_PARTS

Floats = NDArray[np.float64]

BY_CAUSE = ("money", "harm", "information", "visit")
"""Parts that hang on the cause; `visit` is a cost and counts negative."""

BY_CIRCUMSTANCE = ("complaint", "urges", "sensitive", "doubled", "disconnection")
"""Parts that hold whatever the cause."""

DECIMALS = 4


@dataclass(frozen=True, eq=False)
class CauseWorth:
    """What each of C causes is worth once it is found, `[C]` each.

    `recovery` is the share of the money at stake that a correction moves; `harm`, `information` and `visit` are money.
    """

    recovery: Floats
    harm: Floats
    information: Floats
    visit: Floats


def value_parts(chance: Floats, money: Floats, worth: CauseWorth, times: Floats, amount: Floats) -> Floats:
    """`[N, parts]` expected value of N cases in the order of VALUE_PARTS, in money.

    `chance[N, C]` are the probabilities of the causes, `money[N]` what is at stake, `times[N, 5]` how often each of
    BY_CIRCUMSTANCE holds (0 or 1; urges are counted) and `amount[5]` what it adds each time.
    """
    expected = {
        "money": (chance * worth.recovery).sum(axis=1) * money,
        "harm": (chance * worth.harm).sum(axis=1),
        "information": (chance * worth.information).sum(axis=1),
        "visit": -(chance * worth.visit).sum(axis=1),
    }
    expected |= {name: times[:, place] * amount[place] for place, name in enumerate(BY_CIRCUMSTANCE)}
    return np.stack([expected[name] for name in VALUE_PARTS], axis=1)


def published(parts: Floats) -> tuple[Floats, Floats]:
    """(parts, their sums) rounded as they are published: the rounded parts add up to the rounded sum."""
    rounded = np.round(parts, DECIMALS) + 0.0  # a part of -0.0 is none
    return rounded, np.round(rounded.sum(axis=1), DECIMALS) + 0.0
