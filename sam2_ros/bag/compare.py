"""Results of a bag against the ground truth of another, or of the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BagError
from ..evaluation.score import ClipScore
from ..messages import stamp_ns
from .names import GROUND_TRUTH_TOPIC, MASKS_TOPIC, OBJECTS_TOPIC
from .reader import BagReader


def score_bag(results: Path, truth: Path) -> ClipScore:
    """J, F and visibility of every object of the tracked bag ``results`` by the label images in the bag ``truth``.

    Messages are matched by the stamps of their images. Raises BagError.
    """
    with BagReader(results) as tracked, BagReader(truth) as true:
        masks = {stamp_ns(message.header.stamp): message for message in _messages(tracked, MASKS_TOPIC)}
        objects = {stamp_ns(message.header.stamp): message for message in _messages(tracked, OBJECTS_TOPIC)}
        score = ClipScore()
        for message in _messages(true, GROUND_TRUTH_TOPIC):
            stamp = stamp_ns(message.header.stamp)
            if stamp not in masks or stamp not in objects:
                continue
            states = objects[stamp].objects
            visible = {state.id for state in states if state.visible}
            for state in states:
                score.add(state.id, _labels(message), _labels(masks[stamp]), visible)
    if not score.objects:
        raise BagError(f"{results} and {truth} have no stamps in common; compare a bag with what was tracked in it")
    return score


def _messages(bag: BagReader, name: str) -> Iterator[Any]:
    for topic in bag.topics:
        if topic.name == name:
            for recorded in bag.messages(topic, bag.span()):
                yield bag.decode(recorded)
            return
    raise BagError(f"{bag.path} has no topic {name}; its topics are {', '.join(topic.name for topic in bag.topics)}")


def _labels(message: Any) -> np.ndarray:
    """(H, W) of a label image that this package wrote: mono8 or mono16, no padding."""
    kind = np.uint16 if message.encoding == "mono16" else np.uint8
    labels: np.ndarray = np.frombuffer(message.data, dtype=kind).reshape(message.height, message.width)
    return labels
