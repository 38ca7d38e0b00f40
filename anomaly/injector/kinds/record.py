"""Installation rows that contradict the reads, or each other."""

from datetime import timedelta

from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, fault


@fault("read_before_installation", cause="record_error", needs=("daily", "no_rates", "no_export"))
def read_before_installation(premise: Premise, draw: Draw) -> Effect:
    """A new connection whose file begins some days after its first reads."""
    early = draw.whole(2, 30)
    first = draw.index - early
    premise.present[:first] = False
    premise.curve_present[premise.curve_span(0, first)] = False
    row = premise.installations[-1]
    row["installed_on"] = premise.day(draw.index)
    row["start_register"] = premise.register_kwh(draw.index)
    premise.account["customer_since"] = premise.account["status_since"] = premise.day(first)
    counted_kwh = float(premise.dial_wh[first : draw.index].sum()) / 1000
    note = f"reads {early} days before the installation in the file"
    return Effect(first, draw.index, counted_kwh * premise.multiplier, note)


@fault("read_after_removal", cause="record_error")
def read_after_removal(premise: Premise, draw: Draw) -> Effect:
    """The file has the meter removed; it goes on reporting."""
    days = min(draw.whole(3, 20), draw.span - draw.index)
    row = premise.installations[-1]
    row["removed_on"] = premise.day(draw.index)
    row["end_register"] = premise.register_kwh(draw.index)
    premise.present[draw.index + days + 1 :] = False
    premise.curve_present[premise.curve_span(draw.index + days, draw.span)] = False
    counted_kwh = float(premise.dial_wh[draw.index : draw.index + days].sum()) / 1000
    return Effect(
        draw.index, draw.index + days, counted_kwh * premise.multiplier, f"reads {days} days after removal"
    )


@fault(
    "overlapping_installations", cause="record_error", needs=("daily", "no_rates", "no_export"), tail_days=8
)
def overlapping_installations(premise: Premise, draw: Draw) -> Effect:
    """A meter was exchanged, but the old row of the file was closed too late or never."""
    old, _ = premise.exchange(draw.index, draw.whole(9 * 60, 16 * 60), draw.whole(0, 300))
    late = draw.whole(2, 30)
    never = bool(draw.rng.random() < 0.5)
    old["removed_on"] = None if never else old["removed_on"] + timedelta(days=late)
    last = draw.span if never else min(draw.index + late, draw.span)
    return Effect(draw.index, last, 0.0, "two meters at one point in the file")


@fault("negative_register", cause="record_error", accepted=("misread",))
def negative_register(premise: Premise, draw: Draw) -> Effect:
    """One freeze is stored as a negative number."""
    wrong = -draw.whole(1, max(2, int(premise.ticks[draw.index])))
    wrong_kwh = (premise.ticks[draw.index] - wrong) / premise.ticks_per_kwh
    premise.ticks[draw.index] = wrong
    return Effect(draw.index, draw.index + 1, float(wrong_kwh) * premise.multiplier, "a negative register")


@fault("area_disagreement", cause="record_error")
def area_disagreement(premise: Premise, draw: Draw) -> Effect:
    """The installation names another area than the account."""
    others = premise.town.rows["areas"]["area_id"].to_list()
    others = [area for area in others if area != premise.account["area_id"]] or ["TQ9999"]
    premise.installations[-1]["area_id"] = str(draw.rng.choice(others))
    return Effect(
        draw.index, draw.span, 0.0, f"area {premise.installations[-1]['area_id']} in the installation file"
    )


@fault("meter_at_two_points", cause="record_error", scope="pair")
def meter_at_two_points(first: Premise, second: Premise, draw: Draw) -> Effect:
    """The file has one meter at two accounts at once: at the second as a further point."""
    account = str(second.account["account_id"])
    row = {**first.installations[-1], "account_id": account, "point_id": f"{account}-2"}
    second.installations.append({**row, "installed_on": second.day(draw.index)})
    counted_kwh = float(first.dial_wh[draw.index :].sum()) / 1000
    return Effect(
        draw.index, draw.span, counted_kwh * first.multiplier, f"meter {first.meter_id} at two accounts"
    )
