"""Power to find exchanged homes, on real homes put into virtual boxes.

    python -m benchmarks.wiring [--homes FILE] [--seeds N] [--boxes N]

Boxes are drawn at random; an exchange swaps the series of two homes from a day on. Per seed the homes are
split in two: drift, spread and a limit come from one half, everything else is measured on the other, both ways
round. "limit" is where one untouched box in a hundred of all judged ones lies, and the power stands at that limit.
"held out" is what the other half's limit does: how many boxes it accuses falsely, and its power. A home "with a
new life" becomes another home that is not in the box. Two tenants who exchange their flats are physically the
same as two meters that were exchanged: they are found as often, and no statistic can tell them apart.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import click

from anomaly.profile import DAILY, DAILY_MINIMUM, INTERVALS, RATES
from benchmarks import wiring_areas, wiring_cost, wiring_large
from benchmarks.wiring_boxes import Homes, draw_alike, make_homes
from benchmarks.wiring_measure import PLAN, Measured, Trial, known_date, scanned
from benchmarks.wiring_rivals import compare
from pipelines.sample import load_homes, load_sample

BOX = 12
NAMES = {INTERVALS: "curves", DAILY_MINIMUM: "day + minimum", RATES: "4 rate registers", DAILY: "day only"}
SMALL_LIMIT = f"known day, {NAMES[INTERVALS]}"
"""Smaller boxes are judged at the limit of boxes of twelve, as the program does."""


def trials(homes: Homes) -> list[tuple[str, float | None, Trial]]:
    """Every row of the table: name, the power it should have, and how it is measured."""
    short, early = PLAN.short, PLAN.early
    goals = {INTERVALS: 0.85, DAILY_MINIMUM: 0.65, DAILY: 0.38}
    rows: list[tuple[str, float | None, Trial]] = [
        (f"known day, {name}", goals.get(kind), known_date(homes, kind, BOX, short)) for kind, name in NAMES.items()
    ]
    rows += [
        (f"after one week, {name}", None, known_date(homes, kind, BOX, early)) for kind, name in NAMES.items()
    ]
    rows += [(f"curves, box of {size}", None, known_date(homes, INTERVALS, size, short)) for size in (3, 6, 20, 40)]
    rows.append(("curves, alike homes", None, known_date(homes, INTERVALS, BOX, short, draw_alike)))
    rows += [
        (f"scanned, {name}", 0.70 if kind == INTERVALS else None, scanned(homes, kind, BOX))
        for kind, name in NAMES.items()
    ]
    return rows


def row_text(name: str, goal: float | None, found: Measured, limit: float) -> str:
    """One row of the table."""
    tops = found.tops
    swapped = tops["swapped"]
    return (
        f"{name:34}{limit:8.1f}{swapped.found(limit):8.2f}{'' if goal is None else f'{goal:.2f}':>6}"
        f"{swapped.first_of_found(limit):9.3f}{found.held_out[0]:10.3f}{found.held_out[1]:7.2f}"
        f"{tops['chain of 3'].found(limit):10.2f}{tops['one new life'].accused(limit):10.3f}"
        f"{tops['both away'].accused(limit):9.3f}"
    )


HEADER = (
    f"{'':34}{'limit':>8}{'power':>8}{'goal':>6}{'right':>9}{'held out':>17}{'chain':>10}{'one new':>10}{'both':>9}\n"
    f"{'':34}{'nat':>8}{'at 1 %':>8}{'':6}{'pair':>9}{'false':>10}{'power':>7}{'of 3':>10}{'life':>10}{'away':>9}"
)


def exchanged(homes: Homes, seeds: int, count: int) -> Iterator[str]:
    """Lines of the main table: power, the right pair, rings, and homes that change without an exchange."""
    yield HEADER
    limits: dict[str, float] = {}
    for name, goal, trial in trials(homes):
        if not trial.possible():
            yield f"{name:34}  not measured: too few days or homes ({trial.weeks * 7} days needed)"
            continue
        found = trial.measure(seeds, count // 3 if name.startswith("scanned") else count)
        limits[name] = found.limit_nats
        limit = max(found.limit_nats, limits[SMALL_LIMIT]) if trial.size < BOX else found.limit_nats
        yield row_text(name, goal, found, limit)
    yield "two tenants who exchange their flats: as often told as a swap, for they are the same to a meter"


def rivals(homes: Homes, seeds: int, count: int) -> Iterator[str]:
    """Lines of the table of other methods on the same boxes."""
    yield f"{'on the same boxes of 12, known day':50}{'power at 1 %':>14}{'right pair':>12}{'new life':>10}"
    for name, (power, right, life) in compare(homes, BOX, seeds, count).items():
        yield f"{name:50}{power:14.2f}{right:12.3f}{life:10.3f}"


Section = Callable[[Homes, int, int], Iterable[str]]
"""Homes, seeds and boxes per seed and half → lines of text."""

SECTIONS: Mapping[str, Section] = {
    "exchanges": exchanged,
    "rivals": rivals,
    "areas without boxes": wiring_large.table,
    "wrong areas": wiring_areas.table,
    "cost": wiring_cost.table,
}
"""What one run prints, in this order."""


@click.command(help=__doc__)
@click.option("--homes", "path", type=click.Path(path_type=Path), help="Parquet with meter_id, ts, kwh.")
@click.option("--seeds", default=4, show_default=True, help="Splits of the homes.")
@click.option("--boxes", default=600, show_default=True, help="Boxes per seed and half; a third when scanning.")
def main(path: Path | None, seeds: int, boxes: int) -> None:
    """Print the tables."""
    warnings.filterwarnings("ignore", "Mean of empty slice")
    homes = make_homes(load_homes(path) if path else load_sample())
    click.echo(f"{len(homes.kwh)} homes, {homes.days(INTERVALS)} days with curves, {homes.days(DAILY)} days")
    for section in SECTIONS.values():
        for line in section(homes, seeds, boxes):
            click.echo(line)
        click.echo()


if __name__ == "__main__":
    main()
