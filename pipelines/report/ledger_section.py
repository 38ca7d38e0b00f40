"""The ledger of a case in a few lines: what was likely before, what each check added, what the odds are now."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipelines.output import Row
from pipelines.report.edition import Edition

WHOLE_ODDS_FROM = 10.0


@dataclass(frozen=True)
class LedgerPart:
    """Entries (nats, code or nothing, text), their sum and its odds; what is asked, and how each entry counts."""

    rows: list[tuple[str, str, str]]
    total: str
    odds: str
    question: str
    weight: str


def ledger_part(case: Row, edition: Edition) -> LedgerPart | None:
    """The ledger of a case; None where no named cause was weighed."""
    entries = case["ledger"] or []
    if not entries:
        return None
    t = edition.t
    total = sum(entry["log_odds"] for entry in entries)
    weight = edition.rules.setting("tempering_weight")
    odds = math.exp(min(abs(total), 50.0))
    number = edition.f.number(odds, 0 if odds >= WHOLE_ODDS_FROM else 1)
    names = {"cause": edition.cause(entries[0]["cause"]), "unknown": edition.cause("unknown")}
    text = f"text_{edition.lang}"
    return LedgerPart(
        [(_signed(entry["log_odds"], edition), entry["code"] or "", entry[text]) for entry in entries],
        _signed(total, edition),
        t("ledger.odds_for" if total >= 0 else "ledger.odds_against", odds=number),
        t("ledger.question", **names),
        t("ledger.weight", weight=edition.f.number(weight, 2)),
    )


def _signed(nats: float, edition: Edition) -> str:
    text = edition.f.number(nats, 1)
    return text if nats < 0 and text[0] not in "0123456789" else f"+{text}"
