"""The ledger of a case in words: what each check adds to the log-odds of its leading cause."""

from __future__ import annotations

import polars as pl

from rules.model import LANGUAGES, Rulebook


def told_ledger(rulebook: Rulebook) -> pl.Expr:
    """The column `ledger` with `text_en` and `text_zh` beside each entry: the prior explained, a code by its title."""
    prior = rulebook.wording["evidence"]["ledger_prior"].text
    titles = {code: rule.title for code, rule in rulebook.detectors.items()}
    code = pl.element().struct.field("code")
    texts = [
        code.replace_strict({name: title[lang] for name, title in titles.items()}, return_dtype=pl.String)
        .fill_null(prior[lang])
        .alias(f"text_{lang}")
        for lang in LANGUAGES
    ]
    return pl.col("ledger").list.eval(pl.element().struct.with_fields(*texts))
