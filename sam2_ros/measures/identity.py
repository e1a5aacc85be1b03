"""Identity switches: how often a true object goes on under another id.

As IDSW of CLEAR MOT (Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance", 2008), for masks
as in Voigtlaender et al., "MOTS: Multi-Object Tracking and Segmentation", CVPR 2019: a true and a found mask match
when their IoU is above 0.5, so that neither can match twice.
"""

from collections import Counter

from .overlap import Overlaps

MATCH = 0.5  # IoU above which two masks are one object


class IdentitySwitches:
    """Counts the switches of a stream of frames."""

    def __init__(self) -> None:
        self._latest: dict[int, int] = {}  # by true id: the id it was found under last
        self._switches: Counter[int] = Counter()

    def add(self, overlaps: Overlaps) -> None:
        """The next frame. An object that matches nothing keeps its id: coming back under another is a switch."""
        for true_id, found_id in overlaps.common:
            if overlaps.region(true_id, found_id) > MATCH:
                self._switches[true_id] += self._latest.get(true_id, found_id) != found_id
                self._latest[true_id] = found_id

    def of(self, true_id: int) -> int:
        """Switches of one object so far."""
        return self._switches[true_id]
