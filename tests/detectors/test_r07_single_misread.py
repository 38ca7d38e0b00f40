"""R07: one read written down wrongly, told from what a register can really do."""

from __future__ import annotations

import numpy as np
import pytest

from tests.panels import panel, registers
from tests.reading_error_series import WEEK, daily, found, monthly, with_read

HOME = daily(start=4001.37)
TRUE = 4300.37
"""What `HOME` reads on the thirtieth day."""


@pytest.mark.parametrize(
    ("read_kwh", "operation", "digits"),
    [
        pytest.param(3400.37, "transposed", "3↔4", id="two digits exchanged"),
        pytest.param(4380.37, "wrong_digit", "8→0", id="one digit wrong, too high"),
        pytest.param(4200.37, "wrong_digit", "2→3", id="one digit wrong, too low"),
        pytest.param(400.37, "dropped_digit", "3", id="a digit left out"),
        pytest.param(44300.37, "doubled_digit", "44→4", id="a digit typed twice"),
        pytest.param(43003.7, "decimal_shift", "÷10", id="decimal point one place right"),
        pytest.param(430.03, "decimal_shift", "×10", id="decimal point one place left"),
        pytest.param(2619.47, "unclear", "", id="some other number"),
    ],
)
def test_a_slip_is_named_and_corrected(read_kwh: float, operation: str, digits: str) -> None:
    assert float(HOME[0, 30]) == pytest.approx(TRUE)
    one = found("R07", panel(with_read(HOME, 30, read_kwh)))
    assert len(one) == 1
    assert one.facts["operation"][0] == operation
    assert one.facts["digits_text"][0] == digits
    assert one.expected[0] == pytest.approx(TRUE, abs=0.1 if operation != "unclear" else 2.0)
    assert one.kwh_at_stake[0] == pytest.approx(abs(read_kwh - one.expected[0]))
    assert str(one.facts["read_day"][0]) == "2026-01-31"
    assert str(one.facts["back_day"][0]) == "2026-02-01"
    assert one.facts["pattern"][0] == "came_back"


@pytest.mark.parametrize(
    "register",
    [
        pytest.param(daily(scale=0.0), id="an empty home"),
        pytest.param(
            registers([WEEK[day % 7] + 90.0 * (day == 30) for day in range(60)]), id="one real day of 100 kWh"
        ),
        pytest.param(with_read(HOME, 30, TRUE + 5.0), id="off by less than a day's use"),
        pytest.param(HOME + 3000.0 * (np.arange(61) >= 30), id="a rise that stays"),
        pytest.param(np.where(np.arange(61) >= 30, HOME - 1234.0, HOME), id="a fall that stays"),
    ],
)
def test_what_the_register_confirms_is_no_slip(register: np.ndarray) -> None:
    assert len(found("R07", panel(register))) == 0


def test_the_last_read_fires_only_if_it_is_impossible_and_says_that_the_next_decides() -> None:
    short = HOME[:, :31]
    low = found("R07", panel(with_read(short, 30, 3400.37)))
    assert low.facts["pattern"].tolist() == ["next_read_decides"]
    assert np.isnat(low.facts["back_day"][0])
    assert len(found("R07", panel(with_read(short, 30, TRUE + 200.0)))) == 0
    beyond_rating = found("R07", panel(with_read(short, 30, 43003.7)))
    assert beyond_rating.facts["operation"].tolist() == ["decimal_shift"]


def test_a_reading_round_is_judged_like_a_daily_read() -> None:
    home = monthly()
    true = float(home[0, 150])
    one = found("R07", panel(with_read(home, 150, true + 3000.0), read_frequency="periodic"))
    assert one.facts["operation"].tolist() == ["wrong_digit"]
    assert one.expected[0] == pytest.approx(true)
    assert len(found("R07", panel(with_read(home, 150, true + 60.0), read_frequency="periodic"))) == 0


def test_the_likelihood_ratio_is_a_limit() -> None:
    one = panel(with_read(HOME, 30, 3400.37))
    ratio = float(np.exp(found("R07", one).strength[0]))
    assert len(found("R07", one, min_likelihood_ratio=ratio * 0.999)) == 1
    assert len(found("R07", one, min_likelihood_ratio=ratio * 1.001)) == 0


def test_the_curve_shows_a_slip_smaller_than_a_day() -> None:
    use = np.array([WEEK[day % 7] for day in range(60)])
    curve = np.repeat(use[None, :, None] / 48, 48, axis=2)
    slip = with_read(HOME, 30, TRUE + 4.0)
    assert len(found("R07", panel(slip))) == 0
    one = found("R07", panel(slip, curve=(30, [0], 0, curve)))
    assert one.expected.tolist() == pytest.approx([TRUE])
    assert len(found("R07", panel(HOME, curve=(30, [0], 0, curve)))) == 0


def test_a_made_up_read_is_not_misread() -> None:
    quality = np.zeros((1, 61), int)
    quality[0, 30] = 3
    assert len(found("R07", panel(with_read(HOME, 30, 4380.37), quality=quality))) == 0


def test_a_read_with_more_digits_than_the_dial_is_a_slip() -> None:
    one = found("R07", panel(with_read(HOME, 30, 443000.0), register_digits=5))
    assert len(one) == 1


def test_the_multiplier_counts_in_what_is_at_stake() -> None:
    one = found("R07", panel(with_read(HOME, 30, 4380.37), multiplier=40.0, max_amps=6.0, phases=3))
    assert one.kwh_at_stake.tolist() == pytest.approx([80.0 * 40])


def test_other_rows_do_not_matter() -> None:
    alone = found("R07", panel(with_read(HOME, 30, 3400.37)))
    both = found("R07", panel(np.concatenate([HOME + 7, with_read(HOME, 30, 3400.37)])))
    assert both.position.tolist() == [1]
    assert both.strength.tolist() == alone.strength.tolist()
