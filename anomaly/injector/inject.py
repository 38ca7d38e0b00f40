"""Put faults into a town, one per account, with the truth beside."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
import numpy.typing as npt
import polars as pl

from anomaly.injector.catalogue import KINDS
from anomaly.injector.premise import Premise
from anomaly.injector.registry import Draw, Effect, Fault, FaultKind
from anomaly.injector.town import BoolArray, Town
from anomaly.injector.vocabulary import TRUTH_COLUMNS

ACTIVE_KWH = 2.0
RECENT_DAYS = 100


def inject(town: Town, faults: Sequence[Fault], seed: int) -> tuple[Town, pl.DataFrame]:
    """A copy of the town with the faults in it, and the truth: what was known already, then a row per fault.

    Accounts and days not given are drawn among those that can carry the kind; no account gets two faults,
    and the draws of one fault do not depend on the others' magnitudes. Raises ValueError for an unknown
    kind, an unknown account, or when no free account can carry a fault.
    """
    changed = replace(town, dials=town.dials.copy())
    traits = traits_of(town)
    free = ~np.isin(town.accounts["account_id"].to_numpy(), used_accounts(town))
    premises: list[Premise] = []
    truth: list[dict[str, object]] = []
    for number, wanted in enumerate(faults):
        if wanted.kind not in KINDS:
            raise ValueError(f"there is no fault kind {wanted.kind!r}; known: {', '.join(sorted(KINDS))}")
        kind, rng = KINDS[wanted.kind], np.random.default_rng([seed, 1, number])
        rows = choose_rows(changed, kind, wanted, free, traits, rng)
        free[rows] = False
        affected = [open_premise(changed, row) for row in rows]
        draw = Draw(rng, choose_day(town, kind, wanted, rng), len(town.days))
        effect = kind.inject(affected, draw) if kind.scope == "area" else kind.inject(*affected, draw)
        premises.extend(affected)
        truth.extend(truth_row(kind, premise, other, effect) for premise, other in told_of(kind, affected))
    known = pl.concat([town.truth, pl.DataFrame(truth, schema=TRUTH_COLUMNS)])
    return close_premises(changed, premises, known), known


def used_accounts(town: Town) -> list[str]:
    """Accounts that already carry something."""
    return pl.concat([town.truth["account_id"], town.truth["related_account_id"]]).drop_nulls().to_list()


def traits_of(town: Town) -> dict[str, BoolArray]:
    """What each account is, [N] per trait: what fault kinds name in `needs`."""
    dials, accounts = town.dials, town.accounts
    periodic = (accounts["cycle_id"] == "PERIODIC").to_numpy()
    recent_reads = dials.present[:, -RECENT_DAYS:]
    curve = dials.curve_present.any(axis=(1, 2))
    recent_use = dials.use_wh[:, -RECENT_DAYS:]
    ct = (accounts["customer_class"] == "commercial").to_numpy()
    return {
        "daily": ~periodic & (recent_reads.mean(axis=1) > 0.95) & recent_reads[:, -10:].all(axis=1),
        "periodic": periodic,
        "curve": curve & (dials.curve_present.sum(axis=(1, 2)) > 0.95 * dials.curve_present[0].size),
        "no_curve": ~curve,
        "rates": dials.rate_shares.sum(axis=1) > 0,
        "no_rates": dials.rate_shares.sum(axis=1) == 0,
        "export": dials.has_export,
        "no_export": ~dials.has_export,
        "ct": ct,
        "plain": ~ct,
        "three_phase": first_phases(town) == 3,
        "active": (np.median(recent_use, axis=1) > ACTIVE_KWH * 1000) & ((recent_use < 100).mean(axis=1) < 0.02),
        "clock_change": curve & (town.clock_change is not None),
        "balanced": balanced_areas(town, periodic),
    }


def balanced_areas(town: Town, periodic: BoolArray) -> BoolArray:
    """Accounts of areas whose day is measured whole, beside another such area, [N]: nobody is read by hand."""
    by_hand = set(town.accounts["area_id"].to_numpy()[periodic].tolist())
    beside = dict(zip(town.rows["areas"]["area_id"], town.rows["areas"]["neighbours"], strict=True))
    whole = {
        area for area, others in beside.items()
        if area not in by_hand and set((others or "").split(";")) - by_hand - {""}
    }  # fmt: skip
    measured = town.supply_loss is not None
    return np.array([measured and area in whole for area in town.accounts["area_id"]])


def first_phases(town: Town) -> npt.NDArray[np.int64]:
    """Phases of each account's first meter, [N]."""
    first = town.rows["installations"].sort("installed_on").unique("account_id", keep="first", maintain_order=True)
    joined = town.accounts.select("account_id").join(first, on="account_id", how="left", maintain_order="left")
    return joined["phases"].to_numpy().astype(np.int64)


def choose_rows(
    town: Town,
    kind: FaultKind,
    wanted: Fault,
    free: BoolArray,
    traits: dict[str, BoolArray],
    rng: np.random.Generator,
) -> list[int]:
    """Positions the fault goes to: one, some of one box, two of two boxes, or the free ones of one area."""
    able = reduce(np.logical_and, [traits[name] for name in kind.needs], free)
    names = town.accounts["account_id"].to_numpy()
    if wanted.account_id is not None:
        if wanted.account_id not in names:
            raise ValueError(f"fault {wanted.kind}: account {wanted.account_id} is not in the town")
        able = able & (names == wanted.account_id) if kind.scope == "account" else able
    rows = np.flatnonzero(able)
    column = {"account": "account_id", "pair": "box_id", "ring": "box_id"}.get(kind.scope, "area_id")
    groups, boxes = town.accounts[column].to_numpy(), town.accounts["box_id"].to_numpy()
    if kind.scope != "account":
        counted = rows[np.unique(boxes[rows], return_index=True)[1]] if kind.scope == "across" else rows
        candidates, sizes = np.unique(groups[counted], return_counts=True)
        candidates = candidates[sizes >= max(kind.homes, 2)]
        if wanted.account_id is not None:
            candidates = candidates[candidates == groups[names == wanted.account_id][0]]
        rows = rows[groups[rows] == rng.choice(candidates)] if len(candidates) else rows[:0]
    if not len(rows):
        raise ValueError(f"no free account can carry {wanted.kind}: it needs {', '.join(kind.needs)} ({kind.scope})")
    if kind.scope == "area":
        return [int(row) for row in rows]
    if kind.scope == "across":
        first = int(rng.choice(rows))
        return [first, int(rng.choice(rows[boxes[rows] != boxes[first]]))]
    return [int(row) for row in rng.choice(rows, size=kind.homes, replace=False)]


def choose_day(town: Town, kind: FaultKind, wanted: Fault, rng: np.random.Generator) -> int:
    """Day index the fault begins at: in the window before as-of, with the room its kind needs around it."""
    span = len(town.days)
    latest = span - kind.tail_days
    earliest = max(kind.head_days, min(span - wanted.window_days, latest - 10))
    if "curve" in kind.needs:
        earliest = max(earliest, span - town.curve_days + 1)
    if wanted.start is not None:
        return int((np.datetime64(wanted.start, "D") - town.days[0]).astype(int))
    if latest <= earliest:
        raise ValueError(
            f"{wanted.kind} needs {kind.head_days} days before and {kind.tail_days} after; there are {span}"
        )
    return int(rng.integers(earliest, latest))


def open_premise(town: Town, row: int) -> Premise:
    """The premise at a position, with its own copies of its file rows."""
    account = town.accounts.row(row, named=True)
    installations = town.rows["installations"].filter(pl.col("account_id") == account["account_id"])
    return Premise(town, row, account, installations.sort("installed_on").to_dicts())


def told_of(kind: FaultKind, affected: list[Premise]) -> list[tuple[Premise, Premise | None]]:
    """Premises that get a row in the truth, each with its partner: a pair once, of a ring each with its source."""
    if kind.scope == "ring":
        return list(zip(affected, [*affected[1:], affected[0]], strict=True))
    if kind.scope in ("pair", "across"):
        first, second = sorted(affected, key=lambda premise: str(premise.account["account_id"]))
        return [(first, second)]
    return [(premise, None) for premise in affected]


def truth_row(kind: FaultKind, premise: Premise, other: Premise | None, effect: Effect) -> dict[str, object]:
    """One row of the truth."""
    return {
        "kind": kind.kind,
        "cause": kind.cause,
        "accepted": list(kind.accepted),
        "innocent": kind.innocent,
        "account_id": premise.account["account_id"],
        "meter_id": effect.meter_id or premise.meter_id,
        "related_account_id": other.account["account_id"] if other else None,
        "start": premise.day(effect.first),
        "end": premise.day(effect.last),
        "kwh_wrong": round(abs(effect.kwh_wrong), 3),
        "note": effect.note,
    }


def close_premises(town: Town, premises: list[Premise], truth: pl.DataFrame) -> Town:
    """The town with the premises' file rows in place of the old ones and their extra rows added."""
    touched = [premise.account["account_id"] for premise in premises]
    rows = dict(town.rows)
    accounts, installations = rows["accounts"], rows["installations"]
    written = pl.DataFrame([premise.account for premise in premises], schema=accounts.schema)
    rows["accounts"] = accounts.update(written, on="account_id", include_nulls=True)
    kept = installations.filter(~pl.col("account_id").is_in(touched))
    own = [row for premise in premises for row in premise.installations]
    rows["installations"] = pl.concat([kept, pl.DataFrame(own, schema=installations.schema)])
    for name in ("events", "tickets", "extra_reads", "extra_intervals", "electrical"):
        added = [row for premise in premises for row in getattr(premise, name)]
        rows[name] = pl.concat([rows[name], pl.DataFrame(added, schema=rows[name].schema)])
    fed = {str(one.account["account_id"]): one.fed_from for one in premises if one.fed_from is not None}
    return replace(town, rows=rows, truth=truth, fed_from={**town.fed_from, **fed})
