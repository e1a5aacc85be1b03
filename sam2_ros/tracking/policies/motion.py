"""Memory and choice of masks by motion: SAMURAI's rules (arXiv:2411.11922), for each object of its own.

Remembered are the last frames in which the network was sure, saw the object, and saw it where its motion led. Once it
was followed for a while, the mask is chosen by motion as well.

Different from the reference: boxes are in pixels of the image, and a change of its size rescales the filter; the filter
goes by stamps, in frames of 1/30 s, where the reference takes each image for the next one; an empty mask does not
correct it; a prompt, be it late, starts it anew; an object counts as present by the official rule.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import cv2
import numpy as np

from ...model.probe import History
from ...model.sam2 import POINTER_HORIZON
from .kalman import Box, Kalman
from .policy import EMPTY, Attended, Held, Limits, Plan, Room, Sight, attended_prompts, free_entry, recent_pointers

FRAME_NS = 1_000_000_000 / 30  # that one frame of the filter stands for
MOST_FRAMES = 90.0  # that one step of it may bridge
STEADY = 15  # frames in a row that were followed before motion has a say
FOLLOWED = 0.3  # predicted IoU above which the filter takes a mask's box
REMEMBERED = 0.5  # predicted IoU above which a frame is remembered


@dataclass(frozen=True, slots=True)
class Motion:
    """Which frames are remembered, and where the object is going."""

    looks: ClassVar[bool] = True
    chooses: ClassVar[bool] = True

    limits: Limits
    accepted: tuple[int, ...] = ()  # frames that are remembered, ascending
    run: int = 0  # frames in a row that were followed; 0: the filter begins with the next
    filter: Kalman | None = None
    stamp_ns: int = 0  # of the image that the filter stands at
    size: tuple[int, int] = (1, 1)  # of that image

    @property
    def room(self) -> Room:
        """The remembered frames and the last one, whatever it was; 15 pointers."""
        return Room(self.limits.masks, POINTER_HORIZON)

    def steady(self, prompts: int) -> History:
        """As by the official rule."""
        return History(self.limits.masks - 1 + prompts, POINTER_HORIZON + prompts)

    def attended(self, held: Held, now: int) -> Attended:
        """Prompted frames, then the last remembered ones and always the frame right before, by rank."""
        prompted = attended_prompts(held.prompted, now, self.limits.prompts)
        there = {frame for frame in (*self.accepted, now - 1) if EMPTY < frame < now and frame in held.recent}
        recent = sorted(there.difference(prompted))[-(self.limits.masks - 1) :]
        return Attended(
            prompted=tuple(prompted),
            recent=tuple(recent),
            rows=tuple(reversed(range(len(recent)))),
            pointers=recent_pointers(held, prompted, now),
        )

    def choose(self, sight: Sight) -> int:
        """The network's own choice, and after a steady run the candidate with the highest mean of its predicted IoU
        and its overlap with the box that motion leads to."""
        expected = self._expected(sight)
        if expected is None or self.run < STEADY:
            return sight.chosen
        weight = self.limits.motion_weight
        scores = [weight * overlap(expected.box, box) + (1 - weight) * iou for box, iou in _candidates(sight)]
        return int(np.argmax(scores))

    def after(self, sight: Sight, held: Held) -> Plan:
        """A frame is remembered when the object was seen in it for sure, and where its motion led."""
        followed, score = self._following(sight)
        refusal = "" if sight.told else _refusal(sight, score)
        accepted = self.accepted if refusal else (*self.accepted, sight.frame)[-(self.limits.masks - 1) :]
        return Plan(
            replace(followed, accepted=accepted),
            recent=(free_entry(held.recent, accepted),),
            pointers=(sight.frame % POINTER_HORIZON,),
            kept=not refusal,
            why=refusal,
        )

    def rewound(self, frame: int) -> "Motion":
        """Without what came then or later; where the object was going then is not known any more."""
        return Motion(self.limits, tuple(accepted for accepted in self.accepted if accepted < frame))

    def _following(self, sight: Sight) -> tuple["Motion", float | None]:
        """The filter after this frame, and how well the mask fitted where motion has a say, else None."""
        if sight.told or sight.mask is None:
            return replace(self, run=0, filter=None), None
        box = box_of(sight.mask, sight.size)
        expected = self._expected(sight)
        score = None if expected is None or self.run < STEADY else overlap(expected.box, box)
        at = replace(self, filter=expected, stamp_ns=sight.stamp_ns, size=sight.size)
        if box is None:
            return at, score
        if expected is None:
            return replace(at, filter=Kalman.started(box), run=1), None
        if sight.mask_score <= FOLLOWED:
            return replace(at, filter=None, run=0), score
        return replace(at, filter=expected.updated(box), run=min(self.run + 1, STEADY)), score

    def _expected(self, sight: Sight) -> Kalman | None:
        """Where the object should be in an image by now; None while there is no filter."""
        if self.filter is None:
            return None
        scale = (new / old for new, old in zip(sight.size, self.size, strict=True))
        there = self.filter if sight.size == self.size else self.filter.rescaled(*scale)
        return there.predicted(frames_between(self.stamp_ns, sight.stamp_ns))


def frames_between(before_ns: int, now_ns: int) -> float:
    """Frames of the filter from one image to the next: by their stamps, one where those do not advance."""
    return min((now_ns - before_ns) / FRAME_NS, MOST_FRAMES) if now_ns > before_ns else 1.0


def overlap(expected: Box, box: Box | None) -> float:
    """IoU of two boxes; 0 without the second."""
    if box is None:
        return 0.0
    width, height = (min(expected[i + 2], box[i + 2]) - max(expected[i], box[i]) for i in (0, 1))
    shared = max(0.0, width) * max(0.0, height)
    areas = sum((each[2] - each[0]) * (each[3] - each[1]) for each in (expected, box))
    return shared / (areas - shared) if areas > shared else 0.0


def box_of(logits: np.ndarray, size: tuple[int, int]) -> Box | None:
    """Around what is positive of low-resolution logits (h, w), in pixels of an image of ``size`` (width, height)."""
    x, y, width, height = cv2.boundingRect((logits > 0).view(np.uint8))
    if not width:
        return None
    across, down = size[0] / logits.shape[1], size[1] / logits.shape[0]
    return x * across, y * down, (x + width) * across, (y + height) * down


def _candidates(sight: Sight) -> list[tuple[Box | None, float]]:
    assert sight.candidates is not None
    masks = sight.candidates.float().numpy()
    return [(box_of(mask, sight.size), iou) for mask, iou in zip(masks, sight.ious, strict=True)]


def _refusal(sight: Sight, score: float | None) -> str:
    """Why a frame is not remembered, empty when it is."""
    if sight.object_score <= 0:
        return "it is absent"
    if sight.mask_score <= REMEMBERED:
        return f"predicted IoU {sight.mask_score:.2f} is not above {REMEMBERED:g}"
    if score is not None and score <= 0:
        return "it is not where its motion led"
    return ""
