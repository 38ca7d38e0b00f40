"""The catalogue of what can be injected: one pure function per kind, registered by name."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

KINDS: dict[str, "FaultKind"] = {}


@dataclass(frozen=True)
class Fault:
    """An order for one fault. Account and day are drawn among those that can carry it, unless given."""

    kind: str
    account_id: str | None = None
    start: date | None = None
    window_days: int = 40


@dataclass(frozen=True)
class Draw:
    """What a fault function draws from: its own generator, the day index to begin at, the number of days."""

    rng: np.random.Generator
    index: int
    span: int

    def between(self, low: float, high: float) -> float:
        """A magnitude, log-uniform over a wide range."""
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self.rng.integers(low, high + 1))


@dataclass(frozen=True)
class Effect:
    """What a fault did, on days [first, last), with a note in words.

    `kwh_wrong` is energy recorded wrongly, after the multiplier; where use really changed, the change.
    """

    first: int
    last: int
    kwh_wrong: float
    note: str
    meter_id: str | None = None
    related_account_id: str | None = None


@dataclass(frozen=True)
class FaultKind:
    """A registered kind: the cause an investigator should name, and what an account needs to carry it.

    `cause` is None for innocents. `accepted` are further causes that the same rows support as well. `needs`
    names traits of `anomaly.injector.inject.traits_of`. `scope` is `account`, `pair` or `ring` (two or three
    of one box), `across` (two of one area, from two boxes) or `area`. `tail_days` is the least number of days
    from the start to as-of, `head_days` that before the start.
    """

    kind: str
    cause: str | None
    accepted: tuple[str, ...]
    needs: tuple[str, ...]
    scope: str
    tail_days: int
    head_days: int
    inject: Callable[..., Effect]

    @property
    def innocent(self) -> bool:
        """True for look-alikes that must not be accused."""
        return self.cause is None

    @property
    def homes(self) -> int:
        """How many accounts it takes; 1 for a whole area, whose accounts are not counted."""
        return {"pair": 2, "across": 2, "ring": 3}.get(self.scope, 1)


def fault(
    kind: str,
    *,
    cause: str | None,
    accepted: tuple[str, ...] = (),
    needs: tuple[str, ...] = ("daily",),
    scope: str = "account",
    tail_days: int = 4,
    head_days: int = 60,
) -> Callable[[Callable[..., Effect]], Callable[..., Effect]]:
    """Register a function under a kind; one function may serve several kinds.

    Raises ValueError when the kind is taken.
    """

    def register(function: Callable[..., Effect]) -> Callable[..., Effect]:
        if kind in KINDS:
            raise ValueError(f"fault kind {kind!r} is registered twice")
        every = (cause, *accepted) if cause else ()
        KINDS[kind] = FaultKind(kind, cause, every, needs, scope, tail_days, head_days, function)
        return function

    return register


def innocent(kind: str, **options: object) -> Callable[[Callable[..., Effect]], Callable[..., Effect]]:
    """Register a look-alike that is right as it stands."""
    return fault(kind, cause=None, **options)  # type: ignore[arg-type]
