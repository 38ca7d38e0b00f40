"""Two homes on each other's meters since before the first read: no day on which anything changed hands."""

from anomaly.injector.kinds.wiring import NEEDS, crossed
from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault

TAIL_DAYS = 40
HEAD_DAYS = 60


@fault(
    "swapped_static_vacancy", cause="swapped_pair", needs=NEEDS, scope="pair", tail_days=TAIL_DAYS, head_days=HEAD_DAYS
)
def swapped_static_vacancy(first: Premise, second: Premise, draw: Draw) -> Effect:
    """The wires behind the meters were crossed before the reads begin; later one of the two homes is left.

    The file says so from that day on, but it is the neighbour's meter that goes quiet. Half of the homes left are
    switched off, the others keep a standing load of 1 to 4 % of what they used.
    """
    first.account["status"] = "vacant"
    first.account["status_since"] = first.day(draw.index)
    left_on = draw.between(0.01, 0.04) if draw.whole(0, 1) else 0.0
    first.use(draw.index, draw.span, factor=left_on)
    effect = crossed(first, second, 0, "crossed since before the reads; one home left, on file")
    return Effect(draw.index, draw.span, effect.kwh_wrong, effect.note)
