"""Scale arithmetic of the charts: values to pixels, round tick steps, and where to cut an axis off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CUT_AT = 3.0
"""An axis is cut when its longest bar is this many times the usual height: the rest must stay readable."""
BARS_CUT = 3
"""At most this many bars may be cut; a change that lasts longer is the usual height itself."""
SMALLEST_RANGE = 1e-6
HEADROOM = 1.12


@dataclass(frozen=True)
class Scale:
    """Values `[low, high]` to pixels `[start, stop]` in a line; values outside stop at the edge."""

    low: float
    high: float
    start: float
    stop: float

    def at(self, value: float) -> float:
        """Pixel of a value, to a tenth."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.stop - self.start), 1)

    def ticks(self, count: int = 5) -> list[float]:
        """About `count` round values inside the scale (steps of 1, 2, 2.5 or 5 times a power of ten)."""
        step = round_step((self.high - self.low) / count)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(index * step, 10) for index in range(first, last + 1)]


def round_step(raw: float) -> float:
    """The smallest step of 1, 2, 2.5, 5 or 10 × 10^n that is not below `raw`."""
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= raw * (1 - 1e-9))


def finite(values: Sequence[float | None]) -> list[float]:
    """The values that are numbers."""
    return [value for value in values if value is not None and math.isfinite(value)]


def bounds(values: Sequence[float | None]) -> tuple[float, float]:
    """Ends of an axis of bars that stand on zero, cut where single bars would crush the others."""
    known = finite(values)
    sizes = sorted(abs(value) for value in known if value)
    if not sizes or sizes[-1] < SMALLEST_RANGE:
        return 0.0, 1.0
    usual = sizes[-1 - min(BARS_CUT, len(sizes) // 4)]
    high = _end([value for value in known if value > 0], usual)
    return -_end([-value for value in known if value < 0], usual), high


def _end(sizes: list[float], usual: float) -> float:
    """How far the axis reaches on one side of zero."""
    if not sizes:
        return 0.0
    uncut = max((size for size in sizes if size <= CUT_AT * usual), default=0.0)
    return max(1.5 * uncut, 0.5 * usual) if max(sizes) > CUT_AT * usual else uncut * HEADROOM
