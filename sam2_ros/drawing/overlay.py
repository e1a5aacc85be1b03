"""The picture for people: what is tracked where, painted on the frame."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ..tracking.presence import Presence
from ..tracking.result import FrameResult, ObjectState

# After Okabe and Ito, whose colours the colour-blind tell apart too; in an order so that neighbouring ids differ most.
HUES = ((0, 158, 222), (240, 150, 0), (0, 175, 120), (225, 130, 185), (250, 235, 75), (213, 60, 20), (50, 95, 215))
DARK = (32, 32, 32)
LIGHT = (255, 255, 255)
OPACITY = 0.45  # of a mask's colour
MAX_LABEL = 24  # characters; longer labels are cut
FONT = cv2.FONT_HERSHEY_SIMPLEX

Colour = tuple[int, int, int]


def _shades() -> tuple[Colour, ...]:
    """The hues, then the hues half way to white, then half way to black."""
    hues = np.array(HUES, dtype=np.float64)
    shades = np.concatenate((hues, (hues + 255) / 2, hues / 2)).astype(int).tolist()
    return tuple((red, green, blue) for red, green, blue in shades)


PALETTE = _shades()


@dataclass(frozen=True, slots=True)
class Pen:
    """Sizes that follow the picture's."""

    scale: float  # of the font
    line: int  # pixels, width of contours
    margin: int  # pixels around a text
    ascent: int  # pixels of the highest letter above the base line
    descent: int  # pixels of the lowest below it

    @property
    def height(self) -> int:
        """Pixels of a text with its margins."""
        return self.ascent + self.descent + 2 * self.margin

    def width(self, text: str) -> int:
        """Pixels of this text with its margins."""
        return int(cv2.getTextSize(text, FONT, self.scale, 1)[0][0]) + 2 * self.margin


@dataclass(frozen=True, slots=True)
class Tag:
    """A name on its object's colour and, on a dark ground, what is said of it."""

    name: str
    remark: str
    colour: Colour


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the picture, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def meets(self, other: "Spot") -> bool:
        """Whether the two share a pixel."""
        apart_x = self.x + self.width <= other.x or other.x + other.width <= self.x
        return not (apart_x or self.y + self.height <= other.y or other.y + other.height <= self.y)


def colour_of(object_id: int) -> Colour:
    """Colour of an object, red, green, blue: always the same for the same id, different for 21 ids in a row."""
    return PALETTE[(object_id - 1) % len(PALETTE)]


def draw(frame: np.ndarray, result: FrameResult) -> np.ndarray:
    """Paint the objects on a copy of ``frame``, both (H, W, 3) uint8 RGB.

    Visible objects: mask, contour, id, label and scores; the others are listed in the lower left corner.
    """
    picture: np.ndarray = frame.copy(order="C")
    pen = pen_for(*picture.shape[:2])
    shown = [state for state in result.objects if _is_shown(state)]
    for state in shown:
        _paint_mask(picture, state, pen.line)
    taken = _list_hidden(picture, [state for state in result.objects if not _is_shown(state)], pen)
    for state in shown:
        tag = Tag(_name(state), _remark(state), colour_of(state.object_id))
        spot = _find_spot(picture, state, _width(tag, pen), pen.height, taken)
        _paint_tag(picture, tag, spot, pen)
        taken.append(spot)
    return picture


def pen_for(height: int, width: int) -> Pen:
    """Sizes for a picture of this many pixels."""
    side = min(height, width)
    scale = max(0.35, side / 1300)
    (_, ascent), descent = cv2.getTextSize("Ag", FONT, scale, 1)
    return Pen(scale, max(1, round(side / 400)), max(2, round(side / 180)), ascent, descent)


def _is_shown(state: ObjectState) -> bool:
    return state.visible and state.box is not None


def _paint_mask(picture: np.ndarray, state: ObjectState, line: int) -> None:
    assert state.box is not None
    x_min, y_min, x_max, y_max = state.box
    region = picture[y_min : y_max + 1, x_min : x_max + 1]  # a view: only the object's box is worked on
    mask = np.ascontiguousarray(state.mask[y_min : y_max + 1, x_min : x_max + 1]).view(np.uint8)
    colour = colour_of(state.object_id)
    faded = cv2.convertScaleAbs(region, alpha=1 - OPACITY)
    tint = np.array((*colour, 0), dtype=np.float64) * OPACITY  # four values: OpenCV's way to write one colour
    cv2.copyTo(cv2.add(faded, tint), mask, region)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE, offset=(x_min, y_min))
    # Smooth lines cost by their number of corners: leave out those that nobody sees.
    outlines = [cv2.approxPolyDP(contour, 0.75, closed=True) for contour in contours]
    cv2.polylines(picture, outlines, True, colour, line, cv2.LINE_AA)


def _name(state: ObjectState) -> str:
    label = " ".join(state.label.split())
    if len(label) > MAX_LABEL:
        label = label[: MAX_LABEL - 2] + ".."
    return f"{state.object_id} {label}".strip()


def _remark(state: ObjectState) -> str:
    scores = f"vis {state.visibility:.2f}  iou {state.mask_score:.2f}"
    return f"{scores}  unsure" if state.state is Presence.UNSURE else scores


def _hidden_remark(state: ObjectState) -> str:
    if state.state is Presence.LOST:
        return "lost"
    return "no mask" if state.visible else "not visible"


def _width(tag: Tag, pen: Pen) -> int:
    return pen.width(tag.name) + pen.width(tag.remark)


def _find_spot(picture: np.ndarray, state: ObjectState, width: int, height: int, taken: Sequence[Spot]) -> Spot:
    """Above the object, else just below its upper edge, else beneath it: the first that is free, inside the picture."""
    assert state.box is not None
    x_min, y_min, _, y_max = state.box
    lowest, rightmost = max(0, picture.shape[0] - height), max(0, picture.shape[1] - width)
    x = min(x_min, rightmost)
    spots = [Spot(x, min(max(y, 0), lowest), width, height) for y in (y_min - height, y_min, y_max + 1)]
    return next((spot for spot in spots if not any(spot.meets(other) for other in taken)), spots[0])


def _paint_tag(picture: np.ndarray, tag: Tag, spot: Spot, pen: Pen) -> None:
    split = spot.x + pen.width(tag.name)
    right, bottom = spot.x + spot.width - 1, spot.y + spot.height - 1
    cv2.rectangle(picture, (spot.x, spot.y), (split - 1, bottom), tag.colour, cv2.FILLED)
    cv2.rectangle(picture, (split, spot.y), (right, bottom), DARK, cv2.FILLED)
    base = spot.y + pen.margin + pen.ascent
    _write(picture, tag.name, (spot.x + pen.margin, base), _ink_on(tag.colour), pen)
    _write(picture, tag.remark, (split + pen.margin, base), LIGHT, pen)


def _write(picture: np.ndarray, text: str, origin: tuple[int, int], ink: Colour, pen: Pen) -> None:
    cv2.putText(picture, text, origin, FONT, pen.scale, ink, 1, cv2.LINE_AA)


def _ink_on(colour: Colour) -> Colour:
    red, green, blue = colour
    return DARK if 0.299 * red + 0.587 * green + 0.114 * blue > 110 else LIGHT


def _list_hidden(picture: np.ndarray, hidden: Sequence[ObjectState], pen: Pen) -> list[Spot]:
    """Name the hidden objects in the lower left corner, in up to half of the picture's height; the spots they take."""
    room = max(1, picture.shape[0] // 2 // pen.height)
    tags = [Tag(_name(state), _hidden_remark(state), colour_of(state.object_id)) for state in hidden]
    if len(tags) > room:
        tags = [*tags[: room - 1], Tag(f"+{len(tags) - room + 1}", "more", DARK)]
    spots = []
    for row, tag in enumerate(reversed(tags), start=1):
        spot = Spot(0, picture.shape[0] - row * pen.height, _width(tag, pen), pen.height)
        _paint_tag(picture, tag, spot, pen)
        spots.append(spot)
    return spots
