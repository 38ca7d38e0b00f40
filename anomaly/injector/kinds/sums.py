"""Totals that do not equal the sum of their parts."""

import numpy as np

from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault


@fault("rate_sum_offset", cause="rate_sum_mismatch", needs=("daily", "rates"))
def rate_sum_offset(premise: Premise, draw: Draw) -> Effect:
    """One rate register steps away from the others and stays away."""
    rate, wrong_kwh = draw.whole(0, 3), draw.between(2.0, 200.0)
    premise.town.dials.rate_ticks[premise.row, rate, draw.index :] += round(wrong_kwh * premise.ticks_per_kwh)
    return Effect(
        draw.index,
        draw.span,
        wrong_kwh * premise.multiplier,
        f"rate register {rate + 1} is {wrong_kwh:.2f} kWh high",
    )


@fault("rate_register_stuck", cause="rate_sum_mismatch", needs=("daily", "rates", "active"), tail_days=10)
def rate_register_stuck(premise: Premise, draw: Draw) -> Effect:
    """One rate register stops; the total goes on."""
    rates = premise.town.dials.rate_ticks[premise.row]
    rate = int(np.argmax(rates[:, -1] - rates[:, draw.index]))
    lost_kwh = float(rates[rate, -1] - rates[rate, draw.index]) / premise.ticks_per_kwh
    rates[rate, draw.index :] = rates[rate, draw.index]
    return Effect(
        draw.index, draw.span, lost_kwh * premise.multiplier, f"rate register {rate + 1} stands still"
    )


@fault(
    "interval_sum_mismatch", cause="interval_sum_mismatch", needs=("daily", "curve", "active"), tail_days=6
)
def interval_sum_mismatch(premise: Premise, draw: Draw) -> Effect:
    """For some days the stored half-hours are a fraction, or a multiple, of what the register counted."""
    days = draw.whole(2, 5)
    factor = float(draw.rng.choice([draw.between(0.2, 0.85), draw.between(1.2, 5.0)]))
    part = slice(premise.curve_index(draw.index), premise.curve_index(draw.index + days))
    before = int(premise.curve_wh[part].sum())
    premise.curve_wh[part] = np.rint(premise.curve_wh[part] * factor).astype(np.int32)
    wrong_kwh = (int(premise.curve_wh[part].sum()) - before) / 1000
    return Effect(
        draw.index,
        draw.index + days,
        wrong_kwh * premise.multiplier,
        f"half-hours × {factor:.2f}, register right",
    )
