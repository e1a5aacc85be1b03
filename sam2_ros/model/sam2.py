"""The whole network: the five things that tracking asks of it, each one method."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig
from .image_encoder import ImageFeatures
from .layers import MLP
from .mask_decoder import DecoderOutput, choose_ambiguous, choose_single, resize_logits, take
from .memory_attention import MemoryAttention
from .memory_encoder import MemoryEncoder
from .parts import compressor_of, image_encoder_of, mask_decoder_of, memory_layout_of
from .position import Table, sine_position_1d
from .prompt_encoder import PromptEncoder

# Released values, the same in all sizes.
MAX_POINTS_AMBIGUOUS = 1  # prompts of up to this many points get the best of three masks; a box counts as two points
POINTER_HORIZON = 15  # frames back that object pointers reach, and the unit of their age
NO_OBJECT_LOGIT = -1024.0
MASK_TO_LOGIT = 20.0, -10.0  # a mask prompt m stands as logits 20 m - 10
MEMORY_SCALE = 20.0, -10.0  # a mask in 0..1 enters the memory as 20 m - 10
FEEDBACK_LIMIT = 32.0  # earlier logits that return as a mask prompt are clamped to +-32


@dataclass(frozen=True)
class PromptTensors:
    """Prompts of B objects as the network takes them; pixels of the square image."""

    points: Tensor  # (B, P, 2) x, y, at least float32; the corners of a box come first
    labels: Tensor  # (B, P) int, see prompt_encoder
    mask_logits: Tensor | None = None  # (B, S/4, S/4)

    @property
    def ambiguous(self) -> bool:
        """Whether the best of three masks answers this prompt."""
        return self.labels.shape[1] <= MAX_POINTS_AMBIGUOUS


@dataclass(frozen=True)
class MaskPrediction:
    """The masks of B objects in one image (M candidates each: 3 for an ambiguous prompt, else 1)."""

    masks: Tensor  # (B, S/4, S/4) logits; -1024 everywhere where the object is absent
    object_score: Tensor  # (B,) logit of the object being in the picture
    pointers: Tensor  # (B, C) object pointers
    ious: Tensor  # (B, M) predicted IoU of the candidates, 0..1
    candidates: Tensor  # (B, M, S/4, S/4) logits
    best: Tensor  # (B,) index of the candidate that became the mask
    iou: Tensor  # (B,) its predicted IoU
    decoded: DecoderOutput  # what it was chosen from, the object present or not

    def __getitem__(self, row: int) -> "MaskPrediction":
        """The prediction of one object, still with a batch dimension of 1."""
        return self.rows(slice(row, row + 1))

    def rows(self, rows: slice) -> "MaskPrediction":
        """The predictions of some of the objects."""
        return MaskPrediction(
            self.masks[rows],
            self.object_score[rows],
            self.pointers[rows],
            self.ious[rows],
            self.candidates[rows],
            self.best[rows],
            self.iou[rows],
            self.decoded.rows(rows),
        )


@dataclass(frozen=True)
class Memories:
    """What B objects remember: F frames of L = ``memory_tokens`` tokens each, P pointers."""

    frames: Tensor  # (B, F, L, memory_dim)
    frame_time: Tensor  # (B, F) int, row of the temporal encoding: 0 for the frame before, 6 for a prompted one
    pointers: Tensor  # (B, P, C)
    pointer_age: Tensor  # (B, P) frames since then


class Sam2(nn.Module):
    """SAM 2, or a network of its kind. Parameter names are those of the released files (S = image_size, f = S / 16)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, memory_dim = config.hidden_dim, config.memory_dim
        self.config = config
        self.weights_sha256 = ""  # of the weights as they were loaded, whatever became of their precision
        self.image_encoder = image_encoder_of(config)
        self.sam_prompt_encoder = PromptEncoder(config)
        self.sam_mask_decoder = mask_decoder_of(config)
        self.memory_encoder = MemoryEncoder(config)
        self.spatial_perceiver = compressor_of(config)  # named after the one that has weights
        self.memory_attention = MemoryAttention(config)
        self.mask_downsample = nn.Conv2d(1, 1, kernel_size=4, stride=4)
        self.obj_ptr_proj = MLP((dim, dim, dim, dim))
        self.no_obj_ptr = nn.Parameter(torch.zeros(1, dim))
        self.no_mem_embed = nn.Parameter(torch.zeros(1, 1, dim))
        # In every released file, but only read by a variant that attends to an empty memory.
        self.no_mem_pos_enc = nn.Parameter(torch.zeros(1, 1, dim))
        self.maskmem_tpos_enc = nn.Parameter(torch.zeros(config.num_maskmem, 1, 1, memory_dim))
        self.memory_position = Table(memory_layout_of(config).position)  # (L, memory_dim)
        if config.no_object_memory:
            self.no_obj_embed_spatial = nn.Parameter(torch.zeros(1, memory_dim))
        if config.pointer_time:
            self.obj_ptr_tpos_proj = nn.Linear(dim, memory_dim)

    @property
    def device(self) -> torch.device:
        return self.no_mem_embed.device

    @property
    def dtype(self) -> torch.dtype:
        return self.no_mem_embed.dtype

    @property
    def point_dtype(self) -> torch.dtype:
        """Of points: half precision would move them by pixels."""
        return torch.promote_types(self.dtype, torch.float32)

    def fold(self) -> None:
        """Compute once what depends on the weights alone; they must not change after this."""
        self.image_encoder.trunk.fold()
        self.image_encoder.neck.fold(self.sam_mask_decoder)
        self.sam_prompt_encoder.fold()

    def unfold(self) -> None:
        """The opposite: weights may change again."""
        self.image_encoder.trunk.unfold()
        self.image_encoder.neck.unfold()
        self.sam_prompt_encoder.unfold()

    def encode_image(self, pixels: Tensor) -> ImageFeatures:
        """Normalised image (B, 3, S, S) to its features."""
        features: ImageFeatures = self.image_encoder.neck(self.image_encoder.trunk(pixels), self.sam_mask_decoder)
        return features

    def condition_on_nothing(self, image: ImageFeatures) -> Tensor:
        """Features (1, C, f, f) for an object that has no memory yet."""
        return image.features + self.no_mem_embed.view(1, -1, 1, 1)

    def condition_on_memory(self, image: ImageFeatures, memories: Memories) -> Tensor:
        """Features (B, C, f, f) of one image as each of B objects sees it in the light of its memories."""
        split = self.config.tokens_per_pointer
        frame_pos = self.memory_position() + self.maskmem_tpos_enc[:, 0][memories.frame_time]  # (B, F, L, D)
        frame_tokens = memories.frames.flatten(1, 2)
        pointer_tokens = memories.pointers.unflatten(2, (split, -1)).flatten(1, 2)  # (B, split * P, D)
        pointer_pos = self._pointer_position(memories.pointer_age).repeat_interleave(split, dim=1)
        return self.memory_attention(
            image.features,
            torch.cat((frame_tokens, pointer_tokens), dim=1),
            torch.cat((frame_pos.flatten(1, 2), pointer_pos), dim=1),
            pointer_tokens.shape[1],
        )

    def _pointer_position(self, age: Tensor) -> Tensor:
        """Temporal encoding of pointers: ages (B, P) in frames to (B, P, memory_dim)."""
        if not self.config.pointer_time:
            return self.memory_position().new_zeros(*age.shape, self.config.memory_dim)
        precise = torch.promote_types(self.dtype, torch.float32)
        encoded = sine_position_1d(age.to(precise) / POINTER_HORIZON, self.config.hidden_dim)
        return self.obj_ptr_tpos_proj(encoded.to(self.dtype))

    def decode(self, features: Tensor, image: ImageFeatures, prompts: PromptTensors) -> DecoderOutput:
        """All four masks for conditioned features (B, C, f, f) and B prompts, before one is chosen."""
        mask_prompt = None if prompts.mask_logits is None else prompts.mask_logits.unsqueeze(1)
        return self._decode(features, image, prompts.points, prompts.labels, mask_prompt)

    def _decode(
        self, features: Tensor, image: ImageFeatures, points: Tensor, labels: Tensor, mask_prompt: Tensor | None
    ) -> DecoderOutput:
        encoder = self.sam_prompt_encoder
        output: DecoderOutput = self.sam_mask_decoder(
            features,
            encoder.image_position(),
            encoder.sparse(points, labels),
            encoder.dense(mask_prompt),
            image.stride8,
            image.stride4,
        )
        return output

    def follow(self, image: ImageFeatures, memories: Memories) -> tuple[Tensor, MaskPrediction]:
        """B objects in the next image: the features as each sees them (B, C, f, f), and the masks."""
        features = self.condition_on_memory(image, memories)
        points = features.new_zeros(features.shape[0], 0, 2, dtype=self.point_dtype)
        return features, self.segment(features, image, PromptTensors(points, points[..., 0].long()))

    def segment(self, features: Tensor, image: ImageFeatures, prompts: PromptTensors) -> MaskPrediction:
        """Masks for conditioned features (B, C, f, f) and B prompts; P = 0 points while only tracking."""
        return self.settle(self.decode(features, image, prompts), prompts.ambiguous)

    def settle(self, output: DecoderOutput, ambiguous: bool) -> MaskPrediction:
        """The masks that stand, out of all that the decoder says."""
        choice = choose_ambiguous(output) if ambiguous else choose_single(output)
        present = output.object_score > 0
        return MaskPrediction(
            masks=choice.masks.where(present[:, None, None], NO_OBJECT_LOGIT),
            object_score=output.object_score,
            pointers=self._pointer(choice.token, present),
            ious=choice.ious,
            candidates=choice.candidates.where(present[:, None, None, None], NO_OBJECT_LOGIT),
            best=choice.best,
            iou=take(choice.ious, choice.best),
            decoded=output,
        )

    def prefer(self, prediction: MaskPrediction, candidate: int) -> MaskPrediction:
        """An ambiguous prediction as if this one of its three candidates had been chosen."""
        output = prediction.decoded
        return replace(
            prediction,
            masks=prediction.candidates[:, candidate],
            pointers=self._pointer(output.mask_tokens[:, 1 + candidate], output.object_score > 0),
            best=torch.full_like(prediction.best, candidate),
            iou=prediction.ious[:, candidate],
        )

    def _pointer(self, token: Tensor, present: Tensor) -> Tensor:
        return torch.where(present[:, None], self.obj_ptr_proj(token), self.no_obj_ptr)

    def mask_as_output(self, image: ImageFeatures, mask: Tensor) -> MaskPrediction:
        """The prediction that a mask prompt (1, S, S) of 0 and 1 stands for: the mask itself, and its pointer."""
        scale, bias = MASK_TO_LOGIT
        # On the CPU torch has no antialiasing in half precision.
        precise = torch.promote_types(mask.dtype, torch.float32)
        low_res = F.interpolate(
            (mask.to(precise) * scale + bias).unsqueeze(1),
            size=(self.config.low_res_size, self.config.low_res_size),
            mode="bilinear",
            align_corners=False,
            antialias=True,
        )
        low_res = low_res.squeeze(1).to(mask.dtype)
        points = mask.new_zeros(mask.shape[0], 0, 2, dtype=self.point_dtype)
        mask_prompt = self.mask_downsample(mask.unsqueeze(1))
        output = self._decode(image.features, image, points, points[..., 0].long(), mask_prompt)
        drawn = (mask > 0).flatten(1).any(dim=1)
        certain = mask.new_ones(mask.shape[0])
        return MaskPrediction(
            masks=low_res,
            object_score=drawn.to(mask.dtype) * scale + bias,
            pointers=self._pointer(output.mask_tokens[:, 0], drawn & (output.object_score > 0)),
            ious=certain[:, None],
            candidates=low_res[:, None],
            best=torch.zeros_like(drawn, dtype=torch.long),
            iou=certain,
            decoded=output,
        )

    def encode_memory(self, image: ImageFeatures, masks: Tensor, object_score: Tensor, prompted: Tensor) -> Tensor:
        """Spatial memories (B, L, memory_dim) of mask logits (B, S/4, S/4) with their object scores (B,).

        ``prompted`` (B,) bool: the mask was made by a prompt.
        """
        masks = resize_logits(masks, self.config.image_size, self.config.image_size)
        scale, bias = MEMORY_SCALE
        # What a person drew or clicked is remembered as certain, what was tracked with its doubt.
        drawn = torch.where(prompted[:, None, None], (masks > 0).to(masks.dtype), masks.sigmoid())
        memory = self.memory_encoder(image.features, drawn.mul_(scale).add_(bias).unsqueeze(1))
        if self.config.no_object_memory:
            absent = (object_score <= 0)[:, None, None, None]
            memory = torch.where(absent, memory + self.no_obj_embed_spatial[:, :, None, None], memory)
        tokens: Tensor = self.spatial_perceiver(memory)
        return tokens
