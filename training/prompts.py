"""Prompts as users would give them, drawn from the truth: boxes that are a little off, clicks inside, corrections."""

import numpy as np
import torch
from torch import Tensor

from sam2_ros.model.prompt_encoder import BACKGROUND, BOX_BOTTOM_RIGHT, BOX_TOP_LEFT, FOREGROUND
from sam2_ros.model.sam2 import PromptTensors

BOX_NOISE = 0.1  # standard deviation of a corner, of the box's side (SAM, arXiv:2304.02643, appendix A)
BOX_NOISE_LIMIT = 0.02  # of the picture's side


def jittered_boxes(masks: Tensor, rng: np.random.Generator) -> PromptTensors:
    """Boxes around masks (N, S, S) bool, each corner a little off."""
    side = masks.shape[-1]
    corners = []
    for mask in masks.cpu().numpy():
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = np.array((columns[0], rows[0], columns[-1], rows[-1]), dtype=np.float64)
        lengths = np.tile(box[2:] - box[:2], 2)
        limit = BOX_NOISE_LIMIT * side
        box += np.clip(rng.normal(0, BOX_NOISE * lengths), -limit, limit)
        corners.append(np.clip(box, 0, side - 1).reshape(2, 2))
    labels = torch.tensor([[BOX_TOP_LEFT, BOX_BOTTOM_RIGHT]]).expand(len(corners), -1)
    return PromptTensors(torch.from_numpy(np.stack(corners)).to(masks.device, torch.float32), labels.to(masks.device))


def clicks_inside(masks: Tensor, rng: np.random.Generator) -> PromptTensors:
    """A click on a random pixel of each mask (N, S, S) bool."""
    return corrections(torch.zeros_like(masks), masks, rng)


def corrections(predicted: Tensor, masks: Tensor, rng: np.random.Generator) -> PromptTensors:
    """A click on a random wrong pixel of each predicted mask, both (N, S, S) bool.

    Where nothing is wrong it confirms the object, or the background where there is no object.
    """
    points, labels = [], []
    for guess, truth in zip(predicted.cpu().numpy(), masks.cpu().numpy(), strict=True):
        region = guess != truth
        if not region.any():
            region = truth if truth.any() else ~truth
        pixels = np.flatnonzero(region)
        y, x = divmod(int(pixels[rng.integers(len(pixels))]), region.shape[1])
        points.append((x, y))
        labels.append(FOREGROUND if truth[y, x] else BACKGROUND)
    return PromptTensors(
        torch.tensor(points, dtype=torch.float32, device=masks.device)[:, None],
        torch.tensor(labels, device=masks.device)[:, None],
    )


def joined(first: PromptTensors, then: PromptTensors, mask_logits: Tensor) -> PromptTensors:
    """Both prompts on one image, with the mask (N, S/4, S/4) that stood before the second."""
    return PromptTensors(
        torch.cat((first.points, then.points), dim=1), torch.cat((first.labels, then.labels), dim=1), mask_logits
    )
