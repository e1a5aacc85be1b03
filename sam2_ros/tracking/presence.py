"""How an object is, in the words that robot code acts on."""

from enum import IntEnum

import numpy as np

from ..config import TrackerConfig

NS_PER_S = 1_000_000_000
MARGIN = 1.0  # logits by which a mask's threshold is moved to see whether it is stable, as SAM's own generator does


class Presence(IntEnum):
    """The states of sam2_ros/TrackedObject."""

    CONFIRMED = 0  # in view, and the network is sure of its mask
    UNSURE = 1  # in view, but the mask may be wrong
    ABSENT = 2  # not in view
    LOST = 3  # not in view for longer than `lost_after`


def presence_of(in_view: bool, mask_score: float, stability: float, absent_ns: int, config: TrackerConfig) -> Presence:
    """The state of an object. ``absent_ns``: since it was last in view."""
    if not in_view:
        return Presence.LOST if absent_ns > config.lost_after * NS_PER_S else Presence.ABSENT
    sure = mask_score >= config.unsure_mask_score and stability >= config.unsure_stability
    return Presence.CONFIRMED if sure else Presence.UNSURE


def stability_of(logits: np.ndarray) -> float:
    """Area of a mask (h, w) above a higher threshold over that above a lower one, 0..1; 0 for one that is nowhere."""
    wide = np.count_nonzero(logits > -MARGIN)
    return np.count_nonzero(logits > MARGIN) / wide if wide else 0.0
