"""Positions in a bag of results against true ones, both vision_msgs/Detection3DArray."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..bag.definitions import DETECTION_3D_ARRAY
from ..bag.names import DETECTIONS_3D_TOPIC
from ..bag.reader import BagReader
from ..bag.stamps import nearest
from ..measures.record import PositionError
from ..stream.messages import NS_PER_S, stamp_ns

Positions = Mapping[int, np.ndarray]  # (3,) metres by object id
# Stamps of true positions to that of the image whose result is held against them; None: there is no result yet.
Standing = Callable[[Iterable[int]], Mapping[int, int | None]]


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found out of positions."""

    errors: tuple[PositionError, ...] = ()
    notes: tuple[str, ...] = ()  # what the user should be told


@dataclass(frozen=True, slots=True)
class _Read:
    """All positions of a topic."""

    frame_id: str
    by_stamp: Mapping[int, Positions]


def compare_positions(
    results: Path,
    truth: Path,
    topic: str,
    match: Mapping[int, int] | None,
    tolerance_s: float,
    standing: Standing | None = None,
) -> Compared:
    """Every true position with the one that was found for it; nothing where either bag has none.

    ``topic``: of the truth; ``match``: found id by true id, None: ids are equal; ``standing``: which result counts,
    None: that of the same image. Raises BagError.
    """
    found, true = _read(results, DETECTIONS_3D_TOPIC), _read(truth, topic)
    if found is None or true is None:
        return Compared()
    if found.frame_id != true.frame_id:
        return Compared(
            notes=(
                f"positions are in frame {found.frame_id}, and true ones of {topic} in {true.frame_id}, so they are "
                "not compared; give --target-frame, or another --truth-3d-topic",
            )
        )
    pairs: Mapping[int, int | None]
    if standing is None:
        pairs = nearest(true.by_stamp, sorted(found.by_stamp), round(tolerance_s * NS_PER_S))
    else:
        pairs = standing(true.by_stamp)
    return Compared(
        tuple(
            PositionError(object_id, stamp, float(np.linalg.norm(position)), _off(there, match, object_id, position))
            for stamp, image in sorted(pairs.items())
            for there in (found.by_stamp.get(image, {}) if image is not None else {},)
            for object_id, position in sorted(true.by_stamp[stamp].items())
        )
    )


def _off(found: Positions, match: Mapping[int, int] | None, object_id: int, true: np.ndarray) -> float:
    """Metres between found and true position; NaN when none was found."""
    position = found.get(object_id if match is None else match.get(object_id, 0))
    return math.nan if position is None else float(np.linalg.norm(position - true))


def _read(path: Path, name: str) -> _Read | None:
    """The positions on a topic, which a namespace may precede; None when there are none."""
    with BagReader(path) as bag:
        for topic in bag.topics:
            if topic.name.endswith(name) and topic.type == DETECTION_3D_ARRAY and topic.count:
                messages = [bag.decode(recorded) for recorded in bag.messages(topic, bag.span())]
                by_stamp = {stamp_ns(message.header.stamp): _positions(message) for message in messages}
                return _Read(messages[0].header.frame_id, by_stamp)
    return None


def _positions(message: Any) -> Positions:
    return {int(each.id): _position(each) for each in message.detections if each.id.isdecimal()}


def _position(detection: Any) -> np.ndarray:
    """(3,) of a vision_msgs/Detection3D: the pose of its first result, else the middle of its box."""
    found = detection.results[0].pose.pose.position if detection.results else detection.bbox.center.position
    return np.array((found.x, found.y, found.z))
