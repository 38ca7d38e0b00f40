"""`kwhy calibrate`: priors and the tempering weight refitted from what checks found in cases of earlier scans."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from anomaly.diagnosis import CauseModel, cause_model, code_index, weigh
from anomaly.refit import Refitted, Settled, refit_outcomes
from pipelines.output import open_output
from rules.model import Rulebook

RESULTS = ("confirmed", "refuted")
"""Results that say something of a cause; `explained` and `inconclusive` do not."""

NO_SCAN, TOO_FEW, NO_BETTER = "no_scan", "too_few", "no_better"
"""Why nothing was refitted: no scan was named, too few cases are closed, or new numbers tell new cases no better."""


@dataclass(frozen=True)
class PriorLine:
    """One cause: its prior before and after, and how many checked cases confirmed it."""

    cause: str
    before: float
    after: float
    confirmed: int


@dataclass(frozen=True)
class OutcomeRefit:
    """What the outcomes say: of `outcomes` settled cases `cases` were found in the scans; `needed` are asked for.

    `why_not` is empty where something was refitted. `last` is the day of the latest decision.
    """

    outcomes: int
    cases: int
    confirmed: int
    needed: int
    why_not: str
    last: dt.date | None = None
    lines: tuple[PriorLine, ...] = ()
    tempering_before: float = float("nan")
    tempering_after: float = float("nan")
    loss_before: float = float("nan")
    loss_after: float = float("nan")


def outcome_refit(outcomes: pl.DataFrame, scans: Sequence[Path], rulebook: Rulebook) -> OutcomeRefit:
    """Refit priors and tempering from settled cases of `scans` (output folders), or say why not.

    Nothing is refitted below `calibrate_min_cases` cases, nor where cases that were not fitted to are told no better.
    Raises OutputMissingError, OutputBrokenError or OutputNewerError for a folder that is no scan.
    """
    needed = int(rulebook.setting("calibrate_min_cases"))
    settled = settled_outcomes(outcomes, rulebook)
    if not scans:
        return OutcomeRefit(len(settled), 0, 0, needed, NO_SCAN)
    model = untempered(rulebook)
    found = joined(settled, scans, model)
    confirmed = int(found["result"].eq("confirmed").sum())
    counts = {"outcomes": len(settled), "cases": len(found), "confirmed": confirmed, "needed": needed}
    last = found["decided_on"].max()
    if len(found) < needed or not isinstance(last, dt.date):
        return OutcomeRefit(**counts, why_not=TOO_FEW)
    prior = np.exp(model.log_prior)
    tempering = rulebook.setting("tempering_weight")
    fitted = refit_outcomes(
        _evidence(found, model), prior, tempering, unknown=model.unknown,
        prior_cases=rulebook.setting("calibrate_prior_cases"), folds=int(rulebook.setting("calibrate_folds")),
    )  # fmt: skip
    return OutcomeRefit(
        **counts,
        why_not="" if fitted.is_better else NO_BETTER,
        last=last,
        lines=_lines(found, model, prior, fitted),
        tempering_before=tempering,
        tempering_after=fitted.tempering,
        loss_before=fitted.loss_before,
        loss_after=fitted.loss_after,
    )


def settled_outcomes(outcomes: pl.DataFrame, rulebook: Rulebook) -> pl.DataFrame:
    """The latest confirmed or refuted outcome of each case, about a cause the rulebook has; confirmed on a tie."""
    told = outcomes.filter(pl.col("result").is_in(RESULTS) & pl.col("cause").is_in(list(rulebook.causes)))
    ordered = told.select("case_id", "cause", "result", "decided_on").sort(
        "case_id", "decided_on", "result", "cause", descending=[False, True, False, False]
    )
    return ordered.unique("case_id", keep="first", maintain_order=True)


def untempered(rulebook: Rulebook) -> CauseModel:
    """The rulebook's priors and likelihood ratios, each counted in full."""
    return cause_model(
        {name: rule.prior for name, rule in rulebook.causes.items()},
        {code: rule.causes for code, rule in rulebook.detectors.items()},
        {code: rule.growth for code, rule in rulebook.detectors.items()},
        tempering=1.0,
        two_sided=[code for code, rule in rulebook.detectors.items() if rule.two_sided],
    )


def joined(settled: pl.DataFrame, scans: Sequence[Path], model: CauseModel) -> pl.DataFrame:
    """Settled cases with their `evidence` (list of code, measured, limit) as the scan before the decision saw it.

    Of several scans with the case the last one as of the decision or earlier counts, else the first one after it.
    """
    parts = []
    for folder in scans:
        output = open_output(folder)
        told = output.findings.filter(pl.col("code").is_in(model.codes)).with_columns(
            open=(pl.col("status") == "reported").any().over("case_id")
        )
        speaking = told.filter((pl.col("status") == "reported") | ~pl.col("open")).sort("finding_id")
        evidence = speaking.group_by("case_id").agg(evidence=pl.struct("code", "measured", "limit"))
        parts.append(evidence.with_columns(as_of=pl.lit(output.as_of), run_id=pl.lit(str(output.run["run_id"]))))
    both = settled.join(pl.concat(parts), on="case_id").with_columns(late=pl.col("as_of") > pl.col("decided_on"))
    distance = (pl.col("as_of") - pl.col("decided_on")).dt.total_days().abs()
    nearest = both.sort("case_id", "late", distance, "run_id").unique("case_id", keep="first", maintain_order=True)
    return nearest.sort("case_id")


def _evidence(found: pl.DataFrame, model: CauseModel) -> Settled:
    """The evidence of each case, summed over its codes."""
    rows = found.with_row_index("case").explode("evidence").unnest("evidence")
    excess = (rows["measured"] - rows["limit"]).to_numpy()
    case, code = rows["case"].to_numpy().astype(np.int64), code_index(model, rows["code"])
    weighed = weigh(model, case, code, excess, len(found))
    ratio = np.zeros(weighed.probability.shape)
    np.add.at(ratio, weighed.case, weighed.log_ratio)
    index = {name: at for at, name in enumerate(model.causes)}
    cause = found["cause"].replace_strict(index, return_dtype=pl.Int64).to_numpy()
    return Settled(ratio, weighed.raised, cause, found["result"].eq("confirmed").to_numpy())


def _lines(found: pl.DataFrame, model: CauseModel, prior: np.ndarray, fitted: Refitted) -> tuple[PriorLine, ...]:
    confirmed = found.filter(pl.col("result") == "confirmed")["cause"].value_counts()
    count = dict(zip(confirmed["cause"], confirmed["count"], strict=True))
    return tuple(
        PriorLine(name, float(round(prior[at], 9)), float(f"{fitted.prior[at]:.3g}"), int(count.get(name, 0)))
        for at, name in enumerate(model.causes)
        if name != model.causes[model.unknown]
    )


def overlay_entries(found: OutcomeRefit | None, input_hash: str) -> list[str]:
    """The overlay's lines for priors and tempering; none where nothing was refitted."""
    if found is None or found.why_not:
        return []
    source = (
        f"kwhy calibrate: book {input_hash}, {found.cases} settled cases up to {found.last}, log-loss on cases not "
        f"fitted to {found.loss_before:.4f} before, {found.loss_after:.4f} after; before: {found.tempering_before:g}"
    )
    entries = [
        "",
        f"# Priors and tempering refitted from {found.cases} settled cases, {found.confirmed} of them confirmed.",
        "[setting]",
        f'tempering_weight = {{ value = {found.tempering_after:g}, unit = "1", source = "{source}" }}',
    ]
    for line in found.lines:
        note = f"# before: {line.before:g}; confirmed in {line.confirmed} cases"
        entries += ["", f"[cause.{line.cause}]", f"prior = {line.after!r}  {note}"]
    return entries
