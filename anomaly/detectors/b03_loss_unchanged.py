"""B03: a meter changed for good and the loss of its area did not: the energy is really used."""

from __future__ import annotations

from anomaly.loss_change import UNCHANGED, LossTest, judge_changes
from anomaly.loss_findings import told, undecided
from anomaly.panel import Panel
from anomaly.registry import Detections, detector, nothing


@detector(
    "B03",
    family="cross_wiring",
    unit="kWh/d",
    source="domain.md §4: conservation of energy between supply meter and customers' meters",
    estimated_onset=True,
    unjudged=undecided,
)
def loss_unchanged(
    panel: Panel,
    *,
    window_days: int,
    margin_days: int,
    min_days: int,
    outlier_mads: float,
    slope_share: float,
    least_noise_share: float,
    drift_share: float,
    noise_multiple: float,
    fit_multiple: float,
    min_nats: float,
) -> Detections:
    """A meter changed for good and the loss of its area did not: the energy is really used.

    Every lasting change that other rules found is held against the area's loss over `window_days` before and after,
    the `margin_days` next to it left out.

    Fires when the change is at least `noise_multiple` times the noise of the loss, and "the loss stayed" is likelier
    by `min_nats` than "the loss changed by as much the other way". It speaks for new use, and just as much for an
    exchange of two homes inside the area: the area as a whole used the same.
    Cannot see: whether the energy is used by this customer or by a neighbour of the same area; changes below twice
    the noise of the loss, which are told as undecidable.
    """
    if panel.balance is None:
        return nothing(panel)
    test = LossTest(
        window_days, margin_days, min_days, outlier_mads, slope_share, least_noise_share, drift_share, noise_multiple,
        fit_multiple, min_nats,
    )  # fmt: skip
    return told(panel, judge_changes(panel, panel.balance, test), UNCHANGED, test)
