"""Why a period used more or less than its reference, as lines that add up: for the terminal and the evidence page."""

from dataclasses import dataclass

from pipelines.output import Row
from pipelines.report.edition import Edition

UNSEEN_KWH = 0.05
"""A smaller part is not shown: it would read 0.0."""

WITHIN_OWN = ("base", "night", "day")


@dataclass(frozen=True)
class Part:
    """One line: what it is, its energy with a sign, its uncertainty; `inner` parts are within the own change."""

    name: str
    kwh: str
    doubt: str
    inner: bool


@dataclass(frozen=True)
class Why:
    """The sentence that says what is held against what, and the parts of the difference."""

    sentence: str
    parts: list[Part]


def why(case: Row, page: Edition) -> Why | None:
    """The difference of a case taken apart; None where there was too little to compare."""
    told = case.get("why")
    if not told:
        return None
    t, f = page.t, page.f
    weather = any(one["part"] == "weather" and abs(one["kwh"]) >= UNSEEN_KWH for one in told["parts"])
    sentence = t(
        f"why.{told['basis']}",
        period=f.span(told["start"], told["end"]),
        reference=f.span(told["reference_start"], told["reference_end"]),
        delta=_signed(told["delta_kwh"], page),
    )
    parts = [
        Part(
            name=t("why.neighbourhood" if one["part"] == "cohort" and not weather else f"why.{one['part']}"),
            kwh=_signed(one["kwh"], page),
            doubt="" if one["sd_kwh"] is None else f"± {f.number(one['sd_kwh'], 1)}",
            inner=one["part"] in WITHIN_OWN,
        )
        for one in told["parts"]
        if abs(one["kwh"]) >= UNSEEN_KWH or one["part"] == "own"
    ]
    return Why(sentence, parts)


def _signed(kwh: float, page: Edition) -> str:
    return f"{'+' if kwh > 0 else ''}{page.f.number(kwh, 1)} kWh"
