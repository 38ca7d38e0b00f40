"""Lines broken for a terminal: between words and Chinese characters, never losing any."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipelines.terminal.wrapping import wrapped


@pytest.mark.parametrize(
    ("line", "width", "expected"),
    [
        pytest.param("short", 20, "short", id="fits"),
        pytest.param("one two three four five", 12, "one two\nthree four\nfive", id="words"),
        pytest.param(
            "   + evidence that goes on and on", 26, "   + evidence that goes on\n     and on", id="hanging"
        ),
        pytest.param(
            "12. headline that is far too long", 24, "12. headline that is far\n    too long", id="number"
        ),
        pytest.param("示数由大变小又恢复，抄错一位。", 20, "示数由大变小又恢复，\n抄错一位。", id="chinese"),
        pytest.param("改为小数点移位（×10）即可解释", 18, "改为小数点移位\n（×10）即可解释", id="bracket"),
        pytest.param("一二三四五六七八九十，末尾", 20, "一二三四五六七八九\n十，末尾", id="comma clings"),
        pytest.param("x" * 30, 20, "x" * 30, id="one long word stays whole"),
        pytest.param("first\n\nsecond", 20, "first\n\nsecond", id="lines stay lines"),
        pytest.param(
            "   R07  One read was misread badly", 30, "   R07  One read was misread\n        badly", id="code"
        ),
        pytest.param("20 more checks were left out", 24, "20 more checks were left\nout", id="plain"),
        pytest.param("", 20, "", id="nothing"),
    ],
)
def test_lines_are_broken_where_people_would(line: str, width: int, expected: str) -> None:
    assert wrapped(line, width) == expected


@given(st.text(alphabet="ab 12.，。（）电量表 +−", max_size=120), st.integers(24, 60))
def test_no_character_is_lost_and_no_line_too_wide(line: str, width: int) -> None:
    broken = wrapped(line, width)
    assert "".join(broken.split()) == "".join(line.split())
    longest_word = max((cell_len(word) for word in line.split()), default=0)
    if longest_word <= width // 2:
        assert all(cell_len(part) <= width for part in broken.split("\n"))
