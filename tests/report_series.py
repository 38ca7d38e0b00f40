"""Daily series of the report fixture: six accounts of one area over seven months."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

AS_OF = date(2024, 4, 1)
FIRST = date(2023, 9, 4)
DAYS = (AS_OF - FIRST).days
MISREAD, PAIR_A, PAIR_B, JUMP, ROLLOVER, QUIET = (f"310010024{n:04d}" for n in (117, 204, 205, 336, 412, 518))
MISREAD_DAY, SWAP_DAY, JUMP_DAY = date(2024, 3, 12), date(2024, 1, 18), date(2024, 2, 20)


def _use(seed: int, mean_kwh: float) -> np.ndarray:
    days = np.arange(DAYS)
    season = 1 + 0.25 * np.cos((days + FIRST.timetuple().tm_yday - 20) * 2 * np.pi / 365)
    weekend = np.where((days + FIRST.weekday()) % 7 >= 5, 1.15, 1.0)
    return np.round(mean_kwh * season * weekend * np.random.default_rng(seed).gamma(30, 1 / 30, DAYS), 2)


def _registers(kwh: np.ndarray, start_kwh: float) -> np.ndarray:
    return np.round(start_kwh + np.concatenate([[0.0], np.cumsum(kwh)]), 2)


def _account(account_id: str, registers: np.ndarray, **more: Any) -> pl.DataFrame:
    """Series rows of one account; a NaN register is a missing read."""
    kwh = np.diff(registers)
    rows = pl.DataFrame(
        {
            "date": [FIRST + timedelta(days=offset) for offset in range(DAYS)],
            "register_kwh": registers[:-1],
            "kwh": np.round(kwh, 2),
            **more,
        }
    ).with_columns(pl.col("register_kwh", "kwh").fill_nan(None))
    return rows.with_columns(
        account_id=pl.lit(account_id),
        point_id=pl.lit(account_id),
        meter_id=pl.lit(f"43{account_id[3:]}08"),
        area_id=pl.lit("TQ-0412"),
        box_id=pl.lit("BX-17"),
        read_at=pl.col("date").cast(pl.Datetime("us")),
        quality=pl.when(pl.col("register_kwh").is_null()).then(pl.lit("missing")).otherwise(pl.lit("valid")),
        multiplier=pl.lit(1.0),
    )


def _curves(kwh: np.ndarray, jump_from: int) -> list[list[float | None] | None]:
    hours = np.arange(48) / 2
    shape = 0.4 + np.exp(-((hours - 7.5) ** 2) / 3) + 1.8 * np.exp(-((hours - 19) ** 2) / 6)
    flat = np.full(48, 1 / 48)
    curves: list[list[float | None] | None] = []
    for day, total in enumerate(kwh):
        extra = total - total / 2.15 if day >= jump_from else 0.0
        own = (total - extra) * shape / shape.sum() + extra * flat
        curves.append([round(float(value), 4) for value in own] if day >= DAYS - 90 else None)
    return curves


def series() -> pl.DataFrame:
    """Daily series of all six accounts, as a scan would write them."""
    misread_kwh, jump_kwh = _use(1, 9.1), _use(4, 11.8)
    jump_from, swap_from = (JUMP_DAY - FIRST).days, (SWAP_DAY - FIRST).days
    jump_kwh[jump_from:] *= 2.15
    small, large = _use(2, 5.2), _use(3, 16.4)
    pair_a, pair_b = small.copy(), large.copy()
    pair_a[swap_from:], pair_b[swap_from:] = large[swap_from:], small[swap_from:]
    misread_kwh[(MISREAD_DAY - FIRST).days - 1] = 9.18
    misread = _registers(misread_kwh, 0.0)
    misread = np.round(misread + 4512.30 - misread[(MISREAD_DAY - FIRST).days - 1], 2)
    misread[(MISREAD_DAY - FIRST).days] -= 360.0
    gap = _registers(pair_b, 20110.4)
    gap_kwh = np.diff(gap)
    gap_kwh[110:116] = gap_kwh[110:116].mean()
    gap_rows = _account(PAIR_B, gap).with_columns(
        kwh=pl.Series(np.round(gap_kwh, 2)), spread=pl.Series([110 <= day < 116 for day in range(DAYS)])
    )
    gap_rows = gap_rows.with_columns(
        register_kwh=pl.when(pl.int_range(pl.len()).is_between(111, 115)).then(None).otherwise("register_kwh")
    )
    rollover = _registers(_use(5, 8.0), 998_900.0) % 1_000_000
    rolled = _account(ROLLOVER, rollover).with_columns(
        kwh=pl.when(pl.col("kwh") < 0).then(pl.col("kwh") + 1_000_000).otherwise("kwh")
    )
    quiet = _registers(_use(6, 6.5), 100.0)
    quiet[100:110] = np.nan
    level = 11.8 * (1 + 0.25 * np.cos((np.arange(DAYS) + FIRST.timetuple().tm_yday - 20) * 2 * np.pi / 365))
    jump = _account(JUMP, _registers(jump_kwh, 33120.0)).with_columns(
        expected_kwh=pl.Series(np.round(level, 2)),
        low_kwh=pl.Series(np.round(level * 0.7, 2)),
        high_kwh=pl.Series(np.round(level * 1.4, 2)),
        curve_minutes=pl.lit(30),
        curve_kwh=pl.Series(_curves(jump_kwh, jump_from), dtype=pl.List(pl.Float64)),
    )
    parts = [_account(MISREAD, misread), _account(PAIR_A, _registers(pair_a, 8140.0)), gap_rows, jump, rolled]
    rows = pl.concat([*parts, _account(QUIET, quiet)], how="diagonal_relaxed")
    return rows.with_columns(pl.col("spread").fill_null(value=False))
