"""What each home of an exchange would have been billed, had it been billed by the meter that measures it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rebilled:
    """Energy of n homes by month, from the change day on: all `[n, months]` in kWh but the days, `[months]`.

    `proposed - measured` lies between `low` and `high` wherever in its span the change day lies; all are 0 before.
    `counted` are days with energy of every home, `missing` those without: nothing is known of them.
    """

    measured_kwh: Floats
    proposed_kwh: Floats
    low_kwh: Floats
    high_kwh: Floats
    counted_days: Integers
    missing_days: Integers

    @property
    def difference_kwh(self) -> Floats:
        """What each home would be billed more."""
        return self.proposed_kwh - self.measured_kwh


def rebilled(
    kwh: Floats, source: Integers, month: Integers, *, change: int, earliest: int, latest: int
) -> Rebilled:
    """Exchange `kwh[n, D]` of the meters of n homes from day `change` on, by `month[D]` (0, 1, … rising).

    `source[i]` is the home whose meter measures home i, a permutation: month by month the homes' proposals sum to
    what their meters measured. Only days on which every meter has energy count. `earliest` and `latest` are the first
    and last day that the change may have happened. Source: methods.md §5, rebill of exchanged homes.
    """
    months = int(month.max(initial=-1)) + 1
    of_month = (month[:, None] == np.arange(months)).astype(np.float64)
    known = np.isfinite(kwh).all(axis=0)
    own = np.where(known, kwh, 0.0)
    day = np.arange(kwh.shape[1])
    since = day >= change
    changes = np.arange(min(earliest, change), max(latest, change) + 1)
    apart = np.einsum("nd,cd,dm->cnm", own[source] - own, (day >= changes[:, None]).astype(np.float64), of_month)
    return Rebilled(
        (own * since) @ of_month,
        (own[source] * since) @ of_month,
        apart.min(axis=0),
        apart.max(axis=0),
        np.rint((since & known) @ of_month).astype(np.int64),
        np.rint((since & ~known) @ of_month).astype(np.int64),
    )


def ring_of(meter: list[str], home: list[str]) -> dict[str, str]:
    """Home → the account whose meter measures it, from links "the meter of `meter` now measures `home`".

    Empty where the links do not close: some account is linked twice, or only on one side.
    """
    measures = dict(zip(home, meter, strict=True))
    closed = len(measures) == len(set(meter)) == len(meter) and set(measures) == set(meter)
    return dict(sorted(measures.items())) if closed else {}
