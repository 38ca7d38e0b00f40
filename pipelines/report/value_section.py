"""What a case's place in the list rests on, in words: the parts of its value, and why it stands above the next."""

from itertools import pairwise

from anomaly.vocabulary import VALUE_PARTS
from pipelines.output import Row
from pipelines.report.edition import Edition

UNSEEN_MONEY = 0.005
"""Less reads 0.00."""

LONE_LANES = ("safety", "exploration")
"""Lanes that need a word; being ranked by value is the rule."""


def value_lines(case: Row, page: Edition) -> list[str]:
    """The lane, where it is not the usual one, and the value of a case as a sum; nothing where none was kept."""
    lines = [page.t(f"value.lane_{case['lane']}")] if case.get("lane") in LONE_LANES else []
    if case.get("value_parts") is None:
        return lines
    return [*lines, page.t("value.worth", total=_money(case["priority"], page), parts=_sum(_amounts(case), page))]


def above_lines(cases: list[Row], page: Edition) -> list[str]:
    """One sentence per case but the last: why it stands above the next of the list; empty where no value was kept."""
    return [
        "" if case.get("value_parts") is None or other.get("value_parts") is None else _above(case, other, page)
        for case, other in pairwise(cases)
    ]


def _above(case: Row, other: Row, page: Edition) -> str:
    t, name = page.t, other["case_id"]
    lanes = (case.get("lane"), other.get("lane"))
    if lanes[0] != lanes[1]:
        return t("value.above_safety" if lanes[0] == "safety" else "value.above_drawn", case=name)
    if case["priority"] - other["priority"] < UNSEEN_MONEY:
        return t("value.above_equal", case=name)
    *first, last = _reasons(_amounts(case), _amounts(other), page)
    reasons = t("value.and").join([t("value.comma").join(first), last] if first else [last])
    return t("value.above", case=name, reasons=reasons)


def _reasons(mine: dict[str, float], theirs: dict[str, float], page: Edition) -> list[str]:
    """The fewest parts that make up the whole difference, the largest first."""
    more = {part: mine.get(part, 0.0) - theirs.get(part, 0.0) for part in VALUE_PARTS}
    missing = sum(more.values())
    reasons = []
    for part in sorted(more, key=lambda part: (-more[part], VALUE_PARTS.index(part))):
        if missing < UNSEEN_MONEY:
            break
        own, other = (_money(abs(amounts.get(part, 0.0)), page) for amounts in (mine, theirs))
        reasons.append(page.t(f"value.more_{part}", own=own, other=other))
        missing -= more[part]
    return reasons


def _sum(amounts: dict[str, float], page: Edition) -> str:
    """`a 120.00 + b 30.00 − c 2.00`."""
    told = ""
    for part, amount in amounts.items():
        if abs(amount) >= UNSEEN_MONEY:
            sign = " − " if amount < 0 else " + "
            told += f"{sign}{page.t(f'value.{part}')} {_money(abs(amount), page)}"
    return told.removeprefix(" + ").strip() or _money(0.0, page)


def _amounts(case: Row) -> dict[str, float]:
    return {one["part"]: one["amount"] for one in case["value_parts"] or []}


def _money(amount: float, page: Edition) -> str:
    return page.f.number(amount, 2)
