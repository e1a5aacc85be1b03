"""COCO's pictures that may be trained on, out of small copies of COCO in git repositories: photographs with masks.

The pictures are their photographers', who chose a licence each; the masks are CC-BY-4.0 (cocodataset.org/#termsofuse).
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

FREE = {
    4,
    5,
    7,
    8,
}  # COCO's ids of CC-BY-2.0, CC-BY-SA-2.0, "no known copyright restrictions", work of the US government
CROWD = 255  # of a label image: unclear
MOST_OBJECTS = 60
LEAST_PIXELS = 60  # of an object; a smaller one is unclear
LEAST_SHARE = 0.01  # of the picture: the largest object has it
BORDER, LEAST_SIDE = 3, 40  # pixels: a cut-out is off the border and not smaller
SHIFT = 4  # bits of fractions of pixels
PERSONS = "person_keypoints"  # beginning of the name of a file in which persons alone have outlines
# Looked at: broken or half hidden cut-outs, and pictures with wrong masks.
# fmt: off
NO_CUTOUTS = {
    308, 309, 7574, 30213, 32533, 88432, 128137, 135670, 174632, 180239, 222735, 301421, 315492, 331352, 359833,
    361246, 365208, 374369, 378454, 389812, 403395, 408805, 410735, 423123, 423617, 460841, 467685, 475546, 490171,
    503957, 551780, 564781, 574211, 579003,
}
NO_PICTURES = {
    11149, 67534, 74200, 74733, 94871, 139872, 157046, 174123, 203389, 222735, 250901, 353027, 378284, 396311, 399296,
    410735, 422706, 439593, 460841, 479248,
}
# fmt: on


@dataclass(frozen=True, slots=True, eq=False)
class CocoPicture:
    """A photograph with the masks of its objects."""

    number: int
    photograph: np.ndarray  # (H, W, 3) uint8 BGR
    labels: np.ndarray  # (H, W) uint8, 0 background, else the object, 255 unclear
    cutouts: tuple[np.ndarray, ...]  # (h, w, 4) uint8 BGR and alpha of the objects that are whole


def free_pictures(folders: list[Path], annotations: list[Path]) -> Iterator[CocoPicture]:
    """The pictures somewhere in ``folders``, first come first, that are free and whose objects have outlines."""
    files = defaultdict(list)
    for folder in folders:
        for path in sorted(folder.rglob("*.jpg")):
            files[path.name].append(path)
    for file in annotations:
        content = json.loads(file.read_text(encoding="utf-8"))
        objects = defaultdict(list)
        for item in content["annotations"]:
            objects[item["image_id"]].append(item)
        for number, about in {int(about["id"]): about for about in content["images"]}.items():
            if about.get("license") not in FREE or number in NO_PICTURES:
                continue
            size = (about["height"], about["width"])
            photograph = _of_size(files[about["file_name"]], size)
            if photograph is None:
                continue
            masks = _outlined(objects[about["id"]], size)
            labels = _labels(masks, size)
            counts = np.bincount(labels.ravel(), minlength=CROWD)[1:CROWD]
            if counts.max() >= LEAST_SHARE * labels.size:
                # Where persons alone have outlines nobody knows what touches them.
                parts = number in NO_CUTOUTS or file.name.startswith(PERSONS)
                yield CocoPicture(number, photograph, labels, () if parts else tuple(_cutouts(photograph, masks)))


def _of_size(files: list[Path], size: tuple[int, int]) -> np.ndarray | None:
    """The first of these pictures that is (H, W): some copies were made smaller."""
    for file in files:
        photograph = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if photograph is not None and photograph.shape[:2] == size:
            return np.asarray(photograph)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Outlined:
    mask: np.ndarray  # (H, W) uint8, 0 or 1
    crowd: bool
    pieces: int


def _outlined(objects: list[dict[str, Any]], size: tuple[int, int]) -> list[_Outlined]:
    """Objects that have polygons, and crowds, from the largest to the smallest."""
    found = []
    for item in sorted(objects, key=lambda item: -item["area"]):
        outline, mask = item.get("segmentation") or [], np.zeros(size, np.uint8)
        if isinstance(outline, dict) and isinstance(outline["counts"], list):
            runs = np.repeat(np.arange(len(outline["counts"])) % 2, outline["counts"])
            mask = runs.reshape(size[::-1]).T.astype(np.uint8)
        elif isinstance(outline, list):
            for polygon in (np.array(part, float).reshape(-1, 2) for part in outline if len(part) >= 6):
                cv2.fillPoly(mask, [np.round((polygon - 0.5) * 2**SHIFT).astype(np.int32)], 1, shift=SHIFT)
        if mask.any():
            found.append(_Outlined(mask, bool(item.get("iscrowd")), len(outline)))
    return found


def _labels(objects: list[_Outlined], size: tuple[int, int]) -> np.ndarray:
    labels, number = np.zeros(size, np.uint8), 0
    for item in objects:
        if item.crowd:
            labels[(item.mask > 0) & (labels == 0)] = CROWD
        elif item.mask.sum() < LEAST_PIXELS or number == MOST_OBJECTS:
            labels[item.mask > 0] = CROWD
        else:
            number += 1
            labels[item.mask > 0] = number
    return labels


def _cutouts(photograph: np.ndarray, objects: list[_Outlined]) -> Iterator[np.ndarray]:
    """Of objects in one piece, off the border, that touch no other; the edge is drawn in and softened."""
    height, width = photograph.shape[:2]
    for item in objects:
        x, y, wide, high = cv2.boundingRect(item.mask)
        inside = min(x, y, width - x - wide, height - y - high) >= BORDER
        if item.crowd or item.pieces != 1 or not inside or min(wide, high) < LEAST_SIDE or max(wide, high) < 90:
            continue
        ring = cv2.dilate(item.mask, np.ones((9, 9), np.uint8)) - item.mask
        others = np.max([np.zeros_like(ring), *(other.mask for other in objects if other is not item)], axis=0)
        if (others & ring).sum() > 0.12 * ring.sum():
            continue
        alpha = cv2.GaussianBlur(cv2.erode(item.mask, np.ones((3, 3), np.uint8)) * 255, (0, 0), 0.8)
        yield np.dstack((photograph, alpha))[y : y + high, x : x + wide]
