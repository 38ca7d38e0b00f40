"""Counting what a scan reads, so that nothing is lost: rows, reasons, and one hash of all accepted rows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pipelines.book import Validated

HASH_SEED = 20_13


@dataclass
class Tally:
    """Rows read, accepted and quarantined per table, and an order-independent fingerprint of the accepted ones."""

    counts: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    quarantined: list[pl.DataFrame] = field(default_factory=list)
    prints: dict[str, np.uint64] = field(default_factory=lambda: defaultdict(lambda: np.uint64(0)))

    def add(self, table: str, batch: Validated) -> None:
        """Count one validated batch."""
        self.count(
            table,
            read=len(batch.accepted) + len(batch.quarantined),
            accepted=len(batch.accepted),
            quarantined=len(batch.quarantined),
        )
        if len(batch.quarantined):
            self.quarantined.append(batch.quarantined)
        self.fingerprint(table, batch.accepted)

    def count(self, table: str, **numbers: int) -> None:
        """Add to the counters of one table."""
        for name, number in numbers.items():
            self.counts[table][name] += number

    def seen(self) -> frozenset[str]:
        """Tables with accepted rows dated up to as-of."""
        late = {table: numbers.get("after_as_of", 0) for table, numbers in self.counts.items()}
        return frozenset(table for table, numbers in self.counts.items() if numbers["accepted"] > late[table])

    def fingerprint(self, table: str, accepted: pl.DataFrame) -> None:
        """Add the hash of each row: a sum does not know in which order, or from which file, rows came."""
        if len(accepted):
            rows = accepted.hash_rows(HASH_SEED).to_numpy()
            with np.errstate(over="ignore"):
                self.prints[table] = self.prints[table] + rows.sum(dtype=np.uint64)

    def input_hash(self) -> str:
        """One hash over all tables read so far."""
        text = ";".join(f"{table}={int(self.prints[table]):016x}" for table in sorted(self.prints))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
