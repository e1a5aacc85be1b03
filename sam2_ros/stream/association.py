"""Which detections belong to which tracked objects, and what they ask of the tracker.

A detector sees everything again and again; the tracker is told only what it does not know: objects that are new, that
it has lost, or that it has for some time seen elsewhere; at once where it is unsure itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..config import DetectionConfig
from ..tracking.prompt import Prompt
from .history import Seen

AGREEMENT = 0.5  # IoU of a detection's and an object's box from which on they say the same
PATIENCE = 3  # detections in a row that have to disagree before the tracker is corrected
UNSURE_PATIENCE = 1  # where the tracker itself is unsure


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """A box from a detector, on some image."""

    box: np.ndarray  # (4,) x_min, y_min, x_max, y_max in pixels
    score: float
    label: str = ""  # the class
    name: str = ""  # of this one object, when the detector tracks: an id of ours, or a label


class Associator:
    """Turns detections into prompts. Remembers how often in a row a detector contradicted the tracker."""

    def __init__(self, config: DetectionConfig) -> None:
        self.config = config
        self._contradicted: dict[int, int] = {}  # by object id

    def prompts(self, detections: Sequence[Detection], seen: Sequence[Seen], room: int) -> list[Prompt]:
        """What detections in an image ask for, given the objects in it. ``room``: new objects that may begin."""
        owners = self._owners(detections, seen)
        prompts = [
            Prompt(owner.object_id, box=detection.box, label=detection.label)
            for detection, owner in zip(detections, owners, strict=True)
            if owner is not None and self._wants_correction(detection, owner)
        ]
        new = [
            detection
            for detection, owner in zip(detections, owners, strict=True)
            if owner is None and detection.score >= self.config.min_detection_score
        ]
        new = sorted(_without_doubles(new), key=lambda detection: -detection.score)
        return prompts + [Prompt(box=d.box, label=d.name or d.label) for d in new[: max(0, room)]]

    def _owners(self, detections: Sequence[Detection], seen: Sequence[Seen]) -> list[Seen | None]:
        """The object that each detection is of, each object once: by name, by place, then by class if it is lost."""
        owners: list[Seen | None] = [None] * len(detections)
        free = list(seen)
        for index, detection in enumerate(detections):
            named = [one for one in free if detection.name and detection.name in (str(one.object_id), one.label)]
            if named:
                owners[index] = named[0]
                free.remove(named[0])
        open_ = [index for index, owner in enumerate(owners) if owner is None]
        here = [one for one in free if one.visible and one.box is not None]
        for row, column in _matched([detections[index] for index in open_], here, self.config.min_match_iou):
            owners[open_[row]] = here[column]
            free.remove(here[column])
        lost = [one for one in free if not one.visible]
        for index in open_:
            if owners[index] is None:
                same = [one for one in lost if one.label and one.label == detections[index].label]
                if same:
                    owners[index] = same[0]
                    lost.remove(same[0])
        return owners

    def _wants_correction(self, detection: Detection, owner: Seen) -> bool:
        """Whether the tracker should be told again where an object is."""
        agrees = owner.box is not None and overlap(detection.box, np.array(owner.box)) >= AGREEMENT
        if owner.visible and agrees:
            self._contradicted.pop(owner.object_id, None)
            return False
        if owner.visible:
            count = self._contradicted.get(owner.object_id, 0) + 1
            self._contradicted[owner.object_id] = count
            if count < (UNSURE_PATIENCE if owner.unsure else PATIENCE):
                return False
        self._contradicted.pop(owner.object_id, None)
        return detection.score >= self.config.min_detection_score


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """IoU of two boxes (4,)."""
    width, height = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return float(shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared))


def _matched(detections: Sequence[Detection], seen: Sequence[Seen], least: float) -> list[tuple[int, int]]:
    """Pairs (detection, object) with the largest sum of overlaps, of those that overlap enough."""
    if not detections or not seen:
        return []
    table = np.array([[overlap(d.box, np.array(one.box)) for one in seen] for d in detections])
    rows, columns = linear_sum_assignment(np.where(table >= least, table, 0.0), maximize=True)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if table[r, c] >= least]


def _without_doubles(detections: Sequence[Detection]) -> list[Detection]:
    """Detections of which the surer of two in one place is kept."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda detection: -detection.score):
        if all(overlap(detection.box, other.box) < AGREEMENT for other in kept):
            kept.append(detection)
    return kept
