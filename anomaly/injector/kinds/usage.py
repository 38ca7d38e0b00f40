"""The account's status and what it uses contradict each other, or energy flows the wrong way."""

import numpy as np

from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault


@fault("reverse_energy", cause="reverse_energy", needs=("daily", "no_export", "plain"))
def reverse_energy(premise: Premise, draw: Draw) -> Effect:
    """An export register counts at an account without generation."""
    days = draw.span - draw.index
    dials, row = premise.town.dials, premise.row
    dials.export_wh[row] = 0
    dials.export_wh[row, draw.index :] = np.rint(
        draw.between(1.2, 15.0) * draw.rng.uniform(0.6, 1.4, days) * 1000
    )
    dials.has_export[row] = True
    premise.read_dial()
    sent_kwh = float(dials.export_wh[row].sum()) / 1000
    return Effect(draw.index, draw.span, sent_kwh, "export without generation")


@fault("vacant_use", cause="vacant_use", needs=("daily", "active"), tail_days=20)
def vacant_use(premise: Premise, draw: Draw) -> Effect:
    """The file has the home vacant; somebody uses energy there."""
    premise.account["status"] = "vacant"
    premise.account["status_since"] = premise.day(draw.index)
    used_kwh = float(premise.use_wh[draw.index :].sum()) / 1000
    return Effect(draw.index, draw.span, used_kwh * premise.multiplier, "vacant in the file, in use")


@fault(
    "occupied_zero",
    cause="occupied_zero",
    accepted=("meter_stopped",),
    tail_days=35,
    needs=("daily", "active"),
)
def occupied_zero(premise: Premise, draw: Draw) -> Effect:
    """An active account uses nothing at all: nobody moved out in the file."""
    gone_kwh = -premise.use(draw.index, draw.span, factor=0.0)
    return Effect(draw.index, draw.span, gone_kwh * premise.multiplier, "active in the file, no use at all")
