"""Where homes stand and what they are called: areas, boxes, accounts, meters, the installation file."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

CT_MULTIPLIERS = (20, 30, 40, 50, 60, 80, 100, 120, 160, 200)


@dataclass(frozen=True)
class Plan:
    """What kind of town to build. Shares are of accounts, 0 to 1.

    `accounts` None takes every home once; a larger number resamples homes, each copy scaled and moved back
    by up to `max_offset_weeks` whole weeks. `clock_change` names an autumn day whose 01:00 hour is repeated
    (fold 0 and 1).
    """

    accounts: int | None = None
    max_offset_weeks: int = 0
    box_size: int = 12
    area_size: tuple[int, int] = (20, 60)
    curve_share: float = 0.8
    monthly_share: float = 0.1
    rate_share: float = 0.15
    generation_share: float = 0.05
    ct_share: float = 0.06
    three_phase_share: float = 0.1
    correct_exchanges: int = 2
    supply_meters: bool = True
    clock_change: date | None = None
    price_per_kwh: float = 0.16


@dataclass(frozen=True)
class Traits:
    """What each of N accounts is: arrays [N], drawn once for the town."""

    area: npt.NDArray[np.int64]
    box: npt.NDArray[np.int64]
    periodic: npt.NDArray[np.bool_]
    curve: npt.NDArray[np.bool_]
    rates: npt.NDArray[np.bool_]
    generation: npt.NDArray[np.bool_]
    multiplier: npt.NDArray[np.int64]
    phases: npt.NDArray[np.int64]
    vacant: npt.NDArray[np.bool_]


def areas_and_boxes(accounts: int, plan: Plan, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], ...]:
    """Area and box number of each account, [N] each; a box never spans two areas."""
    smallest, largest = plan.area_size
    sizes = rng.integers(smallest, largest + 1, size=max(1, accounts // smallest + 1))
    bounds = np.cumsum(sizes)
    area = np.searchsorted(bounds, np.arange(accounts), side="right")
    last_size = int((area == area[-1]).sum())
    if area[-1] > 0 and last_size < smallest:
        area[area == area[-1]] -= 1
    first_of_area = np.searchsorted(area, area, side="left")
    box = (np.arange(accounts) - first_of_area) // plan.box_size
    return area.astype(np.int64), box.astype(np.int64)


def draw_traits(
    vacant: npt.NDArray[np.bool_], has_curve: bool, plan: Plan, rng: np.random.Generator
) -> Traits:
    """Draw what each account is. Periodic accounts stand together, as in a street without communication."""
    accounts = len(vacant)
    area, box = areas_and_boxes(accounts, plan, rng)
    periodic = np.zeros(accounts, dtype=bool)
    periodic[accounts - round(plan.monthly_share * accounts) :] = True
    daily = ~periodic
    ct = daily & (rng.random(accounts) < plan.ct_share) & ~vacant
    generation = daily & ~ct & (rng.random(accounts) < plan.generation_share)
    rates = daily & ~generation & (rng.random(accounts) < plan.rate_share)
    return Traits(
        area=area,
        box=box,
        periodic=periodic,
        curve=daily & (rng.random(accounts) < plan.curve_share) & has_curve,
        rates=rates,
        generation=generation,
        multiplier=np.where(ct, rng.choice(CT_MULTIPLIERS, size=accounts), 1).astype(np.int64),
        phases=np.where(ct | (rng.random(accounts) < plan.three_phase_share), 3, 1).astype(np.int64),
        vacant=vacant,
    )


def account_rows(
    traits: Traits, plan: Plan, first_day: np.datetime64, rng: np.random.Generator
) -> pl.DataFrame:
    """The accounts table, in the order of the arrays."""
    accounts = len(traits.area)
    since = first_day - np.timedelta64(400, "D") - rng.integers(0, 3000, accounts).astype("timedelta64[D]")
    ct = traits.multiplier > 1
    numbers = 12_003_456 + np.cumsum(rng.integers(1, 90, accounts))
    return pl.DataFrame(
        {
            "account_id": [f"{number:010d}" for number in numbers.tolist()],
            "area_id": area_ids(traits.area),
            "box_id": [
                f"BX{area + 1:04d}{box + 1:02d}" for area, box in zip(traits.area, traits.box, strict=True)
            ],
            "address": [
                f"Box {box + 1}, Area {area + 1}" for area, box in zip(traits.area, traits.box, strict=True)
            ],
            "customer_class": np.where(ct, "commercial", "residential"),
            "contract_kva": np.where(ct, 4.0 * traits.multiplier, np.where(traits.phases == 3, 24.0, 12.0)),
            "cycle_id": np.where(traits.periodic, "PERIODIC", "M01"),
            "read_frequency": np.where(traits.periodic, "monthly", "daily"),
            "customer_since": since.astype("datetime64[D]"),
            "status": np.where(traits.vacant, "vacant", "active"),
            "status_since": since.astype("datetime64[D]"),
            "generation": traits.generation,
            "sensitive": np.zeros(accounts, dtype=bool),
            "irregular": np.zeros(accounts, dtype=bool),
            "price_per_kwh": np.full(accounts, plan.price_per_kwh),
        }
    )


def area_ids(area: npt.NDArray[np.int64]) -> list[str]:
    """Area numbers as the book writes them."""
    return [f"TQ{number + 1:04d}" for number in area.tolist()]


def meter_numbers(accounts: int, rng: np.random.Generator) -> npt.NDArray[np.str_]:
    """Numbers, with leading zeros, of each account's meter and of the one kept to replace it, [N, 2]."""
    serials = 690_100_001_365 + np.cumsum(rng.integers(3, 400, 2 * accounts))
    return np.array([f"{serial:013d}" for serial in serials.tolist()]).reshape(accounts, 2)


def installation_rows(
    accounts: pl.DataFrame,
    meters: npt.NDArray[np.str_],
    traits: Traits,
    digits: npt.NDArray[np.int64],
    decimals: npt.NDArray[np.int64],
) -> pl.DataFrame:
    """One installation per account, made on the day the customer came."""
    ct = traits.multiplier > 1
    return pl.DataFrame(
        {
            "meter_id": meters[:, 0],
            "account_id": accounts["account_id"],
            "point_id": accounts["account_id"],
            "point_role": np.full(len(meters), "add"),
            "area_id": accounts["area_id"],
            "installed_on": accounts["customer_since"],
            "removed_on": pl.Series([None] * len(meters), dtype=pl.Date),
            "multiplier": traits.multiplier.astype(np.float64),
            "register_digits": digits.astype(np.int32),
            "register_decimals": decimals.astype(np.int32),
            "start_register": np.zeros(len(meters)),
            "end_register": pl.Series([None] * len(meters), dtype=pl.Float64),
            "rated_volts": np.full(len(meters), 230.0),
            "max_amps": np.where(ct, 6.0, np.where(traits.phases == 3, 60.0, 100.0)),
            "phases": traits.phases.astype(np.int32),
            "relay": np.where(ct, "external", "internal"),
        }
    )
