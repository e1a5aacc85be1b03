"""The score of a clip: J, F and visibility of every object over its frames."""

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from .similarity import boundary_accuracy, region_similarity


@dataclass(frozen=True, slots=True)
class ObjectFrame:
    """One object on one frame."""

    region: float  # J
    boundary: float  # F
    visible: bool  # in truth
    found: bool  # what was said

    @property
    def j_and_f(self) -> float:
        """Mean of J and F."""
        return (self.region + self.boundary) / 2


@dataclass(slots=True)
class ClipScore:
    """What was scored so far, by object, frame after frame."""

    objects: dict[int, list[ObjectFrame]] = field(default_factory=dict)

    def add(self, object_id: int, truth: np.ndarray, labels: np.ndarray, found: Collection[int]) -> None:
        """Score an object on the next frame.

        ``truth``, ``labels``: label images (H, W), true and as tracked. ``found``: ids said to be visible.
        """
        mask, answer = truth == object_id, labels == object_id
        self.objects.setdefault(object_id, []).append(
            ObjectFrame(
                region_similarity(answer, mask), boundary_accuracy(answer, mask), bool(mask.any()), object_id in found
            )
        )

    def j_and_f(self) -> list[float]:
        """Mean J&F of each object, without its first and last frame, as DAVIS has it: the first holds the prompt."""
        return [_mean([frame.j_and_f for frame in frames[1:-1]]) for frames in self.objects.values()]

    def region(self) -> list[float]:
        """Mean J of each object, over the same frames."""
        return [_mean([frame.region for frame in frames[1:-1]]) for frames in self.objects.values()]

    def boundary(self) -> list[float]:
        """Mean F of each object, over the same frames."""
        return [_mean([frame.boundary for frame in frames[1:-1]]) for frames in self.objects.values()]

    def visibility(self) -> list[bool]:
        """Of every object and every frame after its first, whether its visibility was told right."""
        return [frame.visible == frame.found for frames in self.objects.values() for frame in frames[1:]]


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
