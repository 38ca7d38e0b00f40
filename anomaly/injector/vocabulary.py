"""Names and types of the rows the injector writes, as CONTRACT.md §2 has them, and of its truth table."""

from collections.abc import Mapping

import polars as pl

from anomaly.vocabulary import QUALITIES

Columns = Mapping[str, pl.DataType | type[pl.DataType]]

VALID, ESTIMATED = QUALITIES.index("valid"), QUALITIES.index("estimated")
RATE_CHANNELS = ("import_t1", "import_t2", "import_t3", "import_t4")

READ_COLUMNS: Columns = {
    "meter_id": pl.String,
    "read_at": pl.Datetime("us"),
    "channel": pl.String,
    "register_kwh": pl.Float64,
    "quality": pl.String,
    "fold": pl.Int32,
}
INTERVAL_COLUMNS: Columns = {
    "meter_id": pl.String,
    "interval_start": pl.Datetime("us"),
    "minutes": pl.Int32,
    "kwh": pl.Float64,
    "channel": pl.String,
    "quality": pl.String,
    "fold": pl.Int32,
}
ELECTRICAL_COLUMNS: Columns = {
    "meter_id": pl.String,
    "read_at": pl.Datetime("us"),
    "phase": pl.String,
    "voltage_v": pl.Float64,
    "current_a": pl.Float64,
    "power_kw": pl.Float64,
}
EVENT_COLUMNS: Columns = {
    "meter_id": pl.String,
    "at": pl.Datetime("us"),
    "kind": pl.String,
    "detail": pl.String,
}
TICKET_COLUMNS: Columns = {
    "ticket_id": pl.String,
    "account_id": pl.String,
    "opened_at": pl.Datetime("us"),
    "kind": pl.String,
    "urges": pl.Int32,
    "related_ticket_id": pl.String,
    "text": pl.String,
}
TRUTH_COLUMNS: Columns = {
    "kind": pl.String,
    "cause": pl.String,
    "accepted": pl.List(pl.String),
    "innocent": pl.Boolean,
    "account_id": pl.String,
    "meter_id": pl.String,
    "related_account_id": pl.String,
    "start": pl.Date,
    "end": pl.Date,
    "kwh_wrong": pl.Float64,
    "note": pl.String,
}
