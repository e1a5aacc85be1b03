"""Prompts: what says where an object is, checked before it reaches the network."""

from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import PromptError

LONGEST_LABEL = 200  # characters
SHARES = "as when they are shares of the image's sides; give pixels: x times its width, y times its height"


def _no_points() -> np.ndarray:
    return np.zeros((0, 2))


def _no_labels() -> np.ndarray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """Clicks and a box, or a mask, for one object on one image.

    Coordinates are pixels of that image, x to the right, y down. Raises PromptError when it cannot mean anything.
    """

    object_id: int = 0  # 0: a new object, the tracker chooses its id
    points: np.ndarray = field(default_factory=_no_points)  # (P, 2) x, y
    point_labels: np.ndarray = field(default_factory=_no_labels)  # (P,) 1 object, 0 background
    box: np.ndarray | None = None  # (4,) x_min, y_min, x_max, y_max
    mask: np.ndarray | None = None  # (H, W) bool
    label: str = ""  # free text; empty leaves the object's label as it is
    replace: bool = False  # forget the object's earlier prompts on this image first

    def __post_init__(self) -> None:
        if not isinstance(self.object_id, (int, np.integer)) or self.object_id < 0:
            raise PromptError(
                f"a prompt has the id {self.object_id!r}; give a whole number above 0, or 0 for a new object"
            )
        object.__setattr__(self, "points", self._numbers("points", self.points, (-1, 2)))
        object.__setattr__(self, "point_labels", self._numbers("point labels", self.point_labels, (-1,)))
        if self.box is not None:
            object.__setattr__(self, "box", self._numbers("box", self.box, (4,)))
        if self.mask is not None:
            object.__setattr__(self, "mask", np.asarray(self.mask) != 0)
        self._check()
        object.__setattr__(self, "point_labels", self.point_labels.astype(np.int64))

    def _numbers(self, what: str, values: object, shape: tuple[int, ...]) -> np.ndarray:
        """The values as a new float64 array of this shape, in which -1 stands for any length. Raises PromptError."""
        try:
            array = np.array(values, dtype=np.float64)
        except (TypeError, ValueError):
            raise self.error(f"its {what} are not numbers; give pixel coordinates and labels 1 or 0") from None
        if not array.size and -1 in shape:
            return np.zeros([max(0, length) for length in shape])
        if array.ndim != len(shape) or any(n not in (-1, m) for n, m in zip(shape, array.shape, strict=True)):
            wanted = str(shape).replace("-1", "N")
            raise self.error(f"its {what} have the shape {array.shape}; give {wanted}")
        return array

    def _check(self) -> None:
        if len(self.label) > LONGEST_LABEL:
            raise self.error(f"its label has {len(self.label)} characters; give up to {LONGEST_LABEL}")
        if len(self.points) != len(self.point_labels):
            raise self.error(
                f"it has {len(self.points)} points but {len(self.point_labels)} labels; give one label for each point"
            )
        if not np.isin(self.point_labels, (0, 1)).all():
            labels = ", ".join(f"{label:g}" for label in self.point_labels)
            raise self.error(f"point labels are {labels}; use 1 for object and 0 for background")
        if not np.isfinite(self.points).all():
            raise self.error("a point is not a finite number; give pixel coordinates")
        if len(self.points) > 1 and are_shares(self.points):
            raise self.error(f"all of its {len(self.points)} points lie within 0..1, {SHARES}")
        if self.box is not None:
            self._check_box(self.box)
        if self.mask is not None:
            if len(self.points) or self.box is not None:
                raise self.error("it has a mask together with points or a box; give one or the other")
            if self.mask.ndim != 2:
                raise self.error(f"its mask has the shape {self.mask.shape}; give one channel, (height, width)")
        elif not len(self.points) and self.box is None:
            raise self.error("it is empty; give points, a box or a mask")

    def _check_box(self, box: np.ndarray) -> None:
        if not np.isfinite(box).all():
            raise self.error("its box is not finite; give pixel coordinates")
        x_min, y_min, x_max, y_max = box
        if x_max <= x_min or y_max <= y_min:
            raise self.error(f"its box {format_box(box)} has no area; give x_min < x_max and y_min < y_max in pixels")
        if are_shares(box):
            raise self.error(f"the sides of its box {format_box(box)} lie within 0..1, {SHARES}")
        if x_max - x_min < 1 or y_max - y_min < 1:
            raise self.error(f"its box {format_box(box)} is smaller than a pixel; give pixels of the image")

    def error(self, what: str) -> PromptError:
        """A PromptError that names this prompt's object."""
        who = f"object {self.object_id}" if self.object_id else "a new object"
        return PromptError(f"prompt for {who}: {what}")

    def check_on_image(self, width: int, height: int, max_points: int) -> "Prompt":
        """This prompt, its box clipped to the image of that size in pixels. Raises PromptError when it misses it."""
        if len(self.points) > max_points:
            raise self.error(f"it has {len(self.points)} points, the limit (max_points) is {max_points}; give fewer")
        outside = (self.points < 0) | (self.points > (width, height))
        if outside.any():
            x, y = self.points[outside.any(axis=1)][0]
            raise self.error(f"point ({x:g}, {y:g}) is outside the {width}x{height} image; give pixels of that image")
        if self.mask is not None and self.mask.shape != (height, width):
            mask_height, mask_width = self.mask.shape
            raise self.error(
                f"its mask is {mask_width}x{mask_height}, the image {width}x{height}; give a mask of the image's size"
            )
        if self.box is None:
            return self
        clipped = np.clip(self.box, 0, (width, height, width, height))
        if clipped[2] <= clipped[0] or clipped[3] <= clipped[1]:
            raise self.error(
                f"its box {format_box(self.box)} is outside the {width}x{height} image; give pixels of that image"
            )
        if clipped[2] - clipped[0] < 1 or clipped[3] - clipped[1] < 1:
            raise self.error(
                f"less than a pixel of its box {format_box(self.box)} is inside the {width}x{height} image; "
                "give pixels of that image"
            )
        return replace(self, box=clipped)

    @property
    def denies(self) -> bool:
        """Whether it says that the object is not in the picture: an empty mask."""
        return self.mask is not None and not self.mask.any()

    def can_start(self) -> bool:
        """Whether an object can begin with this prompt: something of it is said to be in the picture."""
        if self.mask is not None:
            return bool(self.mask.any())
        return self.box is not None or bool((self.point_labels == 1).any())


def are_shares(coordinates: np.ndarray) -> bool:
    """Whether coordinates (...,) look like shares of the image's sides, as many detectors give them."""
    return bool(((coordinates >= 0) & (coordinates <= 1)).all())


def format_box(box: np.ndarray) -> str:
    """A box for a sentence: (x_min, y_min, x_max, y_max)."""
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"


def merge(earlier: Prompt | None, later: Prompt) -> Prompt:
    """Everything said of an object on one image: clicks and a box add up.

    A mask stands for itself, before and after, and ``replace`` drops what came before it.
    """
    if earlier is None or later.replace or later.mask is not None or earlier.mask is not None:
        return later
    return replace(
        later,
        points=np.concatenate((earlier.points, later.points)),
        point_labels=np.concatenate((earlier.point_labels, later.point_labels)),
        box=earlier.box if later.box is None else later.box,
    )
