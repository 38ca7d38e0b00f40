"""One read written down wrongly; the dial is right, and so is the next read."""

import numpy as np

from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault

SMALLEST_KWH = 2.0
DAILY = ("daily", "no_rates")
PERIODIC = ("periodic",)


def transposed(digits: str, rng: np.random.Generator) -> list[str]:
    """Every exchange of two neighbouring digits."""
    return [digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :] for i in range(len(digits) - 1)]


def wrong_digit(digits: str, rng: np.random.Generator) -> list[str]:
    """For every place, one other digit."""
    others = [str((int(digit) + int(rng.integers(1, 10))) % 10) for digit in digits]
    return [digits[:i] + other + digits[i + 1 :] for i, other in enumerate(others)]


def dropped_digit(digits: str, rng: np.random.Generator) -> list[str]:
    """Every digit left out once."""
    return [digits[:i] + digits[i + 1 :] for i in range(len(digits))] if len(digits) > 1 else []


def doubled_digit(digits: str, rng: np.random.Generator) -> list[str]:
    """Every digit written twice once."""
    return [digits[: i + 1] + digits[i:] for i in range(len(digits))]


def mistype(
    premise: Premise, index: int, candidates: list[int], rng: np.random.Generator, note: str
) -> Effect:
    """Store one of the candidate registers (in ticks) that matters.

    It may have one digit more than the dial: whoever types a read is not held to the dial's width.
    """
    true = int(premise.ticks[index])
    least = SMALLEST_KWH * premise.ticks_per_kwh
    usable = sorted({c for c in candidates if abs(c - true) >= least})
    if not usable:
        usable = [(true + 10 * premise.ticks_per_kwh) % premise.capacity_ticks]
        note = "wrong tens digit (its neighbouring digits are all equal)"
    wrong = int(rng.choice(usable))
    premise.ticks[index] = wrong
    delta_kwh = (wrong - true) / premise.ticks_per_kwh
    shown, right = wrong / premise.ticks_per_kwh, true / premise.ticks_per_kwh
    return Effect(
        index, index + 1, delta_kwh * premise.multiplier, f"{note}: {right:.2f} written as {shown:.2f}"
    )


def read_index(premise: Premise, draw: Draw) -> int:
    """The read to spoil: the drawn day's or the last before it; never the very last, so the next is right."""
    stored = np.flatnonzero(premise.present)[:-1]
    return int(stored[max(int(np.searchsorted(stored, draw.index, side="right")) - 1, 0)])


def digit_slip(premise: Premise, draw: Draw, kind: str) -> Effect:
    """Apply a slip to the digits before the point; the decimals stay."""
    slips = {
        "transposed": transposed,
        "wrong": wrong_digit,
        "dropped": dropped_digit,
        "doubled": doubled_digit,
    }
    index = read_index(premise, draw)
    before, after = divmod(int(premise.ticks[index]), premise.ticks_per_kwh)
    texts = slips[kind](str(before), draw.rng)
    candidates = [int(text) * premise.ticks_per_kwh + after for text in texts if text]
    return mistype(premise, index, candidates, draw.rng, f"{kind} digit")


@fault("misread_transposed", cause="misread", needs=DAILY)
@fault("misread_transposed_periodic", cause="misread", needs=PERIODIC)
def misread_transposed(premise: Premise, draw: Draw) -> Effect:
    """Two neighbouring digits change places."""
    return digit_slip(premise, draw, "transposed")


@fault("misread_wrong_digit", cause="misread", needs=DAILY)
@fault("misread_wrong_digit_periodic", cause="misread", needs=PERIODIC)
def misread_wrong_digit(premise: Premise, draw: Draw) -> Effect:
    """One digit is another."""
    return digit_slip(premise, draw, "wrong")


@fault("misread_dropped_digit", cause="misread", needs=DAILY)
@fault("misread_dropped_digit_periodic", cause="misread", needs=PERIODIC)
def misread_dropped_digit(premise: Premise, draw: Draw) -> Effect:
    """One digit is left out."""
    return digit_slip(premise, draw, "dropped")


@fault("misread_doubled_digit", cause="misread", needs=DAILY)
@fault("misread_doubled_digit_periodic", cause="misread", needs=PERIODIC)
def misread_doubled_digit(premise: Premise, draw: Draw) -> Effect:
    """One digit is written twice."""
    return digit_slip(premise, draw, "doubled")


@fault("misread_decimal_shift", cause="misread", needs=DAILY)
@fault("misread_decimal_shift_periodic", cause="misread", needs=PERIODIC)
def misread_decimal_shift(premise: Premise, draw: Draw) -> Effect:
    """The decimal point slips one place."""
    index = read_index(premise, draw)
    true = int(premise.ticks[index])
    return mistype(premise, index, [true * 10, true // 10], draw.rng, "decimal shift")


@fault("readings_exchanged", cause="readings_exchanged", needs=(*DAILY, "plain"), scope="pair")
@fault("readings_exchanged_periodic", cause="readings_exchanged", needs=PERIODIC, scope="pair")
def readings_exchanged(first: Premise, second: Premise, draw: Draw) -> Effect:
    """Two neighbours' reads of one occasion are written against each other's number."""
    mine, theirs = read_index(first, draw), read_index(second, draw)
    mine_kwh, theirs_kwh = first.register_kwh(mine), second.register_kwh(theirs)
    first.ticks[mine] = round(theirs_kwh * first.ticks_per_kwh)
    second.ticks[theirs] = round(mine_kwh * second.ticks_per_kwh)
    note = f"{mine_kwh:.2f} and {theirs_kwh:.2f} written the wrong way round"
    return Effect(min(mine, theirs), max(mine, theirs) + 1, abs(theirs_kwh - mine_kwh), note)
