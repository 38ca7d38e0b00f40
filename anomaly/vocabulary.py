"""The closed lists of words the contract's tables use. One place; everything else imports them from here."""

from __future__ import annotations

CHANNELS = ("import", "import_t1", "import_t2", "import_t3", "import_t4", "export")
"""`import` = delivered to the customer (OBIS 1.8.0); `import_t1`…`t4` = its rate registers; `export` =
received."""

QUALITIES = ("valid", "edited", "derived", "estimated", "questionable", "missing")
"""Best to worst. `missing` is the only quality that may come without a number."""

POINT_ROLES = ("add", "subtract", "check")
RELAYS = ("internal", "external", "none")
PHASES = ("A", "B", "C", "N")
CUSTOMER_CLASSES = ("residential", "commercial", "industrial", "agricultural", "public")
READ_FREQUENCIES = ("daily", "monthly", "bimonthly")
ACCOUNT_STATUSES = ("active", "vacant", "closed", "disconnected")
BILL_BASES = ("actual", "estimated")
TICKET_KINDS = ("sudden_increase", "meter_fault", "no_power", "wrong_account", "other")
OUTCOME_RESULTS = ("confirmed", "refuted", "inconclusive", "explained")
EVENT_KINDS = (
    "exchange",
    "disconnect",
    "reconnect",
    "outage_start",
    "outage_end",
    "clock_error",
    "voltage_loss",
    "phase_loss",
    "current_loss",
    "reverse_power",
    "neutral_imbalance",
    "cover_open",
    "program_change",
    "works",
)

FAMILIES = ("reading_error", "jump", "cross_wiring", "grid")
FINDING_STATUSES = ("reported", "suppressed")
CASE_STATUSES = ("open", "suppressed")
LANES = ("safety", "ranked", "exploration")
"""Where an open case stands in the list: danger first, then by value, then what was drawn by lot to learn from."""

VALUE_PARTS = (
    "money", "harm", "complaint", "urges", "sensitive", "doubled", "disconnection", "information", "visit",
)  # fmt: skip
"""What a case's priority is made of, in this order."""

TASK_KINDS = ("desk", "visit", "remote")
TASK_STATES = ("blocked", "open", "done", "void")
COVERAGE_STATUSES = ("evaluated", "insufficient_data", "not_applicable")
REBILL_BASES = ("named_day", "dated", "assumed_week", "static")
"""What the day of an exchange rests on: on record, read off the use, assumed within a week, or not known."""
CYCLE_DECISIONS = ("bill", "note", "hold", "reread")

_CAUSES_OF_FAMILY = {
    "reading_error": (
        "misread",
        "readings_exchanged",
        "register_rollback",
        "meter_stopped",
        "over_registration",
        "over_capacity",
        "wrong_multiplier",
        "exchange_record_error",
        "estimate_true_up",
        "missing_reads",
        "read_conflict",
        "rate_sum_mismatch",
        "interval_sum_mismatch",
        "clock_error",
        "reverse_energy",
        "record_error",
    ),
    "cross_wiring": ("swapped_pair", "partial_transfer", "wrong_area"),
    "jump": (
        "customer_use",
        "base_load",
        "weather",
        "billing_period",
        "tariff",
        "vacant_use",
        "occupied_zero",
        "unknown",
    ),
    "grid": ("voltage_or_current_loss", "outage"),
}

CAUSE_FAMILY = {cause: family for family, causes in _CAUSES_OF_FAMILY.items() for cause in causes}
"""cause → family; a case has the family of its leading cause."""

DEFAULT_CHANNEL = "import"
DEFAULT_QUALITY = "valid"
DEFAULT_POINT_ROLE = "add"
DEFAULT_MULTIPLIER = 1.0
DEFAULT_REGISTER_DIGITS = 6
DEFAULT_REGISTER_DECIMALS = 2
