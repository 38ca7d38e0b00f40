"""Whose voltage a meter follows: levels without what all areas share, correlations, and how much they prove.

Levels, not differences from hour to hour: meters give snapshots whose clocks are seconds apart, and what changes
within seconds differs between neighbours (methods.md §1.5: 100 % right from five days of levels, 95 % from fourteen
days of differences). NaN = not read; every function leaves such hours out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly.hourly import GROUPS
from anomaly.panel import Panel
from anomaly.statistics import quantised, row_median

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LEAST_SHARE = 0.5
"""A voltage below half of the usual is an outage or a lost phase and says nothing of where the meter hangs."""

LARGEST_Z = 5.0
SWEEPS = 10


def in_place_since(panel: Panel, row: Integers) -> NDArray[np.datetime64]:
    """Since when the meter last in place has hung at each position, at the earliest the panel's first day.

    A meter filed where it does not hang has been so since it was put up: that day does not move with the window.
    """
    index = panel.installation[row, -1]
    first = panel.installations["first_on"].to_numpy().astype("datetime64[D]")
    begin = panel.dates(np.zeros(len(row), np.int64))
    return np.where(index >= 0, np.maximum(first[np.maximum(index, 0)], begin), begin) if len(first) else begin


def per_unit(voltage_v: NDArray[np.float32]) -> Floats:
    """`[K, H]` share by which each voltage stands above or below the row's median; outages are absent."""
    volts = np.asarray(voltage_v, dtype=np.float64)
    usual = row_median(volts)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = volts / usual - 1.0
        return np.where(share > LEAST_SHARE - 1.0, share, np.nan)


def without(values: Floats, common: Floats) -> Floats:
    """`values[K, H]` minus level and its own loading of each of `common[C, H]`, fitted over the hours of each row."""
    known = np.isfinite(values) & np.isfinite(common).all(axis=0)
    basis = np.concatenate([np.ones((1, values.shape[1])), np.nan_to_num(common)])
    weight = known.astype(np.float64)
    size = len(basis)
    products = (basis[:, None] * basis[None]).reshape(size * size, -1)
    normal = (weight @ products.T).reshape(-1, size, size)
    scale = np.trace(normal, axis1=1, axis2=2)[:, None, None]
    normal += 1e-12 * np.maximum(scale, 1e-12) * np.eye(size)
    loading = np.linalg.solve(normal, (np.where(known, values, 0.0) @ basis.T)[:, :, None])[:, :, 0]
    return np.where(known, values - loading @ basis, np.nan)


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over hours from which correlations of rows with references follow; halves of a window add up."""

    count: Floats
    x: Floats
    y: Floats
    xx: Floats
    yy: Floats
    xy: Floats

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(mine + more for mine, more in zip(vars(self).values(), vars(other).values(), strict=True)))

    def fisher_z(self, least: float) -> Floats:
        """Fisher's z of the correlation, quantised; NaN with fewer than `least` common hours or without variance."""
        with np.errstate(invalid="ignore", divide="ignore"):
            over = self.xy - self.x * self.y / self.count
            below = (self.xx - self.x**2 / self.count) * (self.yy - self.y**2 / self.count)
            ratio = over / np.sqrt(np.where(below > 1e-24, below, np.nan))
            z = np.arctanh(np.clip(ratio, -np.tanh(LARGEST_Z), np.tanh(LARGEST_Z)))
        return np.where(self.count >= least, quantised(z), np.nan)

    def apart(self, least: float) -> Floats:
        """Variance of row minus reference over their common hours, levels aside; NaN with fewer than `least`."""
        with np.errstate(invalid="ignore", divide="ignore"):
            square = self.xx - 2 * self.xy + self.yy - (self.x - self.y) ** 2 / self.count
            return np.where(self.count >= least, np.maximum(square, 0.0) / self.count, np.nan)


def crossed(rows: Floats, references: Floats) -> Sums:
    """Sums of every one of `rows[K, H]` with every one of `references[R, H]`, `[K, R]`."""
    own, other = np.isfinite(rows).astype(np.float64), np.isfinite(references).astype(np.float64)
    x, y = np.nan_to_num(rows), np.nan_to_num(references)
    return Sums(own @ other.T, x @ other.T, own @ y.T, (x * x) @ other.T, own @ (y * y).T, x @ y.T)


def paired(rows: Floats, references: Floats) -> Sums:
    """Sums of each of `rows[K, H]` with its own one of `references[K, H]`, `[K]`."""
    known = np.isfinite(rows) & np.isfinite(references)
    x, y = np.where(known, rows, 0.0), np.where(known, references, 0.0)
    return Sums(known.sum(axis=1).astype(float), *(part.sum(axis=1) for part in (x, y, x * x, y * y, x * y)))


def effective_hours(rows: Floats) -> Floats:
    """`[K]` how many independent hours each row is worth: n(1 - φ)/(1 + φ), φ its correlation from hour to hour.

    Where hardly any two hours in a row were read, samples are hours apart: φ then counts from sample to sample.
    """
    count = np.isfinite(rows).sum(axis=1).astype(np.float64)
    steps = paired(rows[:, :-1], rows[:, 1:])
    apart = np.flatnonzero(steps.count < count / 2)
    phi = np.tanh(steps.fisher_z(3))
    if len(apart):
        packed = _packed(rows[apart])
        phi[apart] = np.tanh(paired(packed[:, :-1], packed[:, 1:]).fisher_z(3))
    phi = np.clip(np.nan_to_num(phi), 0.0, 0.98)
    return np.asarray(count * (1.0 - phi) / (1.0 + phi))


def _packed(rows: Floats) -> Floats:
    """Each row's samples moved to its front, in order."""
    order = np.argsort(np.isnan(rows), axis=1, kind="stable")
    return np.take_along_axis(rows, order, axis=1)


def group_means(rows: Floats, group: Integers, groups: int) -> tuple[Floats, Floats]:
    """Sum and count `[groups, H]` of the rows of each group; rows of group -1 are in none."""
    inside = np.flatnonzero(group >= 0)
    member = np.zeros((groups, len(inside)))
    member[group[inside], np.arange(len(inside))] = 1.0
    return member @ np.nan_to_num(rows[inside]), member @ np.isfinite(rows[inside]).astype(np.float64)


def mean_of(total: Floats, count: Floats) -> Floats:
    """total / count, NaN where nobody was counted."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count > 0.5, total / count, np.nan)


def others_mean(rows: Floats, group: Integers, total: Floats, count: Floats) -> Floats:
    """`[K, H]` mean of each row's own group without the row itself."""
    return mean_of(total[group] - np.nan_to_num(rows), count[group] - np.isfinite(rows))


def commons(references: Floats, areas: int, *, areas_per_common: int, most: int) -> Floats:
    """`[C, H]` what the references of several areas share: their mean, or more components of them if they are many.

    The phases of a whole feeder move apart by themselves, and each meter feels them in its own measure: with one
    component for every `areas_per_common` areas, `most` at most, what remains is an area's own.
    """
    known = np.isfinite(references).all(axis=1)
    if not known.any():
        return mean_of(np.nan_to_num(references).sum(axis=0), np.isfinite(references).sum(axis=0))[None]
    whole = references[known]
    number = min(most, areas // areas_per_common)
    if number < 2:
        return np.asarray(whole.mean(axis=0)[None])
    centred = whole - whole.mean(axis=1, keepdims=True)
    _value, vector = np.linalg.eigh(centred @ centred.T)
    return np.asarray(vector[:, ::-1][:, :number].T @ centred)


def voltage_groups(rows: Floats, phase: Integers, *, told_share: float) -> Integers:
    """`[K]` group of each meter of one area: the phases as filed, else three sets whose voltages move together.

    Phases are believed where `told_share` of the meters have one and not all the same: single-phase meters report
    "phase A" whatever they hang on.
    """
    told = phase >= 0
    if told.mean() >= told_share and len(np.unique(phase[told])) > 1:
        return np.where(told, phase, 0).astype(np.int64)
    groups = min(GROUPS, len(rows) // 4)
    if groups < 2:
        return np.zeros(len(rows), np.int64)
    total, count = group_means(rows, np.zeros(len(rows), np.int64), 1)
    own = np.nan_to_num(without(rows, mean_of(total, count)))
    return _sets(own / np.maximum(np.sqrt((own * own).sum(axis=1, keepdims=True)), 1e-12), groups)


def _sets(rows: Floats, groups: int) -> Integers:
    """Rows of unit length in sets around the most different ones; each row joins the set it follows without itself."""
    alike = np.round(rows @ rows.T, 6)
    centre = [int(np.argmax(np.round(np.abs(alike).mean(axis=1), 6)))]
    while len(centre) < groups:
        centre.append(int(np.argmin(alike[:, centre].max(axis=1))))
    member = np.argmax(alike[:, centre], axis=1)
    for _ in range(SWEEPS):
        inside = (member[:, None] == np.arange(groups)).astype(np.float64)
        size = np.sqrt(np.maximum(np.einsum("kg,kl,lg->g", inside, alike, inside), 1e-12))
        toward = alike @ inside
        own = toward[np.arange(len(rows)), member] - 1.0
        left = np.sqrt(np.maximum(size[member] ** 2 - 2 * own - 1.0, 1e-12))
        follows = toward / size
        follows[np.arange(len(rows)), member] = own / left
        moved = np.argmax(np.round(follows, 6), axis=1)
        if (moved == member).all():
            break
        member = moved
    return np.asarray(member, np.int64)
