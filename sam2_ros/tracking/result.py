"""What a step gives back: one state per object and the label image, all at the input image's resolution."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..model.mask_decoder import resize_logits
from ..model.sam2 import MaskPrediction
from .policies.policy import Attended
from .presence import Presence


@dataclass(frozen=True, slots=True)
class MemoryNote:
    """What was attended to so as to find an object in an image, and what became of the memory of that image."""

    attended: Attended | None  # None: the object began with this image
    kept: bool  # whether the image is remembered; if not, it is attended to on the next one at most
    promoted: bool  # to an anchor
    why: str  # it was not kept, was promoted or was not; in a few words


@dataclass(frozen=True, slots=True)
class ObjectState:
    """One object in one image of H x W pixels."""

    object_id: int
    label: str
    visible: bool  # object_score > 0
    object_score: float  # logit
    mask_score: float  # predicted IoU, 0..1
    mask: np.ndarray  # (H, W) bool
    box: tuple[int, int, int, int] | None  # x_min, y_min, x_max, y_max of the mask, inclusive; None: empty mask
    area: int  # pixels of the mask
    centroid: tuple[float, float] | None  # x, y of the mask
    first_seen_ns: int  # stamp of the image of the first prompt
    last_seen_ns: int  # stamp of the last image in which it was in view
    frames_since_seen: int  # steps since then, 0 when in view now
    prediction: MaskPrediction  # what the network said, B = 1
    tracked: MaskPrediction | None  # what tracking alone said, before a prompt on this frame; None for a new object
    memory: MemoryNote | None = None  # None: there is none yet
    state: Presence = Presence.CONFIRMED

    @property
    def in_view(self) -> bool:
        """Whether it was really seen: visible, and with a mask that is not empty."""
        return self.visible and self.area > 0

    @property
    def visibility(self) -> float:
        """Probability of being visible, 0..1: the sigmoid of the score."""
        return float(1 / (1 + np.exp(-np.clip(self.object_score, -80, 80))))

    @property
    def logits(self) -> Tensor:
        """Mask logits (H, W) as the network gave them, before any clean-up; made when asked for, on its device."""
        return full_resolution(self.prediction.masks, *self.mask.shape)[0]


@dataclass(frozen=True, slots=True)
class PromptOutcome:
    """What became of one prompt."""

    object_id: int  # of the object that it started or refined; 0 when a new object was refused
    accepted: bool
    reason: str  # one line when it was not accepted, else empty
    mask_score: float = 0.0  # predicted IoU of the object's mask afterwards


@dataclass(frozen=True, slots=True)
class FrameResult:
    """The result of one step on an image of H x W pixels."""

    frame_index: int  # steps before this one
    stamp_ns: int  # of the image
    label_image: np.ndarray  # (H, W) uint8 or uint16: object id, 0 background; the higher logit wins an overlap
    objects: tuple[ObjectState, ...]  # by ascending id
    outcomes: tuple[PromptOutcome, ...]  # one per prompt, in their order
    warnings: tuple[str, ...] = ()  # what the user should be told of this step


def full_resolution(masks: Tensor, height: int, width: int) -> Tensor:
    """Low-resolution logits (B, S/4, S/4) to (B, height, width), at least in float32."""
    return resize_logits(masks.to(torch.promote_types(masks.dtype, torch.float32)), height, width)
