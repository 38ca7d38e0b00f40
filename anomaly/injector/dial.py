"""From energy per day to what the dial shows: whole ticks, remainder carried, wrapping at the top."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

MINUTES_PER_DAY = 1440


def counted_wh(dial_wh: IntArray, offset_minutes: IntArray) -> IntArray:
    """Energy counted since the first midnight at each read instant, Wh, shape [..., D + 1].

    `dial_wh` is [..., D]; `offset_minutes` [..., D + 1] is how long after midnight the read was taken.
    Within a day the dial is taken to advance evenly.
    """
    nothing = np.zeros((*dial_wh.shape[:-1], 1), dtype=np.int64)
    at_midnight = np.concatenate([nothing, np.cumsum(dial_wh, axis=-1)], axis=-1)
    day_after = np.concatenate([dial_wh, nothing], axis=-1)
    return at_midnight + day_after * offset_minutes // MINUTES_PER_DAY


def register_ticks(
    start_wh: IntArray, counted: IntArray, tick_wh: IntArray, capacity_ticks: IntArray
) -> IntArray:
    """What the dial shows, in its smallest steps; the part below one step is carried, never dropped.

    `counted` is [..., D + 1]; the others broadcast over its leading axes.
    """
    return (start_wh[..., None] + counted) // tick_wh[..., None] % capacity_ticks[..., None]


def rate_ticks(
    ticks: IntArray, shares: npt.NDArray[np.float64], start_shares: npt.NDArray[np.float64]
) -> IntArray:
    """Split a total register into four rate registers that sum to it exactly, shape [..., 4, D + 1].

    `ticks` [..., D + 1] must not wrap; `shares` is [..., D, 4] per day, `start_shares` [..., 4].
    """
    steps = np.diff(ticks, axis=-1)[..., None]
    parts = np.floor(steps * shares[..., :3]).astype(np.int64)
    parts = np.concatenate([parts, steps - parts.sum(axis=-1, keepdims=True)], axis=-1)
    first = np.floor(ticks[..., :1] * start_shares[..., :3]).astype(np.int64)
    first = np.concatenate([first, ticks[..., :1] - first.sum(axis=-1, keepdims=True)], axis=-1)
    return np.swapaxes(
        np.concatenate([first[..., None, :], first[..., None, :] + np.cumsum(parts, axis=-2)], axis=-2),
        -1,
        -2,
    )
