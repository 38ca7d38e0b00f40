"""Whether the entries of the rulebook agree with each other, with the contract and with the detectors."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from anomaly.vocabulary import CAUSE_FAMILY
from rules.model import CauseRule, CheckRule, DetectorRule, Rulebook, Sentence
from rules.reading import Problems, suggestion
from rules.wording import COMMON_FACTS, SPAN, TERM_SECTIONS, placeholders, suffix_of

Registry = Mapping[str, Collection[str]]


def check_agreement(rulebook: Rulebook, registry: Registry | None, problems: Problems) -> None:
    """Note everything that does not fit together. `registry` maps each code to its parameter names."""
    for detector in rulebook.detectors.values():
        _check_detector(detector, rulebook, problems)
    for cause in rulebook.causes.values():
        _check_cause(cause, rulebook, problems)
    _check_closed_lists(rulebook, problems)
    for section, sentences in rulebook.wording.items():
        for key, sentence in sentences.items():
            _check_sentence((section, key), sentence, problems)
    _check_due_days(rulebook, problems)
    if registry is not None:
        _check_registry(rulebook, registry, problems)


def _check_detector(detector: DetectorRule, rulebook: Rulebook, problems: Problems) -> None:
    path = ("detector", detector.code)
    for cause in detector.causes:
        if cause not in rulebook.causes:
            problems.add((*path, "causes", cause), f"unknown cause{suggestion(cause, rulebook.causes)}")
    if detector.code not in rulebook.wording["headline"]:
        problems.add(("headline", detector.code), "is missing")


def _check_cause(cause: CauseRule, rulebook: Rulebook, problems: Problems) -> None:
    path = ("cause", cause.name)
    for other in cause.cannot_exclude:
        if other not in rulebook.causes or other == cause.name:
            problems.add(
                (*path, "cannot_exclude"),
                f"{other!r} is not another cause{suggestion(other, rulebook.causes)}",
            )
    for number, names in enumerate(cause.steps, start=1):
        for name in names:
            if name not in rulebook.checks:
                problems.add(
                    (*path, "steps", str(number)),
                    f"unknown check {name!r}{suggestion(name, rulebook.checks)}",
                )
    _check_places(cause, rulebook.checks, problems)


def _check_places(cause: CauseRule, checks: Mapping[str, CheckRule], problems: Problems) -> None:
    """Step 1 holds a check of the kind that settles the cause; nobody is sent out after step 1."""
    places = [{checks[name].where for name in names if name in checks} for names in cause.steps]
    path = ("cause", cause.name, "steps")
    if cause.settled_at == "site" and "site" not in places[0]:
        problems.add((*path, "1"), "has no check on site although the cause is settled there")
    if cause.settled_at != "site" and not places[0] & {"desk", "remote"}:
        problems.add(
            (*path, "1"), f"has no check without a visit although the cause is settled at {cause.settled_at}"
        )
    for number, where in enumerate(places[1:], start=2):
        if "site" in where:
            problems.add((*path, str(number)), "sends somebody out; only step 1 is done on site")


def _check_closed_lists(rulebook: Rulebook, problems: Problems) -> None:
    for cause, family in CAUSE_FAMILY.items():
        if cause not in rulebook.causes:
            problems.add(("cause", cause), "is missing")
        elif rulebook.causes[cause].family != family:
            problems.add(("cause", cause, "family"), f"must be {family}")
    for cause in rulebook.causes:
        if cause not in CAUSE_FAMILY:
            problems.add(("cause", cause), f"unknown cause{suggestion(cause, CAUSE_FAMILY)}")
    used = {name for cause in rulebook.causes.values() for names in cause.steps for name in names}
    for name in rulebook.checks:
        if name not in used:
            problems.add(("check", name), "no cause calls for it")
    for code in rulebook.wording["headline"]:
        if code not in rulebook.detectors:
            problems.add(("headline", code), f"unknown detector{suggestion(code, rulebook.detectors)}")


def _check_due_days(rulebook: Rulebook, problems: Problems) -> None:
    names = [f"due_step_{step}_working_days" for step in (1, 2, 3, 4)]
    due = [rulebook.settings[name].value if name in rulebook.settings else None for name in names]
    for name, before, after in zip(names[1:], due, due[1:], strict=False):
        if isinstance(before, (int, float)) and isinstance(after, (int, float)) and after < before:
            problems.add(
                ("setting", name), f"{after:g} days is earlier than the step before ({before:g} days)"
            )


def _check_sentence(path: tuple[str, str], sentence: Sentence, problems: Problems) -> None:
    names: dict[str, set[str]] = {}
    for lang, template in sentence.text.items():
        try:
            formats = placeholders(template)
        except ValueError as error:
            problems.add((*path, lang), f"cannot be read: {error}")
            return
        names[lang] = set(formats)
        for name, spec in formats.items():
            problem = _placeholder_problem(name, spec, sentence.facts)
            if problem:
                problems.add((*path, lang), f"placeholder {name!r} {problem}")
    if names["en"] != names["zh"]:
        differing = ", ".join(sorted(names["en"] ^ names["zh"]))
        problems.add(path, f"en and zh do not name the same facts: {differing}")


def _placeholder_problem(name: str, spec: str, facts: Collection[str]) -> str:
    if name == SPAN:
        return ""
    if name not in facts and name not in COMMON_FACTS:
        return f"is not among the facts{suggestion(name, (*facts, *COMMON_FACTS))}"
    if name not in TERM_SECTIONS and suffix_of(name) is None:
        return "has no unit at its end"
    if spec and not (spec.isdigit() or spec.count("|") == 1):
        return f"has an unknown format {spec!r}"
    return ""


def _check_registry(rulebook: Rulebook, registry: Registry, problems: Problems) -> None:
    for code in registry:
        if code not in rulebook.detectors:
            problems.add(("detector", code), "is missing: the detector is registered")
    for code, detector in rulebook.detectors.items():
        path = ("detector", code)
        if code not in registry:
            problems.add(path, f"no such detector is registered{suggestion(code, registry)}")
            continue
        for name in set(registry[code]) - set(detector.limits):
            problems.add((*path, "limits", name), "is missing: the detector takes it")
        for name in set(detector.limits) - set(registry[code]):
            problems.add(
                (*path, "limits", name), f"the detector does not take it{suggestion(name, registry[code])}"
            )
