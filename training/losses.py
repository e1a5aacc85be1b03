"""The losses of SAM 2 (arXiv:2408.00714, appendix D): masks, predicted IoU, presence."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_ros.model.mask_decoder import DecoderOutput

from .config import LossConfig

LOSS_STRIDE = 2  # masks are compared at half the square's size: twice that of the decoder's
FOCAL_ALPHA, FOCAL_GAMMA = 0.25, 2.0  # arXiv:1708.02002


@dataclass(frozen=True, slots=True)
class Losses:
    """Losses of some objects in one frame, each a mean over them, and how good the masks were."""

    focal: Tensor
    dice: Tensor
    iou: Tensor
    occlusion: Tensor
    quality: Tensor  # mean IoU of the masks that were chosen, of objects that are seen; no gradient
    presence: Tensor  # share of objects whose presence was told right; no gradient

    def total(self, weights: LossConfig) -> Tensor:
        """The weighted sum."""
        return (
            weights.focal * self.focal
            + weights.dice * self.dice
            + weights.iou * self.iou
            + weights.occlusion * self.occlusion
        )


def mean_losses(parts: list[Losses]) -> Losses:
    """The mean over frames."""
    names = Losses.__slots__
    return Losses(*(torch.stack([getattr(part, name) for part in parts]).mean() for name in names))


def frame_losses(output: DecoderOutput, ambiguous: bool, truth: Tensor, weights: LossConfig) -> Losses:
    """Losses of a decoder's output for the prompts of N objects, against masks (N, S, S) bool.

    Of an ambiguous prompt the best of three masks is trained. Any other trains its one mask, and the best of the three
    as well, because that stands in when the one is unstable. Objects out of sight train only their presence.
    """
    seen = truth.flatten(1).any(dim=1)
    truth = F.avg_pool2d(truth.to(output.masks.dtype), LOSS_STRIDE) >= 0.5  # (N, h, w)
    target = truth.to(output.masks.dtype)
    logits = F.interpolate(output.masks, size=truth.shape[-2:], mode="bilinear", align_corners=False)  # (N, 4, h, w)
    focal, dice = _focal(logits, target), _dice(logits, target)  # (N, 4)
    actual = _intersection_over_union(logits, truth)
    off = (output.ious - actual).abs()
    weight = seen.to(target.dtype) / seen.sum().clamp(min=1)

    groups = [range(1, 4)] if ambiguous else [range(0, 1), range(1, 4)]
    pick = weights.focal * focal.detach() + weights.dice * dice.detach()
    sums = torch.zeros(3, dtype=target.dtype, device=target.device)
    for group in groups:
        columns = list(group)
        best = pick[:, columns].argmin(dim=1, keepdim=True)
        share = torch.full_like(pick[:, columns], weights.others / len(columns)).scatter_add(
            1, best, torch.full_like(best, 1 - weights.others, dtype=pick.dtype)
        )
        parts = [(loss[:, columns] * share).sum(dim=1) for loss in (focal, dice)]
        parts.append(off[:, columns].mean(dim=1))
        sums = sums + torch.stack([(part * weight).sum() for part in parts]) / len(groups)

    chosen = actual[:, 1:].gather(1, output.ious[:, 1:].argmax(dim=1, keepdim=True)) if ambiguous else actual[:, :1]
    return Losses(
        focal=sums[0],
        dice=sums[1],
        iou=sums[2],
        occlusion=F.binary_cross_entropy_with_logits(output.object_score, seen.to(target.dtype)),
        quality=(chosen.squeeze(1) * weight).sum().detach(),
        presence=((output.object_score > 0) == seen).to(target.dtype).mean(),
    )


def _focal(logits: Tensor, target: Tensor) -> Tensor:
    """Mean over pixels: logits (N, M, S, S), target (N, S, S) to (N, M)."""
    target = target[:, None].expand_as(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    right = torch.exp(-entropy)  # probability of the right answer
    alpha = FOCAL_ALPHA * target + (1 - FOCAL_ALPHA) * (1 - target)
    return (alpha * (1 - right) ** FOCAL_GAMMA * entropy).mean(dim=(2, 3))


def _dice(logits: Tensor, target: Tensor) -> Tensor:
    probability = logits.sigmoid()
    target = target[:, None]
    overlap = (probability * target).sum(dim=(2, 3))
    return 1 - (2 * overlap + 1) / (probability.sum(dim=(2, 3)) + target.sum(dim=(2, 3)) + 1)


def _intersection_over_union(logits: Tensor, truth: Tensor) -> Tensor:
    masks, truth = logits.detach() > 0, truth[:, None]
    union = (masks | truth).sum(dim=(2, 3))
    return (masks & truth).sum(dim=(2, 3)) / union.clamp(min=1)
