"""Prompts from a YAML file, for a bag that has none.

The file has one key, ``prompts``, a list of entries that are applied in their order::

    prompts:
      - frame: 0                      # the image, counted from 0 in the replayed part ...
        object: 1                     # id; 0 or left out: a new object gets the next free id
        label: cup
        box: [210, 120, 290, 260]     # x_min, y_min, x_max, y_max
      - time: 2.5                     # ... or the first image at least so many seconds after the first one
        object: 1
        points: [[250, 180], [300, 200]]
        labels: [1, 0]                # one per point: 1 the object, 0 background; left out: all 1
        action: replace               # add (default), replace, remove, reset
      - frame: 90
        label: door
        mask: door.png                # an image of the camera's size, non-zero where the object is
      - frame: 200
        action: remove                # remove needs an object, reset stops all; both take nothing else
        object: 1

Coordinates are pixels of the image, x to the right and y down. A prompt has points, a box, or both; or else a mask,
whose path is relative to the file. ``replace`` forgets what was said before of the object on that image.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from ..errors import PromptError
from ..stream.boxes import box_message
from ..stream.messages import NS_PER_S, Action
from ..tracking.prompt import Prompt
from . import definitions
from .yaml_fields import Fields, is_numbers, read_yaml

KEYS = ("frame", "time", "object", "label", "points", "labels", "box", "mask", "action")
SAYS_WHERE = ("points", "labels", "box", "mask")
ACTIONS = tuple(action.name.lower() for action in Action)
MAX_ID = 2**32 - 1
MAX_FRAME = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PromptEntry:
    """One entry of the file and the image it is for; exactly one of ``frame`` and ``time_ns`` is set."""

    place: str  # file and line
    frame: int | None  # index of the image within the replayed part
    time_ns: int | None  # since the first image
    message: Any  # sam2_ros/Prompt


def read_prompts_file(file: Path) -> tuple[PromptEntry, ...]:
    """The entries of a prompts file in their order. Raises BagError that names file, line and key."""
    root = Fields(file, read_yaml(file), ("prompts",), "the file")
    return tuple(_entry(file, node) for node in root.entries("prompts"))


def _entry(file: Path, node: yaml.Node) -> PromptEntry:
    fields = Fields(file, node, KEYS, "an entry of 'prompts'")
    if ("frame" in fields) == ("time" in fields):
        given = "both 'frame' and 'time'" if "frame" in fields else "neither 'frame' nor 'time'"
        raise fields.error(f"the entry has {given}; give exactly one of them")
    return PromptEntry(
        place=f"{file}:{fields.line}",
        frame=fields.integer("frame", 0, MAX_FRAME) if "frame" in fields else None,
        time_ns=round(fields.seconds("time") * NS_PER_S) if "time" in fields else None,
        message=_message(file, fields),
    )


def _message(file: Path, fields: Fields) -> Any:
    action = Action[fields.choice("action", ACTIONS, "add").upper()]
    object_id = fields.integer("object", 0, MAX_ID)
    if action in (Action.REMOVE, Action.RESET):
        _check_bare(fields, action, object_id)
        return prompt_message(object_id, action, None)
    return prompt_message(object_id, action, _prompt(file, fields, object_id))


def _prompt(file: Path, fields: Fields, object_id: int) -> Prompt:
    try:
        return Prompt(
            object_id=object_id,
            points=_points(fields),
            point_labels=_point_labels(fields),
            box=np.array(fields.numbers("box", 4, "[x_min, y_min, x_max, y_max]")) if "box" in fields else None,
            mask=_mask(file, fields) if "mask" in fields else None,
            label=fields.text("label", ""),
        )
    except PromptError as error:
        raise fields.error(str(error)) from error


def _check_bare(fields: Fields, action: Action, object_id: int) -> None:
    """Raise BagError unless an entry that removes or resets says just that."""
    name = action.name.lower()
    for key in SAYS_WHERE:
        if key in fields:
            raise fields.error(f"key '{key}' has no meaning with action {name}; remove it", fields.line_of(key))
    if action == Action.REMOVE and not object_id:
        raise fields.error("action remove needs the object's id; give key 'object'")


def _points(fields: Fields) -> np.ndarray:
    """(P, 2)."""
    points = fields.list("points")
    if "points" in fields and not (points and all(is_numbers(point, 2) for point in points)):
        raise fields.wrong("points", "a list of points, [[x, y], ...]")
    return np.array(points, dtype=np.float64).reshape(-1, 2)


def _point_labels(fields: Fields) -> np.ndarray:
    """(P,) one for each point; their number is checked with the prompt."""
    if "labels" not in fields:
        return np.ones(len(fields.list("points")), dtype=np.int64)
    labels = fields.list("labels")
    if not all(type(label) is int and label in (0, 1) for label in labels):
        raise fields.wrong("labels", "a list of 1 (object) and 0 (background), one for each point")
    if len(labels) != len(fields.list("points")):
        raise fields.wrong("labels", f"one for each of the {len(fields.list('points'))} points")
    return np.array(labels, dtype=np.int64)


def _mask(file: Path, fields: Fields) -> np.ndarray:
    """(H, W) bool."""
    path = file.parent / fields.text("mask", "")
    # Unchanged: a conversion to 8 bits would lose the small ids of a 16-bit label image.
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if pixels is None:
        what = "is no image that can be read" if path.is_file() else "is not there"
        line = fields.line_of("mask")
        raise fields.error(f"key 'mask': the file {path} {what}; give a PNG of the image's size", line)
    channels = pixels.reshape(*pixels.shape[:2], -1)[..., :3]  # opacity, the fourth, says nothing
    return np.asarray(channels.any(axis=2))


def prompt_message(object_id: int, action: Action, prompt: Prompt | None) -> Any:
    """sam2_ros/Prompt; ``prompt``: what says where the object is, None for an action that needs nothing of that."""
    types = definitions.message_types()
    points = np.zeros((0, 2)) if prompt is None else prompt.points
    labels = np.zeros(0) if prompt is None else prompt.point_labels
    box = None if prompt is None else prompt.box
    mask = None if prompt is None else prompt.mask
    return definitions.message(
        "sam2_ros/msg/Prompt",
        object_id=object_id,
        label="" if prompt is None else prompt.label,
        action=int(action),
        points=[types.Point2D(x=float(x), y=float(y)) for x, y in points],
        point_labels=labels.astype(np.uint8),
        has_box=box is not None,
        box=box_message(types, box),
        mask=_mask_message(mask),
    )


def _mask_message(mask: np.ndarray | None) -> Any:
    if mask is None:
        return definitions.image("", np.zeros((0, 0), dtype=np.uint8), definitions.header(0))
    return definitions.image("mono8", mask.astype(np.uint8) * 255, definitions.header(0))
