"""Books at the edge of what may be: one read, ten years, everything later than as-of, numbers beyond reason."""

from __future__ import annotations

from typing import Any

from tests.scan_fixture import installed, instant, read, reads

ODD_BOOKS: dict[str, tuple[dict[str, Any], int]] = {
    "one-read": ({"register_reads": reads("M", [5]), "installations": [installed("M", "A")]}, 3),
    "one-account": (
        {"register_reads": reads("M", [float(at) for at in range(40)]), "installations": [installed("M", "A")]},
        39,
    ),
    "no-reads-at-all": ({"register_reads": reads("X", [1]), "installations": [installed("M", "A")]}, 3),
    "installed-without-reads": (
        {"register_reads": reads("M", [1, 2]), "installations": [installed("M", "A"), installed("N", "B")]},
        3,
    ),
    "all-after-as-of": ({"register_reads": reads("M", [1, 2]), "installations": [installed("M", "A", -9)]}, -3),
    "nothing-installed-yet": ({"register_reads": reads("M", [1, 2]), "installations": [installed("M", "A", 9)]}, 3),
    "only-monthly": (
        {
            "register_reads": [read("M", instant(30 * at, 10, 30), 900 + 200.0 * at) for at in range(14)],
            "installations": [installed("M", "A", -400)],
        },
        400,
    ),
    "ten-years": (
        {
            "register_reads": reads("M", [7.0 * at + at % 5 for at in range(3650)]),
            "installations": [installed("M", "A", -9)],
        },
        3649,
    ),
    "points": (
        {
            "register_reads": reads("M", [9.0 * at for at in range(9)])
            + reads("S", [4.0 * at for at in range(9)])
            + reads("C", [9.0 * at for at in range(9)]),
            "installations": [
                installed("M", "A", point_id="1"),
                installed("S", "A", point_id="2", point_role="subtract"),
                installed("C", "A", point_id="1", point_role="check"),
            ],
        },
        8,
    ),
    "swapped-in-the-file": (
        {
            "register_reads": reads("M", [3.0 * at for at in range(60)]) + reads("N", [9.0 * at for at in range(60)]),
            "installations": [
                installed("M", "A", -9, 30),
                installed("N", "A", 30),
                installed("N", "B", -9, 30),
                installed("M", "B", 30),
            ],
        },
        59,
    ),
    "absurd-numbers": (
        {
            "register_reads": reads("M", [1, 2, 1e300, 4, -5, 6.0])
            + reads("N", [0, 1, 2, 3, 4, 5])
            + reads("O", [0, 1, 2, 3, 4, 5]),
            "installations": [
                installed("M", "A", multiplier=0.0, register_decimals=0),
                installed("N", "B", multiplier=-1.0, register_decimals=4, register_digits=0),
                installed(
                    "O", "C", multiplier=1e15, register_decimals=99, register_digits=99, max_amps=0.0, rated_volts=-3.0
                ),
            ],
        },
        5,
    ),
    "supply-only": (
        {
            "register_reads": reads("S", [float(at) for at in range(40)]),
            "installations": [installed("S", None, area_id="T")],
        },
        39,
    ),
}
"""name → (tables, as-of day)."""
