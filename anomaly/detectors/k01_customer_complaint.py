"""K01: the customer has asked."""

from __future__ import annotations

import numpy as np
import polars as pl

from anomaly.panel import Panel
from anomaly.registry import Detections, detections, detector, nothing


@detector(
    "K01",
    family="jump",
    unit="tickets",
    source="four-step verification procedure: a complaint is always answered with what was checked",
)
def customer_complaint(panel: Panel, *, window_days: int) -> Detections:
    """The customer has asked: a ticket of the account is open.

    Fires when an account has a ticket of the last `window_days`: once per account, from the day of the first such
    ticket to as-of, at its first metering point.
    Cannot see: who is right. It is no evidence for any cause; it makes sure that somebody looks and answers.
    """
    if not len(panel.tickets) or not panel.shape[1]:
        return nothing(panel)
    since = panel.dates(np.array([panel.shape[1]]))[0] - np.timedelta64(window_days, "D")
    of_account = panel.tickets.with_columns(account=panel.positions["account_id"].gather(panel.tickets["row"]))
    recent = of_account.filter(pl.col("at").dt.date() >= since).sort("account", "at", "ticket_id")
    told = recent.group_by("account", maintain_order=True).agg(
        pl.col("row").min(),
        pl.col("ticket_id").n_unique().alias("tickets"),
        pl.col("at").dt.date().min().alias("first_day"),
        pl.col("at").dt.date().last().alias("ticket_day"),
        pl.col("ticket_id").last(),
        pl.col("kind").last(),
        pl.col("urges").fill_null(0).max(),
    )
    first = told["first_day"].to_numpy().astype("datetime64[D]")
    return detections(
        panel,
        told["row"].to_numpy(),
        first,
        np.maximum(panel.dates(np.full(len(told), panel.shape[1])), first + np.timedelta64(1, "D")),
        measured=told["tickets"].to_numpy(),
        expected=0.0,
        limit=0.0,
        strength=told["tickets"].to_numpy() + told["urges"].to_numpy(),
        facts={
            "ticket_day": told["ticket_day"].to_numpy(),
            "ticket_id": told["ticket_id"].to_numpy(),
            "tickets_count": told["tickets"].to_numpy(),
            "urges_count": told["urges"].to_numpy(),
            "pattern": np.array([f"asked_{kind}" for kind in told["kind"]], dtype=object),
        },
    )
