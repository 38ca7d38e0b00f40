"""Real series as the injector takes them: homes × days, with an optional half-hourly curve."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
DayArray = npt.NDArray[np.datetime64]

HALF_HOURS = 48


@dataclass(frozen=True)
class HomeSeries:
    """Measured energy of N homes over D consecutive days.

    `daily_kwh` is [N, D]; NaN marks a day that was not measured completely. `curve_kwh` is [N, D2, 48] for
    the *last* D2 of those days (NaN marks a missing half-hour), or None where no curve is known.
    """

    home_ids: tuple[str, ...]
    days: DayArray
    daily_kwh: FloatArray
    curve_kwh: FloatArray | None = None

    def __post_init__(self) -> None:
        """Refuse arrays whose shapes contradict each other.

        Raises:
            ValueError: naming the array and the shape it should have had.
        """
        expected = (len(self.home_ids), len(self.days))
        if self.daily_kwh.shape != expected:
            raise ValueError(f"daily_kwh has shape {self.daily_kwh.shape}; homes × days is {expected}")
        if self.curve_kwh is not None:
            homes, days, slots = self.curve_kwh.shape
            if homes != expected[0] or days > expected[1] or slots != HALF_HOURS:
                raise ValueError(
                    f"curve_kwh has shape {self.curve_kwh.shape}; give [homes, last days, {HALF_HOURS}]"
                )

    @property
    def curve_days(self) -> int:
        """Number of days, counted back from the last, that have a curve."""
        return 0 if self.curve_kwh is None else int(self.curve_kwh.shape[1])

    def first(self, homes: int) -> "HomeSeries":
        """The first `homes` homes, everything else the same."""
        curve = None if self.curve_kwh is None else self.curve_kwh[:homes]
        return HomeSeries(self.home_ids[:homes], self.days, self.daily_kwh[:homes], curve)


def weekday_fill(daily_kwh: FloatArray) -> FloatArray:
    """Fill unmeasured days with the home's median for that weekday, else its overall median, else zero.

    The meter kept counting on those days; only the record of it is missing.
    """
    filled = daily_kwh.copy()
    for weekday in range(7):
        column = filled[:, weekday::7]
        column[:] = np.where(np.isnan(column), quiet_median(daily_kwh[:, weekday::7])[:, None], column)
    filled = np.where(np.isnan(filled), quiet_median(daily_kwh)[:, None], filled)
    return np.nan_to_num(filled)


def quiet_median(values: FloatArray) -> FloatArray:
    """Median over axis 1 that is NaN, without a warning, where a row has no value at all."""
    measured = ~np.isnan(values)
    padded = np.where(measured.any(axis=1, keepdims=True), values, 0.0)
    return np.where(measured.any(axis=1), np.nanmedian(padded, axis=1), np.nan)
