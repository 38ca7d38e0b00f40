"""B04: a meter counts more since a day, and the loss of its area fell by as much: it is not the use that changed."""

from __future__ import annotations

from anomaly.loss_change import FELL, LossTest, judge_changes
from anomaly.loss_findings import told, undecided
from anomaly.panel import Panel
from anomaly.registry import Detections, detector, nothing


@detector(
    "B04",
    family="cross_wiring",
    unit="kWh/d",
    source="domain.md §4: conservation of energy between supply meter and customers' meters",
    estimated_onset=True,
    unjudged=undecided,
)
def loss_fell(
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
    """A meter counts more since a day, and the loss of its area fell by as much: it is not the use that changed.

    Judged as in B03. A meter that counts less, with a loss that rises by as much, is told too: then energy is used and
    no longer counted, or what was counted too much no longer is.

    Fires when the change is at least `noise_multiple` times the noise of the loss, and "the loss changed by as much
    the other way" (give or take what a home changes by itself, `drift_share`) is likelier by `min_nats` than "the loss
    stayed", and no area next door took the other side (that is B05).
    Cannot see: which of meter, multiplier or file is wrong; changes below twice the noise of the loss; an exchange
    with a home of an area that has no supply meter, which looks the same.
    """
    if panel.balance is None:
        return nothing(panel)
    test = LossTest(
        window_days, margin_days, min_days, outlier_mads, slope_share, least_noise_share, drift_share, noise_multiple,
        fit_multiple, min_nats,
    )  # fmt: skip
    return told(panel, judge_changes(panel, panel.balance, test), FELL, test)
