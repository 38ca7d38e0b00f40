"""Columns of one length that are filtered together: what most rules pass from one step to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Columns:
    """Base of a dataclass whose fields are all arrays of one length K, or such dataclasses themselves."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def take(self, keep: NDArray[Any]) -> Self:
        """The entries chosen by a boolean mask or by indices, in that order."""
        chosen = {}
        for one in fields(self):
            values = getattr(self, one.name)
            chosen[one.name] = values.take(keep) if isinstance(values, Columns) else values[keep]
        return type(self)(**chosen)

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        """The entries of all parts (one at least) in that order, arrays only."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))
