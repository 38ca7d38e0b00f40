"""Column makers for the schemas: a dataframely column carries its type, whether its cells may be null, what
it means and, in `metadata`, what the reader of a book needs to know about it.

metadata: `required` (the column must be in the file) · `unit` · `default` (fills a missing column or cell) ·
`default_from` (the column whose value does) · `unknown` (of a closed list: `quarantine` the row, or `note`
it and read the cell as empty) · `null_if_missing` (null only where quality is `missing`) · `line_breaks` (a
cell may hold several lines of text).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dataframely as dy


def identifier(text: str, *, required: bool = False, default_from: str | None = None) -> dy.String:
    """Text that names a thing; leading zeros count."""
    return dy.String(
        nullable=not required, description=text, metadata=_about(required, default_from=default_from)
    )


def words(text: str, *, required: bool = False) -> dy.String:
    """Free text; may hold line breaks."""
    return dy.String(nullable=not required, description=text, metadata=_about(required, line_breaks=True))


def moment(text: str, *, required: bool = False) -> dy.Datetime:
    """A naive datetime in the utility's wall time, microseconds."""
    return dy.Datetime(nullable=not required, time_unit="us", description=text, metadata=_about(required))


def day(text: str, *, required: bool = False) -> dy.Date:
    """A calendar day in the utility's wall time."""
    return dy.Date(nullable=not required, description=text, metadata=_about(required))


def number(
    unit: str,
    text: str,
    *,
    required: bool = False,
    default: float | None = None,
    null_if_missing: bool = False,
) -> dy.Float64:
    """A finite number with its unit (`1` = none)."""
    nullable = null_if_missing or not (required or default is not None)
    about = _about(required, unit=unit, default=default, null_if_missing=null_if_missing or None)
    return dy.Float64(nullable=nullable, description=text, metadata=about)


def whole(unit: str, text: str, *, required: bool = False, default: int | None = None) -> dy.Int32:
    """A whole number with its unit (`1` = none)."""
    nullable = not (required or default is not None)
    return dy.Int32(
        nullable=nullable, description=text, metadata=_about(required, unit=unit, default=default)
    )


def fold() -> dy.Int8:
    """Which of the two passes of the repeated hour of a clock change: 0 or 1."""
    about = _about(False, default=0)
    return dy.Int8(
        min=0, max=1, description="0 or 1: which pass of the repeated hour of a clock change", metadata=about
    )


def yes_no(text: str, *, required: bool = False) -> dy.Bool:
    """True or false."""
    return dy.Bool(nullable=not required, description=text, metadata=_about(required))


def choice(
    values: Sequence[str],
    text: str,
    *,
    required: bool = False,
    default: str | None = None,
    unknown: str = "note",
) -> dy.Enum:
    """One word of a closed list."""
    nullable = not (required or default is not None)
    about = _about(required, default=default, unknown="quarantine" if required or default else unknown)
    return dy.Enum(values, nullable=nullable, description=text, metadata=about)


def _about(required: bool, **facts: Any) -> dict[str, Any]:
    return {"required": required, **{name: fact for name, fact in facts.items() if fact is not None}}
