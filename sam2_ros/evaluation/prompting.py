"""Prompts made of ground truth: for every object on the first annotated frame that shows it."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from ..bag.prompts_file import PromptEntry, prompt_message
from ..bag.truth import Truth
from ..errors import EvaluationError
from ..measures.protocol import Protocol
from ..stream.messages import Action
from ..tracking.prompt import Prompt

MakePrompt = Callable[[int, np.ndarray, str], Prompt]  # of id, mask (H, W) bool, label


def prompt_entries(truth: Truth, protocol: Protocol, images: Mapping[int, int]) -> tuple[PromptEntry, ...]:
    """A prompt for each object of the ground truth.

    ``images``: index of the image by the stamp of its truth. Raises BagError, EvaluationError when there is no object.
    """
    make = MAKERS[protocol]
    known: set[int] = set()
    entries = []
    stamps = sorted(images)
    for stamp, labels in zip(stamps, truth.read(stamps), strict=True):
        for object_id in labels.ids:
            if object_id not in known:
                known.add(object_id)
                prompt = make(object_id, labels.mask(object_id), truth.names.get(object_id, ""))
                message = prompt_message(object_id, Action.ADD, prompt)
                entries.append(PromptEntry(f"{truth.path}, object {object_id}", images[stamp], None, message))
    if not entries:
        raise EvaluationError(f"the ground truth {truth.path} shows no object on any image, so nothing can be tracked")
    return tuple(entries)


def _of_mask(object_id: int, mask: np.ndarray, label: str) -> Prompt:
    return Prompt(object_id, mask=mask, label=label)


def _of_box(object_id: int, mask: np.ndarray, label: str) -> Prompt:
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    x_max, y_max = x + max(width - 1, 1), y + max(height - 1, 1)  # a box has to have an area
    return Prompt(object_id, box=np.array((x, y, x_max, y_max), dtype=np.float64), label=label)


def _of_click(object_id: int, mask: np.ndarray, label: str) -> Prompt:
    """On the pixel that is farthest from the outline; beyond the picture's edge is outside."""
    inside = np.pad(mask, 1).astype(np.uint8)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    y, x = np.unravel_index(int(distance.argmax()), distance.shape)
    return Prompt(object_id, points=np.array([(x, y)], dtype=np.float64), point_labels=np.ones(1), label=label)


MAKERS: Mapping[Protocol, MakePrompt] = {
    Protocol.DAVIS_SEMI: _of_mask,
    Protocol.FIRST_BOX: _of_box,
    Protocol.FIRST_CLICK: _of_click,
}
