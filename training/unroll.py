"""A batch of clips through the network and the memory bank, as the tracker would take them, with gradients."""

import dataclasses

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sam2_ros.config import TrackerConfig
from sam2_ros.model.image_encoder import ImageFeatures
from sam2_ros.model.mask_decoder import resize_logits
from sam2_ros.model.sam2 import FEEDBACK_LIMIT, MaskPrediction, PromptTensors, Sam2
from sam2_ros.tracking.memory import MemoryBank

from .batch import Batch
from .config import LossConfig, StageConfig
from .losses import Losses, frame_losses, mean_losses
from .prompts import clicks_inside, corrections, jittered_boxes, joined

LATER_PROMPTS = 0.5  # probability that a clip has any
CERTAIN = 10.0  # logit of a presence that is told, and of a mask where it leaks
LONGEST_SPELL = 6  # frames that a lapse or a leak lasts at most


class Unroll:
    """The objects of one batch on their way through its frames."""

    def __init__(
        self,
        network: Sam2,
        batch: Batch,
        encoded: ImageFeatures,
        stage: StageConfig,
        weights: LossConfig,
        rng: np.random.Generator,
    ) -> None:
        """``encoded``: the batch's images, T*C of them."""
        self._network = network
        self._batch = batch
        self._images = _by_frame(encoded, batch.images.shape[1])
        self._stage = stage
        self._weights = weights
        self._rng = rng
        self._masks = batch.masks
        self._frames, self._count = self._masks.shape[:2]
        limits = TrackerConfig(max_objects=self._count, max_cond_frames=1 + stage.corrections)
        self._bank = MemoryBank(network.config, limits, network.device, network.dtype)
        self._told = rng.random() < stage.presence_told
        device = batch.ids.device
        self._lapsed = torch.from_numpy(draw_spells(self._frames, self._count, stage.lapses, rng)).to(device)
        self._leaks = draw_leaks(batch, stage.leaks, rng).to(device) if stage.leaks else None
        self._losses: list[Losses] = []

    def run(self) -> Losses:
        """Mean losses over the frames."""
        corrected = self._draw_corrected()
        slots = list(range(self._count))
        for frame, number in enumerate(self._batch.numbers):
            image = _rows(self._images[frame], self._batch.clip)
            truth = self._masks[frame]
            prompted = frame == 0 or frame in corrected
            prediction = self._start(image, truth) if frame == 0 else self._follow(image, truth, frame, prompted)
            if frame + 1 < self._frames:
                marks = torch.full((self._count,), prompted, device=truth.device)
                masks = prediction.masks
                if self._leaks is not None and not prompted:
                    masks = self._leaked(masks, self._leaks[frame], frame)
                memory = self._network.encode_memory(image, masks, prediction.object_score, marks)
                self._bank.write(slots, number, memory, prediction.pointers, [prompted] * self._count)
        return mean_losses(self._losses)

    def _leaked(self, masks: Tensor, leaks: Tensor, frame: int) -> Tensor:
        """Masks (N, h, w) as they are remembered: with what ``leaks`` (N,) into them in this frame."""
        labels = self._batch.labels[frame, self._batch.clip]
        others = (labels == leaks[:, None, None]) & (labels > 0)
        stride = others.shape[-1] // masks.shape[-1]
        return masks.masked_fill(F.avg_pool2d(others.to(masks.dtype), stride) >= 0.5, CERTAIN)

    def _draw_corrected(self) -> set[int]:
        """Frames of a clip that get another prompt."""
        if self._frames == 1 or self._rng.random() >= LATER_PROMPTS:
            return set()
        later = self._rng.permutation(np.arange(1, self._frames))
        return {int(frame) for frame in later[: self._stage.corrections]}

    def _start(self, image: ImageFeatures, truth: Tensor) -> MaskPrediction:
        """The first frame: one prompt, and on a still image clicks that correct it."""
        names, chances = zip(*self._stage.kinds, strict=True)
        kind = self._rng.choice(names, p=np.array(chances) / sum(chances))
        if kind == "mask":
            return self._network.mask_as_output(image, truth.to(self._network.dtype))
        features = self._network.condition_on_nothing(image)
        prompts = jittered_boxes(truth, self._rng) if kind == "box" else clicks_inside(truth, self._rng)
        prediction = self._answer(features, image, prompts, truth)
        clicks = int(self._rng.integers(self._stage.corrections + 1)) if self._frames == 1 else 0
        for _ in range(clicks):
            prompts, prediction = self._correct(features, image, prompts, prediction, truth)
        return prediction

    def _follow(self, image: ImageFeatures, truth: Tensor, frame: int, prompted: bool) -> MaskPrediction:
        number = self._batch.numbers[frame]
        (recalled,) = self._bank.recall(list(range(self._count)), number)  # all were prompted on the same frames
        features = self._network.condition_on_memory(image, recalled.memories)
        nothing = PromptTensors(
            truth.new_zeros(self._count, 0, 2, dtype=torch.float32), truth.new_zeros(self._count, 0, dtype=torch.long)
        )
        prediction = self._answer(features, image, nothing, truth, self._lapsed[frame])
        if prompted:
            _, prediction = self._correct(features, image, nothing, prediction, truth)
        return prediction

    def _correct(
        self,
        features: Tensor,
        image: ImageFeatures,
        prompts: PromptTensors,
        prediction: MaskPrediction,
        truth: Tensor,
    ) -> tuple[PromptTensors, MaskPrediction]:
        """One click into the wrong part of each prediction, and the answer to all prompts so far."""
        before = prediction.masks.detach()
        side = truth.shape[-1]
        click = corrections(resize_logits(before, side, side) > 0, truth, self._rng)
        prompts = joined(prompts, click, before.clamp(-FEEDBACK_LIMIT, FEEDBACK_LIMIT))
        return prompts, self._answer(features, image, prompts, truth)

    def _answer(
        self,
        features: Tensor,
        image: ImageFeatures,
        prompts: PromptTensors,
        truth: Tensor,
        lapsed: Tensor | None = None,
    ) -> MaskPrediction:
        output = self._network.decode(features, image, prompts)
        weights = self._weights if prompts.points.shape[1] else self._weights.while_following()
        self._losses.append(frame_losses(output, prompts.ambiguous, truth, weights))
        if self._told:
            seen = truth.flatten(1).any(dim=1)
            output = dataclasses.replace(output, object_score=torch.where(seen, CERTAIN, -CERTAIN))
        if lapsed is not None:
            output = dataclasses.replace(output, object_score=output.object_score.masked_fill(lapsed, -CERTAIN))
        return self._network.settle(output, prompts.ambiguous)


def draw_spells(frames: int, count: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """(frames, count) bool: where an object is remembered wrongly, up to `LONGEST_SPELL` frames on end.

    A ``share`` of the objects has such a spell, never on the first frame nor, if there are more than two, on the last.
    """
    last = max(frames - 1, 2)
    begin = rng.integers(1, last, count)
    end = np.minimum(begin + rng.integers(1, LONGEST_SPELL + 1, count), last)
    end[rng.random(count) >= share] = 0
    times = np.arange(frames)[:, None]
    return np.asarray((times >= begin) & (times < end))


def draw_leaks(batch: Batch, share: float, rng: np.random.Generator) -> Tensor:
    """(T, N) uint8: the id of what is remembered together with each object, 0 for nothing, in spells as `draw_spells`.

    It is one thing for an object, of those that its clip shows and labels; where there is none, nothing leaks.
    """
    shown = [np.flatnonzero(np.bincount(labels.flatten())) for labels in batch.labels.cpu().transpose(0, 1)]
    neighbours = np.zeros(len(batch.ids), np.uint8)
    for index, (clip, object_id) in enumerate(zip(batch.clip.tolist(), batch.ids.tolist(), strict=True)):
        others = shown[clip][(shown[clip] > 0) & (shown[clip] != object_id)]
        if len(others):
            neighbours[index] = rng.choice(others)
    return torch.from_numpy(draw_spells(len(batch.labels), len(neighbours), share, rng) * neighbours)


def _by_frame(images: ImageFeatures, clips: int) -> list[ImageFeatures]:
    """Split once: were each frame taken out of the whole, its gradient would be as large as the whole."""
    parts = (maps.split(clips) for maps in (images.features, images.stride8, images.stride4))
    return [ImageFeatures(*maps) for maps in zip(*parts, strict=True)]


def _rows(image: ImageFeatures, index: Tensor) -> ImageFeatures:
    return ImageFeatures(image.features[index], image.stride8[index], image.stride4[index])
