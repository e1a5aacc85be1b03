"""A fault, then good images again: what is tracked goes on, and after what was refused it is as if nothing had been."""

from collections.abc import Callable
from types import SimpleNamespace as Message
from typing import Any

import numpy as np
import pytest
import torch

from recorded import frames
from sam2_ros.config import TimeConfig
from sam2_ros.errors import Sam2RosError
from sam2_ros.model.checkpoint import random_model
from sam2_ros.model.config import get_config
from sam2_ros.stream.messages import NS_PER_S
from sam2_ros.stream.pipeline import Pipeline, Processed
from sam2_ros.stream.pixels import to_rgb
from sam2_ros.tracking.tracker import Tracker

PICTURES = frames(8)
HEIGHT, WIDTH = PICTURES[0].shape[:2]


def image(number: int, stamp_ns: int | None = None, **fields: Any) -> Message:
    sec, nanosec = divmod(number * NS_PER_S // 10 + NS_PER_S if stamp_ns is None else stamp_ns, NS_PER_S)
    header = Message(stamp=Message(sec=sec, nanosec=nanosec), frame_id="eye")
    size = {"height": HEIGHT, "width": WIDTH, "step": 3 * WIDTH, "encoding": "rgb8", "is_bigendian": 0}
    return Message(**{"header": header, "data": PICTURES[number].tobytes(), **size, **fields})


def at_work() -> Pipeline:
    """A pipeline that tracks an object."""
    pipeline = Pipeline(Tracker(random_model(get_config("toy", 32))), to_rgb, TimeConfig())
    box = Message(center=Message(position=Message(x=25.0, y=25.0), theta=0.0), size_x=30.0, size_y=30.0)
    rest = {"label": "", "points": [], "point_labels": [], "has_box": True, "box": box, "mask": Message(data=b"")}
    header = Message(stamp=Message(sec=0, nanosec=0))
    pipeline.add_prompts(Message(header=header, prompts=[Message(object_id=1, action=0, **rest)]))
    for number in range(3):
        pipeline.process(image(number))
    return pipeline


def same(one: Processed, other: Processed) -> bool:
    return all(torch.equal(a.logits, b.logits) for a, b in zip(one.result.objects, other.result.objects, strict=True))


REFUSED: dict[str, dict[str, Any]] = {
    "depth instead of colour": {"encoding": "16UC1"},
    "an encoding that is none": {"encoding": "purple"},
    "data cut short": {"data": b"\0" * 100},
    "no data": {"data": b""},
    "a step too short": {"step": 1},
    "no pixels": {"height": 0, "width": 0},
    "more pixels than there are": {"height": 2**32 - 1, "width": 2**32 - 1},
    "a hundred megapixels": {"height": 10_000, "width": 10_000, "step": 30_000},
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
def test_after_images_that_are_refused_the_next_one_is_tracked_as_if_they_had_not_been(fields: dict[str, Any]) -> None:
    faulty, alone = at_work(), at_work()
    for _ in range(3):
        with pytest.raises(Sam2RosError):
            faulty.process(image(3, **fields))
    assert same(faulty.process(image(4)), alone.process(image(4)))


def _larger(number: int) -> Message:
    pixels = PICTURES[number].repeat(2, axis=0).repeat(3, axis=1)
    return image(number, height=2 * HEIGHT, width=3 * WIDTH, step=9 * WIDTH, data=pixels.tobytes())


def _grey(number: int) -> Message:
    return image(number, encoding="mono8", step=WIDTH, data=PICTURES[number][..., 1].tobytes())


CHANGES: dict[str, Callable[[int], Message]] = {
    "another size": _larger,
    "another encoding": _grey,
    "another name": lambda number: Message(
        **vars(image(number)) | {"header": Message(stamp=Message(sec=9, nanosec=0), frame_id="left_eye")}
    ),
    "another clock, an hour ahead": lambda number: image(number, stamp_ns=3600 * NS_PER_S + number),
    "another clock, back to the beginning": lambda number: image(number, stamp_ns=number),
    "no clock": lambda number: image(number, stamp_ns=0),
    "a clock that stands": lambda number: image(number, stamp_ns=NS_PER_S),
    "out of order": lambda number: image(number, stamp_ns=3 * NS_PER_S - number * NS_PER_S // 10),
    "the far end of time": lambda number: image(number, stamp_ns=(2**31 - 1) * NS_PER_S),
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_a_camera_that_comes_back_otherwise_and_then_as_before_loses_no_object(
    changed: Callable[[int], Message],
) -> None:
    pipeline = at_work()
    for number in (3, 4):
        (state,) = pipeline.process(changed(number)).result.objects
        assert state.object_id == 1
    (state,) = pipeline.process(image(5)).result.objects
    assert state.object_id == 1
    assert state.mask.shape == (HEIGHT, WIDTH)


PARTS = ("encode", "follow", "memorise")
ERRORS = (MemoryError(), RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("error", ERRORS, ids=["python", "torch"])
def test_memory_that_runs_out_anywhere_in_an_image_costs_that_image_alone(
    part: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    short, alone = at_work(), at_work()

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(short.tracker._vision, part, fail)
    with pytest.raises(type(error)):
        short.process(image(3))
    monkeypatch.undo()
    assert same(short.process(image(4)), alone.process(image(4)))
    assert np.array_equal(short.process(image(5)).result.label_image, alone.process(image(5)).result.label_image)
