"""The page to hand to a customer: why we check, what happens next, and the use of that home's own meter. Nobody else's.

What another home used, who lives there and what we suspect of it are not on the page, whatever the case says.
"""

from pathlib import Path

import polars as pl

from anomaly.errors import UsageError
from pipelines.output import Row, ScanOutput
from pipelines.report.chart import environment
from pipelines.report.edition import Edition, edition
from pipelines.report.evidence import spans_of
from pipelines.report.files import write_text
from pipelines.report.use_section import use_parts
from rules.model import Rulebook

_WHY = {
    "jump": "customer.why_jump",
    "cross_wiring": "customer.why_cross_wiring",
    "reading_error": "customer.why_reading_error",
    "grid": "customer.why_grid",
}


def write_customer_page(
    output: ScanOutput, account_id: str, target: Path, *, rules: Rulebook, lang: str = "en"
) -> Path:
    """Write the customer's page of one account to `target` and return it. Raises as `customer_html` does."""
    return write_text(target, customer_html(output, account_id, rules=rules, lang=lang))


def customer_html(output: ScanOutput, account_id: str, *, rules: Rulebook, lang: str = "en") -> str:
    """The page as text: no script, no request to anywhere.

    Raises UsageError where `account_id` is not an account with reads in this scan: a case may be about several homes,
    and the page is for one.
    """
    page = edition(lang, output.as_of, rules)
    series = output.series_of([account_id])
    if series.is_empty():
        raise UsageError(f"{account_id} is no account with a case in this scan", where=str(output.folder),
                         todo="a page for a customer needs the account number of that customer")  # fmt: skip
    cases = [case for case in output.find(account_id).cases if case["status"] == "open"]
    own = (pl.col("account_id") == account_id) | (pl.col("related_account_id") == account_id)
    findings = output.findings.filter(own & (pl.col("status") == "reported"))
    return environment().get_template("customer.html.j2").render(
        e=page, t=page.t, f=page.f, output=output, account=account_id, told=_told(cases, page),
        uses=use_parts(series, spans_of(findings), page),
    )  # fmt: skip


def _told(cases: list[Row], page: Edition) -> list[str]:
    """Sentences without jargon: why we check, what happens to the bill, who comes."""
    t = page.t
    if not cases:
        return [t("customer.nothing")]
    why = [t(_WHY[family]) for family in dict.fromkeys(case["family"] for case in cases)]
    hold, visit = (any(case[name] for case in cases) for name in ("hold_bill", "needs_visit"))
    return [
        *why,
        t("customer.hold" if hold else "customer.bill"),
        t("customer.visit" if visit else "customer.desk"),
        t("customer.correct"),
    ]
