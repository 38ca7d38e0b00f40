"""B05: energy went over from the loss of one area to that of the next when a meter changed."""

from __future__ import annotations

from anomaly.loss_change import MOVED, LossTest, judge_changes
from anomaly.loss_findings import told, undecided
from anomaly.panel import Panel
from anomaly.registry import Detections, detector, nothing


@detector(
    "B05",
    family="cross_wiring",
    unit="kWh/d",
    source="domain.md §4: conservation of energy between supply meter and customers' meters",
    estimated_onset=True,
    unjudged=undecided,
)
def loss_moved(
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
    """Energy went over from the loss of one area to that of the next when a meter changed.

    Judged as in B03, and the areas next door over the same days.

    Fires when the loss of the meter's own area changed by as much as the meter, the other way, and that of an area
    next door by as much the same way, each likelier by `min_nats` than a loss that stayed (ln of the number of areas
    next door is added). So a home of the other area is on this meter since then: two homes exchanged across areas, or
    one filed, or connected, elsewhere.
    Cannot see: an exchange inside one area; an exchange of two homes that use the same; areas not on file as
    neighbours; changes below twice the noise of either loss.
    """
    if panel.balance is None:
        return nothing(panel)
    test = LossTest(
        window_days, margin_days, min_days, outlier_mads, slope_share, least_noise_share, drift_share, noise_multiple,
        fit_multiple, min_nats,
    )  # fmt: skip
    return told(panel, judge_changes(panel, panel.balance, test), MOVED, test)
