"""Breaking long lines for a terminal: between words or Chinese characters, under their own indentation."""

from __future__ import annotations

import re

from rich.cells import cell_len

_CHINESE = r"\u2e80-\u9fff\uff00-\uffef"
_OPENING, _CLOSING = "（《“「【", "，。；：、！？）》”」】%"
_TOKEN = re.compile(
    rf"\s+|[{_OPENING}]*(?:(?![{_OPENING}])[{_CHINESE}]|[^\s{_CHINESE}{_OPENING}]+)[{_CLOSING}]*|[{_OPENING}]+"
)
"""What stays on one line: spaces, a word or a Chinese character, with the points that cling to it."""
_HANGING = re.compile(r" *(?:[+−□] |\d+\. +|\d+  +|[A-Z]\d\d  +)?")
NARROWEST = 20


def wrapped(text: str, width: int) -> str:
    """The text with every line at most `width` cells wide where its words allow it."""
    return "\n".join(_line(line, width) for line in text.split("\n"))


def _line(line: str, width: int) -> str:
    if cell_len(line) <= width:
        return line
    hanging = _HANGING.match(line)
    indent = " " * (cell_len(hanging[0]) if hanging else 0)
    if width - len(indent) < NARROWEST:
        indent = ""
    done, current = [], hanging[0] if hanging else ""
    empty = True
    for token in _TOKEN.findall(line[len(current) :]):
        if cell_len(current) + cell_len(token) > width and not empty:
            done.append(current.rstrip())
            current, empty = indent, True
        if not (empty and token.isspace()):
            current, empty = current + token, False
    return "\n".join([*done, current.rstrip()])
