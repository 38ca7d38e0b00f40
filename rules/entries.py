"""From one table of TOML to one dataclass, kind by kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from anomaly.vocabulary import FAMILIES
from rules.model import CauseRule, CheckRule, DetectorRule, Requires, Sentence, SuppressorRule
from rules.reading import Entry

WHERE = ("site", "desk", "remote")
FREQUENCIES = ("any", "daily", "periodic")
TABLES = (
    "register_reads",
    "interval_reads",
    "electrical_reads",
    "installations",
    "accounts",
    "areas",
    "events",
    "bills",
    "tickets",
    "outcomes",
    "polls",
    "weather",
    "holidays",
)
STEPS = ("1", "2", "3", "4")


def detector_rule(entry: Entry) -> DetectorRule:
    """The entry of one detector code."""
    causes = entry.entry("causes")
    measured = "london_flags_per_1000" in entry.content
    rule = DetectorRule(
        code=entry.name,
        title=entry.text("title"),
        explain=entry.text("explain"),
        causes=MappingProxyType({cause: causes.number(cause, 1e-6, 1e6) for cause in causes.content}),
        growth=_growth(entry),
        requires=_requires(entry.entry("requires")),
        excludes_days=entry.flag("excludes_days"),
        supporting=entry.flag("supporting", optional=True),
        safety=entry.flag("safety", optional=True),
        two_sided=entry.flag("two_sided", optional=True),
        london_flags_per_1000=entry.number("london_flags_per_1000", 0, 1e6) if measured else None,
        limits=entry.limits("limits"),
    )
    if not rule.causes:
        entry.problem("causes", "names no cause")
    if rule.two_sided and not rule.growth:
        entry.problem("two_sided", "needs a growth: without it no ratio shrinks")
    for cause in rule.growth:
        if rule.causes.get(cause, 0.0) <= 1:
            entry.problem("growth", f"{cause!r} is not a cause this finding speaks for")
    entry.finish()
    return rule


def _growth(entry: Entry) -> Mapping[str, float]:
    """Units above the limit per e-fold of a cause's ratio; empty when absent."""
    if "growth" not in entry.content:
        entry.taken.add("growth")
        return MappingProxyType({})
    growth = entry.entry("growth")
    return MappingProxyType({cause: growth.number(cause, 1e-6, 1e6) for cause in growth.content})


def _requires(entry: Entry) -> Requires:
    tables = entry.words("tables", optional=True)
    for table in tables:
        if table not in TABLES:
            entry.problem("tables", f"{table!r} is not a table of the book")
    given = entry.content
    requires = Requires(
        tables=tables,
        reads=int(entry.number("reads", 0, 1e6)) if "reads" in given else 0,
        days=int(entry.number("days", 0, 1e6)) if "days" in given else 0,
        actual_share=entry.number("actual_share", 0, 1) if "actual_share" in given else 0.0,
        curve=entry.flag("curve", optional=True),
        rates=entry.flag("rates", optional=True),
        export=entry.flag("export", optional=True),
        electrical=entry.flag("electrical", optional=True),
        frequency=entry.word("frequency", FREQUENCIES) if "frequency" in given else "any",
    )
    entry.taken.update(("reads", "days", "actual_share", "frequency"))
    entry.finish()
    return requires


def cause_rule(entry: Entry) -> CauseRule:
    """The entry of one cause."""
    rule = CauseRule(
        name=entry.name,
        title=entry.text("title"),
        explain=entry.text("explain"),
        family=entry.word("family", FAMILIES),
        prior=entry.number("prior", 1e-9, 1),
        settled_at=entry.word("settled_at", WHERE),
        hold_bill=entry.flag("hold_bill"),
        recovery=entry.number("recovery", 0, 1),
        harm=entry.number("harm", 0, 1e9),
        cannot_exclude=entry.words("cannot_exclude"),
        steps=_steps(entry.entry("steps")),
    )
    entry.finish()
    return rule


def _steps(entry: Entry) -> tuple[tuple[str, ...], ...]:
    steps = tuple(entry.words(step) for step in STEPS)
    for step, checks in zip(STEPS, steps, strict=True):
        if step in entry.content and not checks:
            entry.problem(step, "has no check")
    entry.finish()
    return steps


def check_rule(entry: Entry) -> CheckRule:
    """The entry of one check."""
    rule = CheckRule(
        name=entry.name,
        title=entry.text("title"),
        where=entry.word("where", WHERE),
        do=entry.text("do"),
        record=entry.text("record"),
        unit=entry.word("unit"),
        passes=entry.text("pass"),
        safety=entry.optional_text("safety"),
        tools=entry.optional_text("tools"),
    )
    entry.taken.update(("safety", "tools"))
    entry.finish()
    return rule


def suppressor_rule(entry: Entry) -> SuppressorRule:
    """The entry of one innocent explanation."""
    rule = SuppressorRule(entry.name, entry.text("title"), entry.text("explain"), entry.limits("limits"))
    entry.finish()
    return rule


def sentence(entry: Entry) -> Sentence:
    """The entry of one sentence: `facts`, `en`, `zh`."""
    facts = entry.words("facts", optional=True)
    return Sentence(entry.languages(), facts)
