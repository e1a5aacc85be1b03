"""A tracker at work, and what its next frame has to be."""

from collections.abc import Sequence
from functools import cache
from types import SimpleNamespace as Message
from typing import Any

import numpy as np
import torch

from helpers.fuzzing.messages import NO_MASK, SIDE
from sam2_ros.config import TimeConfig, TrackerConfig
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.stream.pipeline import MAX_WAITING, Pipeline, Processed
from sam2_ros.stream.pixels import to_rgb
from sam2_ros.tracking.state import TrackerState
from sam2_ros.tracking.tracker import Tracker

TOY = get_config("toy", 32)


def good_image(second: int) -> Message:
    """What the camera of the tracker at work shows."""
    pixels = np.random.default_rng(5).integers(0, 90, (SIDE, SIDE, 3), dtype=np.uint8)
    pixels[10:30, 5 + second : 25 + second] = (250, 200, 40)
    head = Message(stamp=Message(sec=second, nanosec=0), frame_id="eye")
    return Message(
        header=head, height=SIDE, width=SIDE, encoding="rgb8", is_bigendian=0, step=3 * SIDE, data=pixels.reshape(-1)
    )


def good_prompt(number: int) -> Message:
    """A box for an object."""
    centre = Message(position=Message(x=15.0 + number, y=20.0), theta=0.0)
    around = Message(center=centre, size_x=20.0, size_y=20.0)
    rest = {"label": "block", "action": 0, "points": [], "point_labels": [], "has_box": True, "mask": NO_MASK}
    return Message(object_id=number, box=around, **rest)


class World:
    """A pipeline that has tracked two objects for a while, and what its next frame has to be."""

    def __init__(self, policy: str = "official") -> None:
        self.pipeline = Pipeline(
            Tracker(random_model(TOY), TrackerConfig(max_objects=6, memory_policy=policy)),
            to_rgb,
            TimeConfig(history_seconds=3.0),
        )
        self.pointed: dict[int, tuple[Any, Any]] = {}  # each Pointing by its id, and its message
        self._followed: list[Any] = []  # messages that were accepted by way of that
        self._pointing = self.pipeline._apply_pointing
        self.pipeline._apply_pointing = self._apply_pointing  # type: ignore[method-assign]
        self._catching_up = self.pipeline._catch_up
        self.pipeline._catch_up = self._catch_up  # type: ignore[method-assign]
        self._caught_up = False
        self.pipeline.add_prompts(Message(header=good_image(0).header, prompts=[good_prompt(1), good_prompt(2)]))
        self.pipeline.process(good_image(1))
        self.state: TrackerState = self.pipeline.state()
        self.bytes = self.pipeline.tracker.memory_bytes
        self.begin()
        self.expected = self.next_frame()
        self.begin()

    def begin(self) -> None:
        """As it was at the beginning, with two images remembered."""
        self.pointed.clear()
        self._followed.clear()
        self.pipeline._waiting.clear()
        self.pipeline._pointing.clear()
        self.pipeline.restore(self.state)
        for second in (2, 3):
            self.pipeline.process(good_image(second))

    def next_frame(self) -> Processed:
        """The tracker's next good image."""
        return self.pipeline.process(good_image(4))

    def check(self) -> list[Any]:
        """Messages that the next frame accepts; when there are none, it is what it ever was."""
        processed = self.next_frame()
        result, expected = processed.result, self.expected.result
        assert len({state.object_id for state in result.objects}) == len(result.objects) <= 6
        assert all(0 < state.object_id < 256 for state in result.objects)
        assert self.pipeline.tracker.memory_bytes == self.bytes
        assert len(self.pipeline._waiting) <= MAX_WAITING
        assert all(outcome.accepted or outcome.reason for answer in processed.answers for outcome in answer.outcomes)
        accepted = [a.message for a in processed.answers if any(outcome.accepted for outcome in a.outcomes)]
        accepted += self._followed
        if not accepted:
            assert np.array_equal(result.label_image, expected.label_image)
            for now, then in zip(result.objects, expected.objects, strict=True):
                assert torch.equal(now.logits, then.logits)
        self.begin()
        return accepted

    def _apply_pointing(self, pointing: Any, latest: Any) -> list[str]:
        self._caught_up = False
        notes = self._pointing(pointing, latest)
        if self._caught_up:
            self._followed.append(self.pointed[id(pointing)][1])
        return notes

    def _catch_up(self, past: Sequence[Any], given: Sequence[Any]) -> Any:
        caught_up = self._catching_up(past, given)
        self._caught_up = any(outcome.accepted for outcome in caught_up.outcomes)
        return caught_up


@cache
def world(policy: str = "official") -> World:
    """One for all inputs of a process."""
    return World(policy)
