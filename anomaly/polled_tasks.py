"""Whose load-on test a task id stands for: ids are hashes, so the accounts that were polled are tried one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import combinations, product

from anomaly.cases import case_id_of
from anomaly.tasks import STEPS, task_id_of
from anomaly.vocabulary import FAMILIES

MOST_ACCOUNTS = 64
"""Of more polled accounts no pairs are tried: a task is about homes of one box, or of one small area."""

TEST_STEPS = STEPS[:2]
"""A load-on test is asked for on site (step 1) or among the queries (step 2)."""


def months_back(last: dt.date, days: int) -> tuple[str, ...]:
    """`YYYY-MM` of `last` and of every month that begins within the `days` before it, the latest first."""
    first = last - dt.timedelta(days=days)
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    places = [last.year * 12 + last.month - 1 - back for back in range(count)]
    return tuple(f"{place // 12:04d}-{place % 12 + 1:02d}" for place in places)


def parties_of(task_id: str, accounts: Sequence[str], months: Sequence[str]) -> tuple[str, str | None] | None:
    """(account_id, related account or None) of the case whose task this is, None where nobody of `accounts` fits.

    Pairs and single accounts are tried with every family and month a case may have been of; a case id is a hash of
    these (anomaly/cases.py), a task id one of case and step.
    """
    known = sorted(set(accounts))
    parties: list[tuple[str, str | None]] = [(one, None) for one in known]
    if len(known) <= MOST_ACCOUNTS:
        parties = [*combinations(known, 2), *parties]
    for month, family, (account, related) in product(months, sorted(FAMILIES), parties):
        case_id = case_id_of(family, account, related, month)
        if any(task_id_of(case_id, step) == task_id for step in TEST_STEPS):
            return account, related
    return None
