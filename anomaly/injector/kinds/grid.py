"""The grid's doing: a phase lost to the meter, a supply cut."""

import numpy as np

from anomaly.injector.kinds.dial import scale_curve
from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault


@fault(
    "voltage_or_current_loss",
    cause="voltage_or_current_loss",
    needs=("daily", "active", "three_phase"),
    tail_days=10,
)
def voltage_or_current_loss(premise: Premise, draw: Draw) -> Effect:
    """One or two of three phases are not measured; the meter noted it and counts less ever since."""
    kind = str(draw.rng.choice(["voltage_loss", "phase_loss", "current_loss"]))
    factor = float(draw.rng.choice([2 / 3, 1 / 3])) * float(draw.rng.uniform(0.95, 1.05))
    before = int(premise.dial_wh[draw.index :].sum())
    premise.dial_wh[draw.index :] = np.rint(premise.dial_wh[draw.index :] * factor).astype(np.int64)
    scale_curve(premise, draw.index, factor)
    premise.read_dial()
    premise.add_event(draw.index, draw.whole(0, 59), kind, str(draw.rng.choice(["A", "B", "C"])))
    lost_kwh = (before - int(premise.dial_wh[draw.index :].sum())) / 1000
    return Effect(
        draw.index, draw.span, lost_kwh * premise.multiplier, f"{kind}: counts {factor:.2f} of the use"
    )


@fault("outage", cause="outage", needs=("daily", "active", "curve"))
def outage(premise: Premise, draw: Draw) -> Effect:
    """The supply is off for hours or days; start and end are noted, half-hours are zero, so is the use."""
    minutes, first_slot = draw.whole(10, 120) * 30, draw.whole(0, 47)
    minutes = min(minutes, (draw.span - draw.index) * 1440 - first_slot * 30 - 30)
    begin = premise.curve_index(draw.index)
    flat = premise.curve_wh[begin:].reshape(-1)
    lost_kwh = float(flat[first_slot : first_slot + minutes // 30].sum()) / 1000
    flat[first_slot : first_slot + minutes // 30] = 0
    premise.follow_curve(draw.index, draw.span, 1.0)
    premise.dial_wh[draw.index :] = premise.use_wh[draw.index :]
    premise.read_dial()
    premise.add_event(draw.index, first_slot * 30, "outage_start")
    premise.add_event(draw.index, first_slot * 30 + minutes, "outage_end")
    last = min(draw.index + 1 + (first_slot * 30 + minutes) // 1440, draw.span)
    return Effect(draw.index, last, lost_kwh * premise.multiplier, f"no supply for {minutes / 60:.1f} h")
