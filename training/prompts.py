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
    # Only sums over rows and columns leave the device.
    for rows, columns in zip(masks.any(dim=2).cpu().numpy(), masks.any(dim=1).cpu().numpy(), strict=True):
        (top, bottom), (left, right) = np.flatnonzero(rows)[[0, -1]], np.flatnonzero(columns)[[0, -1]]
        box = np.array((left, top, right, bottom), dtype=np.float64)
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
    wrong, sure = predicted != masks, masks.flatten(1).any(dim=1)[:, None, None] == masks
    region = torch.where(wrong.flatten(1).any(dim=1)[:, None, None], wrong, sure)
    rows = region.sum(dim=2).cumsum(dim=1).cpu().numpy()  # (N, S) pixels up to a row, all that leaves the device
    picks = rng.integers(rows[:, -1])  # which of the pixels, row by row
    passed = rows <= picks[:, None]
    y, before = passed.sum(axis=1), np.where(passed, rows, 0).max(axis=1)
    every, y, left = (torch.from_numpy(a).to(masks.device) for a in (np.arange(len(masks)), y, picks - before))
    x = (region[every, y].cumsum(dim=1) <= left[:, None]).sum(dim=1)
    labels = torch.where(masks[every, y, x], FOREGROUND, BACKGROUND)
    return PromptTensors(torch.stack((x, y), dim=1)[:, None].float(), labels[:, None])


def joined(first: PromptTensors, then: PromptTensors, mask_logits: Tensor) -> PromptTensors:
    """Both prompts on one image, with the mask (N, S/4, S/4) that stood before the second."""
    return PromptTensors(
        torch.cat((first.points, then.points), dim=1), torch.cat((first.labels, then.labels), dim=1), mask_logits
    )
