"""Areas and their losses, on real homes put into virtual areas with supply meters.

    python -m benchmarks.wiring_areas [--homes FILE] [--trials N]

Two areas of twenty homes each stand side by side. Each loses 1 to 6 % in the cables and 1 % in the transformer, and
street lighting and the like that nobody meters come and go slowly: 2 % of the energy on average, half of that as
standard deviation, a day resembling the day before by 0.8. Its supply meter has a noise of 2 % of every half-hour,
which is 0.3 % of a day ("pessimistic"), or of 2 % of every day as a whole ("hopeless": no supply meter in order is
that bad).

Moved: one home is fed by the other area than its file says; small homes hardly show, so those that use 3 kWh a day or
more are told apart. "wrong" counts pairs of areas in which another home is accused too, or instead; "in order" pairs
in which nothing is wrong and a home is accused.
Coefficient: one meter counts a multiple of what is used. Flagged per thousand: meters in order beside it.
Change: one home's meter changes for good, for one reason or another; the loss of its area says for which.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from anomaly.area_balance import AreaBalance
from anomaly.area_moves import MoveSearch, find_moves, move_search
from anomaly.loss_change import FELL, MOVED, UNCHANGED, UNDECIDABLE, LossTest, judge_losses
from anomaly.meter_coefficients import coefficient_search, wrong_coefficients
from benchmarks.wiring_boxes import MIN_MEASURED_SHARE, Homes
from pipelines.sample import load_homes, load_sample
from rules.rulebook import load

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

AREA = 20
LARGER_KWH_PER_DAY = 3.0
LEAST_JUMP_KWH_PER_DAY = 1.67
"""A change smaller than this is not told by the rules whose changes are judged."""

LIMITS_NATS = tuple(5.0 - step / 4 for step in range(17))
MILLION = 1_000_000


@dataclass(frozen=True)
class Noise:
    """What a supply meter sees besides customers: shares of the area's energy."""

    master_share: float
    unmetered_share: float
    persistence: float = 0.8
    cable_share: tuple[float, float] = (0.01, 0.06)
    transformer_share: float = 0.01


HALF_HOURS = 48
PESSIMISTIC = Noise(0.02 / np.sqrt(HALF_HOURS) * 1.15, 0.02)
"""A day's half-hours are not alike: their noise adds up to 1.15 of what equal ones would give."""

HOPELESS = Noise(0.02, 0.02)


NOISES = {"pessimistic": PESSIMISTIC, "hopeless": HOPELESS}


@dataclass(frozen=True, eq=False)
class Trials:
    """N pairs of areas: areas 2k and 2k + 1 are neighbours; homes `[N, 2, 20]`, true energy `[N, 2, 20, L]`."""

    kwh: Floats
    noise: Noise

    def balance(self, fed_kwh: Floats, filed_kwh: Floats, rng: np.random.Generator) -> AreaBalance:
        """The balance of areas that feed `fed_kwh[2N, L]` and have meters on file that counted `filed_kwh[2N, L]`."""
        count, days = fed_kwh.shape
        mean = fed_kwh.mean(axis=1, keepdims=True)
        unmetered = _autoregressive(rng.normal(0, 1, (count, days)), self.noise.persistence)
        standing = mean * (
            self.noise.transformer_share + self.noise.unmetered_share * np.maximum(1 + 0.5 * unmetered, 0)
        )
        cables = rng.uniform(*self.noise.cable_share, (count, 1)) * fed_kwh**2 / mean
        supply = (fed_kwh + standing + cables) * (1 + self.noise.master_share * rng.normal(0, 1, (count, days)))
        names = np.array([f"{number:06d}" for number in range(count)], dtype=object)
        pairs = np.arange(count).reshape(-1, 2)
        both = np.concatenate([pairs, pairs[:, ::-1]])
        return AreaBalance(names, supply, filed_kwh, both[np.argsort(both[:, 0])])


def _autoregressive(shocks: Floats, persistence: float) -> Floats:
    """Series `[K, L]` of unit variance in which a day resembles the day before by `persistence`."""
    level = shocks.copy()
    for day in range(1, shocks.shape[1]):
        level[:, day] = persistence * level[:, day - 1] + np.sqrt(1 - persistence**2) * shocks[:, day]
    return level


def whole_homes(daily_kwh: Floats) -> Floats:
    """`[N, D]` daily energy of the homes measured nearly always; a day that is not is the home's usual one."""
    known = np.isfinite(daily_kwh).mean(axis=1) >= MIN_MEASURED_SHARE
    kwh = daily_kwh[known]
    return np.where(np.isfinite(kwh), kwh, np.nanmedian(kwh, axis=1)[:, None])


def draw_areas(homes: Floats, count: int, days: int, noise: Noise, rng: np.random.Generator) -> Trials:
    """Pairs of areas of real homes over `days` days from a random day on, no home twice in a pair."""
    who = np.argsort(rng.random((count, len(homes))), axis=1)[:, : 2 * AREA].reshape(count, 2, AREA)
    start = rng.integers(0, homes.shape[1] - days + 1, count)
    day = start[:, None] + np.arange(days)
    return Trials(homes[who[..., None], day[:, None, None]], noise)


@dataclass(frozen=True)
class Searched:
    """Shares of pairs of areas: the moved home found (all, and those of 3 kWh a day or more), another one accused."""

    found: float
    found_larger: float
    wrong: float
    in_order: float


def search_moves(trials: Trials, search: MoveSearch, rng: np.random.Generator) -> Searched:
    """Look for the moved home of each pair (the first of the second area), and in the same pairs left in order."""
    count, days = len(trials.kwh), trials.kwh.shape[3]
    flat = (2 * count, days)
    filed = trials.kwh.sum(axis=2)
    fed = filed.copy()
    fed[:, 1] -= trials.kwh[:, 1, 0]
    fed[:, 0] += trials.kwh[:, 1, 0]
    area = np.repeat(np.arange(2 * count), AREA)
    told = []
    for really in (fed, filed):
        balance = trials.balance(really.reshape(flat), filed.reshape(flat), rng)
        found = find_moves(area, trials.kwh.reshape(-1, days), balance, search).position
        right = found % (2 * AREA) == AREA
        pair = found // (2 * AREA)
        told.append([np.isin(np.arange(count), pair[which]) for which in (right, ~right, right | ~right)])
    larger = trials.kwh[:, 1, 0].mean(axis=1) >= LARGER_KWH_PER_DAY
    (hit, wrong, _), (_, _, accused) = told
    return Searched(float(hit.mean()), float(hit[larger].mean()), float(wrong.mean()), float(accused.mean()))


def count_with(trials: Trials, factor: float, rng: np.random.Generator) -> tuple[float, float]:
    """(share of meters flagged that count `factor` times what is used, flagged per 1,000 of the meters beside them)."""
    search = coefficient_search(**load().detectors["B02"].limit_values())
    areas, days = 2 * len(trials.kwh), trials.kwh.shape[3]
    used = trials.kwh.reshape(areas, AREA, days)
    counted = used.copy()
    counted[:, 0] *= factor
    balance = trials.balance(used.sum(axis=1), counted.sum(axis=1), rng)
    area = np.repeat(np.arange(areas), AREA)
    found = wrong_coefficients(area, counted.reshape(-1, days), balance, search)
    changed = np.array([one.position % AREA == 0 for one in found], dtype=bool)
    return float(changed.sum() / areas), float(1000 * (~changed).sum() / (areas * (AREA - 1)))


Energies = tuple[Floats, Floats]
"""`[N, 2, 20, L]` what was really used and what the meters on file counted."""


def changes(kwh: Floats, day: int) -> dict[str, tuple[Energies, int]]:
    """What may happen to the first home of the first area from `day` on, and what its loss should say."""
    after = np.arange(kwh.shape[3]) >= day
    more, plus = kwh.copy(), kwh.copy()
    more[:, 0, 0] *= np.where(after, 3.0, 1.0)
    plus[:, 0, 0] += np.where(after, 6.0, 0.0)
    inside, across = kwh.copy(), kwh.copy()
    inside[:, 0, :2] = np.where(after, kwh[:, 0, 1::-1], kwh[:, 0, :2])
    across[:, 0, 0] = np.where(after, kwh[:, 1, 0], kwh[:, 0, 0])
    across[:, 1, 0] = np.where(after, kwh[:, 0, 0], kwh[:, 1, 0])
    return {
        "really uses three times as much": ((more, more), UNCHANGED),
        "really uses 6 kWh a day more": ((plus, plus), UNCHANGED),
        "meter counts three times as much": ((kwh, more), FELL),
        "meter counts 6 kWh a day more": ((kwh, plus), FELL),
        "exchanged with a home of the same area": ((kwh, inside), UNCHANGED),
        "exchanged with a home of the next area": ((kwh, across), MOVED),
    }


def judge(trials: Trials, energies: Energies, day: int, rng: np.random.Generator) -> Integers:
    """The verdict on the first home's change, `[N]`; -1 where it changed by less than a jump that would be told."""
    used, counted = energies
    count, days = len(used), used.shape[3]
    balance = trials.balance(used.sum(axis=2).reshape(-1, days), counted.sum(axis=2).reshape(-1, days), rng)
    test = LossTest(**load().detectors["B03"].limit_values())
    area = 2 * np.arange(count)
    mine = counted[:, 0, 0]
    found = judge_losses(balance, test, np.arange(count), area, np.full(count, day), mine)
    before, after = mine[:, :day].mean(axis=1), mine[:, day:].mean(axis=1)
    told = (np.abs(after - before) >= LEAST_JUMP_KWH_PER_DAY) & (np.maximum(after / before, before / after) >= 1.3)
    return np.where(told, found.verdict, -1)


def table(homes: Homes, seeds: int, boxes: int) -> list[str]:
    """The lines for `benchmarks.wiring`, from as many pairs of areas as it has boxes."""
    return rows(whole_homes(homes.kwh), boxes)


def rows(homes: Floats, count: int) -> list[str]:
    """The lines of the three tables."""
    rng = np.random.default_rng(0)
    rule = load().detectors["B01"].limit_values()
    lines = [f"{'moved home':34}{'found':>8}{'3 kWh up':>10}{'wrong':>8}{'in order':>10}"]
    for name, noise in NOISES.items():
        for days in (14, 30, rule["window_days"]):
            search = move_search(**{**rule, "window_days": days, "min_days": min(days, rule["min_days"])})
            one = search_moves(draw_areas(homes, count, int(days), noise, rng), search, rng)
            cells = f"{one.found:8.3f}{one.found_larger:10.3f}{one.wrong:8.3f}{one.in_order:10.3f}"
            lines.append(f"{name + f', {days:.0f} days':34}{cells}")
    lines.append(at_one_percent(homes, count, rule))
    lines.append(f"\n{'meter counts, 60 days':34}{'flagged':>8}{'per 1,000 others':>18}")
    for name, noise in NOISES.items():
        for factor in (0.1, 0.5, 1.0, 1.3, 2.0, 10.0):
            flagged, others = count_with(draw_areas(homes, count // 2, 60, noise, rng), factor, rng)
            lines.append(f"{name + f', ×{factor:g}':34}{flagged:8.3f}{others:18.2f}")
    return [*lines, *discriminator_rows(homes, count)]


def at_one_percent(homes: Floats, count: int, rule: dict[str, Any]) -> str:
    """The line for 30 days and the lowest limit at which at most one pair in order in a hundred is accused."""
    told, limit = Searched(0.0, 0.0, 0.0, 0.0), LIMITS_NATS[0]
    for limit_nats in LIMITS_NATS:
        search = move_search(**{**rule, "window_days": 30, "min_nats": limit_nats})
        rng = np.random.default_rng(1)
        one = search_moves(draw_areas(homes, count, 30, PESSIMISTIC, rng), search, rng)
        if one.in_order > 0.01:
            break
        told, limit = one, limit_nats
    cells = f"{told.found:8.3f}{told.found_larger:10.3f}{told.wrong:8.3f}{told.in_order:10.3f}"
    return f"{f'pessimistic, 30 days, {limit:g} nat':34}{cells}"


def discriminator_rows(homes: Floats, count: int) -> list[str]:
    """What the loss of the area says of a change: shares of the changes that would be told as a jump."""
    rng = np.random.default_rng(1)
    lines = []
    for name, noise in NOISES.items():
        for after in (15, 31):
            verdicts = "".join(f"{word:>8}" for word in ("stayed", "fell", "moved", "open", "right"))
            lines.append(f"\n{f'{name}, {after} days after':42}{verdicts}")
            trials = draw_areas(homes, count, 31 + after, noise, rng)
            for what, (energies, expected) in changes(trials.kwh, 31).items():
                verdict = judge(trials, energies, 31, rng)
                judged = verdict[verdict >= 0]
                shares = [(judged == one).mean() for one in (UNCHANGED, FELL, MOVED)]
                decided = judged[judged < UNDECIDABLE]
                right = (decided == expected).mean() if len(decided) else np.nan
                cells = "".join(f"{share:8.3f}" for share in (*shares, 1 - sum(shares), right))
                lines.append(f"{what:42}{cells}")
    return lines


def seconds_per_million(homes: Floats) -> float:
    """Processor seconds to try a million accounts in areas of twenty, each against one area next door."""
    rng = np.random.default_rng(0)
    search = move_search(**load().detectors["B01"].limit_values())
    trials = draw_areas(homes, 250, search.within_days, PESSIMISTIC, rng)
    filed = trials.kwh.sum(axis=2).reshape(-1, search.within_days)
    balance = trials.balance(filed, filed, rng)
    area = np.repeat(np.arange(len(filed)), AREA)
    kwh = trials.kwh.reshape(-1, search.within_days)
    begun = time.process_time()
    find_moves(area, kwh, balance, search)
    return (time.process_time() - begun) * MILLION / len(kwh)


@click.command(help=__doc__)
@click.option("--homes", "path", type=click.Path(path_type=Path), help="Parquet with meter_id, ts, kwh.")
@click.option("--trials", default=800, show_default=True, help="Pairs of areas per row.")
def main(path: Path | None, trials: int) -> None:
    """Print the tables."""
    homes = whole_homes((load_homes(path) if path else load_sample()).daily_kwh)
    click.echo(f"{len(homes)} homes, {homes.shape[1]} days")
    for line in rows(homes, trials):
        click.echo(line)
    seconds = seconds_per_million(homes)
    click.echo(f"\na million accounts, each against one area next door: {seconds:.1f} s of a processor")


if __name__ == "__main__":
    main()
