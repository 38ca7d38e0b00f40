"""The text of `kwhy rules [CODE]`: what a rule means, its numbers, and what becomes of a finding."""

from __future__ import annotations

from collections.abc import Sequence

from rules.model import CauseRule, DetectorRule, Limit, Requires, Rulebook

_NEEDED_CHANNELS = ("curve", "rates", "export", "electrical")
_WORDS = {
    "en": {
        "limits": "Limits",
        "needs": "Needs: {needs}.",
        "causes": "Speaks for (times likelier than when nothing is wrong)",
        "excluded": "The days it touches are kept out of jumps and baselines.",
        "london": "Flags {count:g} of 1,000 untouched London accounts in a year.",
        "unmeasured": "False alarms on untouched accounts: not measured yet.",
        "function": "How it works",
        "leading": "If the cause is: {title}",
        "step": "{number} {name}: {checks}",
        "step_1": "Verify",
        "step_2": "Query",
        "step_3": "Analyse",
        "step_4": "Advise",
        "reads": "at least {count} reads",
        "days": "at least {count} days of history",
        "share": "{share:.0%} real reads",
        "daily": "daily reads",
        "periodic": "monthly or two-monthly reads",
        "table": "table {name}",
        "curve": "a load curve",
        "rates": "rate registers",
        "export": "an export register",
        "electrical": "voltages or currents",
        "comma": ", ",
    },
    "zh": {
        "limits": "限值",
        "needs": "前提：{needs}。",
        "causes": "指向的原因（与无异常时相比的似然倍数）",
        "excluded": "涉及的日期不参与突变判断和基线计算。",
        "london": "在未改动的伦敦样本上，每千户每年标记 {count:g} 次。",
        "unmeasured": "在未改动样本上的误报率尚未测量。",
        "function": "判断方法（英文）",
        "leading": "若原因为：{title}",
        "step": "{number} {name}：{checks}",
        "step_1": "核实",
        "step_2": "查询",
        "step_3": "分析",
        "step_4": "建议",
        "reads": "至少 {count} 个示数",
        "days": "至少 {count} 天历史",
        "share": "实抄占比不低于 {share:.0%}",
        "daily": "按日抄表",
        "periodic": "按月或双月抄表",
        "table": "{name} 表",
        "curve": "负荷曲线",
        "rates": "分费率示数",
        "export": "反向示数",
        "electrical": "电压电流数据",
        "comma": "、",
    },
}


def rule_list(rulebook: Rulebook, lang: str) -> list[tuple[str, str, str]]:
    """Code, title and leading cause's title of every rule, in the order of the rulebook."""
    return [
        (rule.code, rule.title[lang], leading_cause(rulebook, rule).title[lang])
        for rule in rulebook.detectors.values()
    ]


def leading_cause(rulebook: Rulebook, rule: DetectorRule) -> CauseRule:
    """The most probable cause, `unknown` aside, where this finding is all that is known."""
    weight = rulebook.setting("tempering_weight")
    spoken_for = [cause for cause, ratio in rule.causes.items() if ratio > 1] or list(rule.causes)
    name = max(spoken_for, key=lambda cause: rulebook.causes[cause].prior * rule.causes[cause] ** weight)
    return rulebook.causes[name]


def explain_rule(rulebook: Rulebook, code: str, lang: str, documentation: str = "") -> str:
    """The whole story of one rule as plain text. `documentation` is the detector's docstring where known.

    Raises KeyError for an unknown code: the caller names the known ones.
    """
    rule = rulebook.detectors[code]
    words = _WORDS[lang]
    flags = rule.london_flags_per_1000
    blocks = [
        f"{code}  {rule.title[lang]}",
        rule.explain[lang],
        _needs(rule.requires, lang),
        _titled(words["limits"], [_limit(rulebook, n, v, lang) for n, v in rule.limits.items()]),
        _titled(words["causes"], _cause_lines(rulebook, rule, lang)),
        words["excluded"] if rule.excludes_days else "",
        words["unmeasured"] if flags is None else words["london"].format(count=flags),
        _procedure(rulebook, leading_cause(rulebook, rule), lang),
        _titled(words["function"], documentation.strip().splitlines()),
    ]
    return "\n\n".join(block for block in blocks if block)


def _titled(title: str, lines: Sequence[str]) -> str:
    """A title over indented lines; nothing where there are no lines."""
    return "\n".join([title, *(f"  {line}".rstrip() for line in lines)]) if lines else ""


def _limit(rulebook: Rulebook, name: str, limit: Limit, lang: str) -> str:
    values = limit.value if isinstance(limit.value, tuple) else (limit.value,)
    written = ", ".join(f"{value:g}" for value in values)
    unit = "" if limit.unit == "1" else f" {rulebook.unit(limit.unit, lang)}"
    return f"{name} = {written}{unit}  [{limit.source}]"


def _cause_lines(rulebook: Rulebook, rule: DetectorRule, lang: str) -> list[str]:
    ordered = sorted(rule.causes.items(), key=lambda pair: (-pair[1], pair[0]))
    return [f"×{ratio:,g}  {rulebook.causes[cause].title[lang]} ({cause})" for cause, ratio in ordered]


def _procedure(rulebook: Rulebook, cause: CauseRule, lang: str) -> str:
    words = _WORDS[lang]
    lines = [cause.explain[lang]]
    for number, names in enumerate(cause.steps, start=1):
        titles = words["comma"].join(rulebook.checks[name].title[lang] for name in names)
        lines.append(words["step"].format(number=number, name=words[f"step_{number}"], checks=titles))
    return _titled(words["leading"].format(title=cause.title[lang]), lines)


def _needs(requires: Requires, lang: str) -> str:
    words = _WORDS[lang]
    needs = [words["table"].format(name=table) for table in requires.tables]
    needs += [words[name] for name in _NEEDED_CHANNELS if getattr(requires, name)]
    if requires.frequency != "any":
        needs.append(words[requires.frequency])
    if requires.reads > 1:
        needs.append(words["reads"].format(count=requires.reads))
    if requires.days:
        needs.append(words["days"].format(count=requires.days))
    if requires.actual_share:
        needs.append(words["share"].format(share=requires.actual_share))
    return words["needs"].format(needs=words["comma"].join(needs)) if needs else ""
