"""Mask decoder: image features and prompt embeddings to masks, their predicted IoU and the object score."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .layers import MLP, Gelu, LayerNorm2d, embedding
from .two_way import TwoWayTransformer

NUM_MASKS = 4  # one for an unambiguous prompt, three for an ambiguous one
# A mask is stable when it hardly changes with the threshold (released values).
STABILITY_DELTA = 0.05
STABILITY_THRESHOLD = 0.98


@dataclass(frozen=True)
class DecoderOutput:
    """All that the decoder says of B prompts, before a mask is chosen."""

    masks: Tensor  # (B, 4, S/4, S/4) logits
    ious: Tensor  # (B, 4) predicted IoU, 0..1
    mask_tokens: Tensor  # (B, 4, C)
    object_score: Tensor  # (B,) logit of the object being in the picture

    def rows(self, rows: slice) -> "DecoderOutput":
        """What is said of some of the prompts."""
        return DecoderOutput(self.masks[rows], self.ious[rows], self.mask_tokens[rows], self.object_score[rows])


@dataclass(frozen=True)
class MaskChoice:
    """The mask that stands for each of B objects, and what it was chosen from."""

    masks: Tensor  # (B, S/4, S/4) logits
    token: Tensor  # (B, C) the mask token that the object pointer is made from
    ious: Tensor  # (B, M) predicted IoU of the candidates
    candidates: Tensor  # (B, M, S/4, S/4) logits
    best: Tensor  # (B,) index of the chosen candidate


class MaskDecoder(nn.Module):
    """Two-way transformer, upscaling, hyper-networks and score heads."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.transformer = TwoWayTransformer(config)
        self.obj_score_token = embedding(1, dim)
        self.iou_token = embedding(1, dim)
        self.mask_tokens = embedding(NUM_MASKS, dim)
        self.upscaling_dims = dim8, dim4 = config.upscaling_dims
        kernel, padding = config.upscaling_kernel, config.upscaling_kernel // 2 - 1
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(dim, dim8, kernel, stride=2, padding=padding),
            LayerNorm2d(dim8),
            Gelu(),
            nn.ConvTranspose2d(dim8, dim4, kernel, stride=2, padding=padding),
            Gelu(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList(MLP((dim, dim, dim, dim4)) for _ in range(NUM_MASKS))
        self.iou_prediction_head = MLP((dim, dim, dim, NUM_MASKS))
        self.pred_obj_score_head = MLP((dim, dim, dim, 1))

    def forward(
        self, features: Tensor, image_pos: Tensor, sparse: Tensor, dense: Tensor, stride8: Tensor, stride4: Tensor
    ) -> DecoderOutput:
        """Features (B, C, f, f), positions (1, C, f, f), sparse (B, T, C), dense (B or 1, C, f or 1, f or 1),
        maps of strides 8 and 4 as in `ImageFeatures` (B or 1, ...)."""
        batch, _, height, width = features.shape
        own = torch.cat((self.obj_score_token.weight, self.iou_token.weight, self.mask_tokens.weight))
        tokens = torch.cat((own.expand(batch, -1, -1), sparse), dim=1)
        image = (features + dense).flatten(2).transpose(1, 2)  # (B, L, C)
        tokens, image = self.transformer(image, image_pos.flatten(2).transpose(1, 2), tokens)

        object_token, iou_token, mask_tokens = tokens[:, 0], tokens[:, 1], tokens[:, 2 : 2 + NUM_MASKS]
        up8, norm, gelu, up4, gelu_last = self.output_upscaling
        x = image.transpose(1, 2).unflatten(2, (height, width))
        x = gelu(norm(up8(x) + stride8))
        x = gelu_last(up4(x) + stride4)  # (B, C4, 4f, 4f)
        filters = torch.stack(
            [mlp(mask_tokens[:, i]) for i, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1
        )  # (B, 4, C4)
        return DecoderOutput(
            masks=(filters @ x.flatten(2)).unflatten(2, x.shape[2:]),
            # Good masks differ in the third digit, which half precision does not have: whichever comes first would win.
            ious=self.iou_prediction_head.precise(iou_token).sigmoid(),
            mask_tokens=mask_tokens,
            object_score=self.pred_obj_score_head(object_token).squeeze(-1),
        )


class DetailedMaskDecoder(MaskDecoder):
    """One that is shown finer maps of the image, which its two projections make; a neck applies them once an image."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        dim8, dim4 = config.upscaling_dims
        self.conv_s0 = nn.Conv2d(config.hidden_dim, dim4, kernel_size=1)
        self.conv_s1 = nn.Conv2d(config.hidden_dim, dim8, kernel_size=1)


def stability(masks: Tensor) -> Tensor:
    """Area above +delta over area above -delta, 1 where both are empty: (B, H, W) to (B,)."""
    inner = (masks > STABILITY_DELTA).sum(dim=(1, 2))
    outer = (masks > -STABILITY_DELTA).sum(dim=(1, 2))
    return torch.where(outer > 0, inner / outer.clamp(min=1), 1.0)


def take(x: Tensor, index: Tensor) -> Tensor:
    """Row ``index[b]`` of each ``x[b]``: (B, M, ...) to (B, ...)."""
    return x[torch.arange(x.shape[0], device=x.device), index]


def choose_ambiguous(output: DecoderOutput) -> MaskChoice:
    """For an ambiguous prompt: of masks 1 to 3 the one with the highest predicted IoU."""
    masks, ious, tokens = output.masks[:, 1:], output.ious[:, 1:], output.mask_tokens[:, 1:]
    best = ious.argmax(dim=1)
    return MaskChoice(take(masks, best), take(tokens, best), ious, masks, best)


def choose_single(output: DecoderOutput) -> MaskChoice:
    """For an unambiguous prompt: mask 0, or the best of the others where mask 0 is unstable.

    The token, and so the object pointer, stays that of mask 0 either way, as in the official network.
    """
    fallback = choose_ambiguous(output)
    stable = stability(output.masks[:, 0]) >= STABILITY_THRESHOLD  # (B,)
    mask = torch.where(stable[:, None, None], output.masks[:, 0], fallback.masks)
    iou = torch.where(stable, output.ious[:, 0], take(fallback.ious, fallback.best))
    best = torch.zeros_like(fallback.best)
    return MaskChoice(mask, output.mask_tokens[:, 0], iou[:, None], mask[:, None], best)


def resize_logits(masks: Tensor, height: int, width: int) -> Tensor:
    """Bilinear resize of mask logits (B, h, w) to (B, height, width)."""
    return F.interpolate(masks.unsqueeze(1), size=(height, width), mode="bilinear", align_corners=False).squeeze(1)
