"""End to end on a tiny town: each kind of reading error is found and named; no innocent is accused."""

import datetime as dt
from functools import cache

import polars as pl
import pytest

from anomaly.injector.catalogue import KINDS
from anomaly.vocabulary import CAUSE_FAMILY
from benchmarks.quality_judged import fresh, judged
from benchmarks.quality_towns import clean_town, rounds, scanned, with_faults
from pipelines.sample import load_sample

AS_OF = dt.date(2013, 11, 1)
ACCOUNTS = 180
SEED = 1
ERRORS = sorted(name for name, kind in KINDS.items() if CAUSE_FAMILY.get(kind.cause or "") == "reading_error")
INNOCENTS = sorted(name for name, kind in KINDS.items() if kind.innocent)


@cache
def outcomes() -> pl.DataFrame:
    """What became of one fault of each kind."""
    town = clean_town(load_sample(), SEED, AS_OF, ACCOUNTS)
    (before,) = scanned(town, AS_OF)
    told = []
    for number, kinds in enumerate(rounds([*ERRORS, *INNOCENTS], ACCOUNTS, SEED)):
        changed, truth, refused = with_faults(town, kinds, SEED + number)
        assert refused == []
        (after,) = scanned(changed, AS_OF)
        told.append(judged(truth, fresh(after, before), changed))
    return pl.concat(told)


@pytest.mark.parametrize("kind", ERRORS)
def test_a_reading_error_is_found_and_named(kind: str) -> None:
    (fault,) = outcomes().filter(pl.col("kind") == kind).to_dicts()
    assert fault["found"], fault["note"]
    assert fault["case_cause"] in fault["accepted"], f"{fault['codes']}: {fault['note']}"


@pytest.mark.parametrize("kind", INNOCENTS)
def test_an_innocent_is_not_accused(kind: str) -> None:
    told = outcomes().filter(pl.col("kind") == kind)
    assert len(told)
    assert told.filter("accused").select("case_cause", "codes", "note").to_dicts() == []
