"""What a step gives back: one state per object and the label image, all at the input image's resolution."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from ..config import TrackerConfig
from ..model.mask_decoder import resize_logits
from ..model.sam2 import MaskPrediction
from .track import Sighting

HOLE_LOGIT = 0.1  # logit of a pixel that clean-up added to a mask; the negative for one that it removed


@dataclass(frozen=True, slots=True)
class ObjectState:
    """One object in one image of H x W pixels."""

    object_id: int
    label: str
    visible: bool  # object_score > 0
    object_score: float  # logit
    mask_score: float  # predicted IoU, 0..1
    mask: np.ndarray  # (H, W) bool
    logits: Tensor  # (H, W) mask logits, on the tracker's device
    box: tuple[int, int, int, int] | None  # x_min, y_min, x_max, y_max of the mask, inclusive; None: empty mask
    area: int  # pixels of the mask
    centroid: tuple[float, float] | None  # x, y of the mask
    first_seen_ns: int  # stamp of the image of the first prompt
    last_seen_ns: int  # stamp of the last image in which it was visible
    frames_since_seen: int  # steps since then, 0 when visible now
    prediction: MaskPrediction  # what the network said, B = 1
    tracked: MaskPrediction | None  # what tracking alone said, before a prompt on this frame; None for a new object

    @property
    def visibility(self) -> float:
        """Probability of being visible, 0..1: the sigmoid of the score."""
        return float(1 / (1 + np.exp(-np.clip(self.object_score, -80, 80))))


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


@dataclass(frozen=True, slots=True)
class MaskShape:
    """Position and extent of one binary mask, in pixels."""

    box: tuple[int, int, int, int] | None
    area: int
    centroid: tuple[float, float] | None


def describe(
    sightings: Sequence[Sighting], size: tuple[int, int], stamp_ns: int, config: TrackerConfig
) -> tuple[list[ObjectState], np.ndarray]:
    """State of every object and the label image, for an input of ``size`` (width, height)."""
    width, height = size
    dtype = np.uint8 if config.mask_encoding == "mono8" else np.uint16
    if not sightings:
        return [], np.zeros((height, width), dtype=dtype)
    logits = full_resolution(torch.cat([s.prediction.masks for s in sightings]), height, width)
    logits = clean(logits, config.fill_hole_area, config.remove_speck_area)
    masks = logits > 0
    masks_on_host = masks.cpu().numpy()
    scores = torch.stack(
        [torch.cat([s.prediction.object_score.double(), s.prediction.iou.double()]) for s in sightings]
    ).tolist()
    states = []
    for row, (sighting, shape) in enumerate(zip(sightings, shapes(masks), strict=True)):
        object_score, mask_score = scores[row]
        track = sighting.track.seen(object_score > 0, stamp_ns)
        states.append(
            ObjectState(
                object_id=track.object_id,
                label=track.label,
                visible=object_score > 0,
                object_score=object_score,
                mask_score=mask_score,
                mask=masks_on_host[row],
                logits=logits[row],
                box=shape.box,
                area=shape.area,
                centroid=shape.centroid,
                first_seen_ns=track.first_seen_ns,
                last_seen_ns=track.last_seen_ns,
                frames_since_seen=track.frames_since_seen,
                prediction=sighting.prediction,
                tracked=sighting.tracked,
            )
        )
    return states, label_image(logits, [state.object_id for state in states], dtype)


def full_resolution(masks: Tensor, height: int, width: int) -> Tensor:
    """Low-resolution logits (B, S/4, S/4) to (B, height, width), at least in float32."""
    return resize_logits(masks.to(torch.promote_types(masks.dtype, torch.float32)), height, width)


def shapes(masks: Tensor) -> list[MaskShape]:
    """Box, area and centroid of binary masks (B, H, W)."""
    columns = masks.sum(dim=1).cpu().numpy()  # (B, W) mask pixels in each column
    rows = masks.sum(dim=2).cpu().numpy()  # (B, H)
    return [_shape(x, y) for x, y in zip(columns, rows, strict=True)]


def _shape(columns: np.ndarray, rows: np.ndarray) -> MaskShape:
    area = int(columns.sum())
    if not area:
        return MaskShape(None, 0, None)
    xs, ys = np.flatnonzero(columns), np.flatnonzero(rows)
    centroid = float(columns @ np.arange(len(columns)) / area), float(rows @ np.arange(len(rows)) / area)
    return MaskShape((int(xs[0]), int(ys[0]), int(xs[-1]), int(ys[-1])), area, centroid)


def label_image(logits: Tensor, object_ids: Sequence[int], dtype: type[np.generic]) -> np.ndarray:
    """Label image (H, W) of mask logits (B, H, W): the id of the highest positive logit, else 0."""
    if not object_ids:
        return np.zeros(tuple(logits.shape[1:]), dtype=dtype)
    highest, winner = logits.max(dim=0)
    index = torch.where(highest > 0, winner + 1, 0)
    # An index fits a byte, so it travels as one; ids are looked up on the host.
    return np.array([0, *object_ids], dtype=dtype)[index.to(torch.uint8).cpu().numpy()]


def clean(logits: Tensor, fill_hole_area: int, remove_speck_area: int) -> Tensor:
    """Mask logits (B, H, W) with small holes filled and small specks removed; areas in pixels, 0 does nothing."""
    if not (fill_hole_area or remove_speck_area):
        return logits
    cleaned = torch.from_numpy(
        np.stack([_clean_mask(mask, fill_hole_area, remove_speck_area) for mask in (logits > 0).cpu().numpy()])
    ).to(logits.device)
    logits = torch.where(cleaned & (logits <= 0), HOLE_LOGIT, logits)
    return torch.where(~cleaned & (logits > 0), -HOLE_LOGIT, logits)


def _clean_mask(mask: np.ndarray, fill_hole_area: int, remove_speck_area: int) -> np.ndarray:
    filled = mask | _small_components(~mask, fill_hole_area, enclosed=True)
    return filled & ~_small_components(filled, remove_speck_area, enclosed=False)


def _small_components(mask: np.ndarray, max_area: int, enclosed: bool) -> np.ndarray:
    """Pixels of the 8-connected components of ``mask`` (H, W) bool with at most ``max_area`` pixels.

    ``enclosed``: only of those that do not touch the image's border, as a hole does not.
    """
    if not max_area:
        return np.zeros_like(mask)
    _, components, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    small = statistics[:, cv2.CC_STAT_AREA] <= max_area
    small[0] = False  # component 0 is everything outside the mask
    if enclosed:
        border = np.concatenate((components[0], components[-1], components[:, 0], components[:, -1]))
        small[border] = False
    return small[components]
