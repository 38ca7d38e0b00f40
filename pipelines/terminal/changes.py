"""The answer of `kwhy diff`: what changed between two scans, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipelines.differences import differences, run_differences
from pipelines.output import Row, open_output
from pipelines.report.edition import Edition, edition
from pipelines.terminal.printing import Answer, Prose, Shown, lines_table
from pipelines.terminal.words import words
from rules.rulebook import load

SHORT_HASH = 8


def diff_answer(earlier: Path, later: Path, lang: str) -> Answer:
    """One row per case and change; json holds what the runs differ in too. Raises OutputMissingError."""
    old, new = open_output(earlier), open_output(later)
    rows, runs = differences(old, new), run_differences(old, new)
    page = edition(lang, new.as_of, load())

    def people() -> Iterator[Shown]:
        t = words(lang)
        if runs:
            yield t("diff.run")
            for name, was, now in runs:
                yield "   " + t(f"diff.{name}", before=_short(name, was), after=_short(name, now))
        else:
            yield t("diff.same_runs")
        if rows.is_empty():
            yield t("diff.nothing")
            return
        yield t("diff.count", changes=len(rows), cases=rows["case_id"].n_unique())
        names = ("diff.change", "diff.account", "diff.story", "diff.from_to")
        table = lines_table(*zip((t(name) for name in names), ("left", "left", "fold", "fold"), strict=True))
        for row in rows.to_dicts():
            table.add_row(*_line(row, page))
        yield table

    document = {
        "runs": [{"name": name, "before": was, "after": now} for name, was, now in runs],
        "changes": rows.to_dicts(),
    }
    return Answer(rows, people, document)


def _short(name: str, value: str) -> str:
    """A hash is known by its beginning."""
    return value[:SHORT_HASH] if name == "input_hash" else value


def _line(row: Row, page: Edition) -> tuple[str, str, Prose, str]:
    t = words(page.lang)
    who = "\n".join([*(row[name] for name in ("account_id", "related_account_id") if row[name]), row["case_id"]])
    codes = page.comma.join(page.code(code) for code in row["codes"])
    reason = t("diff_why." + row["why"], codes=codes)
    story = f"{page.headline(row)}\n{reason}\n"
    return t(f"diff_change.{row['change']}"), who, Prose(story), _from_to(row, page)


def _from_to(row: Row, page: Edition) -> str:
    """Both states in words: causes and reasons by their titles, the rest as it stands."""
    t = words(page.lang)

    def named(value: str) -> str:
        if row["change"] == "cause":
            return page.cause(value)
        if row["change"] in ("bill", "visit"):
            yes, no = ("cases.hold", "cases.bill") if row["change"] == "bill" else ("cases.visit", "cases.desk")
            return t(yes if value == "true" else no)
        return page.suppressor(value)

    before, after = (named(row[name]) for name in ("before", "after"))
    return "\n".join([*([before] if before else []), *([f"→ {after}"] if after else [])])
