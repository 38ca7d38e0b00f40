"""An account filed under the area next door: every read is right, and two areas' losses are not."""

from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault

NEEDS = ("daily", "active", "plain", "no_export", "balanced")


@fault("wrong_area", cause="wrong_area", needs=NEEDS, tail_days=35)
def wrong_area(premise: Premise, draw: Draw) -> Effect:
    """The file keeps its area, but the cable comes from the area next door and always has."""
    areas = premise.town.rows["areas"]
    by_hand = premise.town.accounts.filter(cycle_id="PERIODIC")["area_id"].to_list()
    beside = areas.filter(area_id=premise.account["area_id"])["neighbours"].item()
    able = sorted(set(beside.split(";")) - set(by_hand))
    premise.fed_from = able[draw.whole(0, len(able) - 1)]
    wrong_kwh = float(premise.use_wh[draw.index :].sum()) / 1000
    return Effect(draw.index, len(premise.use_wh), wrong_kwh, f"fed from {premise.fed_from}, filed next door")
