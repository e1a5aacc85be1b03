"""From what the network says to what a step gives back, at the resolution of the input image.

The low-resolution logits and the scores of all objects leave the device in one copy; they are smaller than what is made
of them. Everything else happens on the host, and for each object only where its mask can be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..config import TrackerConfig
from .clean import clean, largest_part
from .presence import presence_of, stability_of
from .region import Region, positive_region, upsample
from .result import ObjectState
from .track import Sighting
from .words import Said, Words

HOLE_LOGIT = 0.1  # logit of a pixel that clean-up added to a mask; the negative for one that it removed


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A mask in the region that it can reach."""

    region: Region
    mask: np.ndarray  # (region height, region width) bool
    logits: np.ndarray  # of the same shape; positive exactly where the mask is


@dataclass(frozen=True, slots=True)
class MaskShape:
    """Position and extent of one binary mask, in pixels."""

    box: tuple[int, int, int, int] | None
    area: int
    centroid: tuple[float, float] | None


NOTHING = MaskShape(None, 0, None)


def describe(
    sightings: Sequence[Sighting],
    size: tuple[int, int],
    stamp_ns: int,
    config: TrackerConfig,
    said: Sequence[Said] | None = None,
) -> tuple[list[ObjectState], np.ndarray]:
    """State of every object and the label image, for an input of ``size`` (width, height).

    ``said``: what was fetched from the device; fetched now when None.
    """
    width, height = size
    labels = np.zeros((height, width), dtype=np.uint8 if config.mask_encoding == "mono8" else np.uint16)
    if not sightings:
        return [], labels
    said = said or Words(sightings).wait()
    highest = np.zeros((height, width), dtype=said[0].low_res.dtype)  # logit of the object that a pixel belongs to
    states = []
    for sighting, spoken in zip(sightings, said, strict=True):
        patch = _patch(spoken.low_res, height, width, config)
        mask = np.zeros((height, width), dtype=bool)
        if patch is not None:
            mask[patch.region.slices] = patch.mask
            _paint(labels, highest, patch, sighting.track.object_id)
        states.append(_state(sighting, spoken, mask, _shape(patch, config), stamp_ns, config))
    return states, labels


def _patch(low_res: np.ndarray, height: int, width: int, config: TrackerConfig) -> Patch | None:
    """The mask, cleaned; None when it is empty before that."""
    region = positive_region(low_res, height, width)
    if region is None:
        return None
    logits = upsample(low_res, region, height, width)
    mask = logits > 0
    if config.fill_hole_area or config.remove_speck_area:
        cleaned = clean(mask, config.fill_hole_area, config.remove_speck_area)
        logits[cleaned & ~mask] = HOLE_LOGIT
        logits[mask & ~cleaned] = -HOLE_LOGIT
        mask = cleaned
    return Patch(region, mask, logits)


def _paint(labels: np.ndarray, highest: np.ndarray, patch: Patch, object_id: int) -> None:
    """Give an object the pixels where its logit is the highest so far; of equals the first keeps it."""
    area = patch.region.slices
    wins = patch.logits > highest[area]
    np.copyto(highest[area], patch.logits, where=wins)
    np.copyto(labels[area], object_id, where=wins, casting="unsafe")


def _shape(patch: Patch | None, config: TrackerConfig) -> MaskShape:
    """What is reported of a mask: its own extent, or with the area of all of it that of its largest part."""
    if patch is None:
        return NOTHING
    shape = shape_of(patch)
    if not shape.area or config.box_of == "mask":
        return shape
    return replace(shape_of(replace(patch, mask=largest_part(patch.mask))), area=shape.area)


def shape_of(patch: Patch) -> MaskShape:
    """Box, area and centroid of a mask, in pixels of the whole image."""
    pixels = patch.mask.view(np.uint8)
    columns = cv2.reduce(pixels, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0]  # (w,) mask pixels in each column
    rows = cv2.reduce(pixels, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0]  # (h,)
    area = int(columns.sum())
    if not area:
        return NOTHING
    x, y = patch.region.x_min, patch.region.y_min
    xs, ys = np.flatnonzero(columns) + x, np.flatnonzero(rows) + y
    return MaskShape(
        box=(int(xs[0]), int(ys[0]), int(xs[-1]), int(ys[-1])),
        area=area,
        centroid=(
            float(columns @ np.arange(x, x + len(columns)) / area),
            float(rows @ np.arange(y, y + len(rows)) / area),
        ),
    )


def _state(
    sighting: Sighting, said: Said, mask: np.ndarray, shape: MaskShape, stamp_ns: int, config: TrackerConfig
) -> ObjectState:
    visible = said.object_score > 0
    in_view = visible and shape.area > 0
    track = sighting.track.seen(in_view, stamp_ns)
    absent_ns = stamp_ns - track.last_seen_ns
    return ObjectState(
        object_id=track.object_id,
        label=track.label,
        visible=visible,
        object_score=said.object_score,
        mask_score=said.mask_score,
        mask=mask,
        box=shape.box,
        area=shape.area,
        centroid=shape.centroid,
        first_seen_ns=track.first_seen_ns,
        last_seen_ns=track.last_seen_ns,
        frames_since_seen=track.frames_since_seen,
        prediction=sighting.prediction,
        tracked=sighting.tracked,
        state=presence_of(in_view, said.mask_score, stability_of(said.low_res), absent_ns, config),
    )
