"""The errors a person can act on: what is wrong, where it is, and what to do about it."""

from __future__ import annotations


class KwhyError(Exception):
    """The base of every error the program raises on purpose.

    `what` says what is wrong, `where` names the file, table or entry, `todo` says what to do. `exit_code`
    is what the command line ends with. Anything that is not a `KwhyError` is a bug and keeps its traceback.
    """

    exit_code: int = 4

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  → {self.todo}" if self.todo else head


class BookError(KwhyError):
    """The input breaks the contract: a table, a column or a whole file cannot be used."""


class RulebookError(KwhyError):
    """The rulebook is incomplete, contradictory or misspelt."""


class UsageError(KwhyError):
    """The command was called in a way it cannot follow."""

    exit_code = 2


class PartialError(KwhyError):
    """At least one whole source could not be read; the rest is done."""

    exit_code = 5


class LockedError(KwhyError):
    """Another run holds the lock of this output folder."""

    exit_code = 6
