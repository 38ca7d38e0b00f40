"""No reading-error rule fires on sound, short or empty panels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reading_error_series import NOTHING_TO_SEE, RULES, found

CODES = [code for code in RULES if code[0] in "QRT"]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", NOTHING_TO_SEE)
def test_silent(code: str, name: str) -> None:
    assert len(found(code, NOTHING_TO_SEE[name])) == 0


@pytest.mark.parametrize("code", CODES)
def test_every_limit_is_in_the_rulebook(code: str) -> None:
    numbers = found(code, NOTHING_TO_SEE["a sound home"])
    assert np.isfinite(numbers.limit).all()
