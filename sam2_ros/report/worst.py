"""Which frames went worst, and their pictures: what was found, what is true, and the difference."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..measures.record import Evaluation, FramePictures, Row

WORST = 12  # frames in a report
PER_CLIP = 3  # of one clip, where there are several
APART_NS = 1_000_000_000  # between two worst frames of one object
WIDTH = 480  # pixels of a picture in the page
QUALITY = 82  # of its JPEG

# Of objects, as in the page's light style sheet; of the difference, apart for the colour-blind too.
HUES = ((0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (213, 94, 0), (86, 180, 233))
STRANGER = (150, 150, 150)  # an id of the prediction that is nobody's in truth
RIGHT, TOO_MUCH, MISSED = (0, 158, 115), (230, 159, 0), (204, 70, 150)
OPACITY = 0.5

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """One object on one frame of one clip."""

    evaluation: Evaluation
    row: Row


@dataclass(frozen=True, slots=True)
class Views:
    """The pictures of a place, as data URIs."""

    found: str
    truth: str
    difference: str


def worst_places(evaluations: Sequence[Evaluation]) -> list[Place]:
    """The frames of lowest J that count, worst first, one a second of an object: a bad second is one fault, not 30."""
    most = PER_CLIP if len(evaluations) > 1 else WORST
    places = [Place(each, row) for each in evaluations for row in _worst_rows(each, most)]
    return sorted(places, key=lambda place: place.row.region)[:WORST]


def paint(place: Place, pictures: FramePictures) -> Views:
    """The three pictures of a place."""
    row, names = place.row, _names(place.evaluation, place.row.frame)
    box = _box((pictures.truth == row.object_id) | _is_found(pictures, row))
    truth = _painted(pictures.image, pictures.truth, {each.object_id: each.object_id for each in names})
    found = _painted(pictures.image, pictures.found, {each.found_id: each.object_id for each in names if each.found_id})
    return Views(*(_data_uri(view, box) for view in (found, truth, _difference(pictures, row))))


def _worst_rows(evaluation: Evaluation, most: int) -> list[Row]:
    chosen: list[Row] = []
    for row in sorted(evaluation.rows, key=lambda row: (row.region, row.frame)):
        if len(chosen) == most:
            break
        if row.counted and row.region < 1 and not any(_is_near(row, other) for other in chosen):
            chosen.append(row)
    return chosen


def _is_near(row: Row, other: Row) -> bool:
    apart_ns = abs(row.stamp_ns - other.stamp_ns)
    return apart_ns == 0 or (row.object_id == other.object_id and apart_ns < APART_NS)


def _names(evaluation: Evaluation, frame: int) -> list[Row]:
    return [row for row in evaluation.rows if row.frame == frame]


def _is_found(pictures: FramePictures, row: Row) -> np.ndarray:
    """(H, W): where the prediction has the object of a row."""
    return (pictures.found == row.found_id) & (row.found_id > 0)


def _painted(image: np.ndarray, labels: np.ndarray, names: dict[int, int]) -> np.ndarray:
    """Masks in the colours of their objects on a copy of the image; ``names``: from labels to ids in truth."""
    picture = image.copy()
    for label in np.unique(labels[labels > 0]).tolist():
        colour = HUES[(names[label] - 1) % len(HUES)] if label in names else STRANGER
        _tint(picture, labels == label, colour)
    return picture


def _difference(pictures: FramePictures, row: Row) -> np.ndarray:
    """The object of a row on the image in grey: what is right, what is too much, what was missed."""
    truth, found = pictures.truth == row.object_id, _is_found(pictures, row)
    grey = cv2.cvtColor(pictures.image, cv2.COLOR_RGB2GRAY)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    for mask, colour in ((truth & found, RIGHT), (found & ~truth, TOO_MUCH), (truth & ~found, MISSED)):
        _tint(picture, mask, colour)
    return picture


def _tint(picture: np.ndarray, mask: np.ndarray, colour: Colour) -> None:
    """Paint a mask and its outline on a picture."""
    picture[mask] = (picture[mask] * (1 - OPACITY) + np.array(colour) * OPACITY).astype(np.uint8)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, colour, max(1, round(picture.shape[1] / WIDTH)), cv2.LINE_AA)


def _box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """x, y, width, height around a mask (H, W); None for an empty one."""
    if not mask.any():
        return None
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return x, y, width, height


def _data_uri(picture: np.ndarray, box: tuple[int, int, int, int] | None) -> str:
    """A JPEG of the picture (H, W, 3) RGB in the page's size, with a frame around the object."""
    scale = WIDTH / picture.shape[1]
    size = WIDTH, max(1, round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    if box is not None:
        _frame(small, [round(value * scale) for value in box])
    _, data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def _frame(picture: np.ndarray, box: Sequence[int]) -> None:
    x, y, width, height = box
    corners = (x - 4, y - 4), (x + width + 3, y + height + 3)
    cv2.rectangle(picture, *corners, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.rectangle(picture, *corners, (255, 255, 255), 1, cv2.LINE_AA)
