"""One thing under two ids: two masks that cover each other for a while. The user is told; nothing is changed."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from ..tracking.result import ObjectState

SAME = 0.9  # overlap (IoU) of two masks above which they are of one thing
PATIENCE = 10  # images in a row


class Doubles:
    """Counts for how many images in a row two objects had the same mask."""

    def __init__(self) -> None:
        self._together: dict[tuple[int, int], int] = {}  # by ids

    def notes(self, states: Sequence[ObjectState]) -> list[str]:
        """A sentence for each pair that has been the same for long enough with this image; once until they part."""
        self._together = {pair: self._together.get(pair, 0) + 1 for pair in _pairs(states)}
        return [
            f"objects {first} and {second} cover each other (IoU above {SAME:g}) for {PATIENCE} images: they may be "
            "one thing under two ids; remove one, or prompt it where it is"
            for (first, second), count in self._together.items()
            if count == PATIENCE
        ]


def _pairs(states: Sequence[ObjectState]) -> Iterator[tuple[int, int]]:
    """Ids of the objects that have nearly the same mask."""
    for first, second in combinations((state for state in states if state.in_view), 2):
        small, large = sorted((first.area, second.area))
        if small > SAME * large and _overlap(first, second) > SAME:  # no overlap is larger than the ratio of areas
            yield first.object_id, second.object_id


def _overlap(first: ObjectState, second: ObjectState) -> float:
    """IoU of two masks of one image; what of them lies outside the first one's box counts as apart."""
    assert first.box is not None  # it has a mask
    x_min, y_min, x_max, y_max = first.box
    inside = slice(y_min, y_max + 1), slice(x_min, x_max + 1)
    both = np.count_nonzero(first.mask[inside] & second.mask[inside])
    return both / (first.area + second.area - both)
