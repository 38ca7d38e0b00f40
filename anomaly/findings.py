"""Detections of one slice as rows of the findings table."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomaly.panel import Panel
from anomaly.registry import Detections, Detector

DECIMALS = 4
"""Published numbers are rounded, so that another order of addition gives the same file."""

SCHEMA = {
    "finding_id": pl.String, "code": pl.String, "family": pl.String, "account_id": pl.String,
    "meter_id": pl.String, "area_id": pl.String, "box_id": pl.String, "related_account_id": pl.String,
    "related_meter_id": pl.String, "channel": pl.String, "start": pl.Date, "end": pl.Date,
    "measured": pl.Float64, "expected": pl.Float64, "limit": pl.Float64, "unit": pl.String,
    "strength": pl.Float64, "kwh_at_stake": pl.Float64, "facts": pl.String, "suppressed_by": pl.String,
}  # fmt: skip


def findings_frame(
    panel: Panel,
    detector: Detector,
    found: Detections,
    explanation: NDArray[np.object_],
    *,
    onset_grid_days: int,
) -> pl.DataFrame:
    """The detections of one detector with accounts, meters, ids and facts (JSON); `explanation` names innocent ones."""
    if not len(found):
        return pl.DataFrame(schema=SCHEMA)
    own, other = _who(panel, found.position), _other(panel, found)
    columns: dict[str, Any] = {
        "code": [detector.code] * len(found),
        "family": [detector.family] * len(found),
        "account_id": own["account_id"],
        "meter_id": [None if name is None else str(name) for name in found.meter_id],
        "area_id": own["area_id"],
        "box_id": own["box_id"],
        "related_account_id": other["account_id"],
        "related_meter_id": other["meter_id"],
        "channel": [found.channel] * len(found),
        "start": found.start,
        # What begins on as-of itself still covers that day.
        "end": np.maximum(found.end, found.start + np.timedelta64(1, "D")),
        "measured": np.round(found.measured, DECIMALS),
        "expected": np.round(found.expected, DECIMALS),
        "limit": np.round(found.limit, DECIMALS),
        "unit": [detector.unit] * len(found),
        "strength": np.round(found.strength, DECIMALS),
        "kwh_at_stake": np.round(np.maximum(found.kwh_at_stake, 0.0), DECIMALS),
        "facts": facts_json(found),
        "suppressed_by": explanation.tolist(),
    }
    grid = onset_grid_days if detector.estimated_onset else 1
    frame = pl.DataFrame(columns, schema_overrides={k: v for k, v in SCHEMA.items() if k in columns})
    return frame.with_columns(finding_id=pl.Series(_ids(frame, grid), dtype=pl.String)).select(*SCHEMA)


def _who(panel: Panel, position: NDArray[np.int64]) -> pl.DataFrame:
    """Names behind position indices; nulls where the index is -1."""
    index = pl.Series(np.where(position >= 0, position, 0))
    known = pl.Series(position >= 0)
    names = panel.positions.select("account_id", "meter_id", "area_id", "box_id")
    if not len(names):
        return pl.DataFrame({name: [None] * len(position) for name in names.columns})
    return names[index].with_columns(pl.when(known).then(pl.all()).otherwise(None))


def _other(panel: Panel, found: Detections) -> pl.DataFrame:
    """Names of the other side: by position, or as the detector knows them where it may lie in another slice."""
    other = _who(panel, found.related)
    if found.related_account_id is None:
        return other
    known = pl.Series("known", found.related_account_id.tolist(), dtype=pl.String)
    meters = pl.Series("meter", found.meter_id.tolist(), dtype=pl.String)
    return other.with_columns(
        account_id=pl.coalesce("account_id", known),
        meter_id=pl.coalesce("meter_id", pl.when(known.is_not_null()).then(meters)),
    )


def _ids(frame: pl.DataFrame, grid_days: int) -> list[str]:
    """Hash of code, account, meter, related account, channel and start (on a fixed grid for estimated onsets)."""
    epoch_day = frame["start"].to_physical().to_numpy() // grid_days * grid_days
    keys = zip(
        frame["code"], frame["account_id"], frame["meter_id"], frame["related_account_id"], frame["channel"],
        epoch_day.tolist(), strict=True,
    )  # fmt: skip
    return [digest("|".join("" if part is None else str(part) for part in key)) for key in keys]


def digest(text: str) -> str:
    """A short stable id of a text."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def facts_json(found: Detections) -> list[str]:
    """The facts of each detection as a JSON object: numbers rounded, dates ISO, absent ones left out."""
    if not found.facts:
        return ["{}"] * len(found)
    names = list(found.facts)
    columns = [_plain(np.asarray(values)) for values in found.facts.values()]
    rows = zip(*columns, strict=True)
    return [
        json.dumps({n: v for n, v in zip(names, row, strict=True) if v is not None}, ensure_ascii=False)
        for row in rows
    ]


def _plain(values: NDArray[Any]) -> list[Any]:
    if values.dtype.kind == "M":
        return [None if np.isnat(value) else _iso(value) for value in values]
    if values.dtype.kind == "f":
        return [round(float(value), DECIMALS) if np.isfinite(value) else None for value in values]
    return [value.item() if isinstance(value, np.generic) else _text(value) for value in values]


def _iso(value: np.datetime64) -> str:
    moment: dt.datetime = value.astype("datetime64[s]").item()
    return moment.date().isoformat() if moment.time() == dt.time() else moment.isoformat(sep=" ")


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else value
