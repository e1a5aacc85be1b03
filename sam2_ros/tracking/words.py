"""What the network says of objects in an image, on its way to the host, and there as memory policies want it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .policies.policy import Sight
from .track import Sighting
from .transfer import Arriving


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """The network's words on one object, on the host."""

    low_res: np.ndarray  # (S/4, S/4) mask logits, at least float32
    object_score: float  # logit
    mask_score: float  # predicted IoU, 0..1
    candidates: Tensor | None = None  # (M, S/4, S/4) logits that tracking chose from, where they were asked for
    ious: tuple[float, ...] = ()  # predicted IoU of these
    chosen: int = 0  # which of them tracking took
    corrected: bool = False  # by a prompt, which the mask then is of

    def taking(self, candidate: int) -> "Said":
        """The same with this candidate as the mask that tracking took."""
        if self.candidates is None or self.corrected or candidate == self.chosen:
            return self
        low_res, score = _precise(self.candidates[candidate]), self.ious[candidate]
        return replace(self, low_res=low_res, mask_score=score, chosen=candidate)


class Words:
    """What the network says of all objects, on its way to the host while the device goes on."""

    def __init__(self, sightings: Sequence[Sighting], candidates: bool = False) -> None:
        """``candidates``: those that tracking chose from come as well."""
        self._sightings = sightings
        self._parts = [_parts(sighting, candidates) for sighting in sightings]
        self._arriving = Arriving([part for parts in self._parts for part in parts])

    def wait(self) -> list[Said]:
        """In the order of the objects."""
        arrived = iter(self._arriving.wait())
        return [
            _said(sighting, [next(arrived) for _ in parts])
            for sighting, parts in zip(self._sightings, self._parts, strict=True)
        ]


def _parts(sighting: Sighting, candidates: bool) -> list[Tensor]:
    p, tracked = sighting.prediction, sighting.tracked
    told = [p.masks[0], p.object_score, p.iou]
    return [*told, tracked.candidates[0], tracked.ious[0]] if candidates and tracked is not None else told


def _said(sighting: Sighting, arrived: Sequence[Tensor]) -> Said:
    mask, object_score, mask_score, *more = arrived
    said = Said(_precise(mask), float(object_score), float(mask_score))
    if not more:
        return said
    candidates, ious = more
    scores = tuple(ious.tolist())
    return replace(said, candidates=candidates, ious=scores, chosen=int(np.argmax(scores)), corrected=sighting.told)


def _precise(logits: Tensor) -> np.ndarray:
    return logits.to(torch.promote_types(logits.dtype, torch.float32)).numpy()


def sights_of(
    sightings: Sequence[Sighting], said: Sequence[Said], frame: int, stamp_ns: int, size: tuple[int, int]
) -> list[Sight]:
    """What memory policies are shown of objects in an image of ``size`` (width, height)."""
    return [
        Sight(
            frame=frame,
            stamp_ns=stamp_ns,
            size=size,
            object_score=told.object_score,
            mask_score=told.mask_score,
            mask=told.low_res,
            ious=told.ious,
            candidates=told.candidates,
            chosen=told.chosen,
            told=sighting.told,
        )
        for sighting, told in zip(sightings, said, strict=True)
    ]
